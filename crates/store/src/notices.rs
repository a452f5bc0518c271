//! Notices that wait for accounts. What is in a mailbox is decided elsewhere
//! (`protocol::machine::mailbox`); here it is only kept.

use ourspace_protocol::{
    account::Account,
    feed::model::ItemId,
    machine::mailbox::{Entry, Key, Mailbox, Standing},
    message::Short,
    notice::Reason,
    time::Millis,
};
use rusqlite::{Connection, Row, ToSql, params};

use crate::{
    edges::is_near, error::StoreError, reader::Reader, rows::instant, writer::Writer,
    writer::number,
};

/// A notice as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptNotice {
    /// Whose item it speaks of.
    pub key: Key,
    /// What decides whether it stays.
    pub entry: Entry,
    /// Why it concerns the account, and which item of theirs; none when it no longer does.
    pub reason: Option<(Reason, Option<ItemId>)>,
    /// When it came here.
    pub came: Millis,
    /// The sender's record, in its encoding.
    pub record: Vec<u8>,
    /// Its delta.
    pub delta: Vec<u8>,
}

/// A notice of this home that is still to be handed to mirrors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// For whom it is.
    pub target: Account,
    /// Whose item it speaks of.
    pub key: Key,
    /// Mirrors that are still to have it.
    pub owed: u32,
    /// How often that was tried.
    pub tries: u32,
    /// The sender's record, in its encoding.
    pub record: Vec<u8>,
    /// Its delta.
    pub delta: Vec<u8>,
}

const ENTRY: &str = "sender, item, mark, date, gone, written, standing, origin";
const KEPT: &str = "sender, item, mark, date, gone, written, standing, origin, \
                    reason, about, came, record, delta";

fn entry_of(row: &Row<'_>) -> Result<(Key, Entry), rusqlite::Error> {
    let key = (Account(row.get(0)?), ItemId(row.get(1)?));
    let (date, written): (i64, i64) = (row.get(3)?, row.get(5)?);
    let (standing, origin): (i64, i64) = (row.get(6)?, row.get(7)?);
    let entry = Entry {
        mark: Short(row.get(2)?),
        date: date.unsigned_abs(),
        gone: row.get(4)?,
        written: written.unsigned_abs(),
        standing: match standing {
            0 => Standing::Own,
            1 => Standing::Near,
            _ => Standing::Stranger(origin.cast_unsigned()),
        },
    };
    Ok((key, entry))
}

fn kept_of(row: &Row<'_>) -> Result<KeptNotice, rusqlite::Error> {
    let (key, entry) = entry_of(row)?;
    let reason: Option<String> = row.get(8)?;
    let about: Option<[u8; 10]> = row.get(9)?;
    let came: i64 = row.get(10)?;
    let reason = reason.and_then(|name| Reason::by_name(&name));
    Ok(KeptNotice {
        key,
        entry,
        reason: reason.map(|reason| (reason, about.map(ItemId))),
        came: came.unsigned_abs(),
        record: row.get(11)?,
        delta: row.get(12)?,
    })
}

fn mailbox(conn: &Connection, target: Account, secret: u64) -> Result<Mailbox, StoreError> {
    let sql = format!("SELECT {ENTRY} FROM notice WHERE target = ?");
    let mut find = conn.prepare_cached(&sql)?;
    let rows = find.query_map([target.0], entry_of)?;
    let entries: Vec<(Key, Entry)> = rows.collect::<Result<_, _>>()?;
    Ok(Mailbox::new(secret, entries))
}

fn kept(
    conn: &Connection,
    rest: &str,
    values: &[&dyn ToSql],
) -> Result<Vec<KeptNotice>, StoreError> {
    let sql = format!("SELECT {KEPT} FROM notice WHERE {rest}");
    let mut find = conn.prepare_cached(&sql)?;
    let rows = find.query_map(values, kept_of)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn owed(conn: &Connection, rest: &str, values: &[&dyn ToSql]) -> Result<Vec<Owed>, StoreError> {
    let sql =
        format!("SELECT target, sender, item, owed, tries, record, delta FROM notice WHERE {rest}");
    let mut find = conn.prepare_cached(&sql)?;
    let rows = find.query_map(values, |row| {
        Ok(Owed {
            target: Account(row.get(0)?),
            key: (Account(row.get(1)?), ItemId(row.get(2)?)),
            owed: row.get(3)?,
            tries: row.get(4)?,
            record: row.get(5)?,
            delta: row.get(6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn last(conn: &Connection, target: Account) -> Result<Option<Millis>, StoreError> {
    let mut find = conn.prepare_cached("SELECT max(came) FROM notice WHERE target = ?")?;
    let last: Option<i64> = find.query_row([target.0], |row| row.get(0))?;
    Ok(last.map(i64::unsigned_abs))
}

fn most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

impl Reader<'_> {
    /// What is known of the notices that wait for an account, to compare it.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn mailbox(&self, target: Account) -> Result<Mailbox, StoreError> {
        mailbox(self.conn()?, target, 0)
    }

    /// One notice for an account.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn notice(&self, target: Account, key: Key) -> Result<Option<KeptNotice>, StoreError> {
        let rest = "target = ? AND sender = ? AND item = ?";
        let found = kept(self.conn()?, rest, &[&target.0, &key.0.0, &key.1.0])?;
        Ok(found.into_iter().next())
    }

    /// A notice of an item, whomever it is for.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn notice_of(&self, key: Key) -> Result<Option<KeptNotice>, StoreError> {
        let rest = "sender = ? AND item = ? AND reason IS NOT NULL LIMIT 1";
        let found = kept(self.conn()?, rest, &[&key.0.0, &key.1.0])?;
        Ok(found.into_iter().next())
    }

    /// The notices that still concern an account and came after an instant, in the order in
    /// which they came, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] of the database; [`StoreError::Date`].
    pub fn notices_since(
        &self,
        target: Account,
        since: Millis,
        limit: usize,
    ) -> Result<Vec<KeptNotice>, StoreError> {
        let rest = "target = ? AND reason IS NOT NULL AND came > ? ORDER BY came LIMIT ?";
        kept(
            self.conn()?,
            rest,
            &[&target.0, &instant(since)?, &most(limit)],
        )
    }

    /// The notices that still concern an account, the newest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn notices(&self, target: Account, limit: usize) -> Result<Vec<KeptNotice>, StoreError> {
        let rest = "target = ? AND reason IS NOT NULL ORDER BY date DESC, item LIMIT ?";
        kept(self.conn()?, rest, &[&target.0, &most(limit)])
    }

    /// When the last of an account's notices came here.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn last_notice(&self, target: Account) -> Result<Option<Millis>, StoreError> {
        last(self.conn()?, target)
    }

    /// The notices that concern an item of an account: answers and others, also those deeper
    /// in the thread that it began.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn notices_about(
        &self,
        target: Account,
        item: ItemId,
    ) -> Result<Vec<KeptNotice>, StoreError> {
        let rest = "target = ? AND about = ? ORDER BY date, item";
        kept(self.conn()?, rest, &[&target.0, &item.0])
    }

    /// Notices of this home that are to be handed over by now, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] of the database; [`StoreError::Date`].
    pub fn owed(&self, now: Millis, limit: usize) -> Result<Vec<Owed>, StoreError> {
        let rest = "owed > 0 AND next <= ? ORDER BY next LIMIT ?";
        owed(self.conn()?, rest, &[&instant(now)?, &most(limit)])
    }

    /// Notices of this home for one account that are to be handed over, now or later.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn owed_to(&self, target: Account, limit: usize) -> Result<Vec<Owed>, StoreError> {
        let rest = "owed > 0 AND target = ? LIMIT ?";
        owed(self.conn()?, rest, &[&target.0, &most(limit)])
    }

    /// Whether somebody is within two hops of an account's public follows, as far as the feeds
    /// are here.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn is_near(&self, account: Account, other: Account) -> Result<bool, StoreError> {
        is_near(self.conn()?, account, other)
    }
}

impl Writer<'_> {
    /// What is known of the notices that wait for an account. `secret` decides which strangers
    /// stay.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn mailbox(&self, target: Account, secret: u64) -> Result<Mailbox, StoreError> {
        mailbox(self.conn, target, secret)
    }

    /// Whether somebody is within two hops of an account's public follows, as far as the feeds
    /// are here.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn is_near(&self, account: Account, other: Account) -> Result<bool, StoreError> {
        is_near(self.conn, account, other)
    }

    /// When the last of an account's notices came here.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn last_notice(&self, target: Account) -> Result<Option<Millis>, StoreError> {
        last(self.conn, target)
    }

    /// Whether an account's feed, where it is here, has deleted an item.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn is_dead(&self, account: Account, id: ItemId) -> Result<bool, StoreError> {
        // An account that nothing is here of gets no number by that.
        match number(self.conn, account)? {
            Some(number) => Ok(self.view().tombstone(number, id)?.is_some()),
            None => Ok(false),
        }
    }

    /// Keeps a notice in place of the one with its key, to be handed to so many mirrors.
    ///
    /// # Errors
    /// [`StoreError`] of the database; [`StoreError::Date`].
    pub fn put_notice(
        &self,
        target: Account,
        notice: &KeptNotice,
        owed: u32,
    ) -> Result<(), StoreError> {
        let KeptNotice { key, entry, .. } = notice;
        let (standing, origin) = match entry.standing {
            Standing::Own => (0, 0),
            Standing::Near => (1, 0),
            Standing::Stranger(origin) => (2, origin.cast_signed()),
        };
        let mut put = self.conn.prepare_cached(
            "INSERT OR REPLACE INTO notice
               (target, sender, item, mark, date, gone, written, standing, origin, reason, about,
                came, owed, next, tries, record, delta)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 0, 0, ?14, ?15)",
        )?;
        put.execute(params![
            target.0,
            key.0.0,
            key.1.0,
            entry.mark.0,
            instant(entry.date)?,
            entry.gone,
            instant(entry.written)?,
            standing,
            origin,
            notice.reason.map(|(reason, _)| reason.name()),
            notice.reason.and_then(|(_, about)| about.map(|id| id.0)),
            instant(notice.came)?,
            owed,
            notice.record,
            notice.delta
        ])?;
        Ok(())
    }

    /// Drops a notice.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn drop_notice(&self, target: Account, key: Key) -> Result<(), StoreError> {
        let mut drop = self
            .conn
            .prepare_cached("DELETE FROM notice WHERE target = ? AND sender = ? AND item = ?")?;
        drop.execute(params![target.0, key.0.0, key.1.0])?;
        Ok(())
    }

    /// Drops every notice that was signed before `date`.
    ///
    /// # Errors
    /// [`StoreError`] of the database; [`StoreError::Date`].
    pub fn expire_notices(&self, date: Millis) -> Result<usize, StoreError> {
        let mut drop = self
            .conn
            .prepare_cached("DELETE FROM notice WHERE date < ?")?;
        Ok(drop.execute([instant(date)?])?)
    }

    /// Drops the oldest notices for others than `own` when all of them together take more than
    /// so many bytes: those of strangers first, and none that this home is to hand over.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn bound_notices(&self, own: Account, bytes: u64) -> Result<usize, StoreError> {
        let mut drop = self.conn.prepare_cached(
            "DELETE FROM notice WHERE rowid IN (SELECT number FROM (
               SELECT rowid AS number, sum(length(record) + length(delta))
                 OVER (ORDER BY standing, date DESC, rowid) AS held
               FROM notice WHERE target <> ?1 AND standing <> 0)
             WHERE held > ?2)",
        )?;
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        Ok(drop.execute(params![own.0, bytes])?)
    }

    /// Drops what somebody has sent, whomever it was for, and what waits for them.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn drop_notices_of(&self, account: Account) -> Result<(), StoreError> {
        let sql = "DELETE FROM notice WHERE sender = ?1 OR (target = ?1 AND standing <> 0)";
        self.conn.execute(sql, [account.0])?;
        Ok(())
    }

    /// To whom this home has sent notices of an item of its own.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn noticed(&self, own: Account, item: ItemId) -> Result<Vec<Account>, StoreError> {
        let mut find = self.conn.prepare_cached(
            "SELECT target FROM notice WHERE sender = ? AND item = ? AND standing = 0",
        )?;
        let rows = find.query_map(params![own.0, item.0], |row| row.get(0).map(Account))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// So many mirrors have taken a notice of this home.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn handed(&self, target: Account, mark: Short, to: u32) -> Result<(), StoreError> {
        let mut note = self.conn.prepare_cached(
            "UPDATE notice SET owed = max(0, owed - ?3)
             WHERE target = ?1 AND mark = ?2 AND standing = 0",
        )?;
        note.execute(params![target.0, mark.0, to])?;
        Ok(())
    }

    /// A notice of this home is handed over again at `next`.
    ///
    /// # Errors
    /// [`StoreError`] of the database; [`StoreError::Date`].
    pub fn owed_again(&self, owed: &Owed, next: Millis) -> Result<(), StoreError> {
        let mut note = self.conn.prepare_cached(
            "UPDATE notice SET next = ?4, tries = tries + 1
             WHERE target = ?1 AND sender = ?2 AND item = ?3",
        )?;
        let key = owed.key;
        note.execute(params![owed.target.0, key.0.0, key.1.0, instant(next)?])?;
        Ok(())
    }
}
