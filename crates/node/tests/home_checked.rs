//! Checking the own home: what it misses, nobody else sees.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

mod filled;
mod place;

use std::{fs::OpenOptions, os::unix::fs::FileExt as _, path::Path};

use filled::filled;
use ourspace_node::{
    Home,
    publish::publish,
    verify::{self, Report},
};
use ourspace_protocol::{feed::set::Changes, limits, time::Millis};
use ourspace_testkit::signing::NOW;
use place::Place;
use rusqlite::Connection;
use tempfile::TempDir;

fn check(home: &Home, now: Millis) -> Report {
    verify::home(home, now, &mut || {}).unwrap()
}

/// Closes a home, with all of it in the database; its folder stays.
fn closed(place: Place) -> (TempDir, std::path::PathBuf) {
    let path = place.home.path().to_owned();
    let Place { folder, home } = place;
    drop(home);
    (folder, path)
}

/// Fills the last page of a table or index with zeros.
fn damage(home: &Path, name: &str) {
    let database = home.join("store.db");
    let conn = Connection::open(&database).unwrap();
    let number = |sql: &str| -> u32 { conn.query_row(sql, [], |row| row.get(0)).unwrap() };
    let size = number("PRAGMA page_size");
    let page = number(&format!(
        "SELECT max(pageno) FROM dbstat WHERE name = '{name}'"
    ));
    drop(conn);
    let file = OpenOptions::new().write(true).open(&database).unwrap();
    let zeros = vec![0; size as usize];
    let at = u64::from(page - 1) * u64::from(size);
    file.write_all_at(&zeros, at).unwrap();
}

#[test]
fn a_good_one_is_valid() {
    let place = filled();
    let report = check(&place.home, NOW + 100);
    assert!(report.valid, "{report:?}");
    assert_eq!(report.account, Some(place.account()));
    assert!(report.root.is_some());
    // One that has published nothing has nothing that could be wrong.
    let report = check(&Place::new().home, NOW);
    assert!(report.valid, "{report:?}");
}

#[test]
fn damage_of_the_database_is_found_wherever_it_is() {
    for name in ["sqlite_autoindex_account_1", "search_data", "post_end"] {
        let (_folder, path) = closed(filled());
        damage(&path, name);
        let report = check(&Home::open_reader(&path).unwrap(), NOW + 100);
        assert!(!report.valid, "{name}: {report:?}");
        assert_eq!(report.errors[0].path, "store.db");
        let said = &report.errors[0].error;
        assert!(
            said.starts_with("the database is damaged: ")
                && said.ends_with("; restore the home from a backup")
                && said.len() < 2_000,
            "{said}"
        );
    }
}

#[test]
fn a_feed_without_a_record_is_an_error() {
    for of_the_tree_too in [false, true] {
        let (_folder, path) = closed(filled());
        let conn = Connection::open(path.join("store.db")).unwrap();
        conn.execute_batch("DELETE FROM record; DELETE FROM outbox")
            .unwrap();
        if of_the_tree_too {
            conn.execute_batch("DELETE FROM node; UPDATE account SET root = NULL, tsize = NULL")
                .unwrap();
        }
        drop(conn);
        let report = check(&Home::open_reader(&path).unwrap(), NOW + 100);
        assert!(!report.valid, "{report:?}");
        let said = |path: &str| {
            let found = report.errors.iter().find(|fault| fault.path == path);
            found.map(|fault| fault.error.as_str()).unwrap_or_default()
        };
        assert!(said("records").contains("no record"), "{report:?}");
    }
}

#[test]
fn a_record_from_the_future_is_an_error() {
    let place = Place::new();
    let later = NOW + limits::CLOCK_SKEW + 1;
    publish(&place.home, later, |_| Ok(Changes::default())).unwrap();
    assert!(check(&place.home, NOW + 1).valid);
    let report = check(&place.home, NOW);
    assert!(!report.valid, "{report:?}");
    assert_eq!(report.errors.len(), 1, "{report:?}");
    let said = &report.errors[0].error;
    assert!(
        said.contains("ahead of the clock here") && said.contains("`ourspace post`"),
        "{said}"
    );
}
