//! Records and grants as they were received, and what is still to be announced.
//!
//! Only what was verified comes in, and it is verified again on its way out: whoever can
//! write to the disk still cannot forge a record.

use std::sync::PoisonError;

use ourspace_protocol::{
    account::Account,
    grant::SignedGrant,
    heads::{Heads, Insert},
    record::SignedRecord,
    time::MAX_MILLIS,
    verify::{Context, KnownGrants, Refusal, Verified, verify, verify_grant},
};
use rusqlite::{Connection, params};

use crate::{
    error::StoreError,
    reader::Reader,
    writer::{Writer, number},
};

/// Announcements of one account that wait, at most: who misses older ones fetches.
const WAITING: i64 = 64;

/// Something that is still to be announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Its number, by which it is removed; later ones have greater numbers.
    pub number: i64,
    /// The record.
    pub record: Verified<SignedRecord>,
    /// The delta that the record names, in its encoding; none when it was too large.
    pub delta: Option<Vec<u8>>,
}

fn damaged(what: &'static str) -> impl FnOnce(Refusal) -> StoreError {
    move |refusal| StoreError::damaged(format!("{what} ({refusal})"))
}

/// When a record was stored it was not from the future, and its epoch not superseded.
const STORED: Context = Context {
    now: MAX_MILLIS,
    highest_epoch: 0,
};

fn heads(
    conn: &Connection,
    account: Account,
    known: &mut KnownGrants,
) -> Result<Heads, StoreError> {
    let mut heads = Heads::new();
    let Some(number) = number(conn, account)? else {
        return Ok(heads);
    };
    let mut find = conn.prepare_cached("SELECT bytes FROM record WHERE account = ?")?;
    let mut rows = find.query([number])?;
    while let Some(row) = rows.next()? {
        let bytes = row.get_ref(0)?.as_blob().unwrap_or_default();
        let record = verify(bytes, STORED, known).map_err(damaged("record"))?;
        if record.record().account != account {
            return Err(StoreError::damaged("record (it is another account's)"));
        }
        heads.insert(record);
    }
    Ok(heads)
}

fn grants(
    conn: &Connection,
    account: Account,
    known: &mut KnownGrants,
) -> Result<Vec<Verified<SignedGrant>>, StoreError> {
    let mut grants = Vec::new();
    let Some(number) = number(conn, account)? else {
        return Ok(grants);
    };
    let mut find = conn.prepare_cached("SELECT bytes FROM device_grant WHERE account = ?")?;
    let mut rows = find.query([number])?;
    while let Some(row) = rows.next()? {
        let bytes = row.get_ref(0)?.as_blob().unwrap_or_default();
        let grant = verify_grant(bytes, known).map_err(damaged("grant"))?;
        if grant.get().grant.account != account {
            return Err(StoreError::damaged("grant (it is another account's)"));
        }
        grants.push(grant);
    }
    Ok(grants)
}

impl Reader<'_> {
    /// The newest record of each signer of an account.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when a record no longer verifies.
    pub fn heads(&self, account: Account) -> Result<Heads, StoreError> {
        let mut known = self
            .shared
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        heads(self.conn()?, account, &mut known)
    }

    /// The newest grant of each device of an account, expired ones too.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when a grant no longer verifies.
    pub fn grants(&self, account: Account) -> Result<Vec<Verified<SignedGrant>>, StoreError> {
        let mut known = self
            .shared
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        grants(self.conn()?, account, &mut known)
    }

    /// What is still to be announced, oldest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when a record no longer verifies.
    pub fn outbox(&self, limit: usize) -> Result<Vec<Outgoing>, StoreError> {
        let mut known = self
            .shared
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut find = self
            .conn()?
            .prepare_cached("SELECT number, record, delta FROM outbox ORDER BY number LIMIT ?")?;
        let mut rows = find.query([limit])?;
        let mut waiting = Vec::new();
        while let Some(row) = rows.next()? {
            let bytes = row.get_ref(1)?.as_blob().unwrap_or_default();
            let record = verify(bytes, STORED, &mut known).map_err(damaged("record"))?;
            waiting.push(Outgoing {
                number: row.get(0)?,
                record,
                delta: row.get(2)?,
            });
        }
        Ok(waiting)
    }
}

impl Writer<'_> {
    /// The newest record of each signer of an account.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when a record no longer verifies.
    pub fn heads(&self, account: Account) -> Result<Heads, StoreError> {
        let mut known = self
            .shared
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        heads(self.conn, account, &mut known)
    }

    /// Takes a record among the heads of its account, by the rule of [`Heads::insert`].
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn put_record(&self, record: &Verified<SignedRecord>) -> Result<Insert, StoreError> {
        let account = record.record().account;
        let number = self.number(account)?;
        let mut heads = self.heads(account)?;
        let insert = heads.insert(record.clone());
        if insert == Insert::New {
            self.conn
                .execute("DELETE FROM record WHERE account = ?", [number])?;
            let mut put = self
                .conn
                .prepare_cached("INSERT INTO record (account, signer, bytes) VALUES (?, ?, ?)")?;
            for head in heads.iter() {
                put.execute(params![number, head.signer().0, head.get().to_bytes()])?;
            }
        }
        Ok(insert)
    }

    /// Notes that a record is to be announced. The newest 64 of an account wait; older
    /// ones are dropped, and who misses them fetches the feed.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn put_outgoing(
        &self,
        record: &Verified<SignedRecord>,
        delta: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        let number = self.number(record.record().account)?;
        let mut put = self
            .conn
            .prepare_cached("INSERT INTO outbox (account, record, delta) VALUES (?, ?, ?)")?;
        put.execute(params![number, record.get().to_bytes(), delta])?;
        let mut drop = self.conn.prepare_cached(
            "DELETE FROM outbox WHERE account = ?1 AND number <= (
               SELECT number FROM outbox WHERE account = ?1
               ORDER BY number DESC LIMIT 1 OFFSET ?2)",
        )?;
        drop.execute(params![number, WAITING])?;
        Ok(())
    }

    /// Removes what was announced.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn announced(&self, outgoing: i64) -> Result<(), StoreError> {
        self.conn
            .execute("DELETE FROM outbox WHERE number = ?", [outgoing])?;
        Ok(())
    }

    /// Keeps a grant, instead of any other of the same device.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn put_grant(&self, grant: &Verified<SignedGrant>) -> Result<(), StoreError> {
        let SignedGrant { grant: granted, .. } = grant.get();
        let number = self.number(granted.account)?;
        self.conn.execute(
            "INSERT INTO device_grant (account, device, bytes) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET bytes = ?3",
            params![number, granted.device.0, grant.get().to_bytes()],
        )?;
        Ok(())
    }

    /// Forgets the grant of a device.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn remove_grant(&self, account: Account, device: Account) -> Result<(), StoreError> {
        let number = self.number(account)?;
        let drop = "DELETE FROM device_grant WHERE account = ? AND device = ?";
        self.conn.execute(drop, params![number, device.0])?;
        Ok(())
    }
}
