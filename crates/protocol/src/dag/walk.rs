//! Everything that a tree consists of, for whoever exports, mirrors, counts or drops it.

use core::ops::ControlFlow;

use super::block::{Block, BlockSource, DagError, Link};
use super::cid::{Cid, Codec};
use super::entries::{Directory, Place, load_node};
use super::read::{FILE_DEPTH, Part};
use crate::limits::PATH_DEPTH;

/// What walking one tree may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalkLimits {
    /// Files and directories.
    pub entries: u64,
    /// Blocks loaded: directories, shards, inner nodes of files.
    pub nodes: u64,
}

impl Default for WalkLimits {
    /// 16 million of each: a feed of millions of posts.
    fn default() -> Self {
        Self {
            entries: 1 << 24,
            nodes: 1 << 24,
        }
    }
}

/// What a walk comes by. The pieces of a file come right after the file.
#[derive(Clone, Copy, Debug)]
pub enum Visit<'a> {
    /// A file. Of one that is a raw block, `size` is what its link claims.
    File {
        /// Where in the tree; empty when the root itself is a file.
        path: &'a str,
        /// Its root block.
        link: Link,
        /// Bytes of the file.
        size: u64,
    },
    /// A checked dag-pb block: a directory, a shard, an inner node of a file.
    Node(&'a Block),
    /// A raw block, which is not loaded: a file or a piece of one.
    Leaf {
        /// Its name.
        cid: Cid,
        /// Its bytes, as what links it claims.
        size: u64,
    },
}

/// Visits all of a tree, each block as often as it is linked, directories in the order of
/// their links; [`ControlFlow::Break`] ends it early. Loads every dag-pb block and no
/// raw one.
///
/// # Errors
/// [`DagError::Limit`] at the limits, or below 16 directories; whatever is wrong with a
/// block.
pub fn walk(
    source: &dyn BlockSource,
    root: Link,
    limits: WalkLimits,
    visit: &mut dyn FnMut(Visit<'_>) -> ControlFlow<()>,
) -> Result<(), DagError> {
    let mut walker = Walker {
        source,
        limits,
        visit,
        path: String::new(),
    };
    match walker.entry(root, 0) {
        Ok(()) | Err(Halt::Stopped) => Ok(()),
        Err(Halt::Failed(error)) => Err(error),
    }
}

/// Why a walk ends before the end.
enum Halt {
    Stopped,
    Failed(DagError),
}

impl From<DagError> for Halt {
    fn from(error: DagError) -> Self {
        Self::Failed(error)
    }
}

struct Walker<'s, 'v> {
    source: &'s dyn BlockSource,
    limits: WalkLimits,
    visit: &'v mut dyn FnMut(Visit<'_>) -> ControlFlow<()>,
    path: String,
}

impl Walker<'_, '_> {
    fn tell(&mut self, visit: Visit<'_>) -> Result<(), Halt> {
        match (self.visit)(visit) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Halt::Stopped),
        }
    }

    fn tell_file(&mut self, link: Link, size: u64) -> Result<(), Halt> {
        let path = core::mem::take(&mut self.path);
        let told = self.tell(Visit::File {
            path: &path,
            link,
            size,
        });
        self.path = path;
        told
    }

    fn load(&mut self, cid: Cid) -> Result<Block, Halt> {
        spend(&mut self.limits.nodes, cid, "block count")?;
        Ok(load_node(self.source, cid)?)
    }

    fn entry(&mut self, link: Link, depth: usize) -> Result<(), Halt> {
        spend(&mut self.limits.entries, link.cid, "entry count")?;
        if link.cid.codec() == Codec::Raw {
            let (cid, size) = (link.cid, link.tsize);
            self.tell_file(link, size)?;
            return self.tell(Visit::Leaf { cid, size });
        }
        let block = self.load(link.cid)?;
        match Directory::decode(&block, Place::ROOT) {
            Ok(directory) if depth == PATH_DEPTH => {
                drop(directory);
                Err(DagError::Limit(link.cid, "depth").into())
            }
            Ok(directory) => self.directory(&block, &directory, (Place::ROOT, depth)),
            Err(DagError::Kind(..)) => self.file(link, block),
            Err(error) => Err(error.into()),
        }
    }

    fn directory(
        &mut self,
        block: &Block,
        directory: &Directory<'_>,
        (place, depth): (Place, usize),
    ) -> Result<(), Halt> {
        self.tell(Visit::Node(block))?;
        match directory {
            Directory::Basic(entries) => {
                for entry in entries {
                    self.named(entry.name, entry.link, depth)?;
                }
            }
            Directory::Shard(slots) => {
                for slot in slots {
                    let Some(below) = slot.below(place) else {
                        self.named(slot.name, slot.link, depth)?;
                        continue;
                    };
                    let block = self.load(slot.link.cid)?;
                    let shard = Directory::decode(&block, below)?;
                    self.directory(&block, &shard, (below, depth))?;
                }
            }
        }
        Ok(())
    }

    fn named(&mut self, name: &str, link: Link, depth: usize) -> Result<(), Halt> {
        let len = self.path.len();
        if depth > 0 {
            self.path.push('/');
        }
        self.path.push_str(name);
        self.entry(link, depth + 1)?;
        self.path.truncate(len);
        Ok(())
    }

    fn file(&mut self, link: Link, block: Block) -> Result<(), Halt> {
        let copy = block.clone();
        let part = Part::read(block)?;
        self.tell_file(link, part.size())?;
        self.tell(Visit::Node(&copy))?;
        self.parts(part, 1)
    }

    fn parts(&mut self, part: Part, depth: usize) -> Result<(), Halt> {
        let Part::Node { parts, .. } = part else {
            return Ok(());
        };
        for (cid, size) in parts {
            if cid.codec() == Codec::Raw {
                self.tell(Visit::Leaf { cid, size })?;
                continue;
            }
            if depth == FILE_DEPTH {
                return Err(DagError::Limit(cid, "depth").into());
            }
            let block = self.load(cid)?;
            self.tell(Visit::Node(&block))?;
            let part = Part::read(block)?;
            if part.size() != size {
                let what = "a piece of a file has another size than its parent says";
                return Err(DagError::Shape { cid, what }.into());
            }
            self.parts(part, depth + 1)?;
        }
        Ok(())
    }
}

fn spend(budget: &mut u64, cid: Cid, what: &'static str) -> Result<(), DagError> {
    *budget = budget.checked_sub(1).ok_or(DagError::Limit(cid, what))?;
    Ok(())
}
