//! Who follows whom in public, of the feeds that are here.

use std::collections::BTreeSet;

use ourspace_protocol::account::Account;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::error::StoreError;

/// Whether somebody is within two hops of an account's public follows.
pub(crate) fn is_near(
    conn: &Connection,
    account: Account,
    other: Account,
) -> Result<bool, StoreError> {
    let mut find = conn.prepare_cached(
        "SELECT 1 FROM account AS own WHERE own.address = ?1 AND (
           EXISTS (SELECT 1 FROM edge WHERE followee = ?2 AND follower = own.number)
           OR EXISTS (
             SELECT 1 FROM edge AS last
             JOIN account AS middle ON middle.number = last.follower
             JOIN edge AS first ON first.followee = middle.address AND first.follower = own.number
             WHERE last.followee = ?2))",
    )?;
    let found: Option<i64> = find
        .query_row(params![account.0, other.0], |row| row.get(0))
        .optional()?;
    Ok(found.is_some())
}

/// Notes whom an account follows in public, in place of what was noted before.
pub(crate) fn put_edges(
    conn: &Connection,
    follower: i64,
    followees: impl Iterator<Item = Account>,
) -> Result<(), StoreError> {
    let mut old = {
        let mut find = conn.prepare_cached("SELECT followee FROM edge WHERE follower = ?")?;
        let rows = find.query_map([follower], |row| row.get(0))?;
        rows.collect::<Result<BTreeSet<[u8; 20]>, _>>()?
    };
    let mut put =
        conn.prepare_cached("INSERT OR IGNORE INTO edge (follower, followee) VALUES (?, ?)")?;
    for followee in followees {
        if !old.remove(&followee.0) {
            put.execute(params![follower, followee.0])?;
        }
    }
    let mut drop = conn.prepare_cached("DELETE FROM edge WHERE follower = ? AND followee = ?")?;
    for followee in old {
        drop.execute(params![follower, followee])?;
    }
    Ok(())
}
