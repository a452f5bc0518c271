//! The posts of everybody whom this home follows, and the own ones, by date.

use ourspace_protocol::{account::Account, feed::model::ItemId, time::Millis};
use rusqlite::{OptionalExtension as _, params};

use crate::{
    error::StoreError,
    items::LABEL_MILLIS,
    reader::Reader,
    rows::{instant, key_and_source},
    search::{Cursor, Found, Hit, ordered},
};

impl Cursor {
    /// What is older than a date (to a quarter of a second).
    ///
    /// # Errors
    /// [`StoreError::Date`] of a date that no post can have.
    pub fn before(date: Millis) -> Result<Self, StoreError> {
        instant(date / LABEL_MILLIS).map(Self)
    }
}

impl Reader<'_> {
    /// What is older than a post; none when it is not here.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn cursor(&self, account: Account, id: ItemId) -> Result<Option<Cursor>, StoreError> {
        let mut find = self.conn()?.prepare_cached(
            "SELECT label FROM post JOIN account ON number = account
             WHERE address = ? AND id = ?",
        )?;
        let label = find.query_row(params![account.0, id.0], |row| row.get(0));
        Ok(label.optional()?.map(Cursor))
    }

    /// The newest posts of `own` and of all follows before `from`, at most `limit`. Newest
    /// first (where more than one post falls into a quarter of a second, these may stand in
    /// any order across pages).
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn home_timeline(
        &self,
        own: Account,
        from: Option<Cursor>,
        limit: usize,
    ) -> Result<Found, StoreError> {
        let view = self.view()?;
        // Labels sort as dates do, so this reads the table from its end and stops.
        let mut find = view.conn.prepare_cached(
            "SELECT date, id, source, label, address
             FROM post CROSS JOIN account ON number = account
             WHERE label < ?1 AND (address = ?2
               OR EXISTS (SELECT 1 FROM follow WHERE follow.account = number))
             ORDER BY label DESC LIMIT ?3",
        )?;
        let before = from.map_or(i64::MAX, |from| from.0);
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = find.query(params![before, own.0, most])?;
        let mut found = Found::default();
        while let Some(row) = rows.next()? {
            let (key, source) = key_and_source(row)?;
            let item = view.codec.decode(view.conn, key, source)?;
            let account = Account(row.get(4)?);
            found.next = Some(Cursor(row.get(3)?));
            found.hits.push(Hit { account, item });
        }
        if found.hits.len() < limit {
            found.next = None;
        }
        Ok(ordered(found))
    }
}
