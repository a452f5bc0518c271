//! `import`, as a person at a shell meets it.

mod support;

use std::fs;

use serde_json::json;

use self::support::Place;

const FEED: &str = "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>t</title><link>https://b.example/</link>
<item><guid>https://b.example/1</guid><title>One</title><description>&lt;p&gt;a &lt;b&gt;b&lt;/b&gt;&lt;/p&gt;</description><pubDate>Mon, 24 Nov 2025 03:06:34 GMT</pubDate></item>
<item><guid>https://b.example/2</guid><description>c</description><pubDate>Mon, 24 Nov 2014 03:06:34 GMT</pubDate><enclosure url='https://b.example/a.mp3' type='audio/mpeg' length='1'/></item></channel></rss>";

fn report(added: u64, skipped: u64, before: bool) -> serde_json::Value {
    let linked = u64::from(!before);
    let mut warnings = Vec::new();
    if !before {
        warnings
            .push("1 file is only linked in the source: the link was kept, nothing was fetched");
    }
    json!({
        "found": 2, "added": added, "updated": 0, "skipped": skipped,
        "media": 0, "linked_media": linked, "warnings": warnings,
    })
}

#[test]
fn a_feed_comes_in_once() {
    let place = Place::new();
    fs::write(place.folder().join("feed.xml"), FEED).unwrap();
    let dry = place.json(&["import", "--dry-run", "feed.xml"]);
    assert_eq!(dry, report(2, 0, false));
    let since = place.json(&["import", "--dry-run", "--since", "2020-01-01", "feed.xml"]);
    assert_eq!(since, report(1, 1, true));
    let piped = place.run_with(&["import", "-", "--json"], FEED);
    assert_eq!(piped.json(), report(2, 0, false));
    let again = place.run(&["import", "feed.xml"]);
    assert!(
        again
            .ok()
            .starts_with("2 posts found: 0 added, 0 updated, 2 skipped\n")
    );

    let missing = place.run(&["import", "none.xml"]);
    assert!(
        missing
            .refused(1)
            .starts_with("error: could not open none.xml")
    );
    fs::write(place.folder().join("cut.xml"), &FEED[..300]).unwrap();
    let cut = place.run(&["import", "cut.xml"]);
    assert!(cut.refused(1).contains("ends in its middle"), "{}", cut.err);
    let date = place.run(&["import", "--since", "someday", "feed.xml"]);
    assert!(date.refused(2).contains("is no date"), "{}", date.err);
    place.run(&["import"]).refused(2);
}

#[test]
fn without_an_account_it_says_what_to_do() {
    let place = Place::empty();
    fs::write(place.folder().join("feed.xml"), FEED).unwrap();
    let refused = place.run(&["import", "feed.xml"]);
    assert!(
        refused.refused(1).contains("`ourspace init` makes one"),
        "{}",
        refused.err
    );
    assert!(!place.home().exists());
}
