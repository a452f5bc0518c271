//! The trees of the feeds: their directory blocks, and nothing else of them.
//!
//! Rendered files are made again from the items when somebody asks for them, and so is
//! the small directory of each post (`posts/ID`), which only they determine. What is left
//! are the directories and shards above. Each is kept as long as a current tree has it:
//! [`Writer::update_tree`] drops what the old root no longer shares with the new one, in
//! the same change.

use std::collections::{BTreeMap, HashMap, HashSet};

use ourspace_protocol::{
    account::Account,
    dag::{self, Block, BlockSource, Cid, Codec, DagError, Link, SourceError, pb::PbNode},
    feed::tree::PathChanges,
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    error::StoreError,
    node::{pack, unpack},
    reader::Reader,
    writer::{Writer, number},
};

type Digest = [u8; 32];

/// The tree's current root.
fn root(conn: &Connection, account: i64) -> Result<Option<Link>, StoreError> {
    let mut find = conn.prepare_cached("SELECT root, tsize FROM account WHERE number = ?")?;
    let columns = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let found: Option<(Option<Vec<u8>>, Option<i64>)> =
        find.query_row([account], columns).optional()?;
    let Some((Some(root), Some(tsize))) = found else {
        return Ok(None);
    };
    let cid = Cid::from_bytes(&root).map_err(|_| StoreError::damaged("root"))?;
    Ok(Some(Link {
        cid,
        tsize: tsize.unsigned_abs(),
    }))
}

/// The bytes of a directory block.
pub(crate) fn node(conn: &Connection, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
    let mut find = conn.prepare_cached("SELECT body FROM node WHERE digest = ?")?;
    let mut rows = find.query([digest])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let body = row.get_ref(0)?.as_blob().unwrap_or_default();
    unpack(body)
        .map(Some)
        .ok_or_else(|| StoreError::damaged("directory block"))
}

struct Nodes<'c>(&'c Connection);

impl BlockSource for Nodes<'_> {
    fn get(&self, cid: &Cid) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(node(self.0, cid.digest())?)
    }
}

impl Reader<'_> {
    /// The root of an account's tree, if it was ever computed.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn root(&self, account: Account) -> Result<Option<Link>, StoreError> {
        let conn = self.conn()?;
        number(conn, account)?.map_or(Ok(None), |number| root(conn, number))
    }
}

impl Writer<'_> {
    /// The root of an account's tree, if it was ever computed.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn root(&self, account: Account) -> Result<Option<Link>, StoreError> {
        number(self.conn, account)?.map_or(Ok(None), |number| root(self.conn, number))
    }

    /// Applies what [`merge`](ourspace_protocol::feed::tree::merge) says to an account's
    /// tree and gives its new root. For each post that `paths` speaks of, they must name
    /// all that `posts/ID` shall hold, as `merge` does.
    ///
    /// # Errors
    /// [`StoreError`] of the database; [`StoreError::Dag`] for paths that cannot be.
    pub fn update_tree(&self, account: Account, paths: &PathChanges) -> Result<Link, StoreError> {
        let number = self.number(account)?;
        let old = root(self.conn, number)?;
        let changes = with_whole_posts(paths)?;
        let changes: Vec<dag::Change<'_>> = changes
            .iter()
            .map(|(path, link)| (path.as_str(), *link))
            .collect();
        let mut fresh = HashMap::new();
        let new = dag::update_tree(&Nodes(self.conn), old.as_ref(), &changes, &mut |block| {
            fresh.insert(*block.cid().digest(), block.into_bytes());
        })?;
        if old.map(|old| old.cid) != Some(new.cid) {
            let mut uses = Uses {
                conn: self.conn,
                fresh,
                by: HashMap::new(),
            };
            uses.replace(old.map(|old| old.cid), new.cid)?;
        }
        let tsize = i64::try_from(new.tsize).unwrap_or(i64::MAX);
        let mut put = self
            .conn
            .prepare_cached("UPDATE account SET root = ?, tsize = ? WHERE number = ?")?;
        put.execute(params![new.cid.to_bytes(), tsize, number])?;
        Ok(new)
    }
}

/// The changes with one for each post instead of one for each of its files.
fn with_whole_posts(paths: &PathChanges) -> Result<PathChanges, StoreError> {
    let mut changes = PathChanges::new();
    let mut posts: BTreeMap<&str, Vec<dag::Change<'_>>> = BTreeMap::new();
    for (path, link) in paths {
        let file = path
            .strip_prefix("posts/")
            .and_then(|rest| rest.split_once('/'));
        if let Some((id, file)) = file {
            posts.entry(id).or_default().push((file, *link));
        } else {
            changes.insert(path.clone(), *link);
        }
    }
    for (id, files) in posts {
        let whole = if files.iter().all(|(_, link)| link.is_none()) {
            None
        } else {
            Some(dag::update_tree(
                &HashMap::new(),
                None,
                &files,
                &mut |_: Block| {},
            )?)
        };
        changes.insert(format!("posts/{id}"), whole);
    }
    Ok(changes)
}

/// How often blocks are used, while one root takes the place of another.
struct Uses<'c> {
    conn: &'c Connection,
    /// New blocks, some of which the table may have already.
    fresh: HashMap<Digest, Vec<u8>>,
    /// By how much the uses of a block change.
    by: HashMap<Digest, i64>,
}

impl Uses<'_> {
    /// Everything is counted first and then written, so that of the hundreds of links
    /// that an old shard and its successor share not one is touched.
    fn replace(&mut self, old: Option<Cid>, new: Cid) -> Result<(), StoreError> {
        let added = self.add(*new.digest())?;
        let gone = match old {
            Some(old) => self.remove(*old.digest())?,
            None => HashSet::new(),
        };
        self.write(&added, &gone)
    }

    /// Counts a root and all that it brings; gives the blocks to be written.
    fn add(&mut self, root: Digest) -> Result<HashSet<Digest>, StoreError> {
        *self.by.entry(root).or_default() += 1;
        let mut find = self
            .conn
            .prepare_cached("SELECT 1 FROM node WHERE digest = ?")?;
        let mut added = HashSet::new();
        let mut stack = vec![root];
        while let Some(digest) = stack.pop() {
            let Some(bytes) = self.fresh.get(&digest) else {
                continue;
            };
            if added.contains(&digest) || find.exists([digest])? {
                continue;
            }
            added.insert(digest);
            for below in links(bytes)? {
                *self.by.entry(below).or_default() += 1;
                stack.push(below);
            }
        }
        Ok(added)
    }

    /// Takes a root's use away, and the uses of all that nobody uses then; gives the
    /// blocks to be removed.
    fn remove(&mut self, root: Digest) -> Result<HashSet<Digest>, StoreError> {
        *self.by.entry(root).or_default() -= 1;
        let mut find = self
            .conn
            .prepare_cached("SELECT uses FROM node WHERE digest = ?")?;
        let mut gone = HashSet::new();
        let mut stack = vec![root];
        while let Some(digest) = stack.pop() {
            let by = self.by.get(&digest).copied().unwrap_or(0);
            if by >= 0 || gone.contains(&digest) {
                continue;
            }
            let uses: Option<i64> = find.query_row([digest], |row| row.get(0)).optional()?;
            // What is not in the table is a file, or the directory of a post.
            if uses.is_none_or(|uses| uses + by > 0) {
                continue;
            }
            gone.insert(digest);
            let bytes = node(self.conn, &digest)?.unwrap_or_default();
            for below in links(&bytes)? {
                *self.by.entry(below).or_default() -= 1;
                stack.push(below);
            }
        }
        Ok(gone)
    }

    fn write(&self, added: &HashSet<Digest>, gone: &HashSet<Digest>) -> Result<(), StoreError> {
        let mut changed: Vec<_> = self.by.iter().filter(|(_, by)| **by != 0).collect();
        // In the order of the table.
        changed.sort_unstable();
        let mut put = self
            .conn
            .prepare_cached("INSERT INTO node (digest, uses, body) VALUES (?, ?, ?)")?;
        let mut drop = self
            .conn
            .prepare_cached("DELETE FROM node WHERE digest = ?")?;
        let mut change = self
            .conn
            .prepare_cached("UPDATE node SET uses = uses + ? WHERE digest = ?")?;
        for (digest, by) in changed {
            if gone.contains(digest) {
                drop.execute([digest])?;
            } else if let Some(bytes) = self.fresh.get(digest).filter(|_| added.contains(digest)) {
                put.execute(params![digest, by, pack(bytes)])?;
            } else {
                change.execute(params![by, digest])?;
            }
        }
        Ok(())
    }
}

/// The directories and shards, and perhaps large files, that a directory block links.
fn links(bytes: &[u8]) -> Result<Vec<Digest>, StoreError> {
    let node = PbNode::decode(bytes).map_err(|error| {
        StoreError::Dag(DagError::Node {
            cid: Cid::of(Codec::DagPb, bytes),
            error,
        })
    })?;
    let below = node
        .links
        .iter()
        .filter(|link| link.cid.codec() == Codec::DagPb);
    Ok(below.map(|link| *link.cid.digest()).collect())
}
