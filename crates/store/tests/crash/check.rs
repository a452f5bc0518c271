//! What must be true of a home after a crash.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    io::Read,
    path::Path,
};

use ourspace_protocol::{
    account::Account,
    dag::{self, Block, FileDag, Link},
    feed::{
        error::Budget,
        model::Item,
        pages::List,
        set::Changes,
        state::{FeedState, MemoryState, Span},
        tree::merge,
    },
};
use ourspace_store::{Reader, Store, StoreError};
use rusqlite::Connection;

use crate::work::{DONE, LIFE, WAITING, author, bytes, id};

const ALL: Span = Span {
    after: None,
    until: None,
};

/// Opens the home and checks everything; gives the number of changes that it has.
pub(crate) fn check(home: &Path, acknowledged: u64) -> u64 {
    let store = Store::open(home).unwrap();
    let reader = store.read().unwrap();
    let done: Option<u64> = reader.setting(DONE).unwrap();
    let done = done.unwrap_or(0);
    // One more may have been made, its maker killed before he could say so.
    assert!(
        (acknowledged..=acknowledged + 1).contains(&done),
        "{acknowledged} were acknowledged, {done} are here"
    );
    for n in [done.saturating_sub(1), done] {
        check_feed(&reader, n, done);
    }
    let waiting = reader.outbox(100).unwrap();
    assert_eq!(waiting.len() as u64, done.min(WAITING));
    let deltas = waiting
        .iter()
        .map(|outgoing| outgoing.delta.clone().unwrap());
    let last = done.saturating_sub(WAITING) + 1..=done;
    assert!(deltas.eq(last.map(|n| n.to_le_bytes().to_vec())));
    check_files(&reader, done);
    drop(reader);
    drop(store);
    check_rows(home);
    done
}

/// The numbers of the posts that are left of `done`.
fn living(done: u64) -> impl Iterator<Item = u64> {
    done.saturating_sub(LIFE) + 1..=done
}

/// The feed of the author of post `n`.
fn check_feed(reader: &Reader<'_>, n: u64, done: u64) {
    if n == 0 {
        return;
    }
    let account = author(n).address();
    let feed = reader.feed(account).unwrap();
    let items = feed.items(List::Posts, ALL).unwrap();
    // A post and the one that deletes it have the same author.
    let expected = living(done).filter(|m| m % 2 == n % 2).map(id);
    let expected: Vec<_> = expected.collect();
    assert_eq!(
        items.iter().map(|item| item.id).collect::<Vec<_>>(),
        expected
    );
    let versions = items
        .iter()
        .flat_map(|item| feed.versions(item.id).unwrap());
    let changes = Changes {
        items: versions.collect::<Vec<Item>>(),
        tombstones: feed.tombstones(ALL).unwrap(),
        ..Changes::default()
    };
    let root = anew(account, &changes);
    assert_eq!(reader.root(account).unwrap(), Some(root));
    let heads = reader.heads(account).unwrap();
    assert_eq!(heads.newest().unwrap().record().root, root.cid);
}

/// The root of a feed with just these items.
fn anew(account: Account, changes: &Changes) -> Link {
    let paths = merge(&mut MemoryState::new(), account, changes, Budget::OWN).unwrap();
    let paths: Vec<_> = paths
        .iter()
        .map(|(path, link)| (path.as_str(), *link))
        .collect();
    dag::update_tree(&HashMap::new(), None, &paths, &mut |_: Block| {}).unwrap()
}

fn check_files(reader: &Reader<'_>, done: u64) {
    let mut expected = BTreeMap::new();
    for n in living(done) {
        let bytes = bytes(n);
        expected.insert(dag_of(&bytes).cid, bytes);
    }
    let mut check = |cid, size| {
        let mut read = Vec::new();
        let mut file = reader.file(cid)?.unwrap();
        file.read_to_end(&mut read).unwrap();
        assert_eq!(read.len() as u64, size);
        let expected = expected.remove(&cid);
        assert_eq!(Some(read), expected, "a file that no feed has");
        Ok::<_, StoreError>(())
    };
    reader.files(&mut check).unwrap();
    assert!(expected.is_empty(), "files are missing");
}

fn dag_of(bytes: &[u8]) -> FileDag {
    struct Nowhere;
    impl dag::BlockSink for Nowhere {
        type Error = std::convert::Infallible;
        fn leaf(&mut self, _: dag::Leaf<'_>) -> Result<(), Self::Error> {
            Ok(())
        }
        fn node(&mut self, _: Block) -> Result<(), Self::Error> {
            Ok(())
        }
    }
    let mut builder = dag::FileBuilder::new();
    let Ok(()) = builder.push(bytes, &mut Nowhere);
    let Ok(dag) = builder.finish(&mut Nowhere);
    dag
}

/// The database holds together, and the folder has what it names and nothing else.
fn check_rows(home: &Path) {
    let conn = Connection::open(home.join("store.db")).unwrap();
    let text = |sql: &str| -> Vec<String> {
        let mut find = conn.prepare(sql).unwrap();
        let rows = find.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert_eq!(text("PRAGMA integrity_check"), ["ok"]);
    assert_eq!(
        text("SELECT \"table\" FROM pragma_foreign_key_check"),
        [""; 0]
    );
    let wrong = "SELECT 'volume ' || number FROM volume v WHERE cid IS NULL AND (
           files <> (SELECT count(*) FROM block WHERE volume = number)
           OR size - dead <> (SELECT total(length) FROM block WHERE volume = number))";
    assert_eq!(text(wrong), [""; 0]);
    let named = "SELECT number || iif(cid IS NULL, '.pack ', '.file ') || size FROM volume";
    let mut named = text(named);
    let listing = fs::read_dir(home.join("files")).unwrap().map(|entry| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        format!("{name} {}", entry.metadata().unwrap().len())
    });
    let mut found: Vec<_> = listing.collect();
    named.sort();
    found.sort();
    assert_eq!(found, named);
}
