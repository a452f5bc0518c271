//! Items and tombstones as rows.

use std::hash::{BuildHasher, RandomState};

use ourspace_protocol::feed::{
    model::{Item, ItemId, ItemKey, Tombstone},
    pages::List,
    state::Span,
};
use rusqlite::{Connection, Row, params};

use crate::{
    answers,
    codec::Encoder,
    error::StoreError,
    rows::{instant, key_and_source, key_at},
    search,
    view::View,
    words::indexed,
};

/// The table of a list.
pub(crate) const fn table(list: List) -> &'static str {
    match list {
        List::Posts => "post",
        List::Reactions => "reaction",
        List::Tombstones => "tombstone",
    }
}

/// A key as two columns.
type Bound = (i64, Vec<u8>);

/// The ends of a span as bounds that every key is between.
fn bounds(span: Span) -> Result<(Bound, Bound), StoreError> {
    let after = match span.after {
        Some(key) => (instant(key.date)?, key.id.0.to_vec()),
        None => (-1, Vec::new()),
    };
    let until = match span.until {
        Some(key) => (instant(key.date)?, key.id.0.to_vec()),
        None => (i64::MAX, Vec::new()),
    };
    Ok((after, until))
}

impl View<'_> {
    /// The keys of `table` (a list's, or `page`) within `span`, ascending, through `each`.
    fn scan(
        &self,
        sql: &str,
        (account, span): (i64, Span),
        each: &mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let (after, until) = bounds(span)?;
        let mut find = self.conn.prepare_cached(sql)?;
        let mut rows = find.query(params![account, after.0, after.1, until.0, until.1])?;
        while let Some(row) = rows.next()? {
            each(row)?;
        }
        Ok(())
    }

    /// The newest versions of a list's items within `span`, ascending.
    pub(crate) fn items(
        &self,
        account: i64,
        list: List,
        span: Span,
    ) -> Result<Vec<Item>, StoreError> {
        let sql = match list {
            List::Posts => concat!(
                "SELECT date, id, source FROM post WHERE account = ?1 ",
                "AND (date, id) > (?2, ?3) AND (date, id) <= (?4, ?5) ORDER BY date, id"
            ),
            List::Reactions => concat!(
                "SELECT date, id, source FROM reaction WHERE account = ?1 ",
                "AND (date, id) > (?2, ?3) AND (date, id) <= (?4, ?5) ORDER BY date, id"
            ),
            List::Tombstones => return Ok(Vec::new()),
        };
        let mut items = Vec::new();
        self.scan(sql, (account, span), &mut |row| {
            let (key, source) = key_and_source(row)?;
            items.push(self.codec.decode(self.conn, key, source)?);
            Ok(())
        })?;
        Ok(items)
    }

    /// The tombstones within `span`, ascending.
    pub(crate) fn tombstones(
        &self,
        account: i64,
        span: Span,
    ) -> Result<Vec<Tombstone>, StoreError> {
        let sql = "SELECT date, id FROM tombstone WHERE account = ?1 \
             AND (date, id) > (?2, ?3) AND (date, id) <= (?4, ?5) ORDER BY date, id";
        let mut tombstones = Vec::new();
        self.scan(sql, (account, span), &mut |row| {
            let key = key_at(row, 0)?;
            tombstones.push(Tombstone {
                date: key.date,
                id: key.id,
            });
            Ok(())
        })?;
        Ok(tombstones)
    }

    /// The page names of a list within `span`, ascending.
    pub(crate) fn pages(
        &self,
        account: i64,
        list: List,
        span: Span,
    ) -> Result<Vec<ItemKey>, StoreError> {
        let sql = format!(
            "SELECT date, id FROM page WHERE account = ?1 AND list = {} \
             AND (date, id) > (?2, ?3) AND (date, id) <= (?4, ?5) ORDER BY date, id",
            list_number(list)
        );
        let mut pages = Vec::new();
        self.scan(&sql, (account, span), &mut |row| {
            pages.push(key_at(row, 0)?);
            Ok(())
        })?;
        Ok(pages)
    }

    /// The key that `sql` finds for an account and a key.
    pub(crate) fn nearest(
        &self,
        sql: &str,
        account: i64,
        key: ItemKey,
    ) -> Result<Option<ItemKey>, StoreError> {
        let mut find = self.conn.prepare_cached(sql)?;
        let mut rows = find.query(params![account, instant(key.date)?, key.id.0])?;
        rows.next()?.map(|row| key_at(row, 0)).transpose()
    }

    /// All versions of an item, newest first.
    pub(crate) fn versions(&self, account: i64, id: ItemId) -> Result<Vec<Item>, StoreError> {
        let Some(newest) = self.newest(account, id)? else {
            return Ok(Vec::new());
        };
        let mut versions = vec![newest.item];
        let mut find = self.conn.prepare_cached(
            "SELECT date, id, source FROM version WHERE account = ? AND id = ? ORDER BY place",
        )?;
        let mut rows = find.query(params![account, id.0])?;
        while let Some(row) = rows.next()? {
            let (key, source) = key_and_source(row)?;
            versions.push(self.codec.decode(self.conn, key, source)?);
        }
        Ok(versions)
    }

    /// The newest version of an item.
    pub(crate) fn newest(&self, account: i64, id: ItemId) -> Result<Option<Newest>, StoreError> {
        let mut find = self.conn.prepare_cached(
            "SELECT date, id, source, label FROM post WHERE account = ?1 AND id = ?2
             UNION ALL
             SELECT date, id, source, NULL FROM reaction WHERE account = ?1 AND id = ?2",
        )?;
        let mut rows = find.query(params![account, id.0])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let (key, source) = key_and_source(row)?;
        let item = self.codec.decode(self.conn, key, source)?;
        let label = row.get(3)?;
        Ok(Some(Newest { item, label }))
    }

    /// The ids of items from `first` to `last`, in order.
    pub(crate) fn ids(
        &self,
        account: i64,
        (first, last): (ItemId, ItemId),
        limit: usize,
    ) -> Result<Vec<ItemId>, StoreError> {
        let mut find = self.conn.prepare_cached(
            "SELECT id FROM post WHERE account = ?1 AND id BETWEEN ?2 AND ?3
             UNION ALL
             SELECT id FROM reaction WHERE account = ?1 AND id BETWEEN ?2 AND ?3
             ORDER BY id LIMIT ?4",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = find.query(params![account, first.0, last.0, limit])?;
        let mut ids = Vec::new();
        while let Some(row) = rows.next()? {
            ids.push(ItemId(row.get(0)?));
        }
        Ok(ids)
    }

    /// The tombstone of an item.
    pub(crate) fn tombstone(
        &self,
        account: i64,
        id: ItemId,
    ) -> Result<Option<Tombstone>, StoreError> {
        let mut find = self
            .conn
            .prepare_cached("SELECT date, id FROM tombstone WHERE account = ? AND id = ?")?;
        let mut rows = find.query(params![account, id.0])?;
        let key = rows.next()?.map(|row| key_at(row, 0)).transpose()?;
        Ok(key.map(|key| Tombstone {
            date: key.date,
            id: key.id,
        }))
    }

    /// The newest posts of an account before `before`, newest first.
    pub(crate) fn timeline(
        &self,
        account: i64,
        before: Option<ItemKey>,
        limit: usize,
    ) -> Result<Vec<Item>, StoreError> {
        let (_, before) = bounds(Span {
            after: None,
            until: before,
        })?;
        let mut find = self.conn.prepare_cached(
            "SELECT date, id, source FROM post WHERE account = ?1 AND (date, id) < (?2, ?3)
             ORDER BY date DESC, id DESC LIMIT ?4",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = find.query(params![account, before.0, before.1, limit])?;
        let mut items = Vec::new();
        while let Some(row) = rows.next()? {
            let (key, source) = key_and_source(row)?;
            items.push(self.codec.decode(self.conn, key, source)?);
        }
        Ok(items)
    }
}

/// The newest version of an item and where it lies.
#[derive(Debug)]
pub(crate) struct Newest {
    pub(crate) item: Item,
    /// Where a post lies; a reaction has no label.
    pub(crate) label: Option<i64>,
}

pub(crate) const fn list_number(list: List) -> i64 {
    match list {
        List::Posts => 0,
        List::Reactions => 1,
        List::Tombstones => 2,
    }
}

/// Replaces all versions of an item.
pub(crate) fn put_versions(
    view: View<'_>,
    encoder: &mut Encoder,
    (account, id): (i64, ItemId),
    versions: &[Item],
) -> Result<(), StoreError> {
    let old = view.newest(account, id)?;
    if old.is_some() {
        let mut drop = view
            .conn
            .prepare_cached("DELETE FROM version WHERE account = ? AND id = ?")?;
        drop.execute(params![account, id.0])?;
    }
    let (newest, older) = match versions.split_first() {
        Some((newest, older)) => (Some(newest), older),
        None => (None, versions),
    };
    replace_newest(view, encoder, account, (old, newest))?;
    for (place, item) in (1i64..).zip(older) {
        let mut put = view.conn.prepare_cached(
            "INSERT INTO version (account, id, place, date, source) VALUES (?, ?, ?, ?, ?)",
        )?;
        put.execute(params![
            account,
            id.0,
            place,
            instant(item.date)?,
            encoder.encode(item)
        ])?;
    }
    Ok(())
}

fn replace_newest(
    view: View<'_>,
    encoder: &mut Encoder,
    account: i64,
    (old, new): (Option<Newest>, Option<&Item>),
) -> Result<(), StoreError> {
    let kept = match &old {
        Some(old) => {
            answers::remove(view.conn, account, &old.item)?;
            take_out(view.conn, encoder, account, (old, new))?
        }
        None => None,
    };
    let Some(item) = new else { return Ok(()) };
    answers::add(view.conn, account, item)?;
    let source = encoder.encode(item);
    let date = instant(item.date)?;
    if !item.kind.is_post() {
        let mut put = view.conn.prepare_cached(
            "INSERT INTO reaction (account, date, id, ends, source) VALUES (?, ?, ?, ?, ?)",
        )?;
        put.execute(params![
            account,
            date,
            item.id.0,
            item.id.ends_page(),
            source
        ])?;
        return Ok(());
    }
    let label = if let Some(label) = kept {
        let mut put = view
            .conn
            .prepare_cached("UPDATE post SET source = ? WHERE label = ?")?;
        put.execute(params![source, label])?;
        label
    } else {
        let label = free_label(view.conn, item.key())?;
        let mut put = view.conn.prepare_cached(
            "INSERT INTO post (label, account, date, id, ends, source) VALUES (?, ?, ?, ?, ?, ?)",
        )?;
        put.execute(params![
            label,
            account,
            date,
            item.id.0,
            item.id.ends_page(),
            source
        ])?;
        label
    };
    encoder.fresh.add(view.conn, label, indexed(item))?;
    encoder.count(view.conn, view.codec)
}

/// Removes what `new` replaces; gives the label of a post that can stay where it is.
fn take_out(
    conn: &Connection,
    encoder: &mut Encoder,
    account: i64,
    (old, new): (&Newest, Option<&Item>),
) -> Result<Option<i64>, StoreError> {
    let Some(label) = old.label else {
        let mut drop =
            conn.prepare_cached("DELETE FROM reaction WHERE account = ? AND date = ? AND id = ?")?;
        drop.execute(params![account, instant(old.item.date)?, old.item.id.0])?;
        return Ok(None);
    };
    if !encoder.fresh.remove(label) {
        search::remove(conn, label, &old.item)?;
    }
    if new.is_some_and(|new| new.kind.is_post() && new.date == old.item.date) {
        return Ok(Some(label));
    }
    let mut drop = conn.prepare_cached("DELETE FROM post WHERE label = ?")?;
    drop.execute([label])?;
    Ok(None)
}

/// Milliseconds for each label: a power of two near a quarter of a second. Finer labels
/// would make the search index larger (whole milliseconds: 30 bytes a post), coarser
/// ones would crowd a feed of many authors.
pub(crate) const LABEL_MILLIS: u64 = 256;

/// A label that no post has yet: the one of the item's date or, where many posts share an
/// instant, a random one in a stretch after it that doubles until a free one is found.
/// So a crowd spreads over a stretch a few times as long as itself.
fn free_label(conn: &Connection, key: ItemKey) -> Result<i64, StoreError> {
    let base = instant(key.date / LABEL_MILLIS)?;
    let random = RandomState::new();
    let mut taken = conn.prepare_cached("SELECT 1 FROM post WHERE label = ?")?;
    let mut label = base;
    let mut stretch: u32 = 0;
    while taken.exists([label])? {
        stretch += 1;
        let reach = (1u64 << stretch.min(40)) - 1;
        let step = random.hash_one((key.id.0, stretch)) & reach;
        label = base.saturating_add(i64::try_from(step).unwrap_or(0));
    }
    Ok(label)
}

/// Writes a tombstone, instead of any other of the same item.
pub(crate) fn put_tombstone(
    conn: &Connection,
    account: i64,
    tombstone: Tombstone,
) -> Result<(), StoreError> {
    let Tombstone { date, id } = tombstone;
    let mut drop = conn.prepare_cached("DELETE FROM tombstone WHERE account = ? AND id = ?")?;
    drop.execute(params![account, id.0])?;
    let mut put =
        conn.prepare_cached("INSERT INTO tombstone (account, date, id, ends) VALUES (?, ?, ?, ?)")?;
    put.execute(params![account, instant(date)?, id.0, id.ends_page()])?;
    Ok(())
}
