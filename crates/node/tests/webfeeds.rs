//! Ordinary feeds in the timeline.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

mod place;

use std::{
    collections::HashMap,
    io::Write,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::executor::block_on;
use ourspace_node::{
    mirror::{Quotas, evict},
    verify,
    webfeeds::{self, Polled, WebFeedError, WebWish},
};
use ourspace_protocol::{
    account::Account,
    feed::{model::Followee, state::FeedState as _},
    limits,
    seams::{BoxFuture, Web, WebAnswer, WebAsk, WebError},
};
use ourspace_store::{Search, Timeline, WebFeed};
use ourspace_testkit::signing::NOW;

use place::Place;

const MINUTE: u64 = 60_000;
const URL: &str = "https://blog.example/feed";

/// Web hosts by hand: what they say, and what they were asked.
#[derive(Default)]
struct Hosts {
    says: Mutex<HashMap<String, Answer>>,
    asked: AtomicUsize,
}

#[derive(Clone, Default)]
struct Answer {
    status: u16,
    body: Vec<u8>,
    etag: Option<&'static str>,
    moved: Option<&'static str>,
    wait: Option<Duration>,
}

impl Hosts {
    fn say(&self, url: &str, answer: Answer) {
        self.says.lock().unwrap().insert(url.to_owned(), answer);
    }

    fn page(&self, url: &str, body: impl Into<Vec<u8>>) {
        let body = body.into();
        self.say(
            url,
            Answer {
                status: 200,
                body,
                ..Answer::default()
            },
        );
    }
}

impl Web for Hosts {
    fn fetch<'a>(
        &'a self,
        ask: WebAsk<'a>,
        body: &'a mut (dyn Write + Send),
    ) -> BoxFuture<'a, Result<WebAnswer, WebError>> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let said = self.says.lock().unwrap().get(ask.url).cloned();
            let said = said.ok_or_else(|| WebError {
                text: "no such host".to_owned(),
                wait: None,
            })?;
            let same = said.etag.is_some() && said.etag == ask.etag;
            let status = if same { 304 } else { said.status };
            if status == 200 {
                assert!(said.body.len() as u64 <= ask.limit, "more than was allowed");
                body.write_all(&said.body).unwrap();
            }
            Ok(WebAnswer {
                status,
                url: said.moved.unwrap_or(ask.url).to_owned(),
                moved: said.moved.map(str::to_owned),
                etag: said.etag.map(str::to_owned),
                last_modified: None,
                fresh_for: None,
                retry_after: said.wait,
            })
        })
    }
}

fn rss(items: &str) -> String {
    format!(
        "<rss version='2.0'><channel><title>A Blog</title><link>https://blog.example/</link>\
         <ttl>120</ttl>{items}</channel></rss>"
    )
}

fn item(n: u32, text: &str) -> String {
    format!(
        "<item><guid>https://blog.example/{n}</guid><link>https://blog.example/{n}</link>\
         <title>Post {n}</title><pubDate>Mon, 0{n} Sep 2025 10:00:00 GMT</pubDate>\
         <description><![CDATA[{text}]]></description></item>"
    )
}

fn poll(place: &Place, hosts: &Hosts, now: u64) -> Polled {
    block_on(webfeeds::poll(&place.home, hosts, Quotas::default(), now)).unwrap()
}

fn follow(place: &Place, url: &str) -> Account {
    webfeeds::follow(&place.home, NOW, url, WebWish::default()).unwrap()
}

fn row(place: &Place, account: Account) -> WebFeed {
    place
        .home
        .store()
        .read()
        .unwrap()
        .web_feed(account)
        .unwrap()
        .unwrap()
}

fn timeline(place: &Place) -> Timeline {
    let reader = place.home.store().read().unwrap();
    reader.home_timeline(place.account(), None, 100).unwrap()
}

fn texts(place: &Place) -> Vec<String> {
    timeline(place)
        .hits
        .into_iter()
        .map(|hit| hit.item.text)
        .collect()
}

#[test]
fn posts_come_into_the_timeline_and_the_search_and_only_once() {
    let (place, hosts) = (Place::new(), Hosts::default());
    let account = follow(&place, URL);
    assert_eq!(account, webfeeds::account(URL));
    let evil = "Hello <b>you</b><script>alert(1)</script> <a href='javascript:x'>click</a>";
    let answer = Answer {
        status: 200,
        body: rss(&(item(1, evil) + &item(2, "unusualword"))).into_bytes(),
        etag: Some("\"1\""),
        ..Answer::default()
    };
    hosts.say(URL, answer);
    let polled = poll(&place, &hosts, NOW);
    assert_eq!(
        polled,
        Polled {
            posts: 2,
            ..Polled::default()
        }
    );
    assert_eq!(texts(&place), ["unusualword", "Hello **you** click"]);
    let reader = place.home.store().read().unwrap();
    let search = Search {
        query: "unusualword",
        account: None,
        from: None,
        limit: 9,
    };
    let found = reader.search(&search).unwrap();
    assert_eq!((found.hits.len(), found.hits[0].account), (1, account));
    let profile = reader.feed(account).unwrap().profile().unwrap();
    assert_eq!(profile.display_name.value, "A Blog");
    drop(reader);
    // Two hours, as it says; and then it has not changed.
    let next = row(&place, account).next;
    assert!((120 * MINUTE..133 * MINUTE).contains(&(next - NOW)));
    assert_eq!(poll(&place, &hosts, NOW + MINUTE), Polled::default());
    assert_eq!(hosts.asked.load(Ordering::SeqCst), 1, "it was not due");
    assert_eq!(poll(&place, &hosts, next), Polled::default());
    assert_eq!(hosts.asked.load(Ordering::SeqCst), 2);
    // The same again without a tag changes nothing; an edit is a new version.
    hosts.page(
        URL,
        rss(&(item(1, "edited") + &item(2, "unusualword") + &item(3, "third"))),
    );
    let polled = poll(&place, &hosts, NOW + 9 * 60 * MINUTE);
    assert_eq!(polled.posts, 2);
    assert_eq!(texts(&place), ["third", "unusualword", "edited"]);
    let polled = poll(&place, &hosts, NOW + 24 * 60 * MINUTE);
    assert_eq!(polled, Polled::default());
    assert_eq!(timeline(&place).hits.len(), 3);
}

#[test]
fn posts_without_a_date_keep_the_one_they_got() {
    let (place, hosts) = (Place::new(), Hosts::default());
    follow(&place, URL);
    hosts.page(
        URL,
        rss("<item><guid>x1</guid><description>undated</description></item>"),
    );
    assert_eq!(poll(&place, &hosts, NOW).posts, 1);
    let date = timeline(&place).hits[0].item.date;
    assert!(date <= NOW && date > NOW - MINUTE);
    assert_eq!(poll(&place, &hosts, NOW + 9 * 60 * MINUTE).posts, 0);
    assert_eq!(timeline(&place).hits[0].item.date, date);
}

#[test]
fn a_page_leads_to_its_feed_and_moves_are_remembered() {
    let (place, hosts) = (Place::new(), Hosts::default());
    let account = follow(&place, "https://blog.example");
    let page = "<!doctype html><html><head><title>x</title><link rel=alternate \
        type=application/rss+xml href=/feed></head><p>&nbsp;<br>welcome";
    hosts.page("https://blog.example/", page);
    hosts.page(URL, rss(&item(1, "found")));
    assert_eq!(poll(&place, &hosts, NOW).posts, 1);
    assert_eq!(row(&place, account).at, URL);
    let new = "https://new.example/feed";
    let answer = Answer {
        status: 200,
        body: rss(&item(2, "moved")).into_bytes(),
        moved: Some(new),
        ..Answer::default()
    };
    hosts.say(URL, answer);
    assert_eq!(poll(&place, &hosts, NOW + 9 * 60 * MINUTE).posts, 1);
    let known = row(&place, account);
    assert_eq!(
        (known.at.as_str(), known.url.as_str()),
        (new, "https://blog.example/")
    );
}

#[test]
fn feeds_that_fail_are_left_alone_longer_and_those_gone_for_good() {
    let (place, hosts) = (Place::new(), Hosts::default());
    let account = follow(&place, URL);
    let mut now = NOW;
    let mut waits = Vec::new();
    for body in [
        "",
        "not a feed",
        "<rss><channel>",
        "PK\u{3}\u{4}",
        "{\"a\":",
    ] {
        hosts.page(URL, body);
        let polled = poll(&place, &hosts, now);
        assert_eq!((polled.failed, polled.posts), (1, 0), "{body}");
        let known = row(&place, account);
        assert!(known.error.is_some());
        waits.push((known.next - now) / MINUTE);
        now = known.next;
    }
    assert!(waits.windows(2).all(|pair| pair[0] < pair[1]), "{waits:?}");
    let busy = Answer {
        status: 503,
        wait: Some(Duration::from_secs(2 * 24 * 3600)),
        ..Answer::default()
    };
    hosts.say(URL, busy);
    assert_eq!(poll(&place, &hosts, now).failed, 1);
    let known = row(&place, account);
    assert!(known.next - now >= 2 * 24 * 60 * MINUTE && known.failures == 6);
    // It recovers.
    now = known.next;
    hosts.page(URL, rss(&item(1, "back")));
    assert_eq!(poll(&place, &hosts, now).failed, 0);
    let known = row(&place, account);
    assert_eq!((known.failures, known.error), (0, None));
    // And goes.
    now = known.next;
    hosts.say(
        URL,
        Answer {
            status: 410,
            ..Answer::default()
        },
    );
    poll(&place, &hosts, now);
    assert!(row(&place, account).gone);
    let asked = hosts.asked.load(Ordering::SeqCst);
    assert_eq!(
        poll(&place, &hosts, now + 1_000_000 * MINUTE),
        Polled::default()
    );
    assert_eq!(hosts.asked.load(Ordering::SeqCst), asked);
    assert_eq!(texts(&place), ["back"]);
}

/// A second of silence (WAV), each seed another one.
fn sound(seed: u8) -> Vec<u8> {
    let data = vec![seed; 8000];
    let mut wav = Vec::new();
    wav.extend(b"RIFF");
    wav.extend((36 + data.len() as u32).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend(8000u32.to_le_bytes());
    wav.extend(8000u32.to_le_bytes());
    wav.extend(b"\x01\0\x08\0data");
    wav.extend((data.len() as u32).to_le_bytes());
    wav.extend(data);
    wav
}

fn episode(n: u32) -> String {
    let file =
        format!("<enclosure url='https://cdn.example/{n}.wav' type='audio/wav' length='9'/>");
    item(n, "an episode").replace("</item>", &(file + "</item>"))
}

#[test]
fn the_newest_episodes_are_fetched_and_older_ones_stay_links() {
    let (place, hosts) = (Place::new(), Hosts::default());
    let account = follow(&place, URL);
    for n in 1..=6 {
        hosts.page(&format!("https://cdn.example/{n}.wav"), sound(n as u8));
    }
    let five: String = (1..=5).map(episode).collect();
    hosts.page(URL, rss(&five));
    let polled = poll(&place, &hosts, NOW);
    assert_eq!((polled.posts, polled.episodes), (5, 3));
    let attached = |place: &Place| {
        let hits = timeline(place).hits.into_iter();
        hits.map(|hit| hit.item.attachments.len())
            .collect::<Vec<_>>()
    };
    assert_eq!(attached(&place), [1, 1, 1, 0, 0]);
    assert!(
        texts(&place)
            .iter()
            .all(|text| text.contains("https://cdn.example/"))
    );
    let used = |place: &Place| {
        place
            .home
            .store()
            .read()
            .unwrap()
            .media_bytes(account)
            .unwrap()
    };
    let three = used(&place);
    // Nothing is fetched twice, and an edit at the source keeps the file.
    let edited = five.replace("an episode", "a good episode");
    hosts.page(URL, rss(&edited));
    let polled = poll(&place, &hosts, NOW + 9 * 60 * MINUTE);
    assert_eq!((polled.posts, polled.episodes), (5, 0));
    assert_eq!(attached(&place), [1, 1, 1, 0, 0]);
    assert_eq!(used(&place), three);
    // With room for three, a sixth takes the place of the oldest.
    let wish = WebWish {
        quota: Some(three + 100),
        ..WebWish::default()
    };
    webfeeds::follow(&place.home, NOW, URL, wish).unwrap();
    hosts.page(URL, rss(&(edited + &episode(6))));
    let polled = poll(&place, &hosts, NOW + 24 * 60 * MINUTE);
    assert_eq!((polled.posts, polled.episodes), (1, 1));
    assert!(used(&place) <= three + 100, "{} of {three}", used(&place));
    // The rest of the home holds, and all of it can be given back.
    let report = verify::home(&place.home, NOW, &mut || {}).unwrap();
    assert!(report.valid, "{:?}", report.errors);
    assert!(evict(&place.home, 0, &|_| 0).unwrap() > 0);
    webfeeds::unfollow(&place.home, NOW, URL).unwrap();
    assert_eq!(place.home.store().read().unwrap().kept().unwrap().bytes, 0);
}

#[test]
fn episodes_that_did_not_come_are_asked_for_again() {
    let (place, hosts) = (Place::new(), Hosts::default());
    let account = follow(&place, URL);
    let answer = Answer {
        status: 200,
        body: rss(&episode(1)).into_bytes(),
        etag: Some("\"1\""),
        ..Answer::default()
    };
    hosts.say(URL, answer);
    assert_eq!(poll(&place, &hosts, NOW).episodes, 0);
    assert_eq!(row(&place, account).etag, None);
    hosts.page("https://cdn.example/1.wav", sound(1));
    let polled = poll(&place, &hosts, NOW + 9 * 60 * MINUTE);
    assert_eq!((polled.posts, polled.episodes), (0, 1));
    assert_eq!(row(&place, account).etag.as_deref(), Some("\"1\""));
    // What is no sound is not kept, and not asked for again.
    hosts.page("https://cdn.example/2.wav", "this is a page");
    hosts.page(URL, rss(&episode(2)));
    let polled = poll(&place, &hosts, NOW + 24 * 60 * MINUTE);
    assert_eq!((polled.posts, polled.episodes), (1, 0));
}

#[test]
fn public_follows_are_listed_and_come_back_from_the_list() {
    let place = Place::new();
    let account = follow(&place, URL);
    let listed = |place: &Place| {
        let reader = place.home.store().read().unwrap();
        let follows = reader.feed(place.account()).unwrap().follows().unwrap();
        let row = follows.get(&Followee::Feed(URL.to_owned())).cloned();
        row.is_some_and(|row| row.value.following)
    };
    assert!(listed(&place));
    let view = webfeeds::list_all(&place.home).unwrap();
    assert_eq!(
        (view.len(), view[0].quiet, view[0].account),
        (1, false, account)
    );
    // As after a restore: the list says so, the home does not know it yet.
    let forgotten: Result<(), ourspace_store::StoreError> =
        place.home.store().write(|writer| writer.forget(account));
    forgotten.unwrap();
    assert!(webfeeds::reconcile(&place.home, NOW + 5).unwrap());
    assert!(!webfeeds::reconcile(&place.home, NOW + 6).unwrap());
    assert_eq!(row(&place, account).next, NOW + 5);
    // Quietly from now on: not listed, and still followed.
    let quiet = WebWish {
        quiet: true,
        ..WebWish::default()
    };
    webfeeds::follow(&place.home, NOW + 10, URL, quiet).unwrap();
    assert!(!listed(&place) && !webfeeds::reconcile(&place.home, NOW + 20).unwrap());
    assert!(webfeeds::list_all(&place.home).unwrap()[0].quiet);
    webfeeds::unfollow(&place.home, NOW + 30, URL).unwrap();
    let again = webfeeds::unfollow(&place.home, NOW + 31, URL);
    assert!(matches!(again, Err(WebFeedError::Unknown(_))));
    for url in ["blog.example", "ftp://a.example/", "https://u:p@a.example/"] {
        let refused = webfeeds::follow(&place.home, NOW, url, quiet);
        assert!(matches!(refused, Err(WebFeedError::Address(_))), "{url}");
    }
}

#[test]
fn hostile_feeds_stay_within_the_rules() {
    let (place, hosts) = (Place::new(), Hosts::default());
    let account = follow(&place, URL);
    let long = "x".repeat(3 * limits::TEXT_BYTES);
    let title = "t".repeat(5000);
    let own = place.account();
    let items = [
        format!("<item><guid>1</guid><title>{title}</title><description>{long}</description></item>"),
        format!("<item><guid>ourspace:{own}/aaaaaaaaaaaaaaaa</guid><description>as you</description></item>"),
        "<item><guid>2</guid><pubDate>Mon, 01 Jan 2999 00:00:00 GMT</pubDate>\
         <description>from the future</description></item>".to_owned(),
        "<item><guid>3</guid><description>&lt;img src=x onerror=alert(1)&gt; hi</description></item>"
            .to_owned(),
    ];
    hosts.page(URL, rss(&items.concat()));
    assert_eq!(poll(&place, &hosts, NOW).failed, 0);
    for hit in timeline(&place).hits {
        assert_eq!(hit.account, account, "nothing comes under another's name");
        assert!(hit.item.date <= NOW && hit.item.text.len() <= limits::TEXT_BYTES);
        assert!(!hit.item.text.contains("onerror"));
    }
    let reader = place.home.store().read().unwrap();
    assert_eq!(reader.counts(own).unwrap().posts, 0);
}
