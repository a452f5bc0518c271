//! Other people's programs read the sample feed and find in it what is in it.
//!
//! Needs xsltproc, newsboat, gPodder, Chromium and Firefox from the system, feedparser,
//! Pillow and ffmpeg in a Python environment, playwright-core, puppeteer-core and
//! axe-core for Node.js: `cargo xtask test` installs them and says where in
//! `OURSPACE_PEERS`.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

use std::{fs, path::Path, process::Command};

use ourspace_protocol::{
    feed::{
        markdown::content_html,
        model::Item,
        page::{Entry, Head},
        rss,
    },
    time::rfc822,
};
use ourspace_testkit::{
    sample::{self, MediaSet, Sample},
    web_host::WebHost,
};
use serde_json::{Value, json};
use tempfile::TempDir;

mod support;

use support::{ask, media, node, peers, python, run};

struct Site {
    folder: TempDir,
    sample: Sample,
    media: MediaSet,
}

impl Site {
    fn new() -> Self {
        let files = TempDir::new().unwrap();
        let media = media(files.path());
        let (folder, sample) = (TempDir::new().unwrap(), sample::sample(&media));
        sample::write_tree(&sample, &media, folder.path()).unwrap();
        Self {
            folder,
            sample,
            media,
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn guid(&self, item: &Item) -> String {
        format!("ourspace:{}/{}", self.sample.account, item.id)
    }

    /// Writes the copy of the feed that has absolute addresses.
    fn write_absolute(&self, base: &str) {
        let items = &self.sample.items;
        let entries: Vec<Entry<'_>> = items
            .iter()
            .map(|item| Entry {
                item,
                html: content_html(item),
            })
            .collect();
        let head = Head {
            account: self.sample.account,
            profile: &self.sample.profile,
            previous: None,
            entries: &entries,
        };
        fs::write(self.path().join("absolute.xml"), rss::absolute(&head, base)).unwrap();
    }
}

#[test]
fn feedparser_reads_what_was_written() {
    let site = Site::new();
    let feed = ask(python()
        .arg("-c")
        .arg(include_str!("peers/feedparser_items.py"))
        .arg(site.path().join("feed.xml")));
    assert_eq!(feed["bozo"], "", "feedparser found a fault");
    assert_eq!(feed["title"], "Ada Lindqvist");
    assert_eq!(feed["language"], "en");
    let links = feed["links"].as_array().unwrap();
    for rel in ["self", "alternate", "payment", "me", "prev-archive"] {
        assert!(
            links.iter().any(|link| link[0] == rel),
            "no link with rel={rel}"
        );
    }
    let entries = feed["entries"].as_array().unwrap();
    assert_eq!(entries.len(), site.sample.items.len());
    for (entry, item) in entries.iter().zip(&site.sample.items) {
        assert_eq!(entry["id"], site.guid(item));
        assert_eq!(entry["published"], rfc822(item.date));
        assert!(
            entry["link"]
                .as_str()
                .unwrap()
                .ends_with(&format!("posts/{}/", item.id))
        );
        if let Some(title) = &item.title {
            assert_eq!(entry["title"], title.as_str());
        }
        let tags = json!(item.labels.tags);
        assert_eq!(entry["tags"], tags);
        assert_eq!(
            entry["enclosures"].as_array().unwrap().len(),
            usize::from(!item.attachments.is_empty())
        );
        assert_eq!(
            entry["media"].as_array().unwrap().len(),
            item.attachments.len()
        );
    }
    let essay = entries
        .iter()
        .find(|entry| {
            entry["title"]
                .as_str()
                .is_some_and(|t| t.starts_with("A long"))
        })
        .unwrap();
    let content = essay["content"].as_str().unwrap();
    for part in [
        "<h3>What I wanted</h3>",
        "<table>",
        "<blockquote>",
        "&lt;b&gt;raw HTML&lt;/b&gt;",
    ] {
        assert!(content.contains(part), "{part}: {content}");
    }
}

#[test]
fn xsltproc_makes_a_page_of_the_feed() {
    let site = Site::new();
    let page = run(Command::new("xsltproc")
        .current_dir(site.path())
        .args(["feed.xsl", "feed.xml"]));
    assert_eq!(
        page.matches("<article class=\"post\">").count(),
        site.sample.items.len()
    );
    assert!(page.contains("<h1 dir=\"auto\">Ada Lindqvist</h1>"));
    assert!(
        page.contains("<h3>What I wanted</h3>"),
        "the text is not marked up"
    );
    assert!(page.contains("<script defer src=\"feed.js\"></script>"));
    let archive = fs::read_dir(site.path().join("archive"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let key = archive.path().with_extension("xml");
    let page = run(Command::new("xsltproc")
        .arg(site.path().join("feed.xsl"))
        .arg(key));
    assert!(page.contains("href=\"../feed.css\""));
    assert!(page.contains("Newest posts"));
}

#[test]
fn newsboat_keeps_every_item() {
    let site = Site::new();
    let server = WebHost::start(site.path()).unwrap();
    site.write_absolute(&server.url);
    let home = TempDir::new().unwrap();
    let at = |name: &str| home.path().join(name);
    fs::write(at("urls"), format!("{}absolute.xml\n", server.url)).unwrap();
    fs::write(at("config"), "").unwrap();
    run(Command::new("newsboat")
        .env("HOME", home.path())
        .args(["-x", "reload"])
        .args(["-u".as_ref(), at("urls").as_os_str()])
        .args(["-c".as_ref(), at("cache.db").as_os_str()])
        .args(["-C".as_ref(), at("config").as_os_str()]));
    let rows = ask(python()
        .arg("-c")
        .arg(include_str!("peers/newsboat_items.py"))
        .arg(at("cache.db")));
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), site.sample.items.len());
    for item in &site.sample.items {
        let guid = site.guid(item);
        let row = rows
            .iter()
            .find(|row| row["guid"] == guid.as_str())
            .expect(&guid);
        assert_eq!(row["date"], item.date / 1_000);
        if let Some(title) = &item.title {
            assert_eq!(row["title"], title.as_str());
        }
        if let Some(video) = item.attachments.iter().find(|a| a.file.mime == "video/mp4") {
            assert_eq!(
                row["enclosure"],
                format!("{}{}", server.url, video.file.path)
            );
        }
        if !item.attachments.is_empty() {
            assert!(
                row["content"].as_str().unwrap().contains("media/2026/11/"),
                "{row}"
            );
        }
    }
}

#[test]
fn gpodder_lists_and_downloads_the_episodes() {
    let site = Site::new();
    let server = WebHost::start(site.path()).unwrap();
    site.write_absolute(&server.url);
    let home = TempDir::new().unwrap();
    let gpo = |arguments: &[&str]| {
        run(Command::new("gpo")
            .env("GPODDER_HOME", home.path())
            .env("GPODDER_DOWNLOAD_DIR", home.path().join("downloads"))
            .env("HOME", home.path())
            .args(arguments))
    };
    let feed = format!("{}absolute.xml", server.url);
    gpo(&["subscribe", &feed, "Ada"]);
    let episodes = gpo(&["episodes", &feed]);
    for title in ["Recorded through the open window.", "The workshop, moving."] {
        assert!(episodes.contains(title), "{title}: {episodes}");
    }
    gpo(&["download", &feed]);
    let mut files = Vec::new();
    collect(&home.path().join("downloads"), &mut files);
    for media in [&site.media.sound, &site.media.video] {
        assert!(
            files.contains(&media.bytes),
            "{} was not downloaded",
            media.file().path
        );
    }
}

fn collect(folder: &Path, files: &mut Vec<Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(fs::read(path).unwrap());
        }
    }
}

/// What browsers are asked to look at, and what must be seen.
fn browse(site: &Site, browser: &str) -> Value {
    let names = |kind: &str, extension: &str| {
        let mut all: Vec<String> = fs::read_dir(site.path().join(kind))
            .unwrap()
            .map(|entry| {
                format!(
                    "{kind}/{}{extension}",
                    entry.unwrap().file_name().to_string_lossy()
                )
            })
            .collect();
        all.sort();
        all
    };
    let archive = names("archive", "")
        .into_iter()
        .find(|name| name.ends_with(".html"))
        .unwrap();
    let posts = names("posts", "/index.html");
    let texts: Vec<String> = site
        .sample
        .items
        .iter()
        .filter_map(|item| {
            item.title
                .clone()
                .or_else(|| item.text.lines().next().map(str::to_owned))
        })
        .map(|text| text.replace("**", ""))
        .collect();
    let job = json!({
        "browser": browser,
        "folder": site.path(),
        "modules": peers().join("node/node_modules"),
        "articles": site.sample.items.len(),
        "texts": texts,
        "archive": archive,
        "posts": posts,
        "shots": std::env::var("OURSPACE_SHOTS").ok(),
    });
    ask(node()
        .args([
            "--input-type=module",
            "--eval",
            include_str!("peers/browsers.mjs"),
            "--",
        ])
        .arg(job.to_string()))
}

fn assert_no_complaint(report: &Value) {
    let complaints = report["complaints"].as_array().unwrap();
    assert!(complaints.is_empty(), "{complaints:#?}");
    assert!(report["pages"].as_u64().unwrap() > 10, "{report}");
}

/// A site whose posts are the corpus of attacks on Markdown.
fn attacked() -> Site {
    let mut site = Site::new();
    let corpus = include_str!("../src/feed/markdown/tests/attacks.txt");
    let posts = corpus
        .split("\n%\n")
        .zip(100_u8..)
        .map(|(text, n)| Item::new(sample::id(n), 1_700_000_000_000 + u64::from(n), text));
    site.sample.items.extend(posts);
    site.sample
        .items
        .sort_by_key(|item| std::cmp::Reverse(item.key()));
    site.folder = TempDir::new().unwrap();
    sample::write_tree(&site.sample, &site.media, site.folder.path()).unwrap();
    site
}

#[test]
fn chromium_shows_the_feed_with_and_without_xslt() {
    let site = Site::new();
    assert_no_complaint(&browse(&site, "chromium"));
}

#[test]
fn firefox_shows_the_feed() {
    let site = Site::new();
    assert_no_complaint(&browse(&site, "firefox"));
}

#[test]
fn no_attack_runs_in_a_browser() {
    let site = attacked();
    assert!(site.sample.items.len() > 80);
    assert_no_complaint(&browse(&site, "attacked"));
}
