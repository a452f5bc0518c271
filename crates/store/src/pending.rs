//! What a change does to the index of what is served: gathered, and written at its end in
//! the order of the rows.

use std::collections::{BTreeMap, BTreeSet};

use ourspace_protocol::feed::model::ItemId;
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    buckets::{self, Bits, Entry, decode, encode},
    error::StoreError,
    listing::Place,
    shelf::Digest,
    values,
};

/// How the buckets are cut, and how many entries are in them: `[bits, entries]`.
pub(crate) const CUT: &str = "store.served";

/// What came into the index and what left it.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    added: BTreeSet<(i64, Place, Digest)>,
    removed: BTreeSet<(i64, Place, Digest)>,
}

/// By how much a bucket changes.
#[derive(Default)]
struct Change {
    added: Vec<Entry>,
    /// With the post that had it, and its label, if there still is one.
    removed: Vec<(u32, Option<i64>)>,
}

impl Pending {
    pub(crate) fn add(&mut self, account: i64, place: Place, digest: Digest) {
        let row = (account, place, digest);
        self.removed.remove(&row);
        self.added.insert(row);
    }

    pub(crate) fn remove(&mut self, account: i64, place: Place, digest: Digest) {
        let row = (account, place, digest);
        self.added.remove(&row);
        self.removed.insert(row);
    }

    /// Writes everything.
    pub(crate) fn write(self, conn: &Connection) -> Result<(), StoreError> {
        if self.added.is_empty() && self.removed.is_empty() {
            return Ok(());
        }
        let (mut bits, mut entries) = cut(conn)?;
        let mut changes: BTreeMap<i64, Change> = BTreeMap::new();
        let mut drop = conn.prepare_cached(
            "DELETE FROM served_file WHERE prefix = ? AND account = ? AND place = ?",
        )?;
        for (account, place, digest) in &self.removed {
            let Place::Post(id) = place else {
                drop.execute(params![file_prefix(digest), account, place.to_bytes()])?;
                continue;
            };
            let prefix = buckets::prefix(digest);
            let label = label(conn, *account, *id)?;
            let change = changes.entry(bits.bucket(prefix)).or_default();
            change.removed.push((prefix, label));
        }
        let mut put = conn.prepare_cached(
            "INSERT OR IGNORE INTO served_file (prefix, account, place) VALUES (?, ?, ?)",
        )?;
        for (account, place, digest) in &self.added {
            let Place::Post(id) = place else {
                put.execute(params![file_prefix(digest), account, place.to_bytes()])?;
                continue;
            };
            let Some(label) = label(conn, *account, *id)? else {
                continue;
            };
            let prefix = buckets::prefix(digest);
            let change = changes.entry(bits.bucket(prefix)).or_default();
            change.added.push((prefix, label));
        }
        for (bucket, change) in changes {
            entries += rewrite(conn, bits, bucket, change)?;
        }
        let entries = entries.max(0);
        while bits.are_full(entries.unsigned_abs()) {
            bits = double(conn, bits)?;
        }
        values::put(conn, CUT, &(bits.get(), entries))
    }
}

/// What the index is cut into, and how many entries it has.
pub(crate) fn cut(conn: &Connection) -> Result<(Bits, i64), StoreError> {
    let (bits, entries) = values::get(conn, CUT)?.unwrap_or((0, 0));
    Ok((Bits::new(bits), entries))
}

/// The first bytes of a digest as a number.
pub(crate) fn file_prefix(digest: &Digest) -> i64 {
    let [a, b, c, d, e, f, ..] = *digest;
    i64::from_be_bytes([0, 0, a, b, c, d, e, f])
}

/// Where a post lies.
fn label(conn: &Connection, account: i64, id: ItemId) -> Result<Option<i64>, StoreError> {
    let mut find = conn.prepare_cached("SELECT label FROM post WHERE account = ? AND id = ?")?;
    Ok(find
        .query_row(params![account, id.0], |row| row.get(0))
        .optional()?)
}

/// The entries of a bucket.
pub(crate) fn bucket(conn: &Connection, bits: Bits, bucket: i64) -> Result<Vec<Entry>, StoreError> {
    let mut find = conn.prepare_cached("SELECT entries FROM served WHERE bucket = ?")?;
    let found: Option<Vec<u8>> = find.query_row([bucket], |row| row.get(0)).optional()?;
    Ok(found.map_or_else(Vec::new, |bytes| decode(bits, bucket, &bytes)))
}

fn put_bucket(
    conn: &Connection,
    bits: Bits,
    bucket: i64,
    entries: &mut Vec<Entry>,
) -> Result<(), StoreError> {
    if entries.is_empty() {
        let mut drop = conn.prepare_cached("DELETE FROM served WHERE bucket = ?")?;
        drop.execute([bucket])?;
        return Ok(());
    }
    let mut put = conn.prepare_cached(
        "INSERT INTO served (bucket, entries) VALUES (?1, ?2)
         ON CONFLICT DO UPDATE SET entries = ?2",
    )?;
    put.execute(params![bucket, encode(bits, entries)])?;
    Ok(())
}

/// Changes one bucket; gives how many entries it has more.
fn rewrite(conn: &Connection, bits: Bits, number: i64, change: Change) -> Result<i64, StoreError> {
    let mut entries = bucket(conn, bits, number)?;
    let before = entries.len();
    if !change.removed.is_empty() {
        let mut find = conn.prepare_cached("SELECT 1 FROM post WHERE label = ?")?;
        let mut kept = Vec::with_capacity(entries.len());
        for (prefix, label) in entries {
            let mut gone = change.removed.iter().filter(|removed| removed.0 == prefix);
            // Another post's digest may begin alike: it stays while there is such a post.
            let mut goes = false;
            if let Some((_, of)) = gone.next() {
                goes = *of == Some(label) || !find.exists([label])?;
            }
            if !goes {
                kept.push((prefix, label));
            }
        }
        entries = kept;
    }
    entries.extend(change.added);
    put_bucket(conn, bits, number, &mut entries)?;
    let count = |count| i64::try_from(count).unwrap_or(i64::MAX);
    Ok(count(entries.len()) - count(before))
}

/// Cuts every bucket in two.
fn double(conn: &Connection, bits: Bits) -> Result<Bits, StoreError> {
    let next = bits.doubled();
    let mut all = conn.prepare_cached("SELECT bucket, entries FROM served ORDER BY bucket")?;
    let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let rows: Vec<(i64, Vec<u8>)> = rows.collect::<Result<_, _>>()?;
    conn.prepare_cached("DELETE FROM served")?.execute([])?;
    for (number, bytes) in rows {
        let mut halves: BTreeMap<i64, Vec<Entry>> = BTreeMap::new();
        for entry in decode(bits, number, &bytes) {
            halves.entry(next.bucket(entry.0)).or_default().push(entry);
        }
        for (number, mut entries) in halves {
            put_bucket(conn, next, number, &mut entries)?;
        }
    }
    Ok(next)
}
