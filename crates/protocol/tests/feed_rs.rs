//! The reader of many Rust programs, feed-rs, finds in the feed what is in it: in RSS and
//! in JSON, live and archived.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

use std::collections::BTreeMap;

use feed_rs::{
    model::{Feed, FeedType},
    parser::Builder,
};
use ourspace_protocol::feed::model::Item;
use ourspace_testkit::sample::{self, MediaSet, Sample};

/// Reads a file as one that was served: its addresses are relative.
fn parse(bytes: &[u8]) -> Feed {
    let reader = Builder::new()
        .base_uri(Some("https://example.org/ada/"))
        .build();
    reader.parse(bytes).unwrap()
}

fn made() -> (Sample, BTreeMap<String, Vec<u8>>) {
    let sample = sample::sample(&MediaSet::stand_in());
    let files = sample::files(&sample).unwrap();
    (sample, files)
}

fn posts(sample: &Sample) -> impl Iterator<Item = (String, &Item)> {
    let posts = sample.items.iter().filter(|item| item.kind.is_post());
    posts.map(|item| (format!("ourspace:{}/{}", sample.account, item.id), item))
}

/// Every entry of these files is a post of the sample, and every post is an entry.
fn compare(ending: &str, form: &FeedType) {
    let (sample, files) = made();
    let posts: BTreeMap<String, &Item> = posts(&sample).collect();
    let mut found = 0;
    let pages = files.iter().filter(|(path, _)| {
        **path == format!("feed.{ending}") || path.starts_with("archive/") && path.ends_with(ending)
    });
    for (path, bytes) in pages {
        let feed = parse(bytes);
        assert_eq!(feed.feed_type, *form, "{path}");
        for entry in &feed.entries {
            assert!(posts.contains_key(&entry.id), "{path}: {}", entry.id);
            let item = posts[&entry.id];
            let date = entry.published.unwrap().timestamp_millis();
            let precision = if ending == "xml" { 1000 } else { 1 };
            assert_eq!(
                date / precision,
                item.date.cast_signed() / precision,
                "{path}"
            );
            let title = entry.title.as_ref().map(|title| title.content.as_str());
            // Where a post has none, this reader takes one of an attachment.
            if item.title.is_some() {
                assert_eq!(title, item.title.as_deref(), "{path}");
            }
            found += 1;
        }
    }
    assert!(
        found >= posts.len(),
        "{found} entries for {} posts",
        posts.len()
    );
}

#[test]
fn the_rss_is_read() {
    compare("xml", &FeedType::RSS2);
}

#[test]
fn the_json_is_read() {
    compare("json", &FeedType::JSON);
}

#[test]
fn enclosures_are_read() {
    let (sample, files) = made();
    let feed = parse(&files["feed.xml"]);
    let with_sound = posts(&sample).find(|(_, item)| {
        item.attachments
            .iter()
            .any(|file| file.file.mime.starts_with("audio/"))
    });
    let (id, item) = with_sound.unwrap();
    let entry = feed.entries.iter().find(|entry| entry.id == id).unwrap();
    let sizes: Vec<u64> = entry
        .media
        .iter()
        .flat_map(|media| &media.content)
        .filter_map(|content| content.size)
        .collect();
    assert!(sizes.contains(&item.attachments[0].file.size), "{sizes:?}");
}
