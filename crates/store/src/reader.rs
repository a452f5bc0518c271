//! A snapshot: one consistent state, whatever is written meanwhile.

use std::sync::{MutexGuard, PoisonError};

use ourspace_protocol::{
    account::Account,
    feed::model::{Item, ItemId, ItemKey},
};
use rusqlite::Connection;

use crate::{
    error::StoreError,
    feed::Feed,
    search::{self, Found, Search},
    shared::Shared,
    view::View,
    words::Words,
    writer::number,
};

/// A snapshot, made by [`Store::read`](crate::Store::read).
#[derive(Debug)]
pub struct Reader<'s> {
    pub(crate) shared: &'s Shared,
    /// Taken out when the snapshot ends, and given back.
    conn: Option<Connection>,
}

/// A snapshot that was put aside: it keeps the state of its time, and the log of changes since.
#[derive(Debug)]
pub struct Aside(Connection);

/// How much an account's feed holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Posts, replies, reposts, quotes.
    pub posts: u64,
    /// Likes and votes.
    pub reactions: u64,
    /// Traces of deleted items.
    pub tombstones: u64,
}

impl<'s> Reader<'s> {
    pub(crate) fn begin(shared: &'s Shared) -> Result<Self, StoreError> {
        let conn = shared.connection()?;
        conn.execute_batch("BEGIN")?;
        // The state is fixed by the first read, not by BEGIN.
        let _: i64 = conn.query_row("SELECT count(*) FROM setting", [], |row| row.get(0))?;
        Ok(Self {
            shared,
            conn: Some(conn),
        })
    }

    /// Puts the snapshot aside, for [`Store::take_up`](crate::Store::take_up).
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn put_aside(mut self) -> Result<Aside, StoreError> {
        let conn = self.conn.take().ok_or(StoreError::ReadersOnly)?;
        // It is looked at seldom.
        conn.execute_batch("PRAGMA cache_size = -256; PRAGMA shrink_memory")?;
        Ok(Aside(conn))
    }

    pub(crate) fn take_up(shared: &'s Shared, Aside(conn): Aside) -> Self {
        Self {
            shared,
            conn: Some(conn),
        }
    }

    pub(crate) fn conn(&self) -> Result<&Connection, StoreError> {
        self.conn.as_ref().ok_or(StoreError::ReadersOnly)
    }

    pub(crate) fn view(&self) -> Result<View<'_>, StoreError> {
        Ok(View {
            conn: self.conn()?,
            codec: &self.shared.codec,
        })
    }

    fn words(&self) -> MutexGuard<'_, Words> {
        self.shared
            .words
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The feed of an account; an empty one if the store has nothing of it.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn feed(&self, account: Account) -> Result<Feed<'_>, StoreError> {
        let view = self.view()?;
        let number = number(view.conn, account)?;
        Ok(Feed {
            view,
            account,
            number,
            encoder: None,
        })
    }

    /// An account's posts before `before`, newest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn timeline(
        &self,
        account: Account,
        before: Option<ItemKey>,
        limit: usize,
    ) -> Result<Vec<Item>, StoreError> {
        let view = self.view()?;
        match number(view.conn, account)? {
            Some(number) => view.timeline(number, before, limit),
            None => Ok(Vec::new()),
        }
    }

    /// The newest version of an item.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn item(&self, account: Account, id: ItemId) -> Result<Option<Item>, StoreError> {
        let view = self.view()?;
        let Some(number) = number(view.conn, account)? else {
            return Ok(None);
        };
        Ok(view.newest(number, id)?.map(|newest| newest.item))
    }

    /// The ids of an account's items from `first` to `last` (both inclusive), in order, at
    /// most `limit`: for ids that a person shortened.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn ids(
        &self,
        account: Account,
        (first, last): (ItemId, ItemId),
        limit: usize,
    ) -> Result<Vec<ItemId>, StoreError> {
        let view = self.view()?;
        match number(view.conn, account)? {
            Some(number) => view.ids(number, (first, last), limit),
            None => Ok(Vec::new()),
        }
    }

    /// Finds posts by their words.
    ///
    /// # Errors
    /// [`StoreError`] of the database; no query is refused.
    pub fn search(&self, search: &Search<'_>) -> Result<Found, StoreError> {
        search::find(self.view()?, &self.words(), search)
    }

    /// How much an account's feed holds. Takes a time that grows with it (a million
    /// posts: some ten milliseconds).
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn counts(&self, account: Account) -> Result<Counts, StoreError> {
        let conn = self.conn()?;
        let Some(number) = number(conn, account)? else {
            return Ok(Counts::default());
        };
        let count = |table: &str| -> Result<u64, StoreError> {
            let sql = format!("SELECT count(*) FROM {table} WHERE account = ?");
            let count: i64 = conn.query_row(&sql, [number], |row| row.get(0))?;
            Ok(count.unsigned_abs())
        };
        Ok(Counts {
            posts: count("post")?,
            reactions: count("reaction")?,
            tombstones: count("tombstone")?,
        })
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take()
            && conn.execute_batch("ROLLBACK").is_ok()
        {
            self.shared.give_back(conn);
        }
    }
}
