//! Followed web feeds: shown like everybody else, and looked for nowhere.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

use ourspace_protocol::{
    account::Account,
    feed::{
        model::{Item, ItemId},
        state::FeedState as _,
    },
};
use ourspace_store::{Follow, Store, StoreError, WebFeed};
use ourspace_testkit::signing::NOW;

fn feed(n: u8, next: u64) -> WebFeed {
    WebFeed {
        account: Account([n; 20]),
        url: format!("https://{n}.example/feed"),
        at: format!("https://{n}.example/feed"),
        etag: None,
        modified: None,
        next,
        failures: 0,
        error: None,
        gone: false,
        private: false,
    }
}

fn follow(store: &Store, feed: &WebFeed) {
    let done: Result<(), StoreError> = store.write(|writer| {
        writer.put_follow(&Follow {
            quiet: true,
            ..Follow::new(feed.account, NOW)
        })?;
        writer.put_web_feed(feed)?;
        let mut posts = writer.feed(feed.account)?;
        let item = Item::new(ItemId::of_import("1"), NOW, "an ordinary post".to_owned());
        posts
            .put_versions(item.id, std::slice::from_ref(&item))
            .unwrap();
        Ok(())
    });
    done.unwrap();
}

#[test]
fn a_web_feed_is_in_the_timeline_and_among_no_follows() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).unwrap();
    let known = feed(1, 5);
    follow(&store, &known);
    let reader = store.read().unwrap();
    assert_eq!(reader.web_feeds().unwrap(), std::slice::from_ref(&known));
    assert_eq!(reader.web_feed(known.account).unwrap(), Some(known.clone()));
    assert_eq!(reader.web_feed(Account([2; 20])).unwrap(), None);
    assert!(reader.follows().unwrap().is_empty());
    assert_eq!(reader.follows_and_web_feeds().unwrap().len(), 1);
    let shown = reader.home_timeline(Account([9; 20]), None, 10).unwrap();
    assert_eq!(shown.hits.len(), 1);
    assert_eq!(shown.hits[0].account, known.account);
    drop(reader);
    let done: Result<(), StoreError> = store.write(|writer| {
        assert!(writer.is_web_feed(known.account)? && !writer.is_web_feed(Account([2; 20]))?);
        assert!(writer.follows()?.is_empty());
        writer.forget(known.account)
    });
    done.unwrap();
    let reader = store.read().unwrap();
    assert!(reader.web_feeds().unwrap().is_empty());
    let shown = reader.home_timeline(Account([9; 20]), None, 10).unwrap();
    assert!(shown.hits.is_empty());
}

#[test]
fn those_that_are_due_come_in_the_order_of_their_waiting() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).unwrap();
    let gone = WebFeed {
        gone: true,
        ..feed(4, 1)
    };
    for feed in [feed(1, 30), feed(2, 10), feed(3, 20), gone] {
        follow(&store, &feed);
    }
    let due = |now| {
        let due = store.read().unwrap().web_feeds_due(now).unwrap();
        due.iter().map(|feed| feed.account.0[0]).collect::<Vec<_>>()
    };
    assert!(due(9).is_empty());
    assert_eq!(due(20), [2, 3]);
    assert_eq!(due(99), [2, 3, 1]);
    // What is new about one replaces what was known; its address stays.
    let new = WebFeed {
        url: "https://other.example/".to_owned(),
        at: "https://new.example/".to_owned(),
        etag: Some("\"2\"".to_owned()),
        modified: Some("then".to_owned()),
        failures: 3,
        error: Some("it is down".to_owned()),
        ..feed(1, 50)
    };
    let put: Result<(), StoreError> = store.write(|writer| writer.put_web_feed(&new));
    put.unwrap();
    let known = store.read().unwrap().web_feed(new.account).unwrap();
    let url = feed(1, 50).url;
    assert_eq!(known, Some(WebFeed { url, ..new }));
}
