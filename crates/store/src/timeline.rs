//! The posts of everybody whom this home follows, and the own ones, by date.
//!
//! A post's label is its date, and the table is in the order of labels; but where posts crowd, some
//! stand under later labels (see `items`). So two walks are merged: one over the posts at their
//! own labels, one over those that were moved, by an index that has only these.

use std::cmp::Ordering;

use ourspace_protocol::{
    account::Account,
    feed::model::{ItemId, ItemKey},
    time::Millis,
};
use rusqlite::{
    OptionalExtension as _, Rows, fallible_streaming_iterator::FallibleStreamingIterator as _,
    params,
};

use crate::{
    error::StoreError,
    items::LABEL_MILLIS,
    reader::Reader,
    rows::{instant, key_and_source, key_at},
    search::Hit,
};

/// A place in the timeline: what is older comes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    key: ItemKey,
    account: Account,
}

impl Cursor {
    const NEWEST: Self = Self {
        key: ItemKey {
            date: Millis::MAX >> 1,
            id: ItemId([255; 10]),
        },
        account: Account([255; 20]),
    };

    /// What is older than a date.
    ///
    /// # Errors
    /// [`StoreError::Date`] of a date that no post can have.
    pub fn before(date: Millis) -> Result<Self, StoreError> {
        instant(date)?;
        let id = ItemId([0; 10]);
        Ok(Self {
            key: ItemKey { date, id },
            account: Account([0; 20]),
        })
    }
}

/// A page of the timeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// Newest first; those of one instant by their ids.
    pub hits: Vec<Hit>,
    /// Where to go on; `None` when there is no more.
    pub next: Option<Cursor>,
}

/// One of the two walks: rows of date, id, source, address, newest first.
struct Walk<'s> {
    rows: Rows<'s>,
    next: Option<Cursor>,
}

impl<'s> Walk<'s> {
    /// A walk whose first row is older than `from`.
    fn new(rows: Rows<'s>, from: Cursor) -> Result<Self, StoreError> {
        let mut walk = Self { rows, next: None };
        walk.step()?;
        while walk.next.is_some_and(|next| next >= from) {
            walk.step()?;
        }
        Ok(walk)
    }

    fn step(&mut self) -> Result<(), StoreError> {
        self.next = match self.rows.next()? {
            Some(row) => Some(Cursor {
                key: key_at(row, 0)?,
                account: Account(row.get(3)?),
            }),
            None => None,
        };
        Ok(())
    }
}

impl Reader<'_> {
    /// What is older than a post; none when it is not here.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn cursor(&self, account: Account, id: ItemId) -> Result<Option<Cursor>, StoreError> {
        let mut find = self.conn()?.prepare_cached(
            "SELECT date, id FROM post JOIN account ON number = account
             WHERE address = ? AND id = ?",
        )?;
        let key = find.query_row(params![account.0, id.0], |row| Ok(key_at(row, 0)));
        let key = key.optional()?.transpose()?;
        Ok(key.map(|key| Cursor { key, account }))
    }

    /// The newest posts of `own` and of all follows before `from`, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn home_timeline(
        &self,
        own: Account,
        from: Option<Cursor>,
        limit: usize,
    ) -> Result<Timeline, StoreError> {
        let view = self.view()?;
        let from = from.unwrap_or(Cursor::NEWEST);
        let (date, label) = (
            instant(from.key.date)?,
            instant(from.key.date / LABEL_MILLIS)?,
        );
        let mut find = view.conn.prepare_cached(
            "SELECT date, id, source, address FROM post CROSS JOIN account ON number = account
             WHERE label <= ?1 AND label = date / 256 AND (address = ?2
               OR EXISTS (SELECT 1 FROM follow WHERE follow.account = number))
             ORDER BY label DESC",
        )?;
        let mut find_moved = view.conn.prepare_cached(
            "SELECT date, id, source, address
             FROM post INDEXED BY post_moved CROSS JOIN account ON number = account
             WHERE date <= ?1 AND label <> date / 256 AND (address = ?2
               OR EXISTS (SELECT 1 FROM follow WHERE follow.account = number))
             ORDER BY date DESC, id DESC",
        )?;
        let mut placed = Walk::new(find.query(params![label, own.0])?, from)?;
        let mut moved = Walk::new(find_moved.query(params![date, own.0])?, from)?;
        let mut found = Timeline::default();
        while found.hits.len() < limit {
            let walk = match placed.next.cmp(&moved.next) {
                Ordering::Less => &mut moved,
                Ordering::Equal | Ordering::Greater => &mut placed,
            };
            let (Some(cursor), Some(row)) = (walk.next, walk.rows.get()) else {
                break;
            };
            let (key, source) = key_and_source(row)?;
            let item = view.codec.decode(view.conn, key, source)?;
            let account = cursor.account;
            found.hits.push(Hit { account, item });
            found.next = Some(cursor);
            walk.step()?;
        }
        if placed.next.is_none() && moved.next.is_none() {
            found.next = None;
        }
        Ok(found)
    }
}
