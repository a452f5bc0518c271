//! Making staged files part of the store, and dropping those that nobody uses any more.
//!
//! The order is what makes it safe: bytes are synced before the rows that name them are
//! committed, and removed after the rows that named them are gone.

use std::collections::{BTreeMap, BTreeSet};

use ourspace_protocol::{
    dag::{Cid, Codec},
    limits::CHUNK_BYTES,
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    error::StoreError,
    pack::{Appended, Place},
    stage::Stage,
    volume::{Kind, VolumeId},
    whole::{self, Whole},
    writer::Writer,
};

/// A number for the database.
pub(crate) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The only pack that has a block, and its length.
fn place_in_pack(conn: &Connection, digest: &[u8; 32]) -> Result<Option<(i64, i64)>, StoreError> {
    let mut find = conn.prepare_cached(
        "SELECT volume, length FROM block JOIN volume ON number = volume
         WHERE digest = ? AND cid IS NULL",
    )?;
    let place = find.query_row([digest], |row| Ok((row.get(0)?, row.get(1)?)));
    Ok(place.optional()?)
}

fn volume_of(conn: &Connection, cid: Cid) -> Result<Option<i64>, StoreError> {
    let mut find = conn.prepare_cached("SELECT number FROM volume WHERE cid = ?")?;
    let number = find.query_row([cid.to_bytes()], |row| row.get(0));
    Ok(number.optional()?)
}

/// Whether an account's feed uses a file.
pub(crate) fn is_used(conn: &Connection, cid: Cid) -> Result<bool, StoreError> {
    let mut find = conn.prepare_cached("SELECT 1 FROM file_use WHERE digest = ? AND uses > 0")?;
    Ok(find.exists([cid.digest()])?)
}

/// By how much the numbers of packs change.
#[derive(Debug, Default)]
pub(crate) struct Tally(BTreeMap<i64, (i64, i64)>);

impl Tally {
    pub(crate) fn came(&mut self, pack: i64) {
        self.0.entry(pack).or_default().0 += 1;
    }

    pub(crate) fn died(&mut self, pack: i64, length: i64) {
        let (files, dead) = self.0.entry(pack).or_default();
        *files -= 1;
        *dead += length;
    }

    pub(crate) fn write(self, conn: &Connection) -> Result<(), StoreError> {
        let mut change = conn.prepare_cached(
            "UPDATE volume SET files = files + ?, dead = dead + ? WHERE number = ?",
        )?;
        for (pack, (files, dead)) in self.0 {
            change.execute(params![files, dead, pack])?;
        }
        Ok(())
    }
}

/// Writes how large packs have become.
pub(crate) fn put_packs(conn: &Connection, packs: &[Appended]) -> Result<(), StoreError> {
    let mut add =
        conn.prepare_cached("INSERT INTO volume (number, files, size, dead) VALUES (?, 0, ?, 0)")?;
    let mut grow = conn.prepare_cached("UPDATE volume SET size = ? WHERE number = ?")?;
    for pack in packs {
        if pack.kept == 0 {
            add.execute(params![pack.number, int(pack.size)])?;
        } else {
            grow.execute(params![int(pack.size), pack.number])?;
        }
    }
    Ok(())
}

impl Writer<'_> {
    /// Makes the staged files part of the store when this change is committed. A file that
    /// is kept already is kept once; the newer copy stays, since it is known to be whole.
    ///
    /// Syncs what is not synced yet; nobody else can write meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Full`] and the other errors of the disk and the database;
    /// [`StoreError::OtherStore`].
    pub fn keep(&self, mut stage: Stage<'_>) -> Result<(), StoreError> {
        if !stage.belongs_to(self.volumes) {
            return Err(StoreError::OtherStore);
        }
        let mut files = self.files.borrow_mut();
        let files = &mut *files;
        // From here on the change answers for them, whatever happens.
        files.staged.push(std::mem::take(&mut stage.files));
        let Some(staged) = files.staged.last_mut() else {
            return Ok(());
        };
        let packs = staged.packs.finish(self.volumes)?;
        if !staged.large.is_empty() || packs.iter().any(|pack| pack.kept == 0) {
            self.volumes.sync_folder()?;
        }
        put_packs(self.conn, packs)?;
        put_small(self.conn, &staged.small, &mut files.touched)?;
        for file in &staged.large {
            if let Some(number) = volume_of(self.conn, file.dag.cid)? {
                drop_whole(self.conn, number)?;
                files.gone.push(whole::volume(number));
            }
            put_large(self.conn, file)?;
        }
        Ok(())
    }

    /// Drops a file that no account's feed uses any more: it is gone when this change is
    /// committed. Does nothing if it is not kept, or if a feed still uses it. What it
    /// occupied in a pack is freed when more than half of the pack is dead.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn release(&self, cid: Cid) -> Result<(), StoreError> {
        if !is_used(self.conn, cid)? {
            self.drop_file(cid)?;
        }
        Ok(())
    }

    /// Drops a file whoever uses it. When the change is committed its bytes are no longer
    /// in any file of the home.
    ///
    /// # Errors
    /// [`StoreError`] of the database and the disk; [`StoreError::DamagedBlock`] when
    /// another file beside it cannot be saved: purge or release that one as well.
    pub fn purge(&self, cid: Cid) -> Result<(), StoreError> {
        if let Some(pack) = self.drop_file(cid)? {
            self.files.borrow_mut().purged.insert(pack);
        }
        Ok(())
    }

    /// Whether a file is kept.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn has_file(&self, cid: Cid) -> Result<bool, StoreError> {
        has_file(self.conn, cid)
    }

    /// Gives the pack that it was in.
    pub(crate) fn drop_file(&self, cid: Cid) -> Result<Option<i64>, StoreError> {
        let mut files = self.files.borrow_mut();
        if cid.codec() != Codec::Raw {
            if let Some(number) = volume_of(self.conn, cid)? {
                drop_whole(self.conn, number)?;
                files.gone.push(whole::volume(number));
            }
            return Ok(None);
        }
        let Some((pack, length)) = place_in_pack(self.conn, cid.digest())? else {
            return Ok(None);
        };
        drop_block(self.conn, cid.digest(), pack)?;
        let mut tally = Tally::default();
        tally.died(pack, length);
        tally.write(self.conn)?;
        files.touched.insert(pack);
        Ok(Some(pack))
    }
}

pub(crate) fn has_file(conn: &Connection, cid: Cid) -> Result<bool, StoreError> {
    Ok(if cid.codec() == Codec::Raw {
        place_in_pack(conn, cid.digest())?.is_some()
    } else {
        volume_of(conn, cid)?.is_some()
    })
}

fn drop_block(conn: &Connection, digest: &[u8; 32], volume: i64) -> Result<(), StoreError> {
    let mut drop = conn.prepare_cached("DELETE FROM block WHERE digest = ? AND volume = ?")?;
    drop.execute(params![digest, volume])?;
    Ok(())
}

fn drop_whole(conn: &Connection, number: i64) -> Result<(), StoreError> {
    conn.execute("DELETE FROM block WHERE volume = ?", [number])?;
    conn.execute("DELETE FROM volume WHERE number = ?", [number])?;
    Ok(())
}

fn put_small(
    conn: &Connection,
    small: &[([u8; 32], Place)],
    touched: &mut BTreeSet<i64>,
) -> Result<(), StoreError> {
    let mut put = conn
        .prepare_cached("INSERT INTO block (digest, volume, start, length) VALUES (?, ?, ?, ?)")?;
    let mut tally = Tally::default();
    for (digest, place) in small {
        if let Some((old, length)) = place_in_pack(conn, digest)? {
            drop_block(conn, digest, old)?;
            tally.died(old, length);
            touched.insert(old);
        }
        let (start, length) = (int(place.start), int(place.length));
        put.execute(params![digest, place.number, start, length])?;
        tally.came(place.number);
    }
    tally.write(conn)
}

fn put_large(conn: &Connection, file: &Whole) -> Result<(), StoreError> {
    conn.execute(
        "INSERT INTO volume (number, cid, files, size, dead) VALUES (?, ?, 1, ?, 0)",
        params![file.number, file.dag.cid.to_bytes(), int(file.dag.size)],
    )?;
    // A file may have the same piece in several places: any of them will do.
    let mut put = conn.prepare_cached(
        "INSERT OR IGNORE INTO block (digest, volume, start, length, body)
         VALUES (?, ?, ?, ?, ?)",
    )?;
    let chunk = CHUNK_BYTES as u64;
    let mut start = 0;
    for digest in &file.pieces {
        let length = chunk.min(file.dag.size - start);
        let (from, length) = (int(start), int(length));
        put.execute(params![digest, file.number, from, length, None::<Vec<u8>>])?;
        start += chunk;
    }
    for node in &file.nodes {
        let (cid, bytes) = (node.cid(), node.bytes());
        let length = int(bytes.len() as u64);
        put.execute(params![cid.digest(), file.number, 0, length, bytes])?;
    }
    Ok(())
}

/// A pack by number.
pub(crate) fn pack(number: i64) -> VolumeId {
    let kind = Kind::Pack;
    VolumeId { number, kind }
}
