//! Every feed of feedparser's and podcastparser's own tests, imported: none breaks
//! anything, and of those that are well-formed the same posts come out as feedparser
//! finds. `cargo xtask test` puts the feeds and feedparser where `OURSPACE_PEERS` says.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's helpers fail by panicking"
)]

mod place;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use ourspace_node::import::{ImportError, Options, Source, import};
use ourspace_protocol::feed::{
    check,
    pages::List,
    state::{FeedState as _, Span},
};
use ourspace_testkit::signing::NOW;
use serde_json::Value;

use self::place::Place;

fn peers() -> PathBuf {
    let path = std::env::var_os("OURSPACE_PEERS").unwrap_or_else(|| {
        panic!("OURSPACE_PEERS is not set: `cargo xtask test` installs the peers and sets it")
    });
    PathBuf::from(path)
}

fn feeds() -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut folders = vec![peers().join("feeds")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|end| end == "xml" || end == "rss")
            {
                all.push(path);
            }
        }
    }
    all.sort();
    assert!(all.len() > 2_000, "only {} feeds", all.len());
    all
}

/// What feedparser finds: for each feed whether it is well-formed, and of each entry the
/// title without markup and the date.
fn found_by_feedparser(paths: &[PathBuf]) -> Vec<Value> {
    let script = r"
import calendar, html, json, re, sys, feedparser
for line in open(sys.argv[1]):
    feed = feedparser.parse(line.rstrip('\n'))
    entries = []
    for entry in feed.entries:
        date = entry.get('published_parsed') or entry.get('updated_parsed')
        says = entry.get('title') or entry.get('summary') or entry.get('content') or entry.get('links')
        entries.append({
            'title': html.unescape(re.sub(r'<[^>]*>', '', entry.get('title', ''))),
            'date': calendar.timegm(date) if date else None,
            'says': bool(says),
        })
    print(json.dumps({'good': not feed.bozo, 'version': feed.version, 'entries': entries}))
";
    let folder = tempfile::TempDir::new().unwrap();
    let list = folder.path().join("list");
    let names: Vec<String> = paths.iter().map(|p| p.display().to_string()).collect();
    fs::write(&list, names.join("\n")).unwrap();
    let mut python = Command::new(peers().join("venv/bin/python"));
    let output = python.args(["-c", script]).arg(&list).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let lines = String::from_utf8(output.stdout).unwrap();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// How many posts a source has.
fn counted(place: &Place, path: &Path) -> Result<u64, ImportError> {
    let options = Options {
        dry_run: true,
        ..Options::default()
    };
    let report = import(&place.home, NOW, Source::Path(path), options, &mut |_| {})?;
    Ok(report.found)
}

/// Titles and dates of what is imported. A post that says nothing is given a word: most
/// feeds that are there for their dates say nothing else.
fn imported(path: &Path, wordless: bool) -> Vec<(String, u64)> {
    let (place, folder) = (Place::new(), tempfile::TempDir::new().unwrap());
    let mut source = path.to_owned();
    if wordless && let Ok(mut text) = fs::read_to_string(path) {
        for tag in ["<entry>", "<item>"] {
            text = text.replace(tag, &format!("{tag}<title>word</title>"));
        }
        source = folder.path().join("feed");
        fs::write(&source, text).unwrap();
    }
    let source = Source::Path(&source);
    import(&place.home, NOW, source, Options::default(), &mut |_| {}).unwrap();
    let reader = place.home.store().read().unwrap();
    let feed = reader.feed(place.account()).unwrap();
    let all = Span {
        after: None,
        until: None,
    };
    let items = feed.items(List::Posts, all).unwrap();
    items.iter().for_each(|item| check::item(item).unwrap());
    let posts = items
        .into_iter()
        .map(|item| (item.title.unwrap_or_default(), item.date / 1000));
    posts.collect()
}

fn bare(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// A feed where one of us is wrong, or which is older than any that is left.
const OLDER: [&str; 3] = ["ucs", "utf-32", "base64"];

#[test]
fn real_feeds_are_read_as_others_read_them() {
    let paths = feeds();
    let theirs = found_by_feedparser(&paths);
    assert_eq!(theirs.len(), paths.len());
    let place = Place::new();
    let (mut compared, mut dates, mut titles, mut other) = (0, 0, 0, Vec::new());
    for (path, theirs) in paths.iter().zip(&theirs) {
        let entries = theirs["entries"].as_array().unwrap();
        let ours = counted(&place, path);
        let name = path.display().to_string().replace('_', "-");
        let version = theirs["version"].as_str().unwrap();
        let left_out = OLDER.iter().any(|part| name.contains(part)) || name.contains("/x80");
        if theirs["good"] != true || matches!(version, "" | "cdf") || left_out {
            continue;
        }
        compared += 1;
        match ours {
            Ok(found) if found == entries.len() as u64 => {}
            ours => other.push(format!("{name}: {ours:?} posts, not {}", entries.len())),
        }
        let [entry] = &entries[..] else { continue };
        let their_date = entry["date"].as_u64().filter(|at| *at * 1000 < NOW);
        let their_title = entry["title"].as_str().unwrap();
        if their_date.is_none() && their_title.is_empty() {
            continue;
        }
        let posts = imported(path, entry["says"] != true);
        let [(title, date)] = &posts[..] else {
            other.push(format!("{name}: {posts:?}"));
            continue;
        };
        if !title.is_empty() && !their_title.is_empty() {
            titles += 1;
            if bare(title) != bare(their_title) {
                other.push(format!("{name}: title {title:?}, not {their_title:?}"));
            }
        }
        if let Some(their_date) = their_date {
            dates += 1;
            if their_date != *date {
                other.push(format!("{name}: date {date}, not {their_date}"));
            }
        }
    }
    println!(
        "{compared} feeds compared, {titles} titles, {dates} dates; {} differ",
        other.len()
    );
    for line in &other {
        println!("{line}");
    }
    assert!(
        compared > 1_500 && titles > 150 && dates > 25,
        "{compared} feeds, {titles} titles, {dates} dates"
    );
    assert!(
        other.len() * 100 <= compared,
        "{} of {compared} differ",
        other.len()
    );
}
