//! One account's feed in the database: what [`FeedState`] asks for.

use std::cell::RefCell;

use ourspace_protocol::{
    account::Account,
    dag::Cid,
    feed::{
        model::{Followee, Follows, Item, ItemId, ItemKey, Profile, Tombstone, canonical},
        pages::List,
        state::{FeedState, Span, StateError},
    },
};
use rusqlite::{OptionalExtension, params};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    codec::Encoder,
    edges::put_edges,
    error::StoreError,
    items::{self, list_number, table},
    rows::instant,
    view::View,
};

/// The feed of one account, in a snapshot or in a change under way.
///
/// In a snapshot every writing method fails with [`StoreError::ReadersOnly`].
#[derive(Debug)]
pub struct Feed<'v> {
    pub(crate) view: View<'v>,
    pub(crate) account: Account,
    /// The account's number; `None` in a snapshot that has nothing of it.
    pub(crate) number: Option<i64>,
    /// What writes items; `None` in a snapshot.
    pub(crate) encoder: Option<&'v RefCell<Encoder>>,
}

/// The greatest size by which a file is in use, before and after a change.
type Uses = (Option<u64>, Option<u64>);

/// No row belongs to it.
const NOBODY: i64 = -1;

/// The digest of the CID in `media/YYYY/MM/CID.ext`; empty where there is none.
fn digest_of(path: &str) -> Vec<u8> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let cid = name.split('.').next().unwrap_or(name);
    let cid = cid.parse::<Cid>();
    cid.map_or_else(|_| Vec::new(), |cid| cid.digest().to_vec())
}

impl Feed<'_> {
    /// Whose feed it is.
    #[must_use]
    pub fn account(&self) -> Account {
        self.account
    }

    fn number(&self) -> i64 {
        self.number.unwrap_or(NOBODY)
    }

    fn encoder(&self) -> Result<&RefCell<Encoder>, StoreError> {
        self.encoder.ok_or(StoreError::ReadersOnly)
    }

    fn about<T: DeserializeOwned + Default>(&self, what: &str) -> Result<T, StoreError> {
        let mut find = self
            .view
            .conn
            .prepare_cached("SELECT source FROM about WHERE account = ? AND what = ?")?;
        let source: Option<String> = find
            .query_row(params![self.number(), what], |row| row.get(0))
            .optional()?;
        match source {
            None => Ok(T::default()),
            Some(source) => serde_json::from_str(&source)
                .map_err(|error| StoreError::damaged(format!("{what} ({error})"))),
        }
    }

    fn put_about<T: Serialize>(&self, what: &str, value: &T) -> Result<(), StoreError> {
        self.encoder()?;
        let mut put = self.view.conn.prepare_cached(
            "INSERT INTO about (account, what, source) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET source = ?3",
        )?;
        put.execute(params![self.number(), what, canonical(value)])?;
        Ok(())
    }

    fn end(&self, list: List, key: ItemKey, forward: bool) -> Result<Option<ItemKey>, StoreError> {
        let table = table(list);
        let (than, order) = if forward { (">", "ASC") } else { ("<", "DESC") };
        let sql = format!(
            "SELECT date, id FROM {table} INDEXED BY {table}_end WHERE account = ?1 AND ends = 1 \
             AND (date, id) {than} (?2, ?3) ORDER BY date {order}, id {order} LIMIT 1"
        );
        self.view.nearest(&sql, self.number(), key)
    }

    fn change_uses(&self, path: &str, size: u64, by: i64) -> Result<Uses, StoreError> {
        self.encoder()?;
        let conn = self.view.conn;
        let digest = digest_of(path);
        let bytes = instant(size)?;
        let before = self.greatest_size(&digest, path)?;
        let mut change = conn.prepare_cached(
            "INSERT INTO file_use (digest, account, path, size, uses) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET uses = uses + ?5",
        )?;
        change.execute(params![digest, self.number(), path, bytes, by])?;
        let mut drop = conn.prepare_cached(
            "DELETE FROM file_use
             WHERE digest = ? AND account = ? AND path = ? AND size = ? AND uses = 0",
        )?;
        drop.execute(params![digest, self.number(), path, bytes])?;
        Ok((before, self.greatest_size(&digest, path)?))
    }

    /// The greatest size by which the account's feed uses a file.
    fn greatest_size(&self, digest: &[u8], path: &str) -> Result<Option<u64>, StoreError> {
        let mut find = self.view.conn.prepare_cached(
            "SELECT max(size) FROM file_use
             WHERE digest = ? AND account = ? AND path = ? AND uses > 0",
        )?;
        let size: Option<i64> =
            find.query_row(params![digest, self.number(), path], |row| row.get(0))?;
        Ok(size.map(i64::unsigned_abs))
    }

    fn change_page(&self, list: List, page: ItemKey, present: bool) -> Result<(), StoreError> {
        self.encoder()?;
        let sql = if present {
            "INSERT OR IGNORE INTO page (account, list, date, id) VALUES (?, ?, ?, ?)"
        } else {
            "DELETE FROM page WHERE account = ? AND list = ? AND date = ? AND id = ?"
        };
        let mut change = self.view.conn.prepare_cached(sql)?;
        let date = instant(page.date)?;
        change.execute(params![self.number(), list_number(list), date, page.id.0])?;
        Ok(())
    }

    fn replace_versions(&self, id: ItemId, versions: &[Item]) -> Result<(), StoreError> {
        let mut encoder = self.encoder()?.borrow_mut();
        items::put_versions(self.view, &mut encoder, (self.number(), id), versions)
    }
}

impl FeedState for Feed<'_> {
    fn versions(&self, id: ItemId) -> Result<Vec<Item>, StateError> {
        Ok(self.view.versions(self.number(), id)?)
    }

    fn put_versions(&mut self, id: ItemId, versions: &[Item]) -> Result<(), StateError> {
        Ok(self.replace_versions(id, versions)?)
    }

    fn tombstone(&self, id: ItemId) -> Result<Option<Tombstone>, StateError> {
        Ok(self.view.tombstone(self.number(), id)?)
    }

    fn put_tombstone(&mut self, tombstone: Tombstone) -> Result<(), StateError> {
        self.encoder()?;
        Ok(items::put_tombstone(
            self.view.conn,
            self.number(),
            tombstone,
        )?)
    }

    fn items(&self, list: List, span: Span) -> Result<Vec<Item>, StateError> {
        Ok(self.view.items(self.number(), list, span)?)
    }

    fn tombstones(&self, span: Span) -> Result<Vec<Tombstone>, StateError> {
        Ok(self.view.tombstones(self.number(), span)?)
    }

    fn end_before(&self, list: List, key: ItemKey) -> Result<Option<ItemKey>, StateError> {
        Ok(self.end(list, key, false)?)
    }

    fn end_after(&self, list: List, key: ItemKey) -> Result<Option<ItemKey>, StateError> {
        Ok(self.end(list, key, true)?)
    }

    fn profile(&self) -> Result<Profile, StateError> {
        Ok(self.about("profile")?)
    }

    fn put_profile(&mut self, profile: &Profile) -> Result<(), StateError> {
        Ok(self.put_about("profile", profile)?)
    }

    fn follows(&self) -> Result<Follows, StateError> {
        Ok(self.about("follows")?)
    }

    fn put_follows(&mut self, follows: &Follows) -> Result<(), StateError> {
        self.put_about("follows", follows)?;
        let followed = follows.iter().filter(|(_, row)| row.value.following);
        let accounts = followed.filter_map(|(followee, _)| match followee {
            Followee::Account(account) => Some(*account),
            Followee::Feed(_) => None,
        });
        Ok(put_edges(self.view.conn, self.number(), accounts)?)
    }

    fn pages(&self, list: List, span: Span) -> Result<Vec<ItemKey>, StateError> {
        Ok(self.view.pages(self.number(), list, span)?)
    }

    fn page_before(&self, list: List, key: Option<ItemKey>) -> Result<Option<ItemKey>, StateError> {
        let last = ItemKey {
            date: i64::MAX.unsigned_abs(),
            id: ItemId([0xff; 10]),
        };
        let sql = format!(
            "SELECT date, id FROM page WHERE account = ?1 AND list = {} \
             AND (date, id) < (?2, ?3) ORDER BY date DESC, id DESC LIMIT 1",
            list_number(list)
        );
        Ok(self
            .view
            .nearest(&sql, self.number(), key.unwrap_or(last))?)
    }

    fn page_after(&self, list: List, key: ItemKey) -> Result<Option<ItemKey>, StateError> {
        let sql = format!(
            "SELECT date, id FROM page WHERE account = ?1 AND list = {} \
             AND (date, id) > (?2, ?3) ORDER BY date, id LIMIT 1",
            list_number(list)
        );
        Ok(self.view.nearest(&sql, self.number(), key)?)
    }

    fn put_page(&mut self, list: List, page: ItemKey, present: bool) -> Result<(), StateError> {
        Ok(self.change_page(list, page, present)?)
    }

    fn count_file(&mut self, path: &str, size: u64, by: i64) -> Result<Uses, StateError> {
        Ok(self.change_uses(path, size, by)?)
    }
}
