//! Renderer 1 gives these bytes for ever: the sample feed and a corpus of Markdown, file
//! by file. They are part of the format. A difference is never mended by writing the
//! golden files anew (`OURSPACE_GOLDEN=write` does that) but by a new renderer version,
//! unless this one has never been released.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
};

use ourspace_protocol::feed::{
    markdown::content_html,
    model::{Item, ItemId},
};
use ourspace_testkit::sample::{self, MediaSet};
use serde_json::{Value, json};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1")
}

fn writing() -> bool {
    env::var_os("OURSPACE_GOLDEN").is_some_and(|value| value == "write")
}

fn tree() -> BTreeMap<String, Vec<u8>> {
    sample::files(&sample::sample(&MediaSet::stand_in())).unwrap()
}

/// The files under a folder by their path in it.
fn on_disk(folder: &Path, prefix: &str, all: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            on_disk(&entry.path(), &format!("{name}/"), all);
        } else {
            all.insert(name, fs::read(entry.path()).unwrap());
        }
    }
}

#[test]
fn the_sample_feed_is_what_it_was() {
    let folder = folder().join("tree");
    let tree = tree();
    assert_eq!(tree, self::tree(), "two renderings of one feed differ");
    if writing() {
        let _absent = fs::remove_dir_all(&folder);
        for (path, bytes) in &tree {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
    let mut golden = BTreeMap::new();
    on_disk(&folder, "", &mut golden);
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&tree), names(&golden));
    for (path, bytes) in &tree {
        let (new, old) = (
            String::from_utf8_lossy(bytes),
            String::from_utf8_lossy(&golden[path]),
        );
        if let Some((at, (new, old))) = new
            .lines()
            .zip(old.lines())
            .enumerate()
            .find(|(_, (new, old))| new != old)
        {
            panic!("{path} line {}:\n  was {old}\n  is  {new}", at + 1);
        }
        assert_eq!(bytes, &golden[path], "{path}");
    }
}

/// `markdown.json` is a list of `{"text", "html"}`; `attacks.txt` beside the unit tests is
/// in it too.
#[test]
fn markdown_is_what_it_was() {
    let path = folder().join("markdown.json");
    let cases: Vec<Value> = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert!(cases.len() > 150, "the corpus is cut short");
    let rendered: Vec<Value> = cases
        .iter()
        .map(|case| {
            let text = case["text"].as_str().unwrap();
            json!({ "html": content_html(&Item::new(ItemId([0; 10]), 0, text)), "text": text })
        })
        .collect();
    if writing() {
        fs::write(
            &path,
            format!("{}\n", serde_json::to_string_pretty(&rendered).unwrap()),
        )
        .unwrap();
        return;
    }
    for (new, old) in rendered.iter().zip(&cases) {
        assert_eq!(new, old);
    }
}

/// Every relative address in a page leads to a file of the tree.
#[test]
fn no_link_within_the_tree_is_broken() {
    let tree = tree();
    let media: BTreeSet<String> = MediaSet::stand_in()
        .all()
        .map(|media| media.file().path)
        .collect();
    let mut found = 0;
    for (path, bytes) in &tree {
        let text = String::from_utf8_lossy(bytes);
        let pattern: &[&str] = match path.rsplit('.').next() {
            Some("html") => &["href=\"", "src=\"", "poster=\""],
            Some("xml") => &[
                "href=\"",
                "src=\"",
                "url=\"",
                "banner=\"",
                "<link>",
                "<url>",
                "<source:blogroll>",
            ],
            Some("json") if !path.starts_with("posts/") => &[
                "\"url\":\"",
                "\"next_url\":\"",
                "\"image\":\"",
                "\"avatar\":\"",
                "\"icon\":\"",
                "\"feed_url\":\"",
                "\"home_page_url\":\"",
            ],
            _ => continue,
        };
        for url in pattern
            .iter()
            .flat_map(|pattern| text.split(pattern).skip(1))
        {
            let url = url.split(['"', '<', '#']).next().unwrap();
            if url.contains(':') || url.is_empty() || url == "./" {
                continue;
            }
            let target = resolve(path, url);
            found += 1;
            assert!(
                tree.contains_key(&target) || media.contains(&target),
                "{path}: {url} is no file"
            );
        }
    }
    assert!(found > 300, "only {found} links were looked at");
}

fn resolve(from: &str, url: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in url.split('/') {
        match part {
            ".." => assert!(parts.pop().is_some(), "{from}: {url} leads out of the tree"),
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    if path.ends_with('/') {
        format!("{path}index.html")
    } else {
        path
    }
}

/// The crates whose code or tables decide what comes out stand at one version, in the
/// lock file and in the manifest (`cargo install` may ignore the lock file).
#[test]
fn the_render_path_is_pinned() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let lock = fs::read_to_string(root.join("Cargo.lock")).unwrap();
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    for (name, version) in [
        ("comrak", "0.59.0"),
        ("caseless", "0.2.2"),
        ("finl_unicode", "1.5.1"),
        ("qrcodegen", "1.8.0"),
        ("unicode-normalization", "0.1.26"),
    ] {
        assert!(
            lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n")),
            "{name} in Cargo.lock"
        );
        assert!(
            manifest.contains(&format!("\"={version}\"")),
            "{name} in Cargo.toml"
        );
    }
}
