//! The timeline of the home: by date, whatever crowds there are.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use ourspace_protocol::{
    account::Account,
    feed::{
        model::{Item, ItemId, ItemKey},
        state::FeedState,
    },
    time::Millis,
};
use ourspace_store::{Cursor, Follow, Store, StoreError};

const US: Account = Account([1; 20]);
const THEM: Account = Account([2; 20]);
const NOW: Millis = 1_700_000_000_000;

fn put(store: &Store, account: Account, dates: impl Iterator<Item = Millis>) {
    store
        .write(|w| {
            if account != US {
                w.put_follow(&Follow::new(account, NOW))?;
            }
            let mut feed = w.feed(account)?;
            for (number, date) in dates.enumerate() {
                let id = ItemId::of_import(&format!("{account} {number}"));
                let item = Item::new(id, date, "a post");
                feed.put_versions(id, std::slice::from_ref(&item)).unwrap();
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

/// What pages of this size show, one after the other.
fn pages(store: &Store, size: usize) -> Vec<(ItemKey, Account)> {
    let reader = store.read().unwrap();
    let mut shown = Vec::new();
    let mut from = None;
    loop {
        let page = reader.home_timeline(US, from, size).unwrap();
        assert!(page.hits.len() == size || page.next.is_none());
        shown.extend(page.hits.iter().map(|hit| (hit.item.key(), hit.account)));
        if let Some(last) = page.hits.last() {
            let named = reader.cursor(last.account, last.item.id).unwrap();
            assert!(page.next.is_none() || page.next == named);
        }
        match page.next {
            Some(_) => from = page.next,
            None => return shown,
        }
    }
}

#[test]
fn crowds_hide_nobody_s_posts() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).unwrap();
    // One instant, as imports have it; ten a second; and now and then somebody else's.
    put(&store, THEM, (0..700).map(|_| NOW));
    put(&store, US, (0..300).map(|n| NOW + 60_000 + n * 100));
    let some = Account([3; 20]);
    put(&store, some, (0..300).map(|n| NOW - 30_000 + n * 777));
    let all = pages(&store, 2_000);
    assert_eq!(all.len(), 1_300);
    assert!(all.is_sorted_by(|one, next| one > next));
    for size in [1, 7, 20, 1_299, 1_300] {
        assert_eq!(pages(&store, size), all, "pages of {size}");
    }
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 1_300);
    let reader = store.read().unwrap();
    let before = Cursor::before(NOW).unwrap();
    let older = reader.home_timeline(US, Some(before), 5).unwrap();
    assert!(older.hits.iter().all(|hit| hit.item.date < NOW));
    assert_eq!(older.hits[0].account, some);
}
