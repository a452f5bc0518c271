//! A copy of a store: one consistent state of the database, and the files that belong to
//! it.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::{
    Store,
    error::StoreError,
    volume::{Kind, VolumeId, folder},
};

/// A file of kept bytes that belongs to a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its name in the folder `files` of a home.
    pub name: String,
    /// How many bytes from its beginning belong to the snapshot.
    pub size: u64,
}

impl Store {
    /// Writes a copy of the database into the new file `into` and names the files that
    /// belong to it: none without `media`, and then the copy knows of no kept files.
    ///
    /// The files stay as they are for as long as this store is open and nothing is
    /// published; so this is for whoever holds the home.
    ///
    /// # Errors
    /// [`StoreError::ReadersOnly`]; [`StoreError`] of the database and the disk.
    pub fn snapshot(&self, into: &Path, media: bool) -> Result<Vec<SnapshotFile>, StoreError> {
        self.with_writer(|conn| {
            let name = into.to_str().ok_or_else(|| {
                StoreError::file("write", into)(std::io::ErrorKind::InvalidFilename.into())
            })?;
            conn.execute("VACUUM INTO ?", [name])?;
            if media {
                return files(conn, &folder(self.home()));
            }
            let copy = Connection::open(into)?;
            copy.execute_batch(
                "PRAGMA journal_mode = DELETE; DELETE FROM block; DELETE FROM volume;",
            )?;
            Ok(Vec::new())
        })
    }

    /// Reads all of the database once and looks whether its pages fit each other.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when they do not.
    pub fn check(&self) -> Result<(), StoreError> {
        self.with_writer(|conn| {
            let found: String = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            if found == "ok" {
                return Ok(());
            }
            Err(StoreError::damaged(format!("database ({found})")))
        })
    }
}

fn files(conn: &Connection, folder: &Path) -> Result<Vec<SnapshotFile>, StoreError> {
    let mut find = conn.prepare("SELECT number, cid IS NOT NULL, size FROM volume ORDER BY 1")?;
    let mut rows = find.query([])?;
    let mut files = Vec::new();
    while let Some(row) = rows.next()? {
        let kind = match row.get(1)? {
            true => Kind::Whole,
            false => Kind::Pack,
        };
        let number = row.get(0)?;
        let path = VolumeId { number, kind }.path(folder);
        let size: i64 = row.get(2)?;
        files.push(SnapshotFile {
            name: path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            path,
            size: size.unsigned_abs(),
        });
    }
    Ok(files)
}
