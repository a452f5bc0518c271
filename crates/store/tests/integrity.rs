//! Damage in the database's pages is found, wherever it is.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::FileExt as _,
    path::Path,
};

use ourspace_protocol::{
    account::Account,
    feed::{
        model::{Item, ItemId},
        state::FeedState,
    },
};
use ourspace_store::{Search, Store, StoreError};
use rusqlite::Connection;

const US: Account = Account([1; 20]);

/// A closed home with some thousand posts.
fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).unwrap();
    let put = |w: &ourspace_store::Writer<'_>| {
        let mut feed = w.feed(US)?;
        for n in 0..1_500u32 {
            let mut id = [3; 10];
            id[..4].copy_from_slice(&n.to_be_bytes());
            let text = format!("post {n} with word{} and other{}", n * 7, n * 11);
            let item = Item::new(ItemId(id), 1_700_000_000_000 + u64::from(n) * 60_000, text);
            feed.put_versions(item.id, std::slice::from_ref(&item))
                .unwrap();
        }
        Ok::<_, StoreError>(())
    };
    store.write(put).unwrap();
    drop(store);
    home
}

/// The full pages of a table or index (at least its last one), and bytes of a page.
fn pages(home: &Path, name: &str) -> (Vec<u64>, u64) {
    let conn = Connection::open(home.join("store.db")).unwrap();
    let size: u32 = conn
        .query_row("PRAGMA page_size", [], |row| row.get(0))
        .unwrap();
    let mut find = conn
        .prepare("SELECT pageno FROM dbstat WHERE name = ? ORDER BY unused < 100, pageno")
        .unwrap();
    let found = find.query_map([name], |row| row.get::<_, u32>(0)).unwrap();
    let found = found.map(|page| u64::from(page.unwrap())).collect();
    (found, u64::from(size))
}

fn damage(home: &Path, page: u64, size: u64, from: u64) {
    let file = OpenOptions::new()
        .write(true)
        .open(home.join("store.db"))
        .unwrap();
    let zeros = vec![0; usize::try_from(size - from).unwrap()];
    file.write_all_at(&zeros, (page - 1) * size + from).unwrap();
}

fn lines(home: &Path) -> Vec<String> {
    let store = Store::open_reader(home).unwrap();
    let reader = store.read().unwrap();
    reader.integrity().unwrap()
}

#[test]
fn a_whole_database_has_nothing_to_say() {
    let home = home();
    assert_eq!(lines(home.path()), [""; 0]);
    // The check writes nothing, so it works where nothing can be written.
    let before = fs::read(home.path().join("store.db")).unwrap();
    lines(home.path());
    assert_eq!(fs::read(home.path().join("store.db")).unwrap(), before);
}

#[test]
fn every_damaged_index_is_found_in_a_few_lines() {
    for name in ["sqlite_autoindex_account_1", "post", "post_end"] {
        let home = home();
        let (found, size) = pages(home.path(), name);
        damage(home.path(), *found.last().unwrap(), size, 0);
        let lines = lines(home.path());
        assert!(!lines.is_empty() && lines.len() <= 5, "{name}: {lines:?}");
        assert!(
            lines.iter().all(|line| line.chars().count() <= 200),
            "{lines:?}"
        );
    }
}

#[test]
fn a_damaged_search_index_is_found() {
    let home = home();
    let (found, size) = pages(home.path(), "search_data");
    assert!(found.len() > 4, "{found:?}");
    // The words of a page in the middle, not its head: the b-tree itself is whole then.
    damage(home.path(), found[found.len() - 3], size, size / 2);
    let store = Store::open_reader(home.path()).unwrap();
    let reader = store.read().unwrap();
    let search = |word: String| {
        let search = Search {
            query: &word,
            account: None,
            from: None,
            limit: 10,
        };
        reader.search(&search).map(|found| found.hits.len())
    };
    let lost = (0..1_500).filter(|n| !matches!(search(format!("word{}", n * 7)), Ok(1..)));
    assert!(
        lost.count() > 0,
        "nothing was lost: the test damages nothing"
    );
    let lines = reader.integrity().unwrap();
    assert!(!lines.is_empty() && lines.len() <= 5, "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("fts5")), "{lines:?}");
}
