//! Directories as a function of the set of files: [`update_tree`].
//!
//! A directory is one block while that block has at most 256 KiB, else it is sharded;
//! it is converted in both directions, so that every way to the same files ends at the
//! same root (profile `unixfs-v1-2025`, threshold measured on the exact block).

use core::cmp::Ordering;

use super::block::{Block, BlockSource, DagError, Link, add_tsize, is_name};
use super::cid::{Cid, Codec};
use super::entries::{Directory, Entry, Place, entries_within, load_node};
use super::hamt::{self, Host, Named, Outcome, Pending};
use super::pb::{data_size, link_size, put_data, put_link};
use super::unixfs::DIRECTORY_DATA;
use crate::limits::{DIRECTORY_BYTES, DIRECTORY_ENTRIES, PATH_DEPTH, TSIZE};

/// A path and what shall lie there; `None` removes what does.
pub type Change<'a> = (&'a str, Option<Link>);

/// From this many changes in one sharded directory on, whether it may shrink to one block
/// is found out beforehand, so that new shards need not be held back until it is known.
const MANY: usize = 1024;

/// Applies `changes` to the tree `root` (`None`: an empty one) and gives its new root;
/// `out` takes the new directory blocks, each after what it links. Blocks of the tree
/// that do not change are neither read nor given.
///
/// `changes` are sorted by path (bytes), each path once. Missing directories are made,
/// those that become empty are removed; the root stays, if need be empty. Removing what
/// is not there is no error. A link may be to a file or to a whole directory. Removing a
/// path and putting something below it in one call replaces a file by a directory.
///
/// The result depends on the resulting set of files only, provided that `root` was made
/// by this function or another tool of the profile.
///
/// # Errors
/// [`DagError::Unsorted`], [`DagError::Path`], [`DagError::BelowFile`] for changes that
/// cannot be; [`DagError::Absent`] and whatever can be wrong with the tree's blocks;
/// [`DagError::Collision`], [`DagError::TooManyEntries`], [`DagError::TooLarge`] for a
/// result that cannot be. Blocks given to `out` before an error are of no use.
pub fn update_tree(
    source: &dyn BlockSource,
    root: Option<&Link>,
    changes: &[Change<'_>],
    out: &mut dyn FnMut(Block),
) -> Result<Link, DagError> {
    update_by(DIRECTORY_BYTES, (source, root), changes, out)
}

fn update_by(
    most: usize,
    (source, root): (&dyn BlockSource, Option<&Link>),
    changes: &[Change<'_>],
    out: &mut dyn FnMut(Block),
) -> Result<Link, DagError> {
    check(changes)?;
    let mut editor = Editor { source, out, most };
    let below = Below { changes, skip: 0 };
    if let Some(link) = editor.directory(root.copied(), below)? {
        return Ok(link);
    }
    let empty = empty_directory();
    let link = Link {
        cid: empty.cid(),
        tsize: empty.bytes().len() as u64,
    };
    if root.map(|root| root.cid) != Some(link.cid) {
        (editor.out)(empty);
    }
    Ok(link)
}

/// The directory without entries.
#[must_use]
pub fn empty_directory() -> Block {
    let mut bytes = Vec::with_capacity(4);
    put_data(&mut bytes, &DIRECTORY_DATA);
    Block::new(Codec::DagPb, bytes)
}

fn check(changes: &[Change<'_>]) -> Result<(), DagError> {
    for (at, (path, _)) in changes.iter().enumerate() {
        if at > 0 && changes[at - 1].0.as_bytes() >= path.as_bytes() {
            return Err(DagError::Unsorted((*path).to_owned()));
        }
        let mut depth = 0;
        let good = path.split('/').all(|name| {
            depth += 1;
            depth <= PATH_DEPTH && is_name(name)
        });
        if !good {
            return Err(DagError::Path((*path).to_owned()));
        }
    }
    Ok(())
}

/// Changes below one directory, whose own path is the first `skip` bytes of theirs.
#[derive(Clone, Copy)]
struct Below<'c, 'a> {
    changes: &'c [Change<'a>],
    skip: usize,
}

/// What shall happen to one name of a directory.
struct Op<'c, 'a> {
    name: &'a str,
    /// What is put in its place, if anything is said of that.
    set: Option<Option<Link>>,
    below: Below<'c, 'a>,
}

impl Op<'_, '_> {
    /// How many bytes a directory in one block can lose at most by this.
    fn most_lost(&self) -> usize {
        match self.set {
            // Only the size changes: from eight bytes to one, and a length with it.
            Some(Some(_)) => 8,
            _ => link_size(self.name.len(), TSIZE),
        }
    }
}

impl<'c, 'a> Below<'c, 'a> {
    /// One operation for each name, sorted by name.
    fn ops(self) -> Vec<Op<'c, 'a>> {
        let mut ops: Vec<Op<'c, 'a>> = Vec::new();
        let mut rest = self.changes;
        while let Some((&(path, set), others)) = rest.split_first() {
            let path = &path[self.skip..];
            let Some((name, _)) = path.split_once('/') else {
                let below = Below {
                    changes: &[],
                    ..self
                };
                ops.push(Op {
                    name: path,
                    set: Some(set),
                    below,
                });
                rest = others;
                continue;
            };
            let skip = self.skip + name.len() + 1;
            let inside = |other: &Change<'_>| {
                let other = &other.0[self.skip..];
                other.len() > name.len()
                    && other.as_bytes()[name.len()] == b'/'
                    && other.as_bytes().starts_with(name.as_bytes())
            };
            let count = rest.iter().take_while(|other| inside(other)).count();
            let (changes, others) = rest.split_at(count);
            ops.push(Op {
                name,
                set: None,
                below: Below { changes, skip },
            });
            rest = others;
        }
        merge_twins(ops)
    }
}

/// "a" sorts before "a-b" and that before "a/c": the two operations on "a" may stand
/// apart. Brings them together.
fn merge_twins<'c, 'a>(mut ops: Vec<Op<'c, 'a>>) -> Vec<Op<'c, 'a>> {
    if ops.is_sorted_by(|a, b| a.name < b.name) {
        return ops;
    }
    ops.sort_by(|a, b| a.name.cmp(b.name));
    ops.dedup_by(|second, first| {
        let same = second.name == first.name;
        if same {
            first.set = first.set.or(second.set);
            first.below = if first.below.changes.is_empty() {
                second.below
            } else {
                first.below
            };
        }
        same
    });
    ops
}

/// Old entries and operations, both sorted by name, to new entries: `decide` says what
/// becomes of the name of an operation.
fn merge<'n>(
    entries: &[Entry<'n>],
    ops: &[Op<'_, 'n>],
    mut decide: impl FnMut(usize, Option<Link>) -> Result<Option<Link>, DagError>,
) -> Result<Vec<Entry<'n>>, DagError> {
    let mut merged = Vec::with_capacity(entries.len() + ops.len());
    let mut entries = entries.iter().copied().peekable();
    for (at, op) in ops.iter().enumerate() {
        while let Some(entry) = entries.next_if(|entry| entry.name < op.name) {
            merged.push(entry);
        }
        let old = entries.next_if(|entry| entry.name.cmp(op.name) == Ordering::Equal);
        if let Some(link) = decide(at, old.map(|entry| entry.link))? {
            merged.push(Entry {
                name: op.name,
                link,
            });
        }
    }
    merged.extend(entries);
    Ok(merged)
}

struct Editor<'s, 'o> {
    source: &'s dyn BlockSource,
    out: &'o mut dyn FnMut(Block),
    /// Bytes of a directory's block.
    most: usize,
}

impl Editor<'_, '_> {
    /// Applies changes to a directory; `None` when nothing is left of it.
    fn directory(
        &mut self,
        old: Option<Link>,
        below: Below<'_, '_>,
    ) -> Result<Option<Link>, DagError> {
        let ops = below.ops();
        let Some(old) = old else {
            return self.rewrite(None, &[], &ops);
        };
        let block = load_node(self.source, old.cid)?;
        match Directory::decode(&block, Place::ROOT)? {
            Directory::Basic(entries) => self.rewrite(Some(old.cid), &entries, &ops),
            Directory::Shard(_) => self.sharded(&block, &ops),
        }
    }

    /// Decides one name of a directory.
    fn resolve(&mut self, op: &Op<'_, '_>, old: Option<Link>) -> Result<Option<Link>, DagError> {
        let base = op.set.unwrap_or(old);
        let puts = op.below.changes.iter().find(|change| change.1.is_some());
        let is_file = match base {
            _ if op.below.changes.is_empty() => return Ok(base),
            None if puts.is_none() => return Ok(None),
            None => false,
            Some(link) => op.set.is_some() || link.cid.codec() != Codec::DagPb,
        };
        if !is_file {
            match (self.directory(base, op.below), base) {
                (Err(DagError::Kind(cid, _)), Some(link)) if cid == link.cid => {}
                (result, _) => return result,
            }
        }
        match puts {
            None => Ok(base),
            Some((path, _)) => {
                let end = op.below.skip - 1;
                Err(DagError::BelowFile(path[..end].to_owned()))
            }
        }
    }

    /// Makes a directory anew from all of its entries.
    fn rewrite(
        &mut self,
        old: Option<Cid>,
        entries: &[Entry<'_>],
        ops: &[Op<'_, '_>],
    ) -> Result<Option<Link>, DagError> {
        let merged = merge(entries, ops, |at, old| self.resolve(&ops[at], old))?;
        self.write(old, &merged)
    }

    /// Writes a directory that has just these entries, sorted by name.
    fn write(&mut self, old: Option<Cid>, entries: &[Entry<'_>]) -> Result<Option<Link>, DagError> {
        if entries.is_empty() {
            return Ok(None);
        }
        if entries.len() > DIRECTORY_ENTRIES {
            return Err(DagError::TooManyEntries);
        }
        let links: usize = entries
            .iter()
            .map(|entry| link_size(entry.name.len(), entry.link.tsize))
            .sum();
        let size = links + data_size(DIRECTORY_DATA.len());
        if size > self.most {
            let named = entries
                .iter()
                .map(|entry| Named::new(entry.name, entry.link))
                .collect();
            return hamt::build(named, self.out).map(Some);
        }
        let mut bytes = Vec::with_capacity(size);
        let mut tsize = size as u64;
        for Entry { name, link } in entries {
            put_link(&mut bytes, link.cid, ["", name], link.tsize);
            tsize = add_tsize(tsize, link.tsize)?;
        }
        put_data(&mut bytes, &DIRECTORY_DATA);
        let block = Block::new(Codec::DagPb, bytes);
        let cid = block.cid();
        if old != Some(cid) {
            (self.out)(block);
        }
        Ok(Some(Link { cid, tsize }))
    }

    /// Applies operations to a sharded directory.
    fn sharded(&mut self, root: &Block, ops: &[Op<'_, '_>]) -> Result<Option<Link>, DagError> {
        let many = ops.len() >= MANY;
        if many {
            let lost: usize = ops.iter().map(Op::most_lost).sum();
            if let Some(found) = entries_within(self.source, root.cid(), self.most + lost)? {
                return self.rewrite(Some(root.cid()), &sorted(&found), ops);
            }
        }
        let pending = ops
            .iter()
            .enumerate()
            .map(|(at, op)| Pending::new(op.name, at))
            .collect();
        let mut job = ShardJob {
            editor: self,
            ops,
            held: (!many).then(Vec::new),
            decided: vec![None; ops.len()],
            grown: 0,
        };
        let outcome = hamt::update(&mut job, root, pending)?;
        let ShardJob {
            held,
            decided,
            grown,
            ..
        } = job;
        if let (Some(_), Ok(shrunk @ 1..)) = (&held, usize::try_from(-grown))
            && let Some(found) = entries_within(self.source, root.cid(), self.most + shrunk)?
        {
            let entries = merge(&sorted(&found), ops, |at, _| Ok(decided[at]))?;
            return self.write(None, &entries);
        }
        held.into_iter()
            .flatten()
            .for_each(|block| (self.out)(block));
        match outcome {
            Outcome::Shard(link) => Ok(Some(link)),
            Outcome::Empty => Ok(None),
            Outcome::Entry(name, link) => self.write(None, &[Entry { name: &name, link }]),
        }
    }
}

fn sorted(found: &[(String, Link)]) -> Vec<Entry<'_>> {
    let mut entries: Vec<_> = found
        .iter()
        .map(|(name, link)| Entry { name, link: *link })
        .collect();
    entries.sort_unstable_by_key(|entry| entry.name);
    entries
}

/// An update of one sharded directory under way.
struct ShardJob<'e, 's, 'o, 'c, 'a> {
    editor: &'e mut Editor<'s, 'o>,
    ops: &'c [Op<'c, 'a>],
    /// New shards, held back as long as the directory may still fit one block.
    held: Option<Vec<Block>>,
    /// What each operation came to.
    decided: Vec<Option<Link>>,
    /// Bytes by which the directory in one block would have grown.
    grown: isize,
}

impl Host for ShardJob<'_, '_, '_, '_, '_> {
    fn source(&self) -> &dyn BlockSource {
        self.editor.source
    }

    fn emit(&mut self, block: Block) {
        match &mut self.held {
            Some(held) => held.push(block),
            None => (self.editor.out)(block),
        }
    }

    fn resolve(&mut self, at: usize, old: Option<Link>) -> Result<Option<Link>, DagError> {
        let op = &self.ops[at];
        let new = self.editor.resolve(op, old)?;
        let bytes = |link: Option<Link>| {
            link.map_or(0, |link| link_size(op.name.len(), link.tsize).cast_signed())
        };
        self.grown += bytes(new) - bytes(old);
        self.decided[at] = new;
        Ok(new)
    }
}

#[cfg(test)]
#[path = "dir_tests.rs"]
mod tests;
