//! A feed in the store gives the root that the same feed in memory gives, whatever the
//! history: the journey of every change, from the items to the root.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, HashMap};

use ourspace_protocol::{
    account::Account,
    dag::{self, Block},
    feed::{
        error::Budget,
        model::{Attachment, File, Item, ItemId, Kind, Tombstone},
        set::Changes,
        state::MemoryState,
        tree::{PathChanges, merge},
    },
};
use ourspace_store::Store;
use proptest::prelude::*;

const US: Account = Account([1; 20]);

fn id(n: u16) -> ItemId {
    ItemId::of_import(&n.to_string())
}

fn item() -> impl Strategy<Value = Item> {
    (0u16..300, 0u64..400, 0u32..3, 0u8..12).prop_map(|(n, date, edits, kind)| {
        let text = format!("post {n}, version {edits}");
        let mut item = Item::new(id(n), 1_700_000_000_000 + date * 3_600_000, text);
        item.edits = edits;
        item.written = (edits > 0).then_some(item.date + u64::from(edits));
        if kind == 0 {
            item.kind = Kind::Repost;
        }
        if kind == 1 {
            let cid = dag::Cid::of(dag::Codec::Raw, &n.to_le_bytes());
            let file = File {
                path: format!("media/2023/11/{cid}.webp"),
                size: 2,
                mime: "image/webp".to_owned(),
                pixels: None,
            };
            item.attachments.push(Attachment::new(file, "a picture"));
        }
        item
    })
}

fn changes() -> impl Strategy<Value = Changes> {
    let deleted = (0u16..300, 0u64..9).prop_map(|(n, date)| Tombstone { date, id: id(n) });
    (
        proptest::collection::vec(item(), 0..60),
        proptest::collection::vec(deleted, 0..5),
    )
        .prop_map(|(items, tombstones)| Changes {
            items,
            tombstones,
            ..Changes::default()
        })
}

fn in_memory(histories: &[Changes]) -> dag::Link {
    let mut state = MemoryState::new();
    let mut paths: PathChanges = BTreeMap::new();
    for changes in histories {
        paths.extend(merge(&mut state, US, changes, Budget::OWN).unwrap());
    }
    let paths: Vec<_> = paths
        .iter()
        .map(|(path, link)| (path.as_str(), *link))
        .collect();
    dag::update_tree(&HashMap::new(), None, &paths, &mut |_: Block| {}).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn the_store_gives_the_same_root(
        histories in proptest::collection::vec(changes(), 1..5),
        order in any::<prop::sample::Index>(),
    ) {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(home.path()).unwrap();
        let mut mixed = histories.clone();
        mixed.rotate_left(order.index(histories.len()));
        let mut root = None;
        for changes in &mixed {
            let publish = |w: &ourspace_store::Writer<'_>| {
                let paths = merge(&mut w.feed(US)?, US, changes, Budget::OWN).unwrap();
                w.update_tree(US, &paths)
            };
            root = Some(store.write(publish).unwrap());
        }
        prop_assert_eq!(root, Some(in_memory(&histories)));
        prop_assert_eq!(store.read().unwrap().root(US).unwrap(), root);
        let check = store.write(|w| w.root(US)).unwrap();
        prop_assert_eq!(check, root);
    }
}
