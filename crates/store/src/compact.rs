//! Freeing what is dead in packs: the living blocks are copied to another pack, and the
//! old one is removed with the change that moved them.

use std::fs::File;

use rusqlite::{Connection, OptionalExtension, params};

use ourspace_protocol::dag::{Cid, Codec};

use crate::{
    changes::FileChanges,
    error::StoreError,
    keep::{Tally, int, pack, put_packs},
    pack::{PackWriter, Place},
    stage::Staged,
    steps::Step,
    volume::{Volumes, read_at},
};

/// Packs of which more than half is dead.
pub(crate) fn half_dead(conn: &Connection) -> Result<Vec<i64>, StoreError> {
    let mut find =
        conn.prepare("SELECT number FROM volume WHERE cid IS NULL AND dead * 2 > size")?;
    let numbers = find.query_map([], |row| row.get(0))?;
    Ok(numbers.collect::<Result<_, _>>()?)
}

/// Packs whose dead bytes must go: a purge could not rewrite them.
pub(crate) fn purged(conn: &Connection) -> Result<Vec<i64>, StoreError> {
    let mut find = conn.prepare_cached("SELECT number FROM volume WHERE purged = 1")?;
    let numbers = find.query_map([], |row| row.get(0))?;
    Ok(numbers.collect::<Result<_, _>>()?)
}

/// At the end of a change: compacts the packs that it has touched, where it pays or must be.
pub(crate) fn settle(
    conn: &Connection,
    volumes: &Volumes,
    files: &mut FileChanges,
) -> Result<(), StoreError> {
    for number in std::mem::take(&mut files.touched) {
        let purged = files.purged.contains(&number);
        if !purged && !is_half_dead(conn, number)? {
            continue;
        }
        if !volumes.withdraw(number) {
            if purged {
                let mut mark =
                    conn.prepare_cached("UPDATE volume SET purged = 1 WHERE number = ?")?;
                mark.execute([number])?;
            }
            continue;
        }
        match compact(conn, volumes, files, number) {
            // It can wait until the damaged file is added again.
            Err(error @ StoreError::DamagedBlock(_)) if !purged => {
                tracing::warn!(%error, "a pack was not compacted");
            }
            result => result?,
        }
    }
    Ok(())
}

fn is_half_dead(conn: &Connection, number: i64) -> Result<bool, StoreError> {
    let mut find = conn.prepare_cached("SELECT dead * 2 > size FROM volume WHERE number = ?")?;
    let dead: Option<bool> = find.query_row([number], |row| row.get(0)).optional()?;
    Ok(dead.unwrap_or(false))
}

type Row = ([u8; 32], u64, u64);

fn compact(
    conn: &Connection,
    volumes: &Volumes,
    files: &mut FileChanges,
    number: i64,
) -> Result<(), StoreError> {
    let rows = rows(conn, number)?;
    // The change answers for the copies before there are any.
    files.staged.push(Staged::default());
    let Some(Staged { packs, .. }) = files.staged.last_mut() else {
        return Ok(());
    };
    let copied = copy(volumes, packs, number, &rows);
    let places = copied.inspect_err(|_| packs.undo(volumes))?;
    let packs = packs.finish(volumes)?;
    if packs.iter().any(|pack| pack.kept == 0) {
        volumes.sync_folder()?;
    }
    put_packs(conn, packs)?;
    let mut put = conn.prepare_cached(
        "UPDATE block SET volume = ?1, start = ?2 WHERE digest = ?3 AND volume = ?4",
    )?;
    let mut tally = Tally::default();
    for ((digest, ..), place) in rows.iter().zip(&places) {
        put.execute(params![place.number, int(place.start), digest, number])?;
        tally.came(place.number);
    }
    tally.write(conn)?;
    conn.execute("DELETE FROM volume WHERE number = ?", [number])?;
    files.gone.push(pack(number));
    volumes.observer.reached(Step::Compacted);
    Ok(())
}

/// The blocks of a pack in the order of their places.
fn rows(conn: &Connection, number: i64) -> Result<Vec<Row>, StoreError> {
    let mut find =
        conn.prepare("SELECT digest, start, length FROM block WHERE volume = ? ORDER BY start")?;
    let rows = find.query_map([number], |row| {
        let (start, length): (i64, i64) = (row.get(1)?, row.get(2)?);
        Ok((row.get(0)?, start.unsigned_abs(), length.unsigned_abs()))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn copy(
    volumes: &Volumes,
    packs: &mut PackWriter,
    number: i64,
    rows: &[Row],
) -> Result<Vec<Place>, StoreError> {
    let path = volumes.path(pack(number));
    let mut places = Vec::with_capacity(rows.len());
    if rows.is_empty() {
        return Ok(places);
    }
    let file = File::open(&path).map_err(StoreError::file("open", &path))?;
    for &(digest, start, length) in rows {
        let cid = Cid::from_digest(Codec::Raw, digest);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let bytes = read_at(&file, start, length).map_err(StoreError::file("read", &path))?;
        let whole = bytes.filter(|bytes| cid.matches(bytes));
        let bytes = whole.ok_or(StoreError::DamagedBlock(cid))?;
        places.push(packs.append(volumes, &bytes)?);
    }
    Ok(places)
}
