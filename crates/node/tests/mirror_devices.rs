//! Devices of one account that publish without asking one another: followers show the union,
//! the devices merge.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod filled;
mod peer;
mod place;

use std::collections::BTreeSet;

use filled::{id, item};
use futures::executor::block_on;
use ourspace_node::{
    follows::{Wish, follow},
    mirror::{Merged, merge, wanted},
    publish::publish,
    read,
};
use ourspace_protocol::{
    account::Account,
    feed::{
        model::{Item, ItemId, Tombstone},
        set::Changes,
    },
    time::Millis,
};
use ourspace_testkit::signing::{NOW, TestKey};
use peer::{Line, all_blocks, newest, pull, root, served, tell};
use place::Place;

fn put(place: &Place, now: Millis, items: Vec<Item>, dead: &[u32]) {
    let tombstones = dead.iter().map(|n| Tombstone {
        date: now,
        id: id(*n),
    });
    let changes = Changes {
        items,
        tombstones: tombstones.collect(),
        ..Changes::default()
    };
    publish(&place.home, now, |_| Ok(changes)).unwrap();
}

fn shown(place: &Place) -> BTreeSet<String> {
    let (posts, _) = read::home_timeline(&place.home, None, 1_000).unwrap();
    posts.into_iter().map(|post| post.id.to_string()).collect()
}

/// The head of another device comes to one.
fn merge_from(from: &Place, to: &Place, now: Millis) -> Merged {
    tell(&from.home, &to.home, to.account());
    let source = served(&from.home);
    let mut line = Line::new(&source);
    let mut done = Merged::Here;
    for head in wanted(&to.home, to.account()).unwrap() {
        done = block_on(merge(&to.home, &head, now, &mut line, &mut |_| {})).unwrap();
    }
    done
}

#[test]
fn a_new_device_takes_the_feed_and_both_go_on() {
    let (phone, laptop) = (Place::of("owner"), Place::of("owner"));
    let account = phone.account();
    put(&phone, NOW, (1..80).map(item).collect(), &[]);
    // The new one has nothing: it takes the tree and signs nothing.
    assert_eq!(merge_from(&phone, &laptop, NOW + 1), Merged::Taken);
    assert_eq!(root(&laptop.home, account), root(&phone.home, account));
    assert_eq!(laptop.state().2, 0);
    put(&laptop, NOW + 2, vec![item(100)], &[3]);
    // The laptop's record follows the phone's, so the phone takes it as it is.
    assert_eq!(merge_from(&laptop, &phone, NOW + 3), Merged::Taken);
    assert_eq!(root(&laptop.home, account), root(&phone.home, account));
    assert_eq!(phone.state().2, 1, "no record was needed");
    // Both publish at once.
    put(&phone, NOW + 10, vec![item(101)], &[]);
    put(&laptop, NOW + 11, vec![item(102)], &[5]);
    let Merged::Published(merged) = merge_from(&laptop, &phone, NOW + 12) else {
        panic!("the phone knows what the laptop does not");
    };
    assert_eq!(shown(&phone).len(), 79 + 3 - 2);
    let record = newest(&phone.home, account);
    assert_eq!(record.record().root, merged);
    assert_eq!(record.record().parents.len(), 2);
    // The other one takes the merge, and nobody signs any more.
    assert_eq!(merge_from(&phone, &laptop, NOW + 13), Merged::Taken);
    assert_eq!(merge_from(&laptop, &phone, NOW + 14), Merged::Here);
    assert_eq!(root(&laptop.home, account), Some(merged));
    let heads = laptop.home.store().read().unwrap().heads(account).unwrap();
    assert_eq!(heads.frontier().len(), 1);
}

#[test]
fn followers_show_the_union_until_it_is_merged() {
    let (phone, laptop) = (Place::of("owner"), Place::of("owner"));
    let reader = Place::of("follower");
    let account = phone.account();
    follow(&reader.home, NOW, account, Wish::default()).unwrap();
    put(&phone, NOW, (1..80).map(item).collect(), &[]);
    merge_from(&phone, &laptop, NOW + 1);
    put(&phone, NOW + 10, vec![item(101), item(103)], &[]);
    put(&laptop, NOW + 11, vec![item(102)], &[101, 5]);
    for from in [&phone, &laptop] {
        tell(&from.home, &reader.home, account);
    }
    let (of_phone, of_laptop) = (served(&phone.home), served(&laptop.home));
    for record in wanted(&reader.home, account).unwrap() {
        let from = match record.record().timestamp == NOW + 10 {
            true => &of_phone,
            false => &of_laptop,
        };
        peer::fetch_one(&reader.home, &record, &mut Line::new(from)).unwrap();
    }
    assert!(wanted(&reader.home, account).unwrap().is_empty());
    // The laptop's tombstone beats the phone's post, though the phone never heard of it.
    let all = shown(&reader);
    assert_eq!(all.len(), 79 - 1 + 2);
    assert!(all.contains(&id(102).to_string()) && !all.contains(&id(101).to_string()));
    // Each head's directories are here and served.
    let mirror = served(&reader.home);
    for place in [&phone, &laptop] {
        let cid = root(&place.home, account).unwrap();
        let block = ourspace_protocol::dag::load(&mirror, cid);
        assert!(block.is_ok(), "{block:?}");
    }
    // Merged, there is one tree again, and the mirror serves all of it.
    merge_from(&laptop, &phone, NOW + 12);
    tell(&phone.home, &reader.home, account);
    let of_phone = served(&phone.home);
    pull(&of_phone, &reader.home, account).unwrap();
    let merged = root(&phone.home, account).unwrap();
    assert_eq!(root(&reader.home, account), Some(merged));
    assert_eq!(
        all_blocks(&served(&reader.home), merged),
        all_blocks(&of_phone, merged)
    );
    let trees = reader.home.store().read().unwrap().trees(account).unwrap();
    assert_eq!(trees.len(), 1);
}

/// To whom a home is to hand over a notice, and of which items.
fn owed(place: &Place) -> BTreeSet<(Account, ItemId)> {
    let reader = place.home.store().read().unwrap();
    let all = reader.owed(NOW + 1_000, 100).unwrap().into_iter();
    all.map(|owed| (owed.target, owed.key.1)).collect()
}

#[test]
fn whoever_one_device_told_of_an_item_the_other_tells_of_its_end() {
    let (phone, laptop) = (Place::of("owner"), Place::of("owner"));
    let [friend, other] = ["friend", "other"].map(|name| TestKey::named(name).address());
    let about = |n: u32, mentions: &[Account]| {
        let mut item = item(n);
        item.labels.mentions = mentions.to_vec();
        item
    };
    let all = vec![about(1, &[friend]), about(2, &[friend, other]), item(3)];
    put(&phone, NOW, all, &[]);
    assert_eq!(owed(&phone).len(), 3);
    assert_eq!(merge_from(&phone, &laptop, NOW + 1), Merged::Taken);
    assert!(owed(&laptop).is_empty());
    put(&laptop, NOW + 2, vec![], &[1, 3]);
    assert_eq!(owed(&laptop), BTreeSet::from([(friend, id(1))]));
    // An edit that no longer mentions somebody tells them so.
    let mut edit = about(2, &[friend]);
    edit.written = Some(NOW + 3);
    put(&laptop, NOW + 3, vec![edit], &[]);
    let told = [(friend, id(1)), (friend, id(2)), (other, id(2))];
    assert_eq!(owed(&laptop), BTreeSet::from(told));
}
