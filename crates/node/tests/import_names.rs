//! What an import takes for the same post: names, feeds and dates.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

mod place;

use std::{fs, path::Path};

use ourspace_node::import::{Options, Report, Source, import};
use ourspace_protocol::{
    feed::{
        model::Item,
        pages::List,
        state::{FeedState as _, Span},
    },
    time::Millis,
};
use ourspace_testkit::signing::NOW;
use tempfile::TempDir;

use self::place::Place;

const DATED: &str = "Mon, 24 Nov 2014 03:06:34 GMT";

struct Desk {
    place: Place,
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        Self {
            place: Place::new(),
            folder: TempDir::new().unwrap(),
        }
    }

    fn import_from(&self, now: Millis, path: &Path) -> Report {
        import(
            &self.place.home,
            now,
            Source::Path(path),
            Options::default(),
            &mut |_| {},
        )
        .unwrap()
    }

    fn import(&self, now: Millis, bytes: &str) -> Report {
        let path = self.folder.path().join("feed");
        fs::write(&path, bytes).unwrap();
        self.import_from(now, &path)
    }

    /// All posts, by their text.
    fn posts(&self) -> Vec<Item> {
        let reader = self.place.home.store().read().unwrap();
        let feed = reader.feed(self.place.account()).unwrap();
        let all = Span {
            after: None,
            until: None,
        };
        let mut items = feed.items(List::Posts, all).unwrap();
        items.sort_by(|a, b| a.text.cmp(&b.text));
        items
    }

    fn texts(&self) -> Vec<String> {
        self.posts().into_iter().map(|item| item.text).collect()
    }
}

fn rss(head: &str, items: &str) -> String {
    format!("<?xml version=\"1.0\"?><rss version=\"2.0\"><channel>{head}{items}</channel></rss>")
}

fn item(guid: &str, text: &str, date: &str) -> String {
    let date = match date {
        "" => String::new(),
        date => format!("<pubDate>{date}</pubDate>"),
    };
    format!(
        "<item><guid isPermaLink='false'>{guid}</guid><description>{text}</description>{date}</item>"
    )
}

fn counts(report: &Report) -> [u64; 3] {
    [report.added, report.updated, report.skipped]
}

#[test]
fn what_has_no_date_does_not_replace_what_has_one() {
    // Twice in one source, in either order.
    for turned in [false, true] {
        let desk = Desk::new();
        let mut both = [item("1", "dated", DATED), item("1", "undated", "")];
        if turned {
            both.reverse();
        }
        assert_eq!(
            counts(&desk.import(NOW, &rss("", &both.concat()))),
            [1, 0, 1]
        );
        assert_eq!(desk.texts(), ["dated"]);
        assert_eq!(desk.posts()[0].date, 1_416_798_394_000);
    }
    // In two sources.
    let desk = Desk::new();
    desk.import(NOW, &rss("", &item("1", "text", DATED)));
    let same = desk.import(NOW + 1_000, &rss("", &item("1", "text", "")));
    assert_eq!(counts(&same), [0, 0, 1]);
    let other = desk.import(NOW + 2_000, &rss("", &item("1", "new text", "")));
    assert_eq!(counts(&other), [0, 1, 0]);
    let post = desk.posts().remove(0);
    assert_eq!(
        (post.text.as_str(), post.date),
        ("new text", 1_416_798_394_000)
    );
    let again = desk.import(NOW + 3_000, &rss("", &item("1", "new text", "")));
    assert_eq!(counts(&again), [0, 0, 1]);
}

#[test]
fn a_number_means_a_post_of_its_own_feed_only() {
    const ATOM: &str = "http://www.w3.org/2005/Atom";
    let desk = Desk::new();
    let feeds = [
        rss("<title>A</title>", &item("1", "of a title", DATED)),
        rss("<title>B</title>", &item("1", "of another title", DATED)),
        rss(
            "<title>A</title><link>https://x.example/a/</link>",
            &item("1", "of a page", DATED),
        ),
        rss(
            "<title>A</title><link>https://x.example/b</link>",
            &item("1", "of another page", DATED),
        ),
        // What the feed says of itself may stand behind its posts.
        rss(
            &item("1", "of a feed", DATED),
            &format!(
                "<link>https://x.example/a/</link><atom:link xmlns:atom='{ATOM}' rel='self' href='https://x.example/a.xml'/>"
            ),
        ),
        r#"{"version":"https://jsonfeed.org/version/1","items":[{"id":"1","content_text":"of JSON","date_published":"2014-01-01"}],
            "title":"A","home_page_url":"https://x.example/a/","feed_url":"https://x.example/a.json"}"#
            .to_owned(),
        format!(
            "<feed xmlns='{ATOM}'><id>urn:x:1</id><title>A</title><entry><id>1</id><content>of Atom</content><published>2014-01-01</published></entry></feed>"
        ),
    ];
    for feed in &feeds {
        assert_eq!(counts(&desk.import(NOW, feed)), [1, 0, 0], "{feed}");
    }
    assert_eq!(desk.posts().len(), feeds.len());
    // The same again, under another file name in another folder, adds nothing.
    for (at, feed) in feeds.iter().enumerate() {
        let path = desk.folder.path().join(format!("moved/{at}/other.name"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, feed).unwrap();
        let report = desk.import_from(NOW + 1_000, &path);
        assert_eq!(counts(&report), [0, 0, 1], "{feed}");
    }
    // A site that moves to HTTPS is the same site.
    let moved = feeds[2].replace("https:", "http:");
    assert_eq!(counts(&desk.import(NOW + 1_000, &moved)), [0, 0, 1]);
}

#[test]
fn an_address_means_the_same_post_in_every_feed() {
    let desk = Desk::new();
    for (title, added) in [("A", 1), ("B", 0)] {
        let feed = rss(
            &format!("<title>{title}</title>"),
            &item("https://x.example/1", "text", DATED),
        );
        assert_eq!(desk.import(NOW, &feed).added, added);
    }
}

#[test]
fn answers_find_posts_by_bare_names() {
    let desk = Desk::new();
    let entry = |id: &str, more: &str| {
        format!(
            "<entry><id>{id}</id><content>{id}</content><published>2024-01-01</published>{more}</entry>"
        )
    };
    desk.import(
        NOW,
        &format!(
            "<feed xmlns='http://www.w3.org/2005/Atom' xmlns:thr='http://purl.org/syndication/thread/1.0'>{}{}<title>T</title></feed>",
            entry("2", "<thr:in-reply-to ref='1'/>"),
            entry("1", ""),
        ),
    );
    let posts = desk.posts();
    let answered = posts[1].about.as_ref().unwrap().target.to_string();
    assert!(answered.ends_with(&posts[0].id.to_string()), "{answered}");
}

#[test]
fn dates_before_1970_are_said_to_be_changed() {
    let desk = Desk::new();
    let old = "Thu, 01 Jan 1931 00:00:00 GMT";
    let feed = rss(
        "",
        &[
            item("1", "a", old),
            item("2", "b", old),
            item("3", "c", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ]
        .concat(),
    );
    let report = desk.import(NOW, &feed);
    assert_eq!(
        report.warnings,
        ["2 posts: each has a date before 1970, which no feed can hold: it is set to 1970-01-01"]
    );
    assert_eq!(desk.posts()[0].date, 0);
}
