//! Importing into a real home: what comes in, that it comes in once, and that what is
//! refused changes nothing.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

mod place;

use std::{fs, path::PathBuf};

use ourspace_node::{
    import::{Options, Report, Source, import},
    publish::publish,
};
use ourspace_protocol::{
    feed::{
        model::{Item, ItemId, Kind, Target, Tombstone},
        set::Changes,
        state::FeedState as _,
    },
    time::Millis,
};
use ourspace_testkit::signing::NOW;
use tempfile::TempDir;

use self::place::Place;

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

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    fn import_at(&self, now: Millis, bytes: &str) -> Report {
        let path = self.write("feed", bytes);
        import(
            &self.place.home,
            now,
            Source::Path(&path),
            Options::default(),
            &mut |_| {},
        )
        .unwrap()
    }

    fn import(&self, bytes: &str) -> Report {
        self.import_at(NOW, bytes)
    }

    /// The refusal, after which the home must be as it was.
    fn refused(&self, bytes: impl AsRef<[u8]>) -> String {
        let before = self.place.state();
        let path = self.write("feed", bytes);
        let result = import(
            &self.place.home,
            NOW,
            Source::Path(&path),
            Options::default(),
            &mut |_| {},
        );
        assert_eq!(self.place.state(), before);
        result.unwrap_err().to_string()
    }

    fn versions(&self, id: ItemId) -> Vec<Item> {
        let reader = self.place.home.store().read().unwrap();
        let feed = reader.feed(self.place.account()).unwrap();
        feed.versions(id).unwrap()
    }

    fn item(&self, identity: &str) -> Item {
        self.versions(ItemId::of_import(identity)).remove(0)
    }
}

fn counts(report: &Report) -> [u64; 4] {
    [report.found, report.added, report.updated, report.skipped]
}

fn rss(items: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>t</title><link>https://b.example/</link>{items}</channel></rss>"
    )
}

const TWO: &str = "<item><guid>https://b.example/1</guid><title>One</title><description>&lt;p&gt;a &lt;b&gt;b&lt;/b&gt;&lt;/p&gt;</description><pubDate>Mon, 24 Nov 2025 03:06:34 GMT</pubDate><enclosure url='https://b.example/a.mp3' type='audio/mpeg' length='1'/></item>
<item><guid>https://b.example/2</guid><description>c</description></item>";

#[test]
fn a_second_import_adds_nothing() {
    let desk = Desk::new();
    let report = desk.import(&rss(TWO));
    assert_eq!(counts(&report), [2, 2, 0, 0]);
    assert_eq!(report.linked_media, 1);
    let one = desk.item("https://b.example/1");
    assert_eq!(one.title.as_deref(), Some("One"));
    assert_eq!(one.text, "a **b**\n\n[a.mp3](https://b.example/a.mp3)");
    assert_eq!(one.date, 1_763_953_594_000);
    assert_eq!(one.origin.as_deref(), Some("https://b.example/1"));
    let state = desk.place.state();
    let report = desk.import_at(NOW + 1000, &rss(TWO));
    assert_eq!(counts(&report), [2, 0, 0, 2]);
    assert_eq!(desk.place.state(), state);
}

#[test]
fn an_edit_in_the_source_is_a_version_and_an_edit_here_stays() {
    let desk = Desk::new();
    desk.import(&rss(TWO));
    let edited = TWO.replace(">c<", ">c edited<");
    let report = desk.import_at(NOW + 1000, &rss(&edited));
    assert_eq!(counts(&report), [2, 0, 1, 1]);
    let id = ItemId::of_import("https://b.example/2");
    let versions = desk.versions(id);
    assert_eq!(versions.len(), 2);
    assert_eq!(
        (versions[0].text.as_str(), versions[0].edits),
        ("c edited", 1)
    );
    assert_eq!(versions[0].written(), NOW + 1000);
    // The author edits it here; the source stays as it is.
    publish(&desk.place.home, NOW + 2000, |_| {
        let mut item = versions[0].clone();
        item.text = "mine".to_owned();
        item.written = Some(NOW + 2000);
        Ok(Changes {
            items: vec![item],
            ..Changes::default()
        })
    })
    .unwrap();
    assert_eq!(
        counts(&desk.import_at(NOW + 3000, &rss(&edited))),
        [2, 0, 0, 2]
    );
    assert_eq!(desk.versions(id)[0].text, "mine");
}

#[test]
fn what_was_deleted_here_stays_deleted() {
    let desk = Desk::new();
    desk.import(&rss(TWO));
    let id = ItemId::of_import("https://b.example/2");
    publish(&desk.place.home, NOW + 1, |_| {
        let tombstones = vec![Tombstone { date: NOW + 1, id }];
        Ok(Changes {
            tombstones,
            ..Changes::default()
        })
    })
    .unwrap();
    let report = desk.import_at(NOW + 2, &rss(TWO));
    assert_eq!(counts(&report), [2, 0, 0, 2]);
    assert!(
        report.warnings.iter().any(|w| w.contains("stays deleted")),
        "{report:?}"
    );
    assert!(desk.versions(id).is_empty());
}

#[test]
fn nothing_happens_dry() {
    let desk = Desk::new();
    let before = desk.place.state();
    let path = desk.write("feed", rss(TWO));
    let options = Options {
        dry_run: true,
        ..Options::default()
    };
    let report = import(
        &desk.place.home,
        NOW,
        Source::Path(&path),
        options,
        &mut |_| {},
    )
    .unwrap();
    assert_eq!(counts(&report), [2, 2, 0, 0]);
    assert_eq!(desk.place.state(), before);
    let options = Options {
        dry_run: true,
        since: Some(NOW - 1),
        ..Options::default()
    };
    let report = import(
        &desk.place.home,
        NOW,
        Source::Path(&path),
        options,
        &mut |_| {},
    )
    .unwrap();
    assert_eq!(counts(&report), [2, 1, 0, 1]);
}

#[test]
fn threads_stay() {
    let desk = Desk::new();
    let entry = |id: &str, more: &str| {
        format!(
            "<entry><id>{id}</id><title>{id}</title><content>text of {id}</content><published>2024-01-01T00:00:00Z</published>{more}</entry>"
        )
    };
    let reply =
        |to: &str| format!("<thr:in-reply-to ref=\"{to}\" href=\"https://x.example/{to}\"/>");
    desk.import(&format!(
        "<feed xmlns=\"http://www.w3.org/2005/Atom\" xmlns:thr=\"http://purl.org/syndication/thread/1.0\"><id>f</id>{}{}{}</feed>",
        entry("tag:1", &reply("tag:2")), entry("tag:2", ""), entry("tag:3", &reply("tag:9"))
    ));
    let own = |id: &str| Target::Item(desk.place.account(), ItemId::of_import(id));
    let answer = desk.item("tag:1");
    assert_eq!(answer.kind, Kind::Reply);
    assert_eq!(answer.about.unwrap().target, own("tag:2"));
    let foreign = desk.item("tag:3").about.unwrap().target;
    assert_eq!(foreign, Target::Url("https://x.example/tag:9".to_owned()));
}

#[test]
fn json_feeds() {
    let desk = Desk::new();
    let report = desk.import(
        r#"{"version":"https://jsonfeed.org/version/1","title":"t","home_page_url":"https://b.example/","items":[
        {"id":7,"content_text":"*plain*\nline","date_published":"2024-01-01T00:00:00+01:00","date_modified":"2024-02-01T00:00:00Z","tags":["a b","a b"],
         "attachments":[{"url":"/e.mp3","mime_type":"audio/mpeg","title":"Episode","duration_in_seconds":61}]},
        {"id":"https://b.example/8","url":"https://b.example/8","content_html":"<p>x</p>","language":"pt_BR","external_url":"https://other.example/?a=1&b=2"}]}"#,
    );
    assert_eq!(counts(&report), [2, 2, 0, 0]);
    let seven = desk.item("b.example\n7");
    assert_eq!(
        seven.text,
        "\\*plain\\*\nline\n\n[Episode](https://b.example/e.mp3) (1:01)"
    );
    assert_eq!(
        (seven.date, seven.written),
        (1_704_063_600_000, Some(1_706_745_600_000))
    );
    assert_eq!(seven.labels.tags, ["a-b"]);
    let eight = desk.item("https://b.example/8");
    assert_eq!(eight.labels.language.as_deref(), Some("pt-BR"));
    assert_eq!(eight.text, "x\n\n<https://other.example/?a=1&b=2>");
}

#[test]
fn one_guid_for_several_posts() {
    let desk = Desk::new();
    let item = |link: &str, text: &str| {
        format!(
            "<item><guid isPermaLink='false'>same</guid><link>https://b.example/{link}</link><description>{text}</description></item>"
        )
    };
    let feed = rss(&(item("1", "a") + &item("2", "b") + &item("2", "b")));
    let report = desk.import(&feed);
    assert_eq!(counts(&report), [3, 2, 0, 1]);
    assert_eq!(counts(&desk.import(&feed)), [3, 0, 0, 3]);
}

#[test]
fn bad_dates_and_long_texts() {
    let desk = Desk::new();
    let item = |id: u32, date: &str, text: &str| {
        format!(
            "<item><guid>https://b.example/{id}</guid><pubDate>{date}</pubDate><description>{text}</description></item>"
        )
    };
    let feed = rss(&[
        item(1, "Mon, 01 Jan 2201 00:00:00 GMT", "future"),
        item(2, "some time", "never"),
        item(3, "Thu, 01 Jan 1931 00:00:00 GMT", "old"),
        item(4, "Thu, 01 Jan 2015 00:00:00 GMT", &"word ".repeat(60_000)),
        item(5, "Thu, 01 Jan 2015 00:00:00 GMT", " &lt;p&gt; &lt;/p&gt;"),
        item(6, "99999", "\u{7f} \u{0085} \u{202e}x"),
    ]
    .concat());
    let report = desk.import(&feed);
    assert_eq!(counts(&report), [6, 5, 0, 1], "{report:?}");
    assert_eq!(desk.item("https://b.example/1").date, NOW - 1);
    assert_eq!(desk.item("https://b.example/2").date, NOW - 2);
    assert_eq!(desk.item("https://b.example/3").date, 0);
    let long = desk.item("https://b.example/4").text;
    assert!(long.len() <= 128 * 1024 && long.ends_with("\n\n[…](https://b.example/4)"));
    assert_eq!(counts(&desk.import_at(NOW + 5000, &feed)), [6, 0, 0, 6]);
}

#[test]
fn what_is_no_feed_changes_nothing() {
    let desk = Desk::new();
    desk.import(&rss(TWO));
    for (what, says) in [
        (b"".to_vec(), "it is empty"),
        (b"{\"a\":1}".to_vec(), "this is JSON, but no JSON Feed"),
        (b"{}".to_vec(), "this is JSON, but no JSON Feed"),
        (b"[]".to_vec(), "this is no feed that is known"),
        (b"[".repeat(200_000), "this is no feed that is known"),
        (b"<html><body>x</body></html>".to_vec(), "this is XML or HTML, but no RSS"),
        (b"\x00\x01\x02".to_vec(), "this is no feed that is known"),
        (rss(TWO).into_bytes()[..200].to_vec(), "ends in its middle"),
        (b"{\"version\":\"https://jsonfeed.org/version/1\",\"items\":[{".to_vec(), "ends in its middle"),
        (b"{\"version\":\"https://jsonfeed.org/version/1\",\"items\":[{]}".to_vec(), "damaged near line 1"),
        (format!("<rss>{}", "<x>".repeat(200_000)).into_bytes(), "nests deeper"),
        (format!("{{\"items\":{}", "[".repeat(200_000)).into_bytes(), "nests deeper"),
        (rss(&format!("<item><description>{}</description></item>", "x".repeat(100_000_000))).into_bytes(), "larger than 32 MiB"),
        (format!("{{\"version\":\"https://jsonfeed.org/version/1\",\"items\":[{{\"content_text\":\"{}\"}}]}}", "x".repeat(40_000_000)).into_bytes(), "larger than 32 MiB"),
    ] {
        let said = desk.refused(&what);
        assert!(said.contains(says), "{said}");
        assert!(said.contains("nothing was imported"), "{said}");
    }
    let folder = desk.folder.path();
    fs::create_dir_all(folder.join("empty")).unwrap();
    fs::create_dir_all(folder.join("odd/feed.xml")).unwrap();
    std::os::unix::fs::symlink("loop", folder.join("loop")).unwrap();
    for (name, says) in [
        ("missing", "there is no such file or folder"),
        ("feed/x", "what stands before it in the path is a file"),
        ("loop", "a link that leads back to itself"),
        (
            "empty",
            "there is no feed in it: neither a file outbox.json",
        ),
        ("odd", "there is no feed in it: neither a file outbox.json"),
    ] {
        let result = import(
            &desk.place.home,
            NOW,
            Source::Path(&folder.join(name)),
            Options::default(),
            &mut |_| {},
        );
        let said = result.unwrap_err().to_string();
        assert!(
            said.contains(says) && said.contains("nothing was imported"),
            "{said}"
        );
        assert!(!said.contains("os error"), "{said}");
    }
}

#[test]
fn a_pipe_with_a_name_is_read_to_its_end() {
    let desk = Desk::new();
    let pipe = desk.folder.path().join("pipe");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let writer = {
        let pipe = pipe.clone();
        std::thread::spawn(move || fs::write(pipe, rss(TWO)).unwrap())
    };
    let report = import(
        &desk.place.home,
        NOW,
        Source::Path(&pipe),
        Options::default(),
        &mut |_| {},
    );
    assert_eq!(counts(&report.unwrap()), [2, 2, 0, 0]);
    writer.join().unwrap();
}

#[test]
fn a_million_empty_posts() {
    let desk = Desk::new();
    let report = desk.import(&rss(&"<item/>".repeat(1_000_000)));
    assert_eq!(counts(&report), [1_000_000, 0, 0, 1_000_000]);
}

#[test]
fn cut_titles_and_tags_are_said() {
    let desk = Desk::new();
    let item = |id: u32, title: &str, tags: usize| {
        let tags: String = (0..tags)
            .map(|n| format!("<category>tag{n}</category>"))
            .collect();
        format!(
            "<item><guid>https://b.example/{id}</guid><title>{title}</title>{tags}<description>text {id}</description></item>"
        )
    };
    let feed = rss(&[
        item(1, &"title ".repeat(500), 3),
        item(2, "short", 100_000),
        item(3, "fits", 64),
        item(4, &"x".repeat(512), 0),
    ]
    .concat());
    let report = desk.import(&feed);
    assert_eq!(counts(&report), [4, 4, 0, 0], "{report:?}");
    for says in [
        "1 post has a title or a warning that is too long",
        "1 post has more than 64 tags",
    ] {
        let found = report.warnings.iter().any(|text| text.starts_with(says));
        assert!(found, "{says}: {:?}", report.warnings);
    }
    assert_eq!(desk.item("https://b.example/3").labels.tags.len(), 64);
}

/// Bytes without end; it fails when more are taken than it takes to see what they are.
struct Endless(u8, u64);

impl std::io::Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.1 += buffer.len() as u64;
        assert!(self.1 <= 1 << 20, "more and more is read");
        buffer.fill(self.0);
        Ok(buffer.len())
    }
}

#[test]
fn an_endless_pipe_of_nothing_is_not_read_on() {
    let desk = Desk::new();
    for byte in [0, b'x', b' '] {
        let mut pipe = Endless(byte, 0);
        let source = Source::Pipe(&mut pipe);
        let result = import(
            &desk.place.home,
            NOW,
            source,
            Options::default(),
            &mut |_| {},
        );
        let said = result.unwrap_err().to_string();
        assert!(said.contains("this is no feed that is known"), "{said}");
    }
}
