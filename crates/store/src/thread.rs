//! What is about an item.

use ourspace_protocol::{account::Account, feed::model::ItemId};
use rusqlite::params;

use crate::{error::StoreError, reader::Reader};

impl Reader<'_> {
    /// The items of the feeds here that are about an item, or stand in the thread that it
    /// began, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn answers(
        &self,
        account: Account,
        id: ItemId,
        limit: usize,
    ) -> Result<Vec<(Account, ItemId)>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut find = self.conn()?.prepare_cached(
            "SELECT address, id FROM answer JOIN account ON number = account
             WHERE target = ? AND item = ? LIMIT ?",
        )?;
        let rows = find.query_map(params![account.0, id.0, limit], |row| {
            Ok((Account(row.get(0)?), ItemId(row.get(1)?)))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
