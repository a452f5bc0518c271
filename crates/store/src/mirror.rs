//! The trees of others: which are here, what was fetched of those that are not whole yet,
//! and what was shown before its time.

use std::collections::{HashMap, HashSet};

use ourspace_protocol::{
    account::Account,
    dag::{Block, Cid, Codec, DagError, Link},
    feed::{
        model::{Item, ItemId},
        state::FeedState as _,
    },
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    error::StoreError,
    keep::int,
    listing,
    reader::Reader,
    shelf::{Digest, Shelf, packed, unpacked},
    tree::{Uses, put_root, root},
    writer::{Writer, number},
};

/// How far a tree is mirrored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TreeState {
    /// All sources are in the feed, and all directories are here.
    Sources,
    /// All media are here as well, or left out for good.
    Whole,
    /// It is no feed's tree: it is not fetched again.
    Refused,
}

impl TreeState {
    const ALL: [Self; 3] = [Self::Sources, Self::Whole, Self::Refused];

    fn number(self) -> i64 {
        match self {
            Self::Sources => 1,
            Self::Whole => 2,
            Self::Refused => 3,
        }
    }

    fn of(number: i64) -> Result<Self, StoreError> {
        let known = Self::ALL.into_iter().find(|state| state.number() == number);
        known.ok_or_else(|| StoreError::damaged("state of a tree"))
    }
}

/// A tree of a feed, and how far it is mirrored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tree {
    /// Its root.
    pub root: Link,
    /// How far.
    pub state: TreeState,
}

fn trees(conn: &Connection, account: i64) -> Result<Vec<Tree>, StoreError> {
    let mut find =
        conn.prepare_cached("SELECT root, tsize, state FROM mirror WHERE account = ?")?;
    let mut rows = find.query([account])?;
    let mut trees = Vec::new();
    while let Some(row) = rows.next()? {
        let cid = Cid::from_bytes(row.get_ref(0)?.as_blob().unwrap_or_default());
        let tsize: i64 = row.get(1)?;
        trees.push(Tree {
            root: Link {
                cid: cid.map_err(|_| StoreError::damaged("root"))?,
                tsize: tsize.unsigned_abs(),
            },
            state: TreeState::of(row.get(2)?)?,
        });
    }
    Ok(trees)
}

/// The bytes of a directory block that was fetched for an account.
fn fetched(
    conn: &Connection,
    account: i64,
    digest: &Digest,
) -> Result<Option<Vec<u8>>, StoreError> {
    let mut find =
        conn.prepare_cached("SELECT body FROM fetched WHERE account = ? AND digest = ?")?;
    let body: Option<Option<Vec<u8>>> = find
        .query_row(params![account, digest], |row| row.get(0))
        .optional()?;
    body.flatten().map(|body| unpacked(&body)).transpose()
}

impl Reader<'_> {
    /// The trees of an account's heads that were mirrored, or refused.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn trees(&self, account: Account) -> Result<Vec<Tree>, StoreError> {
        let conn = self.conn()?;
        number(conn, account)?.map_or(Ok(Vec::new()), |number| trees(conn, number))
    }

    /// A directory block that was fetched for a tree of an account that is not whole yet.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn fetched(&self, account: Account, cid: &Cid) -> Result<Option<Vec<u8>>, StoreError> {
        let conn = self.conn()?;
        let number = number(conn, account)?;
        number.map_or(Ok(None), |number| fetched(conn, number, cid.digest()))
    }

    /// Whether a directory block is kept where those of an account's trees lie: then all
    /// below it are as well.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn has_node(&self, account: Account, cid: &Cid) -> Result<bool, StoreError> {
        let conn = self.conn()?;
        match number(conn, account)? {
            Some(number) => Shelf::of(conn, number)?.has(conn, cid.digest()),
            None => Ok(false),
        }
    }

    /// Which source files were taken in of trees of an account that are not whole yet: the
    /// digests of their CIDs.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn taken(&self, account: Account) -> Result<HashSet<[u8; 32]>, StoreError> {
        let conn = self.conn()?;
        let Some(number) = number(conn, account)? else {
            return Ok(HashSet::new());
        };
        let mut find =
            conn.prepare_cached("SELECT digest FROM fetched WHERE account = ? AND body IS NULL")?;
        let rows = find.query_map([number], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Writer<'_> {
    /// The trees of an account's heads that were mirrored, or refused.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn trees(&self, account: Account) -> Result<Vec<Tree>, StoreError> {
        trees(self.conn, self.number(account)?)
    }

    /// Notes how far a tree is mirrored that is here, or that it is refused.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn put_tree_state(
        &self,
        account: Account,
        root: Link,
        state: TreeState,
    ) -> Result<(), StoreError> {
        let mut put = self.conn.prepare_cached(
            "INSERT INTO mirror (account, root, tsize, state) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET state = ?4",
        )?;
        let (number, cid) = (self.number(account)?, root.cid.to_bytes());
        put.execute(params![number, cid, int(root.tsize), state.number()])?;
        Ok(())
    }

    /// Of all trees it is looked again whether media are to come: there is more room, say.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn reopen_trees(&self) -> Result<(), StoreError> {
        let (open, whole) = (TreeState::Sources.number(), TreeState::Whole.number());
        self.conn
            .execute("UPDATE mirror SET state = ? WHERE state = ?", [open, whole])?;
        Ok(())
    }

    /// Keeps directory blocks of a tree that is not whole yet, and notes which source files
    /// are in the feed already, so that a later start goes on from there.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn put_fetched(
        &self,
        account: Account,
        blocks: &[Block],
        files: &[Cid],
    ) -> Result<(), StoreError> {
        let number = self.number(account)?;
        let mut put = self.conn.prepare_cached(
            "INSERT OR IGNORE INTO fetched (account, digest, body) VALUES (?, ?, ?)",
        )?;
        for block in blocks {
            let body = Some(packed(block.bytes()));
            put.execute(params![number, block.cid().digest(), body])?;
        }
        for file in files {
            put.execute(params![number, file.digest(), None::<Vec<u8>>])?;
        }
        Ok(())
    }

    /// Takes a tree as its author signed it for an account's newest, of which all directory
    /// blocks are here: fetched, kept, or among `fresh`. Its older trees go, but for those
    /// in `others` (the trees of heads that nobody has merged). What was fetched is used up.
    /// Gives the posts whose directories are new: their pages are in no index yet.
    ///
    /// # Errors
    /// [`StoreError::Dag`] with [`DagError::Absent`] when a block is missing;
    /// [`StoreError`] of the database.
    pub fn adopt_tree(
        &self,
        account: Account,
        new: Link,
        fresh: &[Block],
        others: &[Cid],
    ) -> Result<Vec<ItemId>, StoreError> {
        let number = self.number(account)?;
        let shelf = Shelf::of(self.conn, number)?;
        let fresh: HashMap<Digest, &[u8]> = fresh
            .iter()
            .map(|block| (*block.cid().digest(), block.bytes()))
            .collect();
        let missing = self.missing_nodes(number, shelf, (&new.cid, &fresh))?;
        let old = root(self.conn, number)?;
        let before = self.pins(number)?;
        let stay = |tree: &&Tree| tree.root.cid != new.cid && others.contains(&tree.root.cid);
        let known = trees(self.conn, number)?;
        let mut after: Vec<Cid> = known
            .iter()
            .filter(stay)
            .filter(|tree| before.contains(&tree.root.cid))
            .map(|tree| tree.root.cid)
            .collect();
        after.push(new.cid);
        let mut uses = Uses::new(self.conn, shelf, missing);
        let moved = uses.replace(&before, &after)?;
        let posts = self.index(number, (old.map(|old| old.cid), new.cid), &uses, &moved)?;
        uses.write(&moved)?;
        put_root(self.conn, number, Some(new))?;
        for tree in known {
            let refused = tree.state == TreeState::Refused && others.contains(&tree.root.cid);
            if !refused && !after.contains(&tree.root.cid) {
                self.drop_tree_row(number, tree.root.cid)?;
            }
        }
        self.put_tree_state(account, new, TreeState::Sources)?;
        let mut drop = self
            .conn
            .prepare_cached("DELETE FROM fetched WHERE account = ?")?;
        drop.execute([number])?;
        Ok(posts)
    }

    /// A tree has become another by a change that was made here: what was said of the older
    /// one goes, and the new one is said to be in `state`.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn advance_tree(
        &self,
        account: Account,
        old: Option<Cid>,
        (new, state): (Link, TreeState),
    ) -> Result<(), StoreError> {
        if let Some(old) = old.filter(|old| *old != new.cid) {
            self.drop_tree_row(self.number(account)?, old)?;
        }
        self.put_tree_state(account, new, state)
    }

    fn drop_tree_row(&self, account: i64, root: Cid) -> Result<(), StoreError> {
        let mut drop = self
            .conn
            .prepare_cached("DELETE FROM mirror WHERE account = ? AND root = ?")?;
        drop.execute(params![account, root.to_bytes()])?;
        Ok(())
    }

    /// The roots that count as uses.
    fn pins(&self, account: i64) -> Result<Vec<Cid>, StoreError> {
        let mut pins: Vec<Cid> = trees(self.conn, account)?
            .into_iter()
            .filter(|tree| tree.state != TreeState::Refused)
            .map(|tree| tree.root.cid)
            .collect();
        if let Some(root) = root(self.conn, account)?
            && !pins.contains(&root.cid)
        {
            pins.push(root.cid);
        }
        Ok(pins)
    }

    /// The directory blocks of a tree that its shelf does not have yet.
    fn missing_nodes(
        &self,
        account: i64,
        shelf: Shelf,
        (root, fresh): (&Cid, &HashMap<Digest, &[u8]>),
    ) -> Result<HashMap<Digest, Vec<u8>>, StoreError> {
        let mut found: HashMap<Digest, Vec<u8>> = HashMap::new();
        let mut stack = vec![listing::top(root)];
        while let Some(step) = stack.pop() {
            let digest = step.1;
            if found.contains_key(&digest) || shelf.has(self.conn, &digest)? {
                continue;
            }
            let bytes = match fresh.get(&digest) {
                Some(bytes) => Some(bytes.to_vec()),
                None => match fetched(self.conn, account, &digest)? {
                    Some(bytes) => Some(bytes),
                    None => shelf.other().get(self.conn, &digest)?,
                },
            };
            let absent = || DagError::Absent(Cid::from_digest(Codec::DagPb, digest));
            let bytes = bytes.ok_or_else(absent)?;
            stack.extend(listing::read(step, &bytes, &mut |_, _| {})?);
            found.insert(digest, bytes);
        }
        Ok(found)
    }

    /// Takes the trees of an account off their shelf: their roots, and all their blocks.
    pub(crate) fn take_trees(&self, account: i64) -> Result<Trees, StoreError> {
        let shelf = Shelf::of(self.conn, account)?;
        let roots = self.pins(account)?;
        let mut blocks = HashMap::new();
        let mut stack: Vec<_> = roots.iter().map(listing::top).collect();
        while let Some(step) = stack.pop() {
            if blocks.contains_key(&step.1) {
                continue;
            }
            if let Some(bytes) = shelf.get(self.conn, &step.1)? {
                stack.extend(listing::read(step, &bytes, &mut |_, _| {})?);
                blocks.insert(step.1, bytes);
            }
        }
        let mut uses = Uses::new(self.conn, shelf, HashMap::new());
        let moved = uses.replace(&roots, &[])?;
        uses.write(&moved)?;
        Ok(Trees { roots, blocks })
    }

    /// Puts them on the shelf where those of the account lie now.
    pub(crate) fn give_trees(&self, account: i64, trees: Trees) -> Result<(), StoreError> {
        let shelf = Shelf::of(self.conn, account)?;
        let mut uses = Uses::new(self.conn, shelf, trees.blocks);
        let moved = uses.replace(&[], &trees.roots)?;
        uses.write(&moved)
    }

    /// Shows a post before the tree that it is in is here: only one that the feed does not
    /// have. It is taken out again before the next change of the feed.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn put_early(&self, account: Account, item: &Item) -> Result<bool, StoreError> {
        let number = self.number(account)?;
        let mut feed = self.feed(account)?;
        let known = !feed.versions(item.id).map_err(state)?.is_empty()
            || feed.tombstone(item.id).map_err(state)?.is_some();
        if known || !item.kind.is_post() {
            return Ok(false);
        }
        feed.put_versions(item.id, std::slice::from_ref(item))
            .map_err(state)?;
        let mut put = self
            .conn
            .prepare_cached("INSERT OR IGNORE INTO early (account, id) VALUES (?, ?)")?;
        put.execute(params![number, item.id.0])?;
        Ok(true)
    }

    /// Takes out the posts that were shown early: to be done before the feed is changed.
    /// Gives them.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn take_early(&self, account: Account) -> Result<Vec<Item>, StoreError> {
        let number = self.number(account)?;
        let mut find = self
            .conn
            .prepare_cached("DELETE FROM early WHERE account = ? RETURNING id")?;
        let rows = find.query_map([number], |row| row.get(0))?;
        let ids: Vec<[u8; 10]> = rows.collect::<Result<_, _>>()?;
        let mut items = Vec::new();
        let mut feed = self.feed(account)?;
        for id in ids {
            let id = ItemId(id);
            items.extend(feed.versions(id).map_err(state)?);
            feed.put_versions(id, &[]).map_err(state)?;
        }
        Ok(items)
    }

    /// Keeps a file as its author signed it.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn put_foreign(&self, account: Account, block: &Block) -> Result<(), StoreError> {
        let mut put = self.conn.prepare_cached(
            "INSERT OR IGNORE INTO foreign_file (digest, account, body) VALUES (?, ?, ?)",
        )?;
        let number = self.number(account)?;
        put.execute(params![block.cid().digest(), number, block.bytes()])?;
        Ok(())
    }

    /// Drops all files of an account that were kept as signed.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn drop_foreign(&self, account: Account) -> Result<(), StoreError> {
        let number = self.number(account)?;
        let drop = "DELETE FROM foreign_file WHERE account = ?";
        self.conn.execute(drop, [number])?;
        Ok(())
    }

    /// The kept files that a feed names.
    pub(crate) fn files_of(&self, account: i64) -> Result<Vec<Cid>, StoreError> {
        let mut find = self
            .conn
            .prepare_cached("SELECT path FROM file_use WHERE account = ?")?;
        let rows = find.query_map([account], |row| row.get(0))?;
        let paths: Vec<String> = rows.collect::<Result<_, _>>()?;
        let name = |path: &String| {
            let name = path.rsplit('/').next()?;
            name.split('.').next()?.parse().ok()
        };
        Ok(paths.iter().filter_map(name).collect())
    }

    /// Removes all posts of an account, from the search index too.
    pub(crate) fn drop_posts(&self, account: i64) -> Result<(), StoreError> {
        let mut find = self
            .conn
            .prepare_cached("SELECT address FROM account WHERE number = ?")?;
        let address = find.query_row([account], |row| row.get(0))?;
        let mut before = None;
        loop {
            let some = self.view().timeline(account, before, 500)?;
            let mut feed = self.feed(Account(address))?;
            for item in &some {
                feed.put_versions(item.id, &[]).map_err(state)?;
            }
            match some.last() {
                Some(last) => before = Some(last.key()),
                None => return Ok(()),
            }
        }
    }
}

/// The trees of an account, off their shelf.
#[derive(Debug)]
pub(crate) struct Trees {
    roots: Vec<Cid>,
    blocks: HashMap<Digest, Vec<u8>>,
}

/// What the feed in this database fails with is the database's.
fn state(error: ourspace_protocol::feed::state::StateError) -> StoreError {
    match error.0.downcast() {
        Ok(error) => *error,
        Err(other) => StoreError::damaged(other.to_string()),
    }
}
