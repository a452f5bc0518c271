//! How keys and dates stand in the columns of a row.

use ourspace_protocol::{
    feed::model::{ItemId, ItemKey},
    time::Millis,
};
use rusqlite::Row;

use crate::error::StoreError;

/// A date as the database keeps it.
pub(crate) fn instant(date: Millis) -> Result<i64, StoreError> {
    i64::try_from(date).map_err(|_| StoreError::Date(date))
}

/// Reads a key whose date and id are the columns `at` and `at + 1`.
pub(crate) fn key_at(row: &Row<'_>, at: usize) -> Result<ItemKey, StoreError> {
    let date: i64 = row.get(at)?;
    let id: &[u8] = row.get_ref(at + 1)?.as_blob().unwrap_or_default();
    let damaged = |_| StoreError::damaged("item key");
    Ok(ItemKey {
        date: u64::try_from(date).map_err(|_| StoreError::damaged("date"))?,
        id: ItemId(id.try_into().map_err(damaged)?),
    })
}

/// Reads a row of date, id and source.
pub(crate) fn key_and_source<'r>(row: &'r Row<'_>) -> Result<(ItemKey, &'r [u8]), StoreError> {
    let source = row
        .get_ref(2)?
        .as_blob()
        .map_err(|_| StoreError::damaged("item"))?;
    Ok((key_at(row, 0)?, source))
}
