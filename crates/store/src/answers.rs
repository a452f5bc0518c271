//! Which items are about which: what threads are put together from.

use ourspace_protocol::{
    account::Account,
    feed::model::{Item, ItemId, Target},
};
use rusqlite::{Connection, params};

use crate::{codec::Codec, error::StoreError, rows::key_and_source, values};

/// The setting that says which version of the index is there.
const NAME: &str = "store.answers";
const VERSION: u32 = 1;

/// The items that an item is about: its target, and the first one of its thread.
fn about(item: &Item) -> impl Iterator<Item = (Account, ItemId)> {
    let about = item.about.iter();
    let targets = about.flat_map(|about| std::iter::once(&about.target).chain(&about.thread));
    targets.filter_map(|target| match target {
        Target::Item(account, id) => Some((*account, *id)),
        Target::Url(_) => None,
    })
}

/// Notes what an item of an account is about.
pub(crate) fn add(conn: &Connection, account: i64, item: &Item) -> Result<(), StoreError> {
    for (target, id) in about(item) {
        let mut put = conn.prepare_cached(
            "INSERT OR IGNORE INTO answer (target, item, account, id) VALUES (?, ?, ?, ?)",
        )?;
        put.execute(params![target.0, id.0, account, item.id.0])?;
    }
    Ok(())
}

/// Forgets it.
pub(crate) fn remove(conn: &Connection, account: i64, item: &Item) -> Result<(), StoreError> {
    for (target, id) in about(item) {
        let mut drop = conn.prepare_cached(
            "DELETE FROM answer WHERE target = ? AND item = ? AND account = ? AND id = ?",
        )?;
        drop.execute(params![target.0, id.0, account, item.id.0])?;
    }
    Ok(())
}

/// Goes through all items once, in a home that was made before there was this index.
pub(crate) fn fill(conn: &Connection, codec: &Codec) -> Result<(), StoreError> {
    if values::get(conn, NAME)? == Some(VERSION) {
        return Ok(());
    }
    let tx = conn.unchecked_transaction()?;
    for table in ["post", "reaction"] {
        let sql = format!("SELECT date, id, source, account FROM {table}");
        let mut find = tx.prepare(&sql)?;
        let mut rows = find.query([])?;
        while let Some(row) = rows.next()? {
            let (key, source) = key_and_source(row)?;
            let item = codec.decode(&tx, key, source)?;
            add(&tx, row.get(3)?, &item)?;
        }
    }
    values::put(&tx, NAME, &VERSION)?;
    tx.commit()?;
    Ok(())
}
