//! The kept directories are those of the current trees, no more and no less.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use ourspace_protocol::{
    account::Account,
    dag::{self, Block, BlockSource, Cid, Codec, Link, pb::PbNode},
    feed::tree::PathChanges,
    hash::sha256,
};
use ourspace_store::{Store, StoreError};
use proptest::prelude::*;

const US: Account = Account([1; 20]);
const THEM: Account = Account([2; 20]);

fn link(n: u64) -> Link {
    Link {
        cid: Cid::of(Codec::Raw, &n.to_le_bytes()),
        tsize: n % 1000,
    }
}

fn id(n: u64) -> String {
    let mut bytes = [0; 10];
    bytes.copy_from_slice(&sha256(&n.to_le_bytes())[..10]);
    ourspace_protocol::feed::model::ItemId(bytes).to_string()
}

/// Computes the tree anew; gives its root and its directory blocks, without those of
/// single posts.
fn anew(files: &BTreeMap<String, Link>) -> (Link, HashMap<Cid, Vec<u8>>) {
    let changes: Vec<_> = files
        .iter()
        .map(|(path, link)| (path.as_str(), Some(*link)))
        .collect();
    let mut all: HashMap<Cid, Vec<u8>> = HashMap::new();
    let mut out = |block: Block| {
        all.insert(block.cid(), block.into_bytes());
    };
    let root = dag::update_tree(&HashMap::new(), None, &changes, &mut out).unwrap();
    let of_posts = |bytes: &Vec<u8>| {
        PbNode::decode(bytes)
            .unwrap()
            .links
            .iter()
            .any(|link| link.name == "index.html")
    };
    let top = all[&root.cid].clone();
    let kept = all
        .into_iter()
        .filter(|(_, bytes)| *bytes == top || !of_posts(bytes))
        .collect();
    (root, kept)
}

fn rows(home: &Path, sql: &str) -> i64 {
    let conn = rusqlite::Connection::open(home.join("store.db")).unwrap();
    conn.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn check(store: &Store, account: Account, files: &BTreeMap<String, Link>) -> usize {
    let (root, blocks) = anew(files);
    let reader = store.read().unwrap();
    assert_eq!(reader.root(account).unwrap(), Some(root));
    for (cid, bytes) in &blocks {
        assert_eq!(reader.get(cid).unwrap().as_ref(), Some(bytes));
    }
    blocks.len()
}

fn apply(files: &mut BTreeMap<String, Link>, paths: &PathChanges) {
    for (path, link) in paths {
        match link {
            Some(link) => files.insert(path.clone(), *link),
            None => files.remove(path),
        };
    }
}

fn post(n: u64, link: Option<Link>) -> [(String, Option<Link>); 2] {
    let history = link.filter(|link| link.tsize % 3 == 0);
    let id = id(n);
    [
        (format!("posts/{id}/index.html"), link),
        (format!("posts/{id}/history.json"), history),
    ]
}

fn change() -> impl Strategy<Value = Vec<(String, Option<Link>)>> {
    let some = || proptest::option::weighted(0.7, (0u64..9).prop_map(link));
    prop_oneof![
        (0u64..30, some()).prop_map(|(n, link)| post(n, link).to_vec()),
        (0u64..9, 0u64..3, some())
            .prop_map(|(n, folder, link)| { vec![(format!("media/202{folder}/{n}"), link)] }),
        (0u64..4, some()).prop_map(|(n, link)| vec![(format!("{n}.html"), link)]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn trees_are_kept_without_a_rest(
        changes in proptest::collection::vec((any::<bool>(), proptest::collection::vec(change(), 1..9)), 1..9),
    ) {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(home.path()).unwrap();
        let mut files: BTreeMap<bool, BTreeMap<String, Link>> = BTreeMap::new();
        for (ours, changes) in changes {
            let account = if ours { US } else { THEM };
            let paths: PathChanges = changes.concat().into_iter().collect();
            let root = store.write(|w| w.update_tree(account, &paths)).unwrap();
            let files = files.entry(ours).or_default();
            apply(files, &paths);
            prop_assert_eq!(store.read().unwrap().root(account).unwrap(), Some(root));
        }
        let mut kept: HashMap<Cid, Vec<u8>> = HashMap::new();
        for (ours, files) in &files {
            check(&store, if *ours { US } else { THEM }, files);
            kept.extend(anew(files).1);
        }
        let nodes = rows(home.path(), "SELECT count(*) FROM node");
        prop_assert_eq!(usize::try_from(nodes).unwrap(), kept.len());
    }
}

#[test]
fn a_large_folder_grows_shrinks_and_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).unwrap();
    let mut files = BTreeMap::new();
    let mut step = |paths: PathChanges| {
        store.write(|w| w.update_tree(US, &paths)).unwrap();
        apply(&mut files, &paths);
        let blocks = check(&store, US, &files);
        let nodes = rows(home.path(), "SELECT count(*) FROM node");
        assert_eq!(usize::try_from(nodes).unwrap(), blocks);
        blocks
    };
    let posts = |range: std::ops::Range<u64>, link: fn(u64) -> Option<Link>| -> PathChanges {
        range.flat_map(|n| post(n, link(n))).collect()
    };
    assert_eq!(step(posts(0..3000, |n| Some(link(n)))), 2);
    assert!(step(posts(3000..6000, |n| Some(link(n)))) > 200);
    for n in 6000..6004 {
        step(posts(n..n + 1, |n| Some(link(n))));
    }
    step(posts(100..110, |n| Some(link(n + 1_000_000))));
    assert!(step(posts(4500..6004, |_| None)) > 100);
    assert_eq!(step(posts(3000..4500, |_| None)), 2);
    assert_eq!(step(posts(0..3000, |_| None)), 1);
    let uses = rows(home.path(), "SELECT sum(uses) FROM node");
    assert_eq!(uses, 1);
}

#[test]
fn a_change_that_is_taken_back_leaves_the_tree() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).unwrap();
    let paths: PathChanges = post(1, Some(link(1))).into_iter().collect();
    store.write(|w| w.update_tree(US, &paths)).unwrap();
    let before = store.read().unwrap().root(US).unwrap();
    let more: PathChanges = post(2, Some(link(2))).into_iter().collect();
    let failed = store.write(|w| {
        w.update_tree(US, &more)?;
        Err::<(), _>(StoreError::ReadersOnly)
    });
    assert!(failed.is_err());
    assert_eq!(store.read().unwrap().root(US).unwrap(), before);
    let bad: PathChanges = [("a//b".to_owned(), Some(link(1)))].into_iter().collect();
    assert!(matches!(
        store.write(|w| w.update_tree(US, &bad)),
        Err(StoreError::Dag(_))
    ));
}
