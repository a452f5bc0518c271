//! Going down the directories of a tree.

use std::{collections::HashMap, ops::ControlFlow};

use ourspace_protocol::{
    dag::{Block, Cid, Link, entries, load, pb::PbNode},
    limits,
    seams::{Session, Want},
};
use ourspace_store::Branch;

use super::{
    super::{
        error::{MirrorError, of_dag, of_store},
        pool::ask,
    },
    BATCH_BYTES, Fetcher,
};

/// Bytes of directories that a tree may have besides those of its entries.
const NODE_BYTES: u64 = 64 << 20;
/// Bytes of directories for each item: its directory in a shard, its page, its media.
const NODE_BYTES_EACH: u64 = 4096;
/// Branches that are looked at together.
const TOGETHER: usize = 128;

impl Fetcher<'_> {
    /// The link of the tree.
    pub(super) fn tree(&self) -> Result<Link, MirrorError> {
        let top = |error| of_dag(".", error);
        let block = load(&self.pool, self.root()).map_err(top)?;
        let unreadable = |error| MirrorError::refused(".", error);
        let node = PbNode::decode(block.bytes()).map_err(unreadable)?;
        let below = node
            .links
            .iter()
            .fold(0u64, |sum, link| sum.saturating_add(link.tsize));
        Ok(Link {
            cid: self.root(),
            tsize: below
                .saturating_add(block.bytes().len() as u64)
                .min(limits::TSIZE),
        })
    }

    /// What a directory names; nothing when there is none.
    pub(super) fn names(
        &self,
        path: &str,
        directory: Option<Cid>,
    ) -> Result<HashMap<String, Link>, MirrorError> {
        let mut names = HashMap::new();
        let Some(directory) = directory else {
            return Ok(names);
        };
        let listed = entries::list(&self.pool, directory, &mut |name, link| {
            names.insert(name.to_owned(), link);
            ControlFlow::Continue(())
        });
        listed.map_err(|error| of_dag(path, error))?;
        Ok(names)
    }

    /// Fetches directory blocks that are not here, and remembers them.
    pub(super) async fn bring_nodes(
        &mut self,
        session: &mut dyn Session,
        cids: &[Cid],
    ) -> Result<(), MirrorError> {
        let mut wants = Vec::new();
        for cid in cids {
            if !self.pool.has(cid)? {
                wants.push(Want::block(*cid));
            }
        }
        self.pool.admit(&wants)?;
        let came = ask(session, wants).await;
        let complete = came.complete();
        for block in came.blocks {
            self.spend(&block);
            self.spent.nodes += block.bytes().len() as u64;
            self.batch.nodes.push(block.clone());
            self.pool.insert(block);
        }
        complete?;
        self.check_spent()
    }

    pub(super) fn spend(&mut self, block: &Block) {
        self.spent.progress.blocks += 1;
        self.spent.progress.bytes += block.bytes().len() as u64;
    }

    /// Directories are bounded by what is in them: one that has far more blocks than its
    /// items can fill is there to fill disks.
    fn check_spent(&self) -> Result<(), MirrorError> {
        if self.spent.nodes <= NODE_BYTES {
            return Ok(());
        }
        let counts = self.pool.with(|reader| reader.counts(self.account()))?;
        let fresh = self.batch.changes.items.len() as u64;
        let items = counts.posts + counts.reactions + counts.tombstones + fresh;
        if self.spent.nodes > NODE_BYTES + items * NODE_BYTES_EACH {
            return Err(MirrorError::refused(
                ".",
                "its directories are larger than what is in them",
            ));
        }
        Ok(())
    }

    /// Fetches all blocks of one directory.
    pub(super) async fn bring_folder(
        &mut self,
        session: &mut dyn Session,
        cid: Cid,
    ) -> Result<(), MirrorError> {
        self.bring_nodes(session, &[self.root()]).await?;
        let root = Branch::top(&self.root());
        let below = self.below(&root)?;
        let mut level: Vec<Branch> = below.into_iter().filter(|b| b.cid() == cid).collect();
        while !level.is_empty() {
            let cids: Vec<Cid> = level.iter().map(Branch::cid).collect();
            self.bring_nodes(session, &cids).await?;
            let mut next = Vec::new();
            for branch in &level {
                next.extend(self.below(branch)?);
            }
            level = next;
        }
        Ok(())
    }

    fn below(&self, branch: &Branch) -> Result<Vec<Branch>, MirrorError> {
        let block = load(&self.pool, branch.cid());
        let block = block.map_err(|error| of_dag(".", error))?;
        branch
            .below(block.bytes())
            .map_err(|error| of_store(".", error))
    }

    /// Fetches the directories that are not here, until a batch is full; says whether all
    /// are.
    pub(super) async fn directories(
        &mut self,
        session: &mut dyn Session,
    ) -> Result<bool, MirrorError> {
        let top = Branch::top(&self.root());
        let mut branches = self.branches.take().unwrap_or_else(|| vec![top]);
        while !branches.is_empty() {
            let size = |nodes: &[Block]| nodes.iter().map(|n| n.bytes().len() as u64).sum::<u64>();
            if size(&self.batch.nodes) > BATCH_BYTES {
                self.branches = Some(branches);
                return Ok(false);
            }
            let at = branches.len().saturating_sub(TOGETHER);
            let some = branches.split_off(at);
            let mut news = Vec::new();
            for branch in some {
                let cid = branch.cid();
                if !self
                    .pool
                    .with(|reader| reader.has_node(self.account(), &cid))?
                {
                    news.push(branch);
                }
            }
            let cids: Vec<Cid> = news.iter().map(Branch::cid).collect();
            self.bring_nodes(session, &cids).await?;
            for branch in &news {
                branches.extend(self.below(branch)?);
            }
        }
        Ok(true)
    }

    /// A tree has no more posts than its pages name.
    pub(super) fn check_names(&self) -> Result<(), MirrorError> {
        let wrong = |error| of_dag("posts", error);
        let found = entries::find(&self.pool, self.root(), "posts").map_err(wrong)?;
        let Some(posts) = found else { return Ok(()) };
        let mut names = 0u64;
        let listed = entries::list(&self.pool, posts.cid, &mut |_, _| {
            names += 1;
            ControlFlow::Continue(())
        });
        listed.map_err(wrong)?;
        let counts = self.pool.with(|reader| reader.counts(self.account()))?;
        if names > counts.posts + self.batch.changes.items.len() as u64 {
            return Err(MirrorError::refused(
                "posts",
                "there are posts that no page names",
            ));
        }
        Ok(())
    }
}
