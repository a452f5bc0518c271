//! The bytes on the disk are those of the kept files, and nothing else stays.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, fs, io::Read};

use ourspace_protocol::{
    account::Account,
    dag::{BlockSource, Cid},
    feed::state::FeedState,
};
use ourspace_store::{Kept, Store, StoreError};
use proptest::prelude::*;

use common::{MIB, add, add_to, bytes, dag, kept, read, store, volumes};

mod common;

#[test]
fn what_is_not_kept_leaves_nothing() {
    let (home, store) = store();
    let first = add(&store, &[b"a small file"]);
    let before = volumes(home.path());
    let mut stage = store.stage().unwrap();
    add_to(&mut stage, &bytes(1, 100_000));
    add_to(&mut stage, &bytes(2, 3 * MIB));
    let mut other = store.stage().unwrap();
    add_to(&mut other, &bytes(3, 2 * MIB - 1));
    add_to(&mut other, &bytes(4, 1000));
    assert_ne!(volumes(home.path()), before);
    drop(stage);
    let taken_back = store.write(|w| {
        w.keep(other)?;
        Err::<(), _>(StoreError::Full)
    });
    assert!(taken_back.is_err());
    assert_eq!(volumes(home.path()), before);
    let begun = bytes(5, 2 * MIB);
    let mut failing = begun.as_slice().chain(Failing);
    let failed = store.stage().unwrap().add(&mut failing);
    assert!(matches!(failed, Err(StoreError::Input(_))));
    assert_eq!(volumes(home.path()), before);
    assert_eq!(
        read(&store, first[0]).as_deref(),
        Some(&b"a small file"[..])
    );
}

struct Failing;

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("the camera was pulled out"))
    }
}

#[test]
fn stages_side_by_side() {
    let (home, store) = store();
    let files: Vec<Vec<u8>> = (0..40).map(|n| bytes(n, 30_000)).collect();
    std::thread::scope(|scope| {
        for part in files.chunks(10) {
            let store = &store;
            scope.spawn(move || {
                for file in part {
                    add(store, &[file]);
                }
            });
        }
    });
    drop(store);
    let store = Store::open(home.path()).unwrap();
    assert_eq!(kept(&store).files, 40);
    for file in &files {
        assert_eq!(read(&store, dag(file).0.cid).as_ref(), Some(file));
    }
    assert!(volumes(home.path()).len() <= 4);
}

#[test]
fn a_pack_that_is_mostly_dead_is_compacted() {
    let (home, store) = store();
    let files: Vec<Vec<u8>> = (0..100).map(|n| bytes(n, 10_000)).collect();
    let list: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
    let cids = add(&store, &list);
    let before = store.read().unwrap();
    for cid in &cids[..50] {
        store.write(|w| w.release(*cid)).unwrap();
    }
    assert_eq!(volumes(home.path()).values().sum::<u64>(), 1_000_000);
    store.write(|w| w.release(cids[50])).unwrap();
    assert_eq!(volumes(home.path()).values().sum::<u64>(), 490_000);
    assert_eq!(
        kept(&store),
        Kept {
            files: 49,
            bytes: 490_000,
            dead: 0
        }
    );
    for (cid, file) in cids[51..].iter().zip(&files[51..]) {
        assert_eq!(read(&store, *cid).as_ref(), Some(file));
        // The snapshot from before names the old pack.
        assert_eq!(before.get(cid).unwrap().as_ref(), Some(file));
    }
    store
        .write(|w| cids[51..].iter().try_for_each(|cid| w.release(*cid)))
        .unwrap();
    assert!(volumes(home.path()).is_empty());
}

#[test]
fn what_is_purged_is_in_no_file() {
    let (home, store) = store();
    let secret = bytes(7, 3000);
    let others: Vec<Vec<u8>> = (100..110).map(|n| bytes(n, 3000)).collect();
    let mut list: Vec<&[u8]> = others.iter().map(Vec::as_slice).collect();
    list.insert(5, &secret);
    let cids = add(&store, &list);
    let found = || {
        let has = |path: std::path::PathBuf| {
            let bytes = fs::read(path).unwrap();
            bytes.windows(64).any(|window| window == &secret[..64])
        };
        let files = fs::read_dir(home.path().join("files")).unwrap();
        let home = fs::read_dir(home.path()).unwrap();
        let all = files.chain(home).map(|entry| entry.unwrap().path());
        all.filter(|path| path.is_file()).any(has)
    };
    assert!(found());
    // A feed that uses it does not save it.
    let path = format!("media/2026/01/{}.webp", cids[5]);
    let count = |w: &ourspace_store::Writer<'_>| -> Result<_, StoreError> {
        Ok(w.feed(Account([1; 20]))?.count_file(&path, 1, 1).unwrap())
    };
    store.write(count).unwrap();
    store.write(|w| w.release(cids[5])).unwrap();
    assert!(found());
    store.write(|w| w.purge(cids[5])).unwrap();
    assert!(!found());
    assert_eq!(kept(&store).files, 10);
    assert_eq!(kept(&store).dead, 0);
}

#[test]
fn rubbish_is_removed_and_no_stranger_is_touched() {
    let (home, store) = store();
    let cids = add(&store, &[&bytes(1, 1000), &bytes(2, 2 * MIB)]);
    drop(store);
    let before = volumes(home.path());
    let folder = home.path().join("files");
    let pack = before.keys().find(|name| name.ends_with("pack")).unwrap();
    let mut appended = fs::read(folder.join(pack)).unwrap();
    appended.extend([7; 500]);
    fs::write(folder.join(pack), appended).unwrap();
    fs::write(folder.join("77.pack"), b"never kept").unwrap();
    fs::write(folder.join("78.file"), b"never kept").unwrap();
    fs::write(folder.join("notes.txt"), b"not ours").unwrap();
    let store = Store::open(home.path()).unwrap();
    let mut after = volumes(home.path());
    assert_eq!(after.remove("notes.txt"), Some(8));
    assert_eq!(after, before);
    let more = add(&store, &[&bytes(3, 1000), &bytes(4, 2 * MIB)]);
    for cid in cids.iter().chain(&more) {
        assert!(read(&store, *cid).is_some());
    }
    assert_eq!(volumes(home.path()).len(), 4);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    /// Any history ends with the files that a plain map would hold.
    #[test]
    fn any_history_keeps_what_it_should(
        ops in proptest::collection::vec((0u64..30, 0u8..10, any::<bool>()), 1..60),
        reopen in 0usize..60,
    ) {
        let (home, mut store) = store();
        let mut expected: BTreeMap<Cid, Vec<u8>> = BTreeMap::new();
        for (at, (seed, what, commit)) in ops.into_iter().enumerate() {
            let large = seed % 10 == 0;
            let file = bytes(seed, if large { MIB + 9 } else { 3000 });
            let cid = dag(&file).0.cid;
            let mut stage = store.stage().unwrap();
            let change = |w: &ourspace_store::Writer<'_>| {
                match what {
                    0..5 => {
                        add_to(&mut stage, &file);
                        w.keep(stage)?;
                    }
                    5..9 => w.release(cid)?,
                    _ => w.purge(cid)?,
                }
                if commit { Ok(()) } else { Err(StoreError::Full) }
            };
            if store.write(change).is_ok() {
                if what < 5 {
                    expected.insert(cid, file);
                } else {
                    expected.remove(&cid);
                }
            }
            if at == reopen {
                drop(store);
                store = Store::open(home.path()).unwrap();
            }
        }
        let kept = kept(&store);
        prop_assert_eq!(kept.files, expected.len() as u64);
        let total: u64 = expected.values().map(|file| file.len() as u64).sum();
        prop_assert_eq!(kept.bytes, total);
        let on_disk: u64 = volumes(home.path()).values().sum();
        prop_assert_eq!(on_disk, total + kept.dead);
        prop_assert!(kept.dead <= total, "half of each pack at most is dead");
        for (cid, file) in &expected {
            let found = read(&store, *cid);
            prop_assert_eq!(found.as_ref(), Some(file));
        }
    }
}

#[test]
fn what_a_guest_purges_the_node_drops_from_its_packs() {
    let home = tempfile::tempdir().unwrap();
    let node = Store::open_resident(home.path(), std::time::Duration::ZERO).unwrap();
    let secret = b"what must not be here any more".repeat(40);
    let cids = add(&node, &[&secret[..], &bytes(7, 50_000)[..]]);
    let holds = || {
        let files = fs::read_dir(home.path().join("files")).unwrap();
        files.into_iter().any(|file| {
            let bytes = fs::read(file.unwrap().path()).unwrap();
            bytes.windows(secret.len()).any(|some| some == secret)
        })
    };
    assert!(holds());
    let guest = Store::open(home.path()).unwrap();
    guest.write(|w| w.purge(cids[0])).unwrap();
    assert_eq!(guest.read().unwrap().purges().unwrap(), 1);
    drop(guest);
    assert!(holds(), "it is the node's pack");
    node.finish_purges().unwrap();
    assert_eq!(node.read().unwrap().purges().unwrap(), 0);
    assert!(!holds());
    assert_eq!(read(&node, cids[0]), None);
    assert!(read(&node, cids[1]).is_some());
    // Where the node ends before that, the next one does it.
    let other = b"another one".repeat(100);
    let cid = add(&node, &[&other[..]])[0];
    Store::open(home.path())
        .unwrap()
        .write(|w| w.purge(cid))
        .unwrap();
    drop(node);
    let node = Store::open_resident(home.path(), std::time::Duration::ZERO).unwrap();
    assert_eq!(node.read().unwrap().purges().unwrap(), 0);
}
