//! Kept files: what goes in comes out, once, checked, until nobody uses it any more.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Seek, SeekFrom},
    time::{Duration, Instant},
};

use ourspace_protocol::{
    account::Account,
    dag::{
        BlockSource, Cid,
        read::{FileReader, ReadLimits},
    },
    feed::state::FeedState,
};
use ourspace_store::{Kept, KeptFile, Store, StoreError};

use common::{MIB, add, add_to, bytes, dag, kept, read, store, volumes};

mod common;

#[test]
fn files_of_every_size_come_back() {
    let (_home, store) = store();
    let lengths = [0, 1, 4096, MIB - 1, MIB, MIB + 1, 3 * MIB, 7 * MIB + 5];
    let files: Vec<_> = (1u64..).zip(lengths).map(|(n, l)| bytes(n, l)).collect();
    let mut stage = store.stage().unwrap();
    for file in &files {
        let added = stage.add(&mut file.as_slice()).unwrap();
        assert_eq!(added, dag(file).0);
        assert!(!store.read().unwrap().has_file(added.cid).unwrap());
    }
    store.write(|w| w.keep(stage)).unwrap();
    let reader = store.read().unwrap();
    let mut listed = BTreeMap::new();
    let mut list = |cid, size| {
        assert_eq!(listed.insert(cid, size), None);
        Ok::<_, StoreError>(())
    };
    reader.files(&mut list).unwrap();
    for file in &files {
        let (expected, blocks) = dag(file);
        assert_eq!(read(&store, expected.cid).as_ref(), Some(file));
        assert_eq!(listed.remove(&expected.cid), Some(expected.size));
        for (cid, block) in blocks {
            assert_eq!(reader.get(&cid).unwrap(), Some(block));
        }
        let opened = FileReader::open(&reader, expected.cid, ReadLimits::default()).unwrap();
        assert_eq!(opened.size(), expected.size);
    }
    assert!(listed.is_empty());
    let total = files.iter().map(|file| file.len() as u64).sum();
    assert_eq!(
        kept(&store),
        Kept {
            files: 8,
            bytes: total,
            dead: 0
        }
    );
    assert_eq!(read(&store, dag(b"never added").0.cid), None);
}

#[test]
fn ranges_are_read_by_seeking() {
    let (_home, store) = store();
    let file = bytes(1, 3 * MIB + 100);
    let small = bytes(2, 1000);
    let cids = add(&store, &[&small, &file]);
    let open = |cid| -> KeptFile { store.read().unwrap().file(cid).unwrap().unwrap() };
    let mut opened = open(cids[1]);
    for (from, length) in [
        (0, 10),
        (MIB - 5, 10),
        (MIB, MIB),
        (3 * MIB + 90, 10),
        (17, 2 * MIB),
    ] {
        opened.seek(SeekFrom::Start(from as u64)).unwrap();
        let mut part = vec![0; length];
        opened.read_exact(&mut part).unwrap();
        assert_eq!(part, file[from..from + length]);
    }
    assert_eq!(opened.seek(SeekFrom::End(-3)).unwrap(), 3 * MIB as u64 + 97);
    let mut rest = Vec::new();
    opened.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, file[file.len() - 3..]);
    assert!(opened.seek(SeekFrom::End(-4_000_000)).is_err());
    opened.seek(SeekFrom::Start(u64::MAX)).unwrap();
    assert_eq!(opened.read(&mut [0]).unwrap(), 0);
    let mut opened = open(cids[0]);
    opened.seek(SeekFrom::Current(990)).unwrap();
    let mut rest = Vec::new();
    opened.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, small[990..]);
}

#[test]
fn a_file_is_kept_once() {
    let (home, store) = store();
    let (small, large) = (bytes(1, 5000), bytes(2, 2 * MIB));
    // A large file of one piece many times, and a small one that is that piece.
    let zeros = vec![0; 4 * MIB];
    let files: [&[u8]; 6] = [&small, &small, &large, &large, &zeros, &zeros[..MIB]];
    let cids = add(&store, &files);
    let once = kept(&store);
    assert_eq!(once.files, 4);
    assert_eq!(add(&store, &files), cids);
    assert_eq!(kept(&store).files, once.files);
    assert_eq!(kept(&store).bytes, once.bytes);
    let on_disk: u64 = volumes(home.path()).values().sum();
    assert!(on_disk <= once.bytes + kept(&store).dead, "{on_disk}");
    for (cid, file) in cids.iter().zip(files) {
        assert_eq!(read(&store, *cid).as_deref(), Some(file));
    }
    // Dropping the large one leaves the small one that is its piece.
    store.write(|w| w.release(cids[4])).unwrap();
    assert_eq!(read(&store, cids[4]), None);
    assert_eq!(read(&store, cids[5]).as_deref(), Some(files[5]));
}

#[test]
fn a_file_in_use_is_not_released() {
    let (_home, store) = store();
    let (alice, bob) = (Account([1; 20]), Account([2; 20]));
    let cids = add(&store, &[&bytes(1, 1000), &bytes(2, 2 * MIB)]);
    let count = |account, cid: Cid, by| {
        let path = format!("media/2026/01/{cid}.webp");
        let count = |w: &ourspace_store::Writer<'_>| -> Result<Option<u64>, StoreError> {
            let (_, uses) = w.feed(account)?.count_file(&path, 1000, by).unwrap();
            w.release(cid)?;
            Ok(uses)
        };
        store.write(count).unwrap()
    };
    for cid in cids {
        count(alice, cid, 1);
        count(bob, cid, 2);
        assert_eq!(count(bob, cid, -1), Some(1000));
        count(alice, cid, -1);
        assert!(store.write(|w| w.has_file(cid)).unwrap());
        assert_eq!(count(bob, cid, -1), None);
        assert!(!store.write(|w| w.has_file(cid)).unwrap());
        assert_eq!(read(&store, cid), None);
    }
}

#[test]
fn who_reads_a_file_reads_it_to_its_end() {
    let (_home, store) = store();
    let files = [bytes(1, 4000), bytes(2, 2 * MIB)];
    let cids = add(&store, &[&files[0], &files[1]]);
    let before = store.read().unwrap();
    let mut opened: Vec<KeptFile> = cids
        .iter()
        .map(|cid| before.file(*cid).unwrap().unwrap())
        .collect();
    for cid in &cids {
        store.write(|w| w.purge(*cid)).unwrap();
    }
    for (opened, file) in opened.iter_mut().zip(&files) {
        let mut bytes = Vec::new();
        opened.read_to_end(&mut bytes).unwrap();
        assert_eq!(&bytes, file);
    }
    // The old snapshot still names them; their bytes are gone for good.
    for cid in &cids {
        assert!(before.has_file(*cid).unwrap());
        assert!(before.file(*cid).unwrap().is_none());
        assert!(before.get(cid).is_ok());
    }
}

#[test]
fn damage_on_the_disk_is_found_and_mended() {
    let (home, store) = store();
    let files = [bytes(1, 5000), bytes(2, 2 * MIB + 7)];
    let list = [files[0].as_slice(), files[1].as_slice()];
    let cids = add(&store, &list);
    for name in volumes(home.path()).keys() {
        let path = home.path().join("files").join(name);
        let mut bytes = fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(&path, bytes).unwrap();
    }
    let reader = store.read().unwrap();
    let damaged = |error: &(dyn std::error::Error + 'static)| {
        matches!(error.downcast_ref(), Some(StoreError::DamagedBlock(_)))
    };
    for cid in &cids {
        let mut file = reader.file(*cid).unwrap().unwrap();
        let error = std::io::copy(&mut file, &mut std::io::sink()).unwrap_err();
        assert!(damaged(error.get_ref().unwrap()));
    }
    assert!(reader.get(&cids[0]).is_err());
    // What is whole is still given.
    let first = &files[1][..MIB];
    assert_eq!(
        reader.get(&dag(first).0.cid).unwrap().as_deref(),
        Some(first)
    );
    assert_eq!(add(&store, &list), cids);
    for (cid, file) in cids.iter().zip(&files) {
        assert_eq!(read(&store, *cid).as_ref(), Some(file));
    }
    // Gone altogether.
    for name in volumes(home.path()).keys() {
        fs::remove_file(home.path().join("files").join(name)).unwrap();
    }
    for cid in &cids {
        let gone = store.read().unwrap().file(*cid);
        assert!(matches!(gone, Err(StoreError::DamagedBlock(found)) if found == *cid));
    }
}

#[test]
fn stages_belong_to_their_store() {
    let (_home, store) = store();
    let elsewhere = tempfile::tempdir().unwrap();
    let other = Store::open(elsewhere.path()).unwrap();
    let mut stage = other.stage().unwrap();
    add_to(&mut stage, b"abc");
    let kept = store.write(|w| w.keep(stage));
    assert!(matches!(kept, Err(StoreError::OtherStore)));
    drop(other);
    let reading = Store::open_reader(elsewhere.path()).unwrap();
    assert!(matches!(reading.stage(), Err(StoreError::ReadersOnly)));
}

#[test]
fn a_second_writer_waits() {
    let (home, store) = store();
    let wait = |wait| Store::open_waiting(home.path(), Duration::from_millis(wait));
    let begin = Instant::now();
    assert!(matches!(wait(60), Err(StoreError::InUse { .. })));
    assert!(begin.elapsed() >= Duration::from_millis(60));
    let cid = std::thread::scope(|scope| {
        let second = scope.spawn(|| add(&wait(60_000).unwrap(), &[b"second"]));
        let first = add(&store, &[b"first"]);
        drop(store);
        (first[0], second.join().unwrap()[0])
    });
    let store = Store::open(home.path()).unwrap();
    assert_eq!(read(&store, cid.0).unwrap(), b"first");
    assert_eq!(read(&store, cid.1).unwrap(), b"second");
}

#[test]
fn the_store_says_how_large_it_is() {
    let (_home, store) = store();
    let empty = store.read().unwrap().info().unwrap();
    assert_eq!((empty.records, empty.outgoing), (0, 0));
    store
        .write(|w| w.put_setting("test.long", &"x".repeat(100_000)))
        .unwrap();
    let grown = store.read().unwrap().info().unwrap();
    assert!(grown.database_bytes >= empty.database_bytes + 100_000);
}
