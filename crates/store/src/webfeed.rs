//! Ordinary feeds of the web that this home follows: each has an account of its own, which
//! is made up, and is followed quietly, so that nothing of it is ever served.

use ourspace_protocol::{account::Account, time::Millis};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::{
    error::StoreError,
    reader::Reader,
    rows::instant,
    writer::{Writer, number},
};

/// A followed web feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebFeed {
    /// The account that its posts have here; nobody has its key.
    pub account: Account,
    /// Its address, as it is followed.
    pub url: String,
    /// Where it is fetched from: after it moved, or a page led to it.
    pub at: String,
    /// The entity tag of the newest version.
    pub etag: Option<String>,
    /// The date of the newest version, as the host wrote it.
    pub modified: Option<String>,
    /// When it is fetched again.
    pub next: Millis,
    /// Failures in a row.
    pub failures: u32,
    /// What went wrong last, for a person; none when nothing did.
    pub error: Option<String>,
    /// Whether it said that it is gone for good: it is not fetched again.
    pub gone: bool,
    /// Whether its host may be in a private network.
    pub private: bool,
}

const COLUMNS: &str = "address, url, at, etag, modified, next, failures, error, gone, private";

fn feed_of(row: &Row<'_>) -> Result<WebFeed, rusqlite::Error> {
    let next: i64 = row.get(5)?;
    Ok(WebFeed {
        account: Account(row.get(0)?),
        url: row.get(1)?,
        at: row.get(2)?,
        etag: row.get(3)?,
        modified: row.get(4)?,
        next: next.unsigned_abs(),
        failures: row.get(6)?,
        error: row.get(7)?,
        gone: row.get(8)?,
        private: row.get(9)?,
    })
}

fn feeds(conn: &Connection, rest: &str, value: i64) -> Result<Vec<WebFeed>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM web_feed JOIN account ON number = account {rest}");
    let mut find = conn.prepare_cached(&sql)?;
    let rows = find.query_map([value], feed_of)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl Reader<'_> {
    /// All web feeds, by address.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn web_feeds(&self) -> Result<Vec<WebFeed>, StoreError> {
        feeds(self.conn()?, "WHERE next >= ? ORDER BY url", 0)
    }

    /// Those that are to be fetched by now, the one that has waited longest first.
    ///
    /// # Errors
    /// [`StoreError`] of the database; [`StoreError::Date`].
    pub fn web_feeds_due(&self, now: Millis) -> Result<Vec<WebFeed>, StoreError> {
        let due = "WHERE next <= ? AND NOT gone ORDER BY next, url";
        feeds(self.conn()?, due, instant(now)?)
    }

    /// One of them.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn web_feed(&self, account: Account) -> Result<Option<WebFeed>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM web_feed JOIN account ON number = account WHERE address = ?"
        );
        let mut find = self.conn()?.prepare_cached(&sql)?;
        Ok(find.query_row([account.0], feed_of).optional()?)
    }
}

impl Writer<'_> {
    /// Notes a web feed, or what is new about it. The account must be followed.
    ///
    /// # Errors
    /// [`StoreError`] of the database; [`StoreError::Date`].
    pub fn put_web_feed(&self, feed: &WebFeed) -> Result<(), StoreError> {
        let mut put = self.conn.prepare_cached(
            "INSERT INTO web_feed
               (account, url, at, etag, modified, next, failures, error, gone, private)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (account) DO UPDATE SET at = ?3, etag = ?4, modified = ?5, next = ?6,
               failures = ?7, error = ?8, gone = ?9, private = ?10",
        )?;
        put.execute(params![
            self.number(feed.account)?,
            feed.url,
            feed.at,
            feed.etag,
            feed.modified,
            instant(feed.next)?,
            feed.failures,
            feed.error,
            feed.gone,
            feed.private
        ])?;
        Ok(())
    }

    /// Whether an account is made up for a web feed.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn is_web_feed(&self, account: Account) -> Result<bool, StoreError> {
        let Some(number) = number(self.conn, account)? else {
            return Ok(false);
        };
        let mut find = self
            .conn
            .prepare_cached("SELECT 1 FROM web_feed WHERE account = ?")?;
        Ok(find.exists([number])?)
    }
}
