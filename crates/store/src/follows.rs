//! Whom this home follows.

use ourspace_protocol::{account::Account, time::Millis};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::{
    edges::put_edges,
    error::StoreError,
    keep::int,
    reader::Reader,
    rows::instant,
    tree::put_root,
    writer::{Writer, number},
};

/// Somebody whom this home follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Follow {
    /// Who.
    pub account: Account,
    /// Nobody else learns of it: it is neither listed nor served to others.
    pub quiet: bool,
    /// No media are fetched.
    pub text_only: bool,
    /// Nothing of it is ever evicted.
    pub pinned: bool,
    /// Bytes of media that may be kept of it; what the home allows when `None`.
    pub quota: Option<u64>,
    /// Since when.
    pub since: Millis,
    /// The date up to which its posts were read; 0 when none were.
    pub read: Millis,
}

impl Follow {
    /// A public follow of everything, since `since`.
    #[must_use]
    pub fn new(account: Account, since: Millis) -> Self {
        Self {
            account,
            quiet: false,
            text_only: false,
            pinned: false,
            quota: None,
            since,
            read: 0,
        }
    }
}

const COLUMNS: &str = "address, quiet, text_only, pinned, quota, since, read";

fn follow_of(row: &Row<'_>) -> Result<Follow, rusqlite::Error> {
    let quota: Option<i64> = row.get(4)?;
    let (since, read): (i64, i64) = (row.get(5)?, row.get(6)?);
    Ok(Follow {
        account: Account(row.get(0)?),
        quiet: row.get(1)?,
        text_only: row.get(2)?,
        pinned: row.get(3)?,
        quota: quota.map(i64::unsigned_abs),
        since: since.unsigned_abs(),
        read: read.unsigned_abs(),
    })
}

/// Accounts of people only: those made up for web feeds are looked for in no network.
const PEOPLE: &str =
    "WHERE NOT EXISTS (SELECT 1 FROM web_feed WHERE web_feed.account = follow.account)";

fn follows(conn: &Connection, which: &str) -> Result<Vec<Follow>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM follow JOIN account ON number = account {which} ORDER BY address"
    );
    let mut find = conn.prepare_cached(&sql)?;
    let rows = find.query_map([], follow_of)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn follow(conn: &Connection, account: Account) -> Result<Option<Follow>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM follow JOIN account ON number = account WHERE address = ?");
    let mut find = conn.prepare_cached(&sql)?;
    Ok(find.query_row([account.0], follow_of).optional()?)
}

impl Reader<'_> {
    /// Everybody whom this home follows, by address; web feeds are not among them.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn follows(&self) -> Result<Vec<Follow>, StoreError> {
        follows(self.conn()?, PEOPLE)
    }

    /// Everybody whom this home follows, and the accounts made up for web feeds.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn follows_and_web_feeds(&self) -> Result<Vec<Follow>, StoreError> {
        follows(self.conn()?, "")
    }

    /// One of them.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn follow(&self, account: Account) -> Result<Option<Follow>, StoreError> {
        follow(self.conn()?, account)
    }
}

impl Writer<'_> {
    /// Everybody whom this home follows, by address; web feeds are not among them.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn follows(&self) -> Result<Vec<Follow>, StoreError> {
        follows(self.conn, PEOPLE)
    }

    /// One of them.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn follow(&self, account: Account) -> Result<Option<Follow>, StoreError> {
        follow(self.conn, account)
    }

    /// Follows somebody, or changes how. Where it becomes quiet or public, the blocks of the
    /// feed's tree go where those of such feeds lie.
    ///
    /// # Errors
    /// [`StoreError`] of the database; [`StoreError::Date`].
    pub fn put_follow(&self, follow: &Follow) -> Result<(), StoreError> {
        let number = self.number(follow.account)?;
        let trees = self.take_trees(number)?;
        let mut put = self.conn.prepare_cached(
            "INSERT INTO follow (account, quiet, text_only, pinned, quota, since, read)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT DO UPDATE SET quiet = ?2, text_only = ?3, pinned = ?4, quota = ?5,
               since = ?6, read = ?7",
        )?;
        put.execute(params![
            number,
            follow.quiet,
            follow.text_only,
            follow.pinned,
            follow.quota.map(int),
            instant(follow.since)?,
            instant(follow.read)?
        ])?;
        self.give_trees(number, trees)
    }

    /// No longer follows somebody, and forgets the whole feed with its records: what no other
    /// feed uses is gone when this change is committed.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn forget(&self, account: Account) -> Result<(), StoreError> {
        let Some(number) = number(self.conn, account)? else {
            return Ok(());
        };
        self.clear_feed(account)?;
        for table in [
            "record",
            "device_grant",
            "outbox",
            "web_feed",
            "location",
            "follow",
        ] {
            let sql = format!("DELETE FROM {table} WHERE account = ?");
            self.conn.execute(&sql, [number])?;
        }
        let waiting = "DELETE FROM notice WHERE target = ? AND standing <> 0";
        self.conn.execute(waiting, [account.0])?;
        self.conn
            .execute("DELETE FROM account WHERE number = ?", [number])?;
        Ok(())
    }

    /// Empties an account's feed; its records, and that it is followed, stay.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn clear_feed(&self, account: Account) -> Result<(), StoreError> {
        let number = self.number(account)?;
        drop(self.take_trees(number)?);
        put_root(self.conn, number, None)?;
        self.drop_posts(number)?;
        put_edges(self.conn, number, std::iter::empty())?;
        let files = self.files_of(number)?;
        for table in [
            "answer",
            "reaction",
            "version",
            "tombstone",
            "page",
            "file_use",
            "about",
            "mirror",
            "fetched",
            "early",
            "foreign_file",
            "served_file",
            "unindexed",
        ] {
            let sql = format!("DELETE FROM {table} WHERE account = ?");
            self.conn.execute(&sql, [number])?;
        }
        files.into_iter().try_for_each(|cid| self.release(cid))
    }
}
