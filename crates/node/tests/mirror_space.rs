//! What a mirror keeps: quotas, tombstones, deny-lists, unfollowing.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod filled;
mod peer;
mod place;

use filled::{change, filled, id, item, publish, sound};
use ourspace_node::{
    follows::{FollowError, Wish, follow, list_all, mark_read, unfollow},
    mirror::{
        MirrorError, Purge, Quotas, Taken, evict, index_pages, limit, mirrors, purge, unpurge,
        wanted,
    },
    read,
};
use ourspace_protocol::{
    account::Account,
    dag::{BlockSource as _, Cid},
    feed::{model::Tombstone, set::Changes},
};
use ourspace_testkit::signing::NOW;
use peer::{all_blocks, pull, pull_media, root, served, tell};
use place::Place;

fn follower(author: &Place, wish: Wish<'_>) -> Place {
    let place = Place::of("follower");
    follow(&place.home, NOW, author.account(), wish).unwrap();
    tell(&author.home, &place.home, author.account());
    pull(&served(&author.home), &place.home, author.account()).unwrap();
    place
}

fn files(place: &Place) -> Vec<(Cid, u64)> {
    let mut files = Vec::new();
    let reader = place.home.store().read().unwrap();
    reader
        .files::<ourspace_store::StoreError>(|cid, size| {
            files.push((cid, size));
            Ok(())
        })
        .unwrap();
    files.sort_unstable();
    files
}

fn bytes(place: &Place) -> u64 {
    files(place).iter().map(|file| file.1).sum()
}

const SMALL: u64 = 3_000;
const LARGE: u64 = 1_100_000;

fn of(account: u64) -> Quotas {
    Quotas {
        account,
        ..Quotas::default()
    }
}

#[test]
fn media_are_kept_within_the_quota_newest_first() {
    let author = filled();
    let account = author.account();
    let source = served(&author.home);
    // None at all where only text is wanted.
    let text_only = Wish {
        text_only: true,
        ..Wish::default()
    };
    let reader = follower(&author, text_only);
    assert_eq!(
        pull_media(&source, &reader.home, account, Quotas::default()).files,
        0
    );
    follow(&reader.home, NOW, account, Wish::default()).unwrap();
    // The large one does not fit; it is no reason to go without the small one.
    let done = pull_media(&source, &reader.home, account, of(100_000));
    assert_eq!((done.files, done.left_out), (1, 1));
    assert_eq!(bytes(&reader), SMALL);
    let done = pull_media(&source, &reader.home, account, of(2_000_000));
    assert_eq!((done.files, done.left_out), (1, 0));
    assert_eq!(bytes(&reader), SMALL + LARGE);
    assert_eq!(
        list_all(&reader.home).unwrap()[0].media_bytes,
        SMALL + LARGE
    );
    // A newer post brings 1.2 MB: older ones make room.
    change(&author);
    tell(&author.home, &reader.home, account);
    let source = served(&author.home);
    pull(&source, &reader.home, account).unwrap();
    let newer = {
        let mut post = item(331);
        post.date = NOW + 25;
        let changes = Changes {
            items: vec![item(332), post],
            ..Changes::default()
        };
        publish(&author, NOW + 30, changes, &[sound(1_200_000, 9)]);
        tell(&author.home, &reader.home, account);
        1_200_000
    };
    let source = served(&author.home);
    pull(&source, &reader.home, account).unwrap();
    let done = pull_media(&source, &reader.home, account, of(2_000_000));
    assert!(done.files >= 1, "{done:?}");
    assert!(bytes(&reader) <= 2_000_000 && bytes(&reader) >= newer);
}

#[test]
fn a_lowered_total_drops_what_is_too_much_and_keeps_it_out() {
    let author = filled();
    let account = author.account();
    let reader = follower(&author, Wish::default());
    let source = served(&author.home);
    let quotas = || Quotas::of(&reader.home).unwrap();
    assert_eq!(quotas(), Quotas::default());
    pull_media(&source, &reader.home, account, quotas());
    assert_eq!(bytes(&reader), SMALL + LARGE);
    limit(&reader.home, 500_000).unwrap();
    assert!(bytes(&reader) <= 500_000, "{}", bytes(&reader));
    assert_eq!(mirrors(&reader.home).unwrap().quota, 500_000);
    pull_media(&source, &reader.home, account, quotas());
    assert!(bytes(&reader) <= 500_000, "{}", bytes(&reader));
    limit(&reader.home, 10_000_000).unwrap();
    pull_media(&source, &reader.home, account, quotas());
    assert_eq!(bytes(&reader), SMALL + LARGE);
}

#[test]
fn a_lowered_quota_drops_what_is_too_much() {
    let author = filled();
    let account = author.account();
    let reader = follower(&author, Wish::default());
    let source = served(&author.home);
    pull_media(&source, &reader.home, account, Quotas::default());
    assert_eq!(bytes(&reader), SMALL + LARGE);
    let wish = Wish {
        quota: Some(500_000),
        ..Wish::default()
    };
    follow(&reader.home, NOW, account, wish).unwrap();
    pull_media(&source, &reader.home, account, Quotas::default());
    assert!(bytes(&reader) <= 500_000, "{}", bytes(&reader));
    follow(&reader.home, NOW, account, Wish::default()).unwrap();
    pull_media(&source, &reader.home, account, Quotas::default());
    assert_eq!(bytes(&reader), SMALL + LARGE);
    // Nothing of what is pinned.
    let wish = |pinned| Wish {
        text_only: true,
        pinned,
        ..Wish::default()
    };
    for (pinned, left) in [(true, SMALL + LARGE), (false, 0)] {
        follow(&reader.home, NOW, account, wish(pinned)).unwrap();
        pull_media(&source, &reader.home, account, Quotas::default());
        assert_eq!(bytes(&reader), left);
    }
}

#[test]
fn a_tombstone_drops_the_bytes() {
    let author = filled();
    let account = author.account();
    let reader = follower(&author, Wish::default());
    pull_media(
        &served(&author.home),
        &reader.home,
        account,
        Quotas::default(),
    );
    assert_eq!(bytes(&reader), SMALL + LARGE);
    // Both are attached to the second post.
    let changes = Changes {
        tombstones: vec![Tombstone {
            date: NOW + 50,
            id: id(2),
        }],
        ..Changes::default()
    };
    publish(&author, NOW + 50, changes, &[]);
    tell(&author.home, &reader.home, account);
    pull(&served(&author.home), &reader.home, account).unwrap();
    assert_eq!(files(&reader), []);
    assert_eq!(root(&reader.home, account), root(&author.home, account));
}

#[test]
fn eviction_takes_what_was_read_first_and_nothing_pinned() {
    let author = filled();
    let account = author.account();
    let reader = follower(&author, Wish::default());
    let source = served(&author.home);
    pull_media(&source, &reader.home, account, Quotas::default());
    assert_eq!(evict(&reader.home, 2_000_000, &|_| 0).unwrap(), 0);
    let pinned = Wish {
        pinned: true,
        ..Wish::default()
    };
    follow(&reader.home, NOW, account, pinned).unwrap();
    assert_eq!(evict(&reader.home, 0, &|_| 9).unwrap(), 0);
    follow(&reader.home, NOW, account, Wish::default()).unwrap();
    mark_read(&reader.home, account, NOW + 100).unwrap();
    assert_eq!(evict(&reader.home, SMALL, &|_| 9).unwrap(), LARGE + SMALL);
    assert_eq!(bytes(&reader), 0);
    // The posts are still there, and the files come again.
    assert_eq!(
        read::home_timeline(&reader.home, None, 500)
            .unwrap()
            .0
            .len(),
        78
    );
    assert_eq!(
        pull_media(&source, &reader.home, account, Quotas::default()).files,
        2
    );
}

#[test]
fn what_is_purged_is_gone_for_good() {
    let author = filled();
    let account = author.account();
    let reader = follower(&author, Wish::default());
    let source = served(&author.home);
    pull_media(&source, &reader.home, account, Quotas::default());
    let (small, _) = *files(&reader).iter().find(|file| file.1 == SMALL).unwrap();
    purge(&reader.home, Purge::Cid(small)).unwrap();
    assert_eq!(bytes(&reader), LARGE);
    assert_eq!(served(&reader.home).get(&small).unwrap(), None);
    let done = pull_media(&source, &reader.home, account, Quotas::default());
    assert_eq!((done.files, done.left_out), (0, 1));
    // A page of the feed: never served again.
    while index_pages(&reader.home, 50).unwrap() {}
    let signed = root(&author.home, account).unwrap();
    let all = all_blocks(&source, signed);
    let page = all
        .iter()
        .find(|(_, bytes)| bytes.starts_with(b"<!DOCTYPE"))
        .unwrap();
    assert!(served(&reader.home).get(page.0).unwrap().is_some());
    purge(&reader.home, Purge::Cid(*page.0)).unwrap();
    assert!(served(&reader.home).get(page.0).unwrap().is_none());
    unpurge(&reader.home, Purge::Cid(*page.0)).unwrap();
    assert!(served(&reader.home).get(page.0).unwrap().is_some());
    let own = purge(&reader.home, Purge::Account(reader.account()));
    assert!(matches!(own, Err(MirrorError::Own)), "{own:?}");
    // The account itself.
    purge(&reader.home, Purge::Account(account)).unwrap();
    nothing_left(&reader, account);
    assert_eq!(tell(&author.home, &reader.home, account), [Taken::Denied]);
    let again = follow(&reader.home, NOW, account, Wish::default());
    assert!(matches!(again, Err(FollowError::Denied(_))), "{again:?}");
    let served = served(&reader.home);
    let left = all.keys().filter(|cid| served.get(cid).unwrap().is_some());
    assert_eq!(left.count(), 3, "style and script");
    unpurge(&reader.home, Purge::Account(account)).unwrap();
    follow(&reader.home, NOW, account, Wish::default()).unwrap();
}

#[test]
fn who_is_unfollowed_is_forgotten() {
    let author = filled();
    let account = author.account();
    let reader = follower(&author, Wish::default());
    pull_media(
        &served(&author.home),
        &reader.home,
        account,
        Quotas::default(),
    );
    let own = root(&reader.home, reader.account());
    unfollow(&reader.home, NOW + 1, account).unwrap();
    nothing_left(&reader, account);
    assert_ne!(root(&reader.home, reader.account()), own, "said in public");
    assert_eq!(
        tell(&author.home, &reader.home, account),
        [Taken::NotFollowed]
    );
    assert!(wanted(&reader.home, account).unwrap().is_empty());
    let error = unfollow(&reader.home, NOW + 2, account);
    assert!(matches!(error, Err(FollowError::Unknown(_))));
    let record = peer::newest(&author.home, account);
    let source = served(&author.home);
    let refused = peer::fetch_one(&reader.home, &record, &mut peer::Line::new(&source));
    assert!(matches!(refused, Err(MirrorError::NotFollowed(_))));
}

/// No row and no byte of an account.
fn nothing_left(place: &Place, account: Account) {
    assert_eq!(files(place), []);
    let reader = place.home.store().read().unwrap();
    assert!(!reader.holds_feed(account).unwrap());
    assert_eq!(reader.integrity().unwrap(), [""; 0]);
    drop(reader);
    let (posts, _) = read::home_timeline(&place.home, None, 500).unwrap();
    assert!(posts.is_empty());
    let (found, _) = read::search(&place.home, "number", None, 10).unwrap();
    assert!(found.is_empty());
    let conn = rusqlite::Connection::open(place.home.path().join("store.db")).unwrap();
    let gone: bool = conn
        .query_row(
            "SELECT NOT EXISTS (SELECT 1 FROM account WHERE address = ?)",
            [account.0],
            |row| row.get(0),
        )
        .unwrap();
    assert!(gone);
    let broken: i64 = conn
        .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(broken, 0);
}
