//! The promise of the tree: it is a function of the set of items, not of history.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

use std::collections::BTreeMap;

use ourspace_protocol::{
    account::Account,
    dag::{
        block::Link,
        cid::{Cid, Codec},
    },
    feed::{
        all,
        error::{Budget, TreeError},
        model::{
            About, Attachment, File, Follow, Followee, Item, ItemId, Kind, Profile, Stamped,
            Target, Tombstone,
        },
        read::rendered,
        set::Changes,
        state::MemoryState,
        tree::{link_of, merge},
    },
};
use proptest::{collection::vec, prelude::*, sample::Index};

const ACCOUNT: Account = Account([7; 20]);

/// A feed with the paths that its changes have led to.
#[derive(Default, Clone)]
struct Feed {
    state: MemoryState,
    tree: BTreeMap<String, Link>,
}

impl Feed {
    fn apply(&mut self, changes: &Changes) {
        for (path, link) in merge(&mut self.state, ACCOUNT, changes, Budget::OWN).unwrap() {
            match link {
                Some(link) => self.tree.insert(path, link),
                None => self.tree.remove(&path),
            };
        }
    }

    fn of(all: &[Changes]) -> Self {
        let mut feed = Self::default();
        for changes in all {
            feed.apply(changes);
        }
        feed
    }
}

/// The paths at which two trees differ: all that a failing test need say.
fn differences(a: &Feed, b: &Feed) -> Vec<String> {
    let paths = a.tree.keys().chain(b.tree.keys());
    let mut paths: Vec<String> = paths
        .filter(|path| a.tree.get(*path) != b.tree.get(*path))
        .cloned()
        .collect();
    paths.dedup();
    paths
}

const NONE: [String; 0] = [];

/// Ids of which every sixth or so ends a page, so that a short test has many pages.
fn ids() -> Vec<ItemId> {
    let all = (0_u32..12_000).map(|n| {
        let mut id = [0; 10];
        id[..4].copy_from_slice(&n.wrapping_mul(2_654_435_761).to_be_bytes());
        ItemId(id)
    });
    let (ends, plain): (Vec<_>, Vec<_>) = all.partition(ItemId::ends_page);
    ends.into_iter()
        .take(30)
        .chain(plain.into_iter().take(170))
        .collect()
}

fn file(n: u8, size: u64) -> File {
    let cid = Cid::of(Codec::Raw, &[n]);
    let path = format!("media/2026/01/{cid}.webp");
    File {
        path,
        size,
        mime: "image/webp".into(),
        pixels: Some((1, 1)),
    }
}

prop_compose! {
    fn item(ids: Vec<ItemId>)(
        id in any::<Index>(), date in 0_u64..500, later in 0_u64..3, kind in 0_u8..8,
        text in prop_oneof![Just(""), Just("a"), Just("**b** & <c>")], picture in 0_u8..12,
        size in 1_u64..4,
    ) -> Item {
        let id = *id.get(&ids);
        // Mostly the id decides the date, as it does for one author; sometimes it moves.
        let date = if later == 2 { date } else { u64::from(id.0[0]) };
        let mut item = Item::new(id, date, text);
        if later > 0 {
            item.written = Some(date + later);
            item.edits = 1;
        }
        if kind == 7 {
            item.kind = Kind::Like;
            item.about = Some(About { target: Target::Item(ACCOUNT, id), thread: None, value: None });
        }
        if picture < 3 {
            item.attachments.push(Attachment::new(file(picture, size), "a picture"));
        }
        item
    }
}

/// A profile whose pictures are those of items, at times by another size.
fn profile(n: u64) -> Profile {
    let picture = |at: u64| Stamped {
        value: Some(Attachment::new(file((at % 3) as u8, 1 + at % 4), "me")),
        written: at / 2,
    };
    Profile {
        avatar: picture(n),
        banner: picture(n + 2),
        bio: Stamped {
            value: format!("bio {n}"),
            written: n / 2,
        },
        ..Profile::default()
    }
}

fn changes() -> impl Strategy<Value = Changes> {
    let ids = ids();
    let tombstone = (any::<Index>(), 0_u64..600).prop_map({
        let ids = ids.clone();
        move |(id, date)| Tombstone {
            date,
            id: *id.get(&ids),
        }
    });
    let follow = (0_u8..4, any::<bool>(), 0_u64..5).prop_map(|(who, following, written)| {
        let row = Follow {
            following,
            title: None,
        };
        (
            Followee::Account(Account([who; 20])),
            Stamped {
                value: row,
                written,
            },
        )
    });
    (
        vec(item(ids), 0..30),
        vec(tombstone, 0..3),
        proptest::option::of((0_u64..9).prop_map(profile)),
        vec(follow, 0..2),
    )
        .prop_map(|(items, tombstones, profile, follows)| Changes {
            items,
            tombstones,
            profile,
            follows: follows.into_iter().collect(),
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// One after the other, backwards, twice, and all at once: one tree.
    #[test]
    fn every_history_gives_the_same_tree(all in vec(changes(), 1..14)) {
        let forward = Feed::of(&all);

        let mut reversed = all.clone();
        reversed.reverse();
        prop_assert_eq!(differences(&forward, &Feed::of(&reversed)), NONE);

        let mut again = forward.clone();
        for changes in &all {
            again.apply(changes);
        }
        prop_assert_eq!(differences(&forward, &again), NONE);

        let mut whole = Changes::default();
        for changes in &all {
            whole.items.extend(changes.items.clone());
            whole.tombstones.extend(&changes.tombstones);
        }
        let mut at_once = Feed::of(&[whole]);
        for changes in &all {
            let rest = Changes { items: vec![], tombstones: vec![], ..changes.clone() };
            at_once.apply(&rest);
        }
        prop_assert_eq!(differences(&forward, &at_once), NONE);
    }

    /// Two devices that each know a part, then learn the other's.
    #[test]
    fn two_devices_agree(ours in vec(changes(), 0..8), theirs in vec(changes(), 0..8)) {
        let mut a = Feed::of(&ours);
        let mut b = Feed::of(&theirs);
        for changes in &theirs {
            a.apply(changes);
        }
        for changes in ours.iter().rev() {
            b.apply(changes);
        }
        prop_assert_eq!(differences(&a, &b), NONE);
    }

    /// What the tree names can be rendered again from the state, byte for byte.
    #[test]
    fn rendered_files_are_the_named_ones(all in vec(changes(), 1..8)) {
        let feed = Feed::of(&all);
        for (path, link) in feed.tree.iter().filter(|(path, _)| !path.starts_with("media/")) {
            let bytes = rendered(&feed.state, ACCOUNT, path).unwrap();
            let bytes = bytes.unwrap_or_else(|| panic!("{path} is named but not rendered"));
            prop_assert_eq!(*link, link_of(&bytes), "{}", path);
        }
    }

    /// One pass over everything gives exactly the files that the tree names.
    #[test]
    fn one_pass_gives_all_files(changes in vec(changes(), 1..8)) {
        let feed = Feed::of(&changes);
        let mut files = BTreeMap::new();
        let mut put = |more: Vec<(String, Vec<u8>)>| {
            for (path, bytes) in more {
                assert!(files.insert(path.clone(), link_of(&bytes)).is_none(), "{path} twice");
            }
            Ok::<(), TreeError>(())
        };
        all::each_file(&feed.state, ACCOUNT, &mut put).unwrap();
        put(all::live(&feed.state, ACCOUNT).unwrap()).unwrap();
        let mut tree = feed.tree;
        tree.retain(|path, _| !path.starts_with("media/"));
        prop_assert_eq!(tree, files);
    }
}
