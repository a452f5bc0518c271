//! What a snapshot has of kept files, and how large everything is.

use std::{fs, path::Path};

use ourspace_protocol::dag::{BlockSource, Cid, Codec, SourceError};
use rusqlite::Connection;

use crate::{
    compact,
    error::StoreError,
    keep,
    kept::{self, KeptFile, Lookup},
    reader::Reader,
    shelf, volume,
    writer::Writer,
};

/// How much is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Kept files.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Bytes on the disk that nothing needs, until compaction.
    pub dead: u64,
}

/// How large the store itself is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// Bytes of the database and its log on the disk, without kept files.
    pub database_bytes: u64,
    /// Records: the newest of each signer of each account.
    pub records: u64,
    /// Announcements that wait.
    pub outgoing: u64,
}

impl Reader<'_> {
    /// A kept file, to read from: also when the snapshot has ended, and whatever becomes
    /// of the file meanwhile.
    ///
    /// # Errors
    /// [`StoreError::DamagedBlock`] when its bytes, or what names them, are gone or
    /// damaged; [`StoreError`] of the database and the disk.
    pub fn file(&self, cid: Cid) -> Result<Option<KeptFile>, StoreError> {
        self.look_up(cid, |conn, folder| kept::open(conn, folder, cid))
    }

    /// Whether a file is kept.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn has_file(&self, cid: Cid) -> Result<bool, StoreError> {
        keep::has_file(self.conn()?, cid)
    }

    /// Calls `each` with every kept file and its size, in no particular order.
    ///
    /// # Errors
    /// What `each` fails with; [`StoreError`] of the database.
    pub fn files<E: From<StoreError>>(
        &self,
        mut each: impl FnMut(Cid, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let conn = self.conn()?;
        let sql = "SELECT cid, size FROM volume WHERE cid IS NOT NULL";
        every(conn, sql, |cid, size| {
            let cid = Cid::from_bytes(cid).map_err(|_| StoreError::damaged("name of a file"))?;
            each(cid, size)
        })?;
        let sql = "SELECT digest, length FROM block JOIN volume ON number = volume
                   WHERE cid IS NULL";
        every(conn, sql, |digest, size| {
            let digest = digest.try_into();
            let digest = digest.map_err(|_| StoreError::damaged("name of a file"))?;
            each(Cid::from_digest(Codec::Raw, digest), size)
        })
    }

    /// How much is kept.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn kept(&self) -> Result<Kept, StoreError> {
        let sql = "SELECT sum(files), sum(size - dead), sum(dead) FROM volume";
        let number = |row: &rusqlite::Row<'_>, at| -> Result<u64, rusqlite::Error> {
            Ok(row.get::<_, Option<i64>>(at)?.unwrap_or(0).unsigned_abs())
        };
        let kept = self.conn()?.query_row(sql, [], |row| {
            Ok(Kept {
                files: number(row, 0)?,
                bytes: number(row, 1)?,
                dead: number(row, 2)?,
            })
        });
        Ok(kept?)
    }

    /// How many packs still have bytes that were purged: the node that runs on the home rewrites
    /// them within seconds.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn purges(&self) -> Result<usize, StoreError> {
        Ok(compact::purged(self.conn()?)?.len())
    }

    /// How large the store is.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn info(&self) -> Result<Info, StoreError> {
        let conn = self.conn()?;
        let count = |table: &str| -> Result<u64, StoreError> {
            let sql = format!("SELECT count(*) FROM {table}");
            let count: i64 = conn.query_row(&sql, [], |row| row.get(0))?;
            Ok(count.unsigned_abs())
        };
        let home = self.shared.home();
        let bytes = |name| fs::metadata(home.join(name)).map_or(0, |file| file.len());
        Ok(Info {
            database_bytes: bytes("store.db") + bytes("store.db-wal"),
            records: count("record")?,
            outgoing: count("outbox")?,
        })
    }

    /// Looks in this snapshot; where the bytes are gone from the place that it names, they
    /// were moved or dropped meanwhile, and the newest state knows.
    fn look_up<T>(
        &self,
        cid: Cid,
        look: impl Fn(&Connection, &Path) -> Result<Lookup<T>, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let folder = volume::folder(self.shared.home());
        match look(self.conn()?, &folder)? {
            Lookup::Here(found) => return Ok(Some(found)),
            Lookup::Absent => return Ok(None),
            Lookup::Gone => {}
        }
        match look(Self::begin(self.shared)?.conn()?, &folder)? {
            Lookup::Here(found) => Ok(Some(found)),
            Lookup::Absent => Ok(None),
            Lookup::Gone => Err(StoreError::DamagedBlock(cid)),
        }
    }
}

fn every<E: From<StoreError>>(
    conn: &Connection,
    sql: &str,
    mut each: impl FnMut(&[u8], u64) -> Result<(), E>,
) -> Result<(), E> {
    let mut find = conn.prepare(sql).map_err(StoreError::from)?;
    let mut rows = find.query([]).map_err(StoreError::from)?;
    while let Some(row) = rows.next().map_err(StoreError::from)? {
        let name = row.get_ref(0).map_err(StoreError::from)?;
        let size: i64 = row.get(1).map_err(StoreError::from)?;
        each(name.as_blob().unwrap_or_default(), size.unsigned_abs())?;
    }
    Ok(())
}

/// The directory blocks of all current trees, and all blocks of kept files.
impl BlockSource for Reader<'_> {
    fn get(&self, cid: &Cid) -> Result<Option<Vec<u8>>, SourceError> {
        if cid.codec() == Codec::DagPb
            && let Some(bytes) = shelf::node(self.conn()?, cid.digest())?
        {
            return Ok(Some(bytes));
        }
        let block = |conn: &Connection, folder: &Path| kept::block(conn, folder, cid);
        Ok(self.look_up(*cid, block)?)
    }
}

/// As a snapshot's, with what the change has made so far; bytes of files that it keeps
/// itself too.
impl BlockSource for Writer<'_> {
    fn get(&self, cid: &Cid) -> Result<Option<Vec<u8>>, SourceError> {
        if cid.codec() == Codec::DagPb
            && let Some(bytes) = shelf::node(self.conn, cid.digest())?
        {
            return Ok(Some(bytes));
        }
        match kept::block(self.conn, self.volumes.folder(), cid)? {
            Lookup::Here(bytes) => Ok(Some(bytes)),
            Lookup::Absent => Ok(None),
            Lookup::Gone => Err(StoreError::DamagedBlock(*cid).into()),
        }
    }
}
