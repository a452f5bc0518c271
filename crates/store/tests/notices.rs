//! Notices that wait, and who is near whom.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

use ourspace_protocol::{
    account::Account,
    feed::{
        model::{About, Follow, Followee, Follows, Item, ItemId, Kind, Stamped, Target},
        state::FeedState as _,
    },
    limits,
    machine::mailbox::{Entry, Standing},
    message::Short,
    notice::Reason,
};
use ourspace_store::{KeptNotice, Store, StoreError};
use ourspace_testkit::signing::NOW;
use rusqlite::Connection;

fn account(n: u8) -> Account {
    Account([n; 20])
}

fn follows(store: &Store, follower: u8, followed: &[u8]) {
    let row = |n: &u8| {
        let value = Follow {
            following: true,
            title: None,
        };
        let written = NOW;
        (Followee::Account(account(*n)), Stamped { value, written })
    };
    let all: Follows = followed.iter().map(row).collect();
    let done: Result<(), StoreError> = store.write(|writer| {
        let mut feed = writer.feed(account(follower))?;
        feed.put_follows(&all).unwrap();
        Ok(())
    });
    done.unwrap();
}

fn notice(sender: u8, item: u8, standing: Standing) -> KeptNotice {
    KeptNotice {
        key: (account(sender), ItemId([item; 10])),
        entry: Entry {
            mark: Short([item; 8]),
            date: NOW,
            gone: false,
            written: NOW,
            standing,
        },
        reason: Some((Reason::Reply, Some(ItemId([99; 10])))),
        came: NOW + 5,
        record: vec![1; 300],
        delta: vec![2; 300],
    }
}

#[test]
fn all_of_them_together_are_bounded_strangers_first() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let done: Result<usize, StoreError> = store.write(|writer| {
        for (item, standing) in [
            (1, Standing::Own),
            (2, Standing::Near),
            (3, Standing::Stranger(5)),
            (4, Standing::Near),
            (5, Standing::Stranger(6)),
        ] {
            let mut kept = notice(item, item, standing);
            kept.entry.date = NOW - u64::from(item);
            writer.put_notice(account(8), &kept, 0)?;
            writer.put_notice(account(9), &kept, 0)?;
        }
        // Three of 600 bytes stay of what is for the other account, besides the own one.
        writer.bound_notices(account(9), 1_900)
    });
    assert_eq!(done.unwrap(), 1);
    let left = |target| {
        let all = store.read().unwrap().notices(account(target), 10).unwrap();
        all.iter().map(|one| one.key.1.0[0]).collect::<Vec<_>>()
    };
    assert_eq!(left(8), [1, 2, 3, 4]);
    assert_eq!(left(9), [1, 2, 3, 4, 5]);
}

fn near(store: &Store, from: u8, to: u8) -> bool {
    let reader = store.read().unwrap();
    reader.is_near(account(from), account(to)).unwrap()
}

#[test]
fn near_is_within_two_hops_of_what_is_here_also_after_a_migration() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).unwrap();
    follows(&store, 1, &[2, 3]);
    follows(&store, 2, &[4]);
    follows(&store, 4, &[5]);
    let seen = |store: &Store| [2, 3, 4, 5, 6].map(|to| near(store, 1, to));
    assert_eq!(seen(&store), [true, true, true, false, false]);
    assert!(!near(&store, 3, 2));
    drop(store);
    // As a program of layout 3 would have left it.
    let conn = Connection::open(home.path().join("store.db")).unwrap();
    conn.execute_batch(
        "DROP TABLE edge; DROP TABLE notice; DROP TABLE answer; PRAGMA user_version = 3;
         DROP INDEX post_moved; DROP TABLE location;
         ALTER TABLE volume DROP COLUMN purged",
    )
    .unwrap();
    drop(conn);
    let store = Store::open(home.path()).unwrap();
    assert_eq!(seen(&store), [true, true, true, false, false]);
    follows(&store, 2, &[6]);
    assert_eq!(seen(&store), [true, true, false, false, true]);
    let forget: Result<(), StoreError> = store.write(|writer| writer.forget(account(2)));
    forget.unwrap();
    assert_eq!(seen(&store), [true, true, false, false, false]);
}

#[test]
fn what_is_kept_is_found_handed_over_and_forgotten() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).unwrap();
    let (target, own) = (account(1), account(7));
    let mine = notice(7, 1, Standing::Own);
    let theirs = notice(8, 2, Standing::Stranger(u64::MAX));
    let put: Result<(), StoreError> = store.write(|writer| {
        writer.put_notice(target, &mine, 3)?;
        writer.put_notice(target, &theirs, 0)
    });
    put.unwrap();
    drop(store);
    let store = Store::open(home.path()).unwrap();
    let reader = store.read().unwrap();
    assert_eq!(
        reader.mailbox(target).unwrap().get(&theirs.key),
        Some(&theirs.entry)
    );
    let kept = reader.notices(target, 10).unwrap();
    assert_eq!(kept, [mine.clone(), theirs.clone()]);
    assert_eq!(
        reader.notice(target, theirs.key).unwrap(),
        Some(theirs.clone())
    );
    let about = reader.notices_about(target, ItemId([99; 10])).unwrap();
    assert_eq!(about.len(), 2);
    let owed = reader.owed(NOW, 10).unwrap();
    assert_eq!((owed.len(), owed[0].owed, owed[0].key), (1, 3, mine.key));
    drop(reader);
    let change: Result<(), StoreError> = store.write(|writer| {
        assert_eq!(writer.noticed(own, mine.key.1)?, [target]);
        writer.handed(target, mine.entry.mark, 1)?;
        writer.owed_again(&owed[0], NOW + 10)
    });
    change.unwrap();
    let reader = store.read().unwrap();
    assert!(reader.owed(NOW, 10).unwrap().is_empty());
    let later = reader.owed(NOW + 10, 10).unwrap();
    assert_eq!((later[0].owed, later[0].tries), (2, 1));
    drop(reader);
    // Whom this home no longer follows: what it has sent itself is still handed over.
    let forget: Result<(), StoreError> = store.write(|writer| {
        writer.put_follow(&ourspace_store::Follow::new(target, NOW))?;
        writer.forget(target)
    });
    forget.unwrap();
    assert_eq!(store.read().unwrap().notices(target, 10).unwrap(), [mine]);
    let expire: Result<usize, StoreError> =
        store.write(|writer| writer.expire_notices(NOW + limits::NOTICE_LIFE));
    assert_eq!(expire.unwrap(), 1);
}

#[test]
fn what_is_about_an_item_is_found_also_in_a_home_of_older_days() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).unwrap();
    let (first, second) = (ItemId([1; 10]), ItemId([2; 10]));
    let target = |id| Target::Item(account(1), id);
    let put = |store: &Store, versions: &[Item]| {
        let done: Result<(), StoreError> = store.write(|writer| {
            let mut feed = writer.feed(account(2))?;
            feed.put_versions(ItemId([9; 10]), versions).unwrap();
            Ok(())
        });
        done.unwrap();
    };
    let mut reply = Item::new(ItemId([9; 10]), NOW, "I think so, too");
    reply.kind = Kind::Reply;
    reply.about = Some(About {
        target: target(second),
        thread: Some(target(first)),
        value: None,
    });
    put(&store, std::slice::from_ref(&reply));
    let found = |store: &Store, id| store.read().unwrap().answers(account(1), id, 9).unwrap();
    let it = [(account(2), reply.id)];
    assert_eq!(
        (found(&store, first), found(&store, second)),
        (it.to_vec(), it.to_vec())
    );
    drop(store);
    let conn = Connection::open(home.path().join("store.db")).unwrap();
    conn.execute_batch(
        "DROP TABLE edge; DROP TABLE notice; DROP TABLE answer; PRAGMA user_version = 3;
         DROP INDEX post_moved; DROP TABLE location;
         ALTER TABLE volume DROP COLUMN purged;
         DELETE FROM setting WHERE name = 'store.answers'",
    )
    .unwrap();
    drop(conn);
    let store = Store::open(home.path()).unwrap();
    assert_eq!(found(&store, first), it);
    // Another version is about something else; then it is gone.
    let mut edited = reply.clone();
    edited.about.as_mut().unwrap().thread = None;
    put(&store, &[edited, reply]);
    assert_eq!(
        (found(&store, first), found(&store, second)),
        (Vec::new(), it.to_vec())
    );
    put(&store, &[]);
    assert!(found(&store, second).is_empty());
}
