//! Where a person has said that somebody's feed is: the URLs of web hosts.

use std::collections::BTreeMap;

use ourspace_protocol::account::Account;
use rusqlite::params;

use crate::{error::StoreError, reader::Reader, writer::Writer};

/// Locations of one account.
const MOST: usize = 8;

/// The locations of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// URLs, at most eight.
    pub urls: Vec<String>,
    /// Why nothing came from them when they were last asked, in words for people.
    pub trouble: Option<String>,
}

impl Reader<'_> {
    /// All that was named, by account.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn locations(&self) -> Result<BTreeMap<Account, Named>, StoreError> {
        let mut find = self.conn()?.prepare_cached(
            "SELECT address, url, said FROM location JOIN account ON number = account
             ORDER BY address, url",
        )?;
        let mut rows = find.query([])?;
        let mut all = BTreeMap::<Account, Named>::new();
        while let Some(row) = rows.next()? {
            let named = all.entry(Account(row.get(0)?)).or_default();
            named.urls.push(row.get(1)?);
            named.trouble = row.get(2)?;
        }
        Ok(all)
    }
}

impl Writer<'_> {
    /// Notes locations of an account that is followed, beside those that are known; where they
    /// are too many, instead of these.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn put_locations(&self, account: Account, urls: &[String]) -> Result<(), StoreError> {
        let number = self.number(account)?;
        let known: i64 = self.conn.query_row(
            "SELECT count(*) FROM location WHERE account = ?",
            [number],
            |row| row.get(0),
        )?;
        if usize::try_from(known).unwrap_or(MOST) + urls.len() > MOST {
            let mut drop = self
                .conn
                .prepare_cached("DELETE FROM location WHERE account = ?")?;
            drop.execute([number])?;
        }
        let mut put = self
            .conn
            .prepare_cached("INSERT OR IGNORE INTO location (account, url) VALUES (?, ?)")?;
        for url in urls.iter().take(MOST) {
            put.execute(params![number, url])?;
        }
        Ok(())
    }

    /// Notes why nothing came from the locations of an account, or that something did.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn locations_said(
        &self,
        account: Account,
        trouble: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut put = self.conn.prepare_cached(
            "UPDATE location SET said = ?2
             WHERE account = (SELECT number FROM account WHERE address = ?1) AND said IS NOT ?2",
        )?;
        put.execute(params![account.0, trouble])?;
        Ok(())
    }
}
