//! The database keeps a feed exactly as the model in memory does.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use ourspace_protocol::{
    account::Account,
    feed::{
        model::{
            About, Follow, Followee, Follows, Item, ItemId, ItemKey, Kind, Labels, Profile,
            Stamped, Target, Tombstone,
        },
        pages::List,
        state::{FeedState, MemoryState, Span},
    },
    time::MAX_MILLIS,
};
use ourspace_store::{Store, StoreError};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Op {
    Versions(ItemId, Vec<Item>),
    Tombstone(Tombstone),
    Profile(Box<Profile>),
    Follows(Follows),
    Page(List, ItemKey, bool),
    File(u8, u64, i64),
}

/// Few ids, half of which end a page, so that they meet often.
fn ids() -> Vec<ItemId> {
    let made = |n: u32| {
        let mut id = [7; 10];
        id[..4].copy_from_slice(&n.to_le_bytes());
        ItemId(id)
    };
    let ends = (0..).map(made).filter(ItemId::ends_page).take(8);
    let others = (0..).map(made).filter(|id| !id.ends_page()).take(8);
    ends.chain(others)
        .chain([ItemId([0; 10]), ItemId([255; 10])])
        .collect()
}

fn id() -> impl Strategy<Value = ItemId> {
    proptest::sample::select(ids())
}

fn date() -> impl Strategy<Value = u64> {
    prop_oneof![
        0u64..4,
        1_700_000_000_000u64..1_700_000_000_004,
        Just(MAX_MILLIS)
    ]
}

fn key() -> impl Strategy<Value = ItemKey> {
    (date(), id()).prop_map(|(date, id)| ItemKey { date, id })
}

fn kind() -> impl Strategy<Value = Kind> {
    proptest::sample::select(vec![
        Kind::Post,
        Kind::Reply,
        Kind::Repost,
        Kind::Like,
        Kind::Vote,
    ])
}

fn item(id: ItemId) -> impl Strategy<Value = Item> {
    let text = prop_oneof![".{0,40}", "([a-e]{1,3} ){0,200}"];
    let tags = proptest::collection::vec("[a-zA-Z]{1,5}|ü-x", 0..3);
    (
        kind(),
        date(),
        text,
        tags,
        0u32..3,
        proptest::option::of(date()),
    )
        .prop_map(move |(kind, date, text, tags, edits, written)| Item {
            kind,
            edits,
            written,
            title: (edits == 2).then(|| "A title \u{e000} of \"it\"".to_owned()),
            labels: Labels {
                tags,
                mentions: vec![Account([9; 20])],
                ..Labels::default()
            },
            about: (kind != Kind::Post).then(|| About {
                target: Target::Item(Account([3; 20]), id),
                thread: None,
                value: Some("👍".to_owned()),
            }),
            renderer: 1 + edits,
            more: (0..edits)
                .map(|n| (format!("n{n}"), text.clone()))
                .collect(),
            ..Item::new(id, date, text)
        })
}

fn list() -> impl Strategy<Value = List> {
    proptest::sample::select(List::ALL.to_vec())
}

fn op() -> impl Strategy<Value = Op> {
    let versions = id().prop_flat_map(|id| {
        (Just(id), proptest::collection::vec(item(id), 0..4))
            .prop_map(|(id, versions)| Op::Versions(id, versions))
    });
    let follows =
        proptest::collection::btree_map(0u8..9, (any::<bool>(), 0u64..9), 0..4).prop_map(|rows| {
            rows.into_iter()
                .map(|(n, (following, written))| {
                    let value = Follow {
                        following,
                        title: None,
                    };
                    (
                        Followee::Account(Account([n; 20])),
                        Stamped { value, written },
                    )
                })
                .collect::<BTreeMap<_, _>>()
        });
    prop_oneof![
        6 => versions,
        2 => key().prop_map(|key| Op::Tombstone(Tombstone { date: key.date, id: key.id })),
        1 => (".{0,9}", 0u64..99).prop_map(|(value, written)| Op::Profile(Box::new(Profile {
            more: [("a".to_owned(), Stamped { value: value.clone(), written })].into(),
            display_name: Stamped { value, written },
            ..Profile::default()
        }))),
        1 => follows.prop_map(Op::Follows),
        3 => (list(), key(), any::<bool>()).prop_map(|(list, key, put)| Op::Page(list, key, put)),
        3 => (0u8..3, 1u64..4, -2i64..3).prop_map(|(file, size, by)| Op::File(file, size, by)),
    ]
}

/// Applies an operation and gives what it says.
fn apply(state: &mut dyn FeedState, op: &Op) -> (Option<u64>, Option<u64>) {
    match op {
        Op::Versions(id, versions) => state.put_versions(*id, versions).unwrap(),
        Op::Tombstone(tombstone) => state.put_tombstone(*tombstone).unwrap(),
        Op::Profile(profile) => state.put_profile(profile).unwrap(),
        Op::Follows(follows) => state.put_follows(follows).unwrap(),
        Op::Page(list, page, present) => state.put_page(*list, *page, *present).unwrap(),
        Op::File(file, size, by) => {
            let path = format!("media/{file}");
            return state.count_file(&path, *size, *by).unwrap();
        }
    }
    (None, None)
}

/// Everything that can be asked.
fn compare(a: &dyn FeedState, b: &dyn FeedState, keys: &[ItemKey]) {
    for id in ids() {
        assert_eq!(a.versions(id).unwrap(), b.versions(id).unwrap());
        assert_eq!(a.tombstone(id).unwrap(), b.tombstone(id).unwrap());
    }
    let ends: Vec<Option<ItemKey>> = keys.iter().copied().map(Some).chain([None]).collect();
    for list in List::ALL {
        for (after, until) in ends.iter().flat_map(|a| ends.iter().map(move |u| (*a, *u))) {
            let span = Span { after, until };
            if list != List::Tombstones {
                assert_eq!(a.items(list, span).unwrap(), b.items(list, span).unwrap());
            }
            assert_eq!(a.tombstones(span).unwrap(), b.tombstones(span).unwrap());
            assert_eq!(a.pages(list, span).unwrap(), b.pages(list, span).unwrap());
        }
        assert_eq!(
            a.page_before(list, None).unwrap(),
            b.page_before(list, None).unwrap()
        );
        for key in keys {
            let some = Some(*key);
            assert_eq!(
                a.end_before(list, *key).unwrap(),
                b.end_before(list, *key).unwrap()
            );
            assert_eq!(
                a.end_after(list, *key).unwrap(),
                b.end_after(list, *key).unwrap()
            );
            assert_eq!(
                a.page_before(list, some).unwrap(),
                b.page_before(list, some).unwrap()
            );
            assert_eq!(
                a.page_after(list, *key).unwrap(),
                b.page_after(list, *key).unwrap()
            );
        }
    }
    assert_eq!(a.profile().unwrap(), b.profile().unwrap());
    assert_eq!(a.follows().unwrap(), b.follows().unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn the_database_is_the_model(
        changes in proptest::collection::vec((any::<bool>(), proptest::collection::vec(op(), 1..12)), 1..6),
        keys in proptest::collection::vec(key(), 1..4),
    ) {
        let home = tempfile::tempdir().unwrap();
        let (ours, other) = (Account([1; 20]), Account([2; 20]));
        let mut model = MemoryState::new();
        let store = Store::open(home.path()).unwrap();
        for (keep, ops) in &changes {
            let mut next = model.clone();
            let result = store.write(|w| {
                let mut feed = w.feed(ours)?;
                let mut elsewhere = w.feed(other)?;
                for op in ops {
                    assert_eq!(apply(&mut feed, op), apply(&mut next, op));
                    apply(&mut elsewhere, op);
                }
                compare(&feed, &next, &keys);
                if *keep { Ok(()) } else { Err(StoreError::ReadersOnly) }
            });
            prop_assert_eq!(result.is_ok(), *keep);
            if *keep {
                model = next;
            }
            compare(&store.read().unwrap().feed(ours).unwrap(), &model, &keys);
        }
        drop(store);
        let store = Store::open(home.path()).unwrap();
        compare(&store.read().unwrap().feed(ours).unwrap(), &model, &keys);
        compare(&store.read().unwrap().feed(other).unwrap(), &model, &keys);
    }
}

#[test]
fn a_snapshot_is_read_only_and_stands_still() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).unwrap();
    let account = Account([1; 20]);
    let put = |n: u8| {
        let item = Item::new(ItemId([n; 10]), u64::from(n), format!("post {n}"));
        store.write(|w| {
            w.feed(account)?.put_versions(item.id, &[item]).unwrap();
            Ok::<_, StoreError>(())
        })
    };
    put(1).unwrap();
    let before = store.read().unwrap();
    put(2).unwrap();
    assert_eq!(before.timeline(account, None, 10).unwrap().len(), 1);
    assert_eq!(before.counts(account).unwrap().posts, 1);
    assert_eq!(
        store
            .read()
            .unwrap()
            .timeline(account, None, 10)
            .unwrap()
            .len(),
        2
    );
    let mut feed = before.feed(account).unwrap();
    assert!(feed.put_versions(ItemId([1; 10]), &[]).is_err());
    assert!(
        feed.put_tombstone(Tombstone {
            date: 1,
            id: ItemId([1; 10])
        })
        .is_err()
    );
    assert!(feed.put_profile(&Profile::default()).is_err());
    assert!(
        feed.put_page(
            List::Posts,
            ItemKey {
                date: 1,
                id: ItemId([1; 10])
            },
            true
        )
        .is_err()
    );
    assert!(feed.count_file("media/x", 1, 1).is_err());
}

#[test]
fn the_timeline_goes_back_page_by_page() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).unwrap();
    let account = Account([1; 20]);
    // Many posts share a date, more than a label has room for.
    let items: Vec<Item> = (0..900u32)
        .map(|n| {
            let mut id = [0; 10];
            id[..4].copy_from_slice(&n.wrapping_mul(2_654_435_761).to_be_bytes());
            let kind = if n % 10 == 0 { Kind::Like } else { Kind::Post };
            Item {
                kind,
                ..Item::new(ItemId(id), u64::from(n / 300) * 7, format!("post {n}"))
            }
        })
        .collect();
    let put = |w: &ourspace_store::Writer<'_>| {
        let mut feed = w.feed(account)?;
        for item in &items {
            feed.put_versions(item.id, std::slice::from_ref(item))
                .unwrap();
        }
        Ok::<_, StoreError>(())
    };
    store.write(put).unwrap();
    let mut wanted: Vec<&Item> = items
        .iter()
        .filter(|item| item.kind == Kind::Post)
        .collect();
    wanted.sort_by_key(|item| std::cmp::Reverse(item.key()));
    let reader = store.read().unwrap();
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = reader.timeline(account, before, 37).unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.key());
        found.extend(page);
    }
    assert!(found.iter().eq(wanted));
    assert!(
        reader
            .timeline(Account([8; 20]), None, 5)
            .unwrap()
            .is_empty()
    );
}
