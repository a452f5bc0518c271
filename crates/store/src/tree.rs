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
    feed::{model::ItemId, tree::PathChanges},
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    error::StoreError,
    listing::{self, Place},
    reader::Reader,
    shelf::{Digest, Shelf, node, packed},
    writer::{Writer, number},
};

/// The tree's current root.
pub(crate) fn root(conn: &Connection, account: i64) -> Result<Option<Link>, StoreError> {
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
        let old_cid = old.map(|old| old.cid);
        if old_cid != Some(new.cid) {
            let shelf = Shelf::of(self.conn, number)?;
            let mut uses = Uses::new(self.conn, shelf, fresh);
            let moved = uses.replace(old_cid.as_slice(), &[new.cid])?;
            self.index(number, (old_cid, new.cid), &uses, &moved)?;
            uses.write(&moved)?;
            self.index_pages(number, paths)?;
        }
        put_root(self.conn, number, Some(new))?;
        Ok(new)
    }

    /// Notes in the index of what is served what one tree has and another had not. Gives the
    /// posts among it.
    pub(crate) fn index(
        &self,
        account: i64,
        (old, new): (Option<Cid>, Cid),
        uses: &Uses<'_>,
        moved: &Moved,
    ) -> Result<Vec<ItemId>, StoreError> {
        let load = |digest: &Digest| uses.load(digest);
        let mut came = HashSet::new();
        listing::each(&new, &moved.added, &load, &mut |place, cid| {
            came.insert((place, cid));
        })?;
        let mut served = self.served.borrow_mut();
        if let Some(old) = old {
            listing::each(&old, &moved.gone, &load, &mut |place, cid| {
                if !came.remove(&(place.clone(), cid)) {
                    served.remove(account, place, *cid.digest());
                }
            })?;
        }
        let mut posts = Vec::new();
        for (place, cid) in came {
            if let Place::Post(id) = place {
                posts.push(id);
            }
            served.add(account, place, *cid.digest());
        }
        Ok(posts)
    }

    /// The same for the pages of single posts, which no directory that is kept names.
    fn index_pages(&self, account: i64, paths: &PathChanges) -> Result<(), StoreError> {
        let mut served = self.served.borrow_mut();
        for (path, link) in paths {
            let id = path
                .strip_prefix("posts/")
                .and_then(|rest| rest.split_once('/'));
            if let (Some((id, _)), Some(link)) = (id, link)
                && let Ok(id) = id.parse()
            {
                served.add(account, Place::Post(id), *link.cid.digest());
            }
        }
        Ok(())
    }
}

/// Notes the root of an account's tree.
pub(crate) fn put_root(
    conn: &Connection,
    account: i64,
    root: Option<Link>,
) -> Result<(), StoreError> {
    let cid = root.map(|root| root.cid.to_bytes());
    let tsize = root.map(|root| i64::try_from(root.tsize).unwrap_or(i64::MAX));
    let mut put = conn.prepare_cached("UPDATE account SET root = ?, tsize = ? WHERE number = ?")?;
    put.execute(params![cid, tsize, account])?;
    Ok(())
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

/// How often blocks are used, while some roots take the place of others.
pub(crate) struct Uses<'c> {
    conn: &'c Connection,
    shelf: Shelf,
    /// New blocks, some of which the table may have already.
    fresh: HashMap<Digest, Vec<u8>>,
    /// By how much the uses of a block change.
    by: HashMap<Digest, i64>,
}

/// The blocks that come and those that go.
#[derive(Debug, Default)]
pub(crate) struct Moved {
    pub(crate) added: HashSet<Digest>,
    pub(crate) gone: HashSet<Digest>,
}

impl<'c> Uses<'c> {
    pub(crate) fn new(conn: &'c Connection, shelf: Shelf, fresh: HashMap<Digest, Vec<u8>>) -> Self {
        Self {
            conn,
            shelf,
            fresh,
            by: HashMap::new(),
        }
    }

    /// The bytes of a block, new or kept.
    fn load(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        match self.fresh.get(digest) {
            Some(bytes) => Ok(Some(bytes.clone())),
            None => self.shelf.get(self.conn, digest),
        }
    }

    /// Everything is counted first and then [written](Self::write), so that of the hundreds
    /// of links that an old shard and its successor share not one is touched.
    pub(crate) fn replace(&mut self, old: &[Cid], new: &[Cid]) -> Result<Moved, StoreError> {
        let mut moved = Moved::default();
        for root in new {
            self.add(*root.digest(), &mut moved.added)?;
        }
        for root in old {
            self.remove(*root.digest(), &mut moved.gone)?;
        }
        Ok(moved)
    }

    /// Counts a root and all that it brings; adds the blocks to be written.
    fn add(&mut self, root: Digest, added: &mut HashSet<Digest>) -> Result<(), StoreError> {
        *self.by.entry(root).or_default() += 1;
        let mut stack = vec![root];
        while let Some(digest) = stack.pop() {
            let Some(bytes) = self.fresh.get(&digest) else {
                continue;
            };
            if added.contains(&digest) || self.shelf.has(self.conn, &digest)? {
                continue;
            }
            added.insert(digest);
            for below in links(bytes)? {
                *self.by.entry(below).or_default() += 1;
                stack.push(below);
            }
        }
        Ok(())
    }

    /// Takes a root's use away, and the uses of all that nobody uses then; adds the blocks
    /// to be removed.
    fn remove(&mut self, root: Digest, gone: &mut HashSet<Digest>) -> Result<(), StoreError> {
        *self.by.entry(root).or_default() -= 1;
        let mut stack = vec![root];
        while let Some(digest) = stack.pop() {
            let by = self.by.get(&digest).copied().unwrap_or(0);
            if by >= 0 || gone.contains(&digest) {
                continue;
            }
            let uses = self.shelf.uses(self.conn, &digest)?;
            // What is not in the table is a file, or the directory of a post.
            if uses.is_none_or(|uses| uses + by > 0) {
                continue;
            }
            gone.insert(digest);
            let bytes = self.shelf.get(self.conn, &digest)?.unwrap_or_default();
            for below in links(&bytes)? {
                *self.by.entry(below).or_default() -= 1;
                stack.push(below);
            }
        }
        Ok(())
    }

    pub(crate) fn write(&self, moved: &Moved) -> Result<(), StoreError> {
        let mut changed: Vec<_> = self.by.iter().filter(|(_, by)| **by != 0).collect();
        // In the order of the table.
        changed.sort_unstable();
        let table = self.shelf.table();
        let sql = format!("INSERT INTO {table} (digest, uses, body) VALUES (?, ?, ?)");
        let mut put = self.conn.prepare_cached(&sql)?;
        let sql = format!("DELETE FROM {table} WHERE digest = ?");
        let mut drop = self.conn.prepare_cached(&sql)?;
        let sql = format!("UPDATE {table} SET uses = uses + ? WHERE digest = ?");
        let mut change = self.conn.prepare_cached(&sql)?;
        for (digest, by) in changed {
            if moved.gone.contains(digest) {
                drop.execute([digest])?;
            } else if let Some(bytes) = self
                .fresh
                .get(digest)
                .filter(|_| moved.added.contains(digest))
            {
                put.execute(params![digest, by, packed(bytes)])?;
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
