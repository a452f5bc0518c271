//! What is neither fetched nor kept nor served.

use ourspace_protocol::{account::Account, dag::Cid, hash::sha256};
use rusqlite::{Connection, params};

use crate::{error::StoreError, keep::is_used, reader::Reader, writer::Writer};

/// What a deny-list calls a CID by, so that the list itself leads to nothing: the SHA-256 of
/// its byte form.
#[must_use]
pub fn denied_name(cid: &Cid) -> [u8; 32] {
    sha256(&cid.to_bytes())
}

fn denies_account(conn: &Connection, account: Account) -> Result<bool, StoreError> {
    let mut find = conn.prepare_cached("SELECT 1 FROM denied_account WHERE address = ?")?;
    Ok(find.exists([account.0])?)
}

fn denies(conn: &Connection, cid: &Cid) -> Result<bool, StoreError> {
    // Lists are mostly empty, and this is asked for every block.
    let mut any = conn.prepare_cached("SELECT 1 FROM denied_cid LIMIT 1")?;
    if !any.exists([])? {
        return Ok(false);
    }
    let mut find = conn.prepare_cached("SELECT 1 FROM denied_cid WHERE hash = ?")?;
    Ok(find.exists([denied_name(cid)])?)
}

impl Reader<'_> {
    /// Whether an account is on the deny-list.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn denies_account(&self, account: Account) -> Result<bool, StoreError> {
        denies_account(self.conn()?, account)
    }

    /// Whether a CID is on the deny-list.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn denies(&self, cid: &Cid) -> Result<bool, StoreError> {
        denies(self.conn()?, cid)
    }
}

impl Writer<'_> {
    /// Whether an account is on the deny-list.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn denies_account(&self, account: Account) -> Result<bool, StoreError> {
        denies_account(self.conn, account)
    }

    /// Whether a CID is on the deny-list.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn denies(&self, cid: &Cid) -> Result<bool, StoreError> {
        denies(self.conn, cid)
    }

    /// Puts an account on the deny-list, or takes it off.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn deny_account(&self, account: Account, denied: bool) -> Result<(), StoreError> {
        let sql = match denied {
            true => "INSERT OR IGNORE INTO denied_account (address) VALUES (?)",
            false => "DELETE FROM denied_account WHERE address = ?",
        };
        self.conn.execute(sql, [account.0])?;
        Ok(())
    }

    /// Puts a [name](denied_name) of a CID on the deny-list, or takes it off.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn deny(&self, name: [u8; 32], denied: bool) -> Result<(), StoreError> {
        let sql = match denied {
            true => "INSERT OR IGNORE INTO denied_cid (hash) VALUES (?)",
            false => "DELETE FROM denied_cid WHERE hash = ?",
        };
        self.conn.execute(sql, [name])?;
        Ok(())
    }

    /// Whether any feed here uses a file.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn is_file_used(&self, cid: Cid) -> Result<bool, StoreError> {
        is_used(self.conn, cid)
    }

    /// Whether the feed of an account uses a file, and whether any other feed does.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn uses_of_file(&self, cid: Cid, account: Account) -> Result<(bool, bool), StoreError> {
        let mut find = self.conn.prepare_cached(
            "SELECT count(*) FILTER (WHERE address = ?2), count(*) FILTER (WHERE address <> ?2)
             FROM file_use JOIN account ON number = file_use.account
             WHERE digest = ?1 AND uses > 0",
        )?;
        let uses = find.query_row(params![cid.digest(), account.0], |row| {
            Ok((row.get::<_, i64>(0)? > 0, row.get::<_, i64>(1)? > 0))
        })?;
        Ok(uses)
    }

    /// Drops a kept file, though feeds use it, unless the own one or that of a pinned follow
    /// does. Gives whether it was there and is gone.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn evict(&self, own: Account, cid: Cid) -> Result<bool, StoreError> {
        let mut stays = self.conn.prepare_cached(
            "SELECT 1 FROM file_use JOIN account ON number = file_use.account
             WHERE digest = ?1 AND uses > 0 AND (address = ?2 OR EXISTS
               (SELECT 1 FROM follow WHERE follow.account = number AND pinned = 1))",
        )?;
        if !self.has_file(cid)? || stays.exists(params![cid.digest(), own.0])? {
            return Ok(false);
        }
        self.drop_file(cid)?;
        Ok(true)
    }

    /// Drops a block of whatever was fetched, or kept as signed, of the feeds of others.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn purge_blocks(&self, cid: &Cid) -> Result<(), StoreError> {
        for table in ["fetched", "foreign_file"] {
            let sql = format!("DELETE FROM {table} WHERE digest = ?");
            self.conn.execute(&sql, [cid.digest()])?;
        }
        Ok(())
    }
}
