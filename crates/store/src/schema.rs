//! Opening the database: its settings, and the migrations that bring an older home to
//! the layout that this program knows.
//!
//! Released migrations never change. A home of a newer program is refused as it is.

use std::{
    fs::{self, OpenOptions},
    io::Read,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::{
    error::StoreError,
    steps::{Observer, Step},
};

/// The migrations, oldest first: the first one makes layout 1.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_initial.sql"),
    include_str!("../migrations/0002_network.sql"),
    include_str!("../migrations/0003_web_feeds.sql"),
    include_str!("../migrations/0004_notices.sql"),
    include_str!("../migrations/0005_order.sql"),
];

/// "OuSp" in the file's header, by which tools tell it from other databases.
const APPLICATION: i64 = 0x4f75_5370;

/// Every SQLite database begins with this.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Statements kept prepared on each connection; there are fewer.
const STATEMENTS: usize = 256;

/// The newest layout that this program knows.
pub(crate) fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Opens the database for the one writer, makes it if there is none, migrates it.
pub(crate) fn open_writer(path: &Path, observer: &dyn Observer) -> Result<Connection, StoreError> {
    check_header(path)?;
    make_private(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(path, flags)?;
    let version = check_layout(&conn, path)?;
    // FULL: a commit is on the disk before it returns.
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
         PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;
         PRAGMA journal_size_limit = 33554432;",
    )?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    migrate(&mut conn, version, observer)?;
    Ok(conn)
}

/// Makes the file, readable by its owner only; SQLite gives the log beside it the same
/// permissions, and takes an empty file for a new database.
fn make_private(path: &Path) -> Result<(), StoreError> {
    if path.exists() {
        return Ok(());
    }
    let mut options = OpenOptions::new();
    let made = options
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path);
    made.map(drop).map_err(|error| match error.kind() {
        std::io::ErrorKind::PermissionDenied => StoreError::ReadOnly,
        _ => StoreError::file("make", path)(error),
    })
}

/// Opens the database for reading; works on a home that cannot be written, too.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    if !path.try_exists().map_err(StoreError::file("find", path))? {
        return Err(StoreError::Absent(path.parent().unwrap_or(path).to_owned()));
    }
    check_header(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let conn = Connection::open_with_flags(path, flags)?;
    let (conn, layout) = match check_layout(&conn, path) {
        // A reader must make an index of the log beside the database. Where it cannot,
        // and no log was left, nobody writes: then the file can be read as it stands.
        Err(StoreError::Database(_) | StoreError::ReadOnly | StoreError::Full)
            if !has_log(path) =>
        {
            let conn = Connection::open_with_flags(immutable(path), flags)?;
            let layout = check_layout(&conn, path)?;
            (conn, layout)
        }
        result => result.map(|layout| (conn, layout))?,
    };
    if layout == 0 {
        // Whoever made it was stopped before anything was in it.
        return Err(StoreError::Absent(path.parent().unwrap_or(path).to_owned()));
    }
    if layout < known() {
        return Err(StoreError::Older {
            found: layout,
            known: known(),
        });
    }
    conn.execute_batch(
        "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -4096;",
    )?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(conn)
}

fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    fs::metadata(PathBuf::from(log)).is_ok_and(|log| log.len() > 0)
}

fn immutable(path: &Path) -> String {
    let mut uri = "file:".to_owned();
    for character in path.to_string_lossy().chars() {
        match character {
            '%' => uri.push_str("%25"),
            '?' => uri.push_str("%3f"),
            '#' => uri.push_str("%23"),
            other => uri.push(other),
        }
    }
    uri + "?immutable=1"
}

/// Refuses a file that is no database before anything is written beside it.
fn check_header(path: &Path) -> Result<(), StoreError> {
    let mut head = Vec::new();
    match fs::File::open(path) {
        Ok(file) => file
            .take(16)
            .read_to_end(&mut head)
            .map_err(StoreError::file("read", path))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(StoreError::file("open", path)(error)),
    };
    if head.is_empty() || head == MAGIC {
        return Ok(());
    }
    Err(StoreError::Corrupt {
        path: path.to_owned(),
        what: "it is not a database".to_owned(),
    })
}

/// The layout of the database, if this program may touch it.
fn check_layout(conn: &Connection, path: &Path) -> Result<i64, StoreError> {
    let number = |name: &str| conn.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0));
    let read = || -> Result<(i64, i64), rusqlite::Error> {
        Ok((number("user_version")?, number("application_id")?))
    };
    let corrupt = |what: String| StoreError::Corrupt {
        path: path.to_owned(),
        what,
    };
    let (found, application) = read().map_err(|error| match StoreError::from(error) {
        StoreError::Damaged { what } => corrupt(what),
        other => other,
    })?;
    if found > known() {
        return Err(StoreError::Newer {
            found,
            known: known(),
        });
    }
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    // The first migration brings tables and layout at once.
    let of_others = application != APPLICATION && (found > 0 || tables > 0);
    if found < 0 || of_others {
        return Err(corrupt("it is another program's database".to_owned()));
    }
    Ok(found)
}

fn migrate(conn: &mut Connection, version: i64, observer: &dyn Observer) -> Result<(), StoreError> {
    let done = usize::try_from(version).unwrap_or(usize::MAX);
    if done >= MIGRATIONS.len() {
        return Ok(());
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for migration in MIGRATIONS.iter().skip(done) {
        tx.execute_batch(migration)?;
    }
    tx.pragma_update(None, "application_id", APPLICATION)?;
    tx.pragma_update(None, "user_version", known())?;
    observer.reached(Step::Migrated);
    tx.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::Nobody;

    #[test]
    fn a_database_of_another_program_is_neither_read_nor_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let other = Connection::open(&path).unwrap();
        other
            .execute_batch("CREATE TABLE novels (text TEXT)")
            .unwrap();
        drop(other);
        let before = fs::read(&path).unwrap();
        for opened in [open_reader(&path), open_writer(&path, &Nobody)] {
            assert!(
                matches!(opened, Err(StoreError::Corrupt { .. })),
                "{opened:?}"
            );
        }
        assert_eq!(fs::read(&path).unwrap(), before);
        // One without tables is not there yet.
        fs::write(&path, "").unwrap();
        assert!(matches!(open_reader(&path), Err(StoreError::Absent(_))));
        open_writer(&path, &Nobody).unwrap();
        open_reader(&path).unwrap();
    }
}
