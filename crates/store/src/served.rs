//! Which file or post a block of a rendered file may belong to, and whether a block may be
//! given to others at all.
//!
//! Rendered files are not kept, so whoever is asked for one of their blocks must find out
//! which file it is of. The index gives candidates; whoever renders one compares the CID.

use std::collections::HashSet;

use ourspace_protocol::{
    account::Account,
    dag::{Cid, Codec},
    feed::model::{ItemId, ItemKey},
};
use rusqlite::{Connection, params};

use crate::{
    buckets,
    error::StoreError,
    listing::{self, Place},
    pending::{CUT, Pending, bucket, cut, file_prefix},
    reader::Reader,
    rows::{instant, key_at},
    shelf::{Digest, Shelf},
    tree, values,
    writer::Writer,
};

impl Reader<'_> {
    /// What may have this CID, or a block with it: for whom `account` is the own one,
    /// everything; else (`None` of the last field of a follow) nothing that is followed
    /// quietly. Of some hundred candidates one is wrong.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn candidates(&self, cid: &Cid) -> Result<Vec<(Account, Place)>, StoreError> {
        let conn = self.conn()?;
        let mut found = Vec::new();
        let mut files = conn.prepare_cached(
            "SELECT address, place FROM served_file JOIN account ON number = account
             WHERE prefix = ?",
        )?;
        let mut rows = files.query([file_prefix(cid.digest())])?;
        while let Some(row) = rows.next()? {
            let place = Place::from_bytes(row.get_ref(1)?.as_blob().unwrap_or_default());
            let place = place.ok_or_else(|| StoreError::damaged("place of a file"))?;
            found.push((Account(row.get(0)?), place));
        }
        let (bits, _) = cut(conn)?;
        let prefix = buckets::prefix(cid.digest());
        let mut posts = conn.prepare_cached(
            "SELECT address, id FROM post JOIN account ON number = account WHERE label = ?",
        )?;
        for (other, label) in bucket(conn, bits, bits.bucket(prefix))? {
            if other != prefix {
                continue;
            }
            let mut rows = posts.query([label])?;
            if let Some(row) = rows.next()? {
                let place = Place::Post(ItemId(row.get(1)?));
                found.push((Account(row.get(0)?), place));
            }
        }
        Ok(found)
    }

    /// Whether the feed of an account may be given to others: the own one, and what is
    /// followed publicly.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn is_open(&self, own: Account, account: Account) -> Result<bool, StoreError> {
        if own == account {
            return Ok(true);
        }
        let mut find = self.conn()?.prepare_cached(
            "SELECT 1 FROM follow JOIN account ON number = account
             WHERE address = ? AND quiet = 0",
        )?;
        Ok(find.exists([account.0])?)
    }

    /// A directory block of a tree that may be given to others.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn open_node(&self, cid: &Cid) -> Result<Option<Vec<u8>>, StoreError> {
        if cid.codec() != Codec::DagPb {
            return Ok(None);
        }
        Shelf::Open.get(self.conn()?, cid.digest())
    }

    /// Whether a block is of a kept file that a feed uses which may be given to others.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn is_open_file(&self, own: Account, cid: &Cid) -> Result<bool, StoreError> {
        let conn = self.conn()?;
        let mut find = conn.prepare_cached(
            "SELECT cid FROM block JOIN volume ON number = volume WHERE digest = ?",
        )?;
        let rows = find.query_map([cid.digest()], |row| row.get(0))?;
        let files: Vec<Option<Vec<u8>>> = rows.collect::<Result<_, _>>()?;
        let mut used = conn.prepare_cached(
            "SELECT 1 FROM file_use JOIN account ON number = file_use.account
             WHERE digest = ?1 AND uses > 0 AND (address = ?2
               OR EXISTS (SELECT 1 FROM follow WHERE follow.account = number AND quiet = 0))",
        )?;
        for file in files {
            let whole = file.map(|bytes| Cid::from_bytes(&bytes)).transpose();
            let whole = whole.map_err(|_| StoreError::damaged("name of a file"))?;
            let digest = *whole.as_ref().unwrap_or(cid).digest();
            if used.exists(params![digest, own.0])? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A block of a file that is kept as its author signed it, and may be given to others.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn foreign_block(&self, own: Account, cid: &Cid) -> Result<Option<Vec<u8>>, StoreError> {
        let mut find = self.conn()?.prepare_cached(
            "SELECT address, body FROM foreign_file JOIN account ON number = account
             WHERE digest = ?",
        )?;
        let rows = find.query_map([cid.digest()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let found: Vec<([u8; 20], Vec<u8>)> = rows.collect::<Result<_, _>>()?;
        for (account, body) in found {
            if self.is_open(own, Account(account))? {
                return Ok(Some(body));
            }
        }
        Ok(None)
    }
}

impl Reader<'_> {
    /// A feed of which pages of posts are still to be put into the index, and the posts
    /// before which key.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn unindexed(&self) -> Result<Option<(Account, ItemKey)>, StoreError> {
        let sql =
            "SELECT date, id, address FROM unindexed JOIN account ON number = account LIMIT 1";
        let mut find = self.conn()?.prepare_cached(sql)?;
        let mut rows = find.query([])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        Ok(Some((Account(row.get(2)?), key_at(row, 0)?)))
    }
}

impl Writer<'_> {
    /// Puts the page of a post into the index, or its history, or its directory.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn index_post(&self, account: Account, id: ItemId, cid: &Cid) -> Result<(), StoreError> {
        let number = self.number(account)?;
        let mut served = self.served.borrow_mut();
        served.add(number, Place::Post(id), *cid.digest());
        Ok(())
    }

    /// Notes that the pages of an account's posts before a key are still to be put into the
    /// index; of none when that is `None`.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn put_unindexed(
        &self,
        account: Account,
        before: Option<ItemKey>,
    ) -> Result<(), StoreError> {
        let number = self.number(account)?;
        match before {
            None => {
                let mut drop = self
                    .conn
                    .prepare_cached("DELETE FROM unindexed WHERE account = ?")?;
                drop.execute([number])?;
            }
            Some(key) => put_unindexed(self.conn, number, instant(key.date)?, key.id)?,
        }
        Ok(())
    }
}

fn put_unindexed(conn: &Connection, account: i64, date: i64, id: ItemId) -> Result<(), StoreError> {
    let mut put = conn.prepare_cached(
        "INSERT INTO unindexed (account, date, id) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET date = ?2, id = ?3",
    )?;
    put.execute(params![account, date, id.0])?;
    Ok(())
}

/// Fills the index for a home of an older layout, which has none.
pub(crate) fn fill(conn: &Connection) -> Result<(), StoreError> {
    if values::get::<(u32, i64)>(conn, CUT)?.is_some() {
        return Ok(());
    }
    let tx = conn.unchecked_transaction()?;
    values::put(&tx, CUT, &(0, 0))?;
    for account in with_trees(&tx)? {
        let Some(root) = tree::root(&tx, account)? else {
            continue;
        };
        // So much at once takes some megabytes.
        let mut pending = Pending::default();
        let mut count = 0;
        for (place, digest) in all(&tx, &root.cid)? {
            pending.add(account, place, digest);
            count += 1;
            if count % 50_000 == 0 {
                std::mem::take(&mut pending).write(&tx)?;
            }
        }
        pending.write(&tx)?;
        put_unindexed(&tx, account, i64::MAX, ItemId([0xff; 10]))?;
    }
    tx.commit()?;
    Ok(())
}

fn with_trees(conn: &Connection) -> Result<Vec<i64>, StoreError> {
    let mut accounts = conn.prepare("SELECT number FROM account WHERE root IS NOT NULL")?;
    let rows = accounts.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// All that the directories of a tree name.
fn all(conn: &Connection, root: &Cid) -> Result<Vec<(Place, Digest)>, StoreError> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut stack = vec![listing::top(root)];
    while let Some(step) = stack.pop() {
        if !seen.insert(step.1) {
            continue;
        }
        if let Some(bytes) = Shelf::Open.get(conn, &step.1)? {
            let below = listing::read(step, &bytes, &mut |place, cid| {
                found.push((place, *cid.digest()));
            })?;
            stack.extend(below);
        }
    }
    Ok(found)
}
