//! Homes that older programs have made.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeSet, fs, path::Path};

use ourspace_protocol::{
    dag::{BlockSource as _, Cid, entries},
    feed::{model::ItemId, state::FeedState as _},
};
use ourspace_store::{Place, Store, StoreError};
use ourspace_testkit::signing::TestKey;
use rusqlite::Connection;

/// A feed of 150 posts of a minute each, one of them edited, one deleted, one with a picture,
/// and a like, as layout 1 has it.
const LAYOUT_1: &[u8] = include_bytes!("fixtures/layout1.db.zst");
/// The feed's root.
const ROOT: &str = "bafybeig63q4yip4hwmaj7yyfx5ipxpjv4wc5xnnr5fe5sruvn5iyt5iqu4";
/// The file of its pack.
const PICTURE: &[u8] = b"a picture of those days";

fn old_home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let database = zstd::decode_all(LAYOUT_1).unwrap();
    fs::write(home.path().join("store.db"), database).unwrap();
    fs::create_dir(home.path().join("files")).unwrap();
    fs::write(home.path().join("files/1.pack"), PICTURE).unwrap();
    home
}

fn layout(home: &Path) -> i64 {
    let conn = Connection::open(home.join("store.db")).unwrap();
    conn.query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap()
}

fn id(n: u32) -> ItemId {
    ItemId::of_import(&n.to_string())
}

#[test]
fn a_home_of_the_first_layout_is_brought_up_to_date() {
    let home = old_home();
    assert_eq!(layout(home.path()), 1);
    let store = Store::open(home.path()).unwrap();
    assert_eq!(layout(home.path()), 5);
    let us = TestKey::named("alice").address();
    let reader = store.read().unwrap();
    assert_eq!(reader.integrity().unwrap(), [""; 0]);
    let root = reader.root(us).unwrap().unwrap();
    assert_eq!(root.cid.to_string(), ROOT);
    assert_eq!(reader.counts(us).unwrap().posts, 149);
    assert_eq!(reader.feed(us).unwrap().versions(id(3)).unwrap().len(), 2);
    assert!(reader.follows().unwrap().is_empty());
    // All that its directories name is in the index.
    for (folder, count) in [
        ("posts", 149),
        ("archive", 6),
        ("reactions", 1),
        ("tombstones", 1),
    ] {
        let link = entries::find(&reader, root.cid, folder).unwrap().unwrap();
        let mut found = 0;
        entries::list(&reader, link.cid, &mut |name, link| {
            let named = named(&reader, &link.cid);
            assert!(
                named.contains(&format!("{folder}/{name}")),
                "{folder}/{name}: {named:?}"
            );
            found += 1;
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
        assert!(found >= count, "{found} in {folder}");
    }
    let picture = Cid::of(ourspace_protocol::dag::Codec::Raw, PICTURE);
    assert_eq!(reader.get(&picture).unwrap().unwrap(), PICTURE);
    assert!(reader.is_open_file(us, &picture).unwrap());
}

fn named(reader: &ourspace_store::Reader<'_>, cid: &Cid) -> BTreeSet<String> {
    let found = reader.candidates(cid).unwrap();
    found.iter().map(|(_, place)| Place::path(place)).collect()
}

#[test]
fn who_only_reads_an_older_home_has_it_brought_up_to_date_first() {
    let home = old_home();
    let store = Store::open_reader(home.path()).unwrap();
    assert_eq!(layout(home.path()), 5);
    let us = TestKey::named("alice").address();
    assert_eq!(store.read().unwrap().counts(us).unwrap().posts, 149);
    // Where it is in use, that is said.
    let home = old_home();
    let lock = fs::File::create(home.path().join("lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    let opened = Store::open(home.path());
    assert!(
        matches!(opened, Err(StoreError::InUse { .. })),
        "{opened:?}"
    );
    assert_eq!(layout(home.path()), 1);
}
