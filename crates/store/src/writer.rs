//! A change under way: everything in it happens, durably, or nothing does.

use std::cell::RefCell;

use ourspace_protocol::account::Account;
use rusqlite::{Connection, OptionalExtension};

use crate::{
    changes::FileChanges,
    codec::{Codec, Encoder},
    error::StoreError,
    feed::Feed,
    pending::Pending,
    shared::Shared,
    view::View,
    volume::Volumes,
};

/// A change under way, made by [`Store::write`](crate::Store::write).
///
/// What it reads is what it has written so far.
#[derive(Debug)]
pub struct Writer<'w> {
    pub(crate) shared: &'w Shared,
    pub(crate) conn: &'w Connection,
    pub(crate) codec: &'w Codec,
    pub(crate) encoder: &'w RefCell<Encoder>,
    pub(crate) volumes: &'w Volumes,
    pub(crate) files: &'w RefCell<FileChanges>,
    pub(crate) served: &'w RefCell<Pending>,
}

impl Writer<'_> {
    pub(crate) fn view(&self) -> View<'_> {
        View {
            conn: self.conn,
            codec: self.codec,
        }
    }

    /// The feed of an account, an empty one if it had none.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn feed(&self, account: Account) -> Result<Feed<'_>, StoreError> {
        let number = Some(self.number(account)?);
        Ok(Feed {
            view: self.view(),
            account,
            number,
            encoder: Some(self.encoder),
        })
    }

    /// The number of an account, a new one if it had none.
    pub(crate) fn number(&self, account: Account) -> Result<i64, StoreError> {
        if let Some(number) = number(self.conn, account)? {
            return Ok(number);
        }
        self.conn
            .execute("INSERT INTO account (address) VALUES (?)", [account.0])?;
        Ok(self.conn.last_insert_rowid())
    }
}

/// The number of an account that the store has something of.
pub(crate) fn number(conn: &Connection, account: Account) -> Result<Option<i64>, StoreError> {
    let mut find = conn.prepare_cached("SELECT number FROM account WHERE address = ?")?;
    Ok(find.query_row([account.0], |row| row.get(0)).optional()?)
}
