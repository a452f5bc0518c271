//! Reading directories, in one block or sharded, and finding paths in them.
//!
//! A shard is only read as a shard if every entry lies where the hash of its name puts
//! it. So listing and looking up can never disagree, no name is there twice, and a
//! stranger's shards cannot link each other into a bomb.

use core::ops::ControlFlow;
use std::collections::VecDeque;

use super::block::{Block, BlockSource, DagError, Link, is_name, load};
use super::cid::{Cid, Codec};
use super::murmur::murmur64;
use super::pb::{PbNode, data_size, link_size};
use super::unixfs::{DIRECTORY_DATA, Slots, UnixFs};
use super::wire::PbError;
use crate::limits::{DIRECTORY_ENTRIES, PATH_DEPTH};

/// Levels of a sharded directory: bytes of the hash.
pub(super) const SHARD_LEVELS: u32 = 8;

/// What kind of thing a block is the root of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file of this many bytes.
    File(u64),
    /// A directory.
    Directory,
}

/// Looks at a root block.
///
/// # Errors
/// Whatever is wrong with the block, or that it is absent.
pub fn kind(source: &dyn BlockSource, cid: Cid) -> Result<Kind, DagError> {
    if cid.codec() == Codec::DagCbor {
        return Err(DagError::Kind(cid, "file or directory"));
    }
    let block = load(source, cid)?;
    if cid.codec() == Codec::Raw {
        return Ok(Kind::File(block.bytes().len() as u64));
    }
    match decode(&block)?.1 {
        UnixFs::File(file) => Ok(Kind::File(file.size)),
        UnixFs::Directory | UnixFs::Shard(_) => Ok(Kind::Directory),
    }
}

/// Calls `visit` with every entry of a directory; [`ControlFlow::Break`] ends it early.
/// Entries come sorted by name when the directory is one block, in no useful order when
/// it is sharded.
///
/// # Errors
/// [`DagError::Kind`] when it is a file; whatever is wrong with a block; more than
/// [`DIRECTORY_ENTRIES`] entries.
pub fn list(
    source: &dyn BlockSource,
    directory: Cid,
    visit: &mut dyn FnMut(&str, Link) -> ControlFlow<()>,
) -> Result<(), DagError> {
    let mut count = 0;
    let mut counted = |name: &str, link: Link| {
        count += 1;
        if count > DIRECTORY_ENTRIES {
            return Err(DagError::TooManyEntries);
        }
        Ok(visit(name, link))
    };
    let mut stack = vec![(directory, Place::ROOT)];
    while let Some((cid, place)) = stack.pop() {
        let block = load_node(source, cid)?;
        match Directory::decode(&block, place)? {
            Directory::Basic(entries) => {
                for entry in entries {
                    if counted(entry.name, entry.link)?.is_break() {
                        return Ok(());
                    }
                }
            }
            Directory::Shard(slots) => {
                for slot in slots {
                    match slot.below(place) {
                        Some(below) => stack.push((slot.link.cid, below)),
                        None if counted(slot.name, slot.link)?.is_break() => return Ok(()),
                        None => {}
                    }
                }
            }
        }
    }
    Ok(())
}

/// The entry `name` of a directory, if it has one.
///
/// # Errors
/// [`DagError::Kind`] when it is a file; whatever is wrong with a block on the way.
pub fn find(
    source: &dyn BlockSource,
    directory: Cid,
    name: &str,
) -> Result<Option<Link>, DagError> {
    let hash = murmur64(name.as_bytes());
    let (mut cid, mut place) = (directory, Place::ROOT);
    loop {
        let block = load_node(source, cid)?;
        let slots = match Directory::decode(&block, place)? {
            Directory::Basic(entries) => {
                let found = entries.binary_search_by(|entry| entry.name.cmp(name));
                return Ok(found.ok().map(|at| entries[at].link));
            }
            Directory::Shard(slots) => slots,
        };
        let index = place.slot_of(hash);
        let Some(slot) = slots.iter().find(|slot| slot.index == index) else {
            return Ok(None);
        };
        match slot.below(place) {
            Some(below) => (cid, place) = (slot.link.cid, below),
            None => return Ok((slot.name == name).then_some(slot.link)),
        }
    }
}

/// What lies at `path` (names with "/" between; empty for the root itself).
///
/// # Errors
/// [`DagError::Path`] for a path that cannot be; whatever [`find`] finds. A path below a
/// file leads nowhere: `None`.
pub fn lookup(source: &dyn BlockSource, root: Link, path: &str) -> Result<Option<Link>, DagError> {
    let mut at = root;
    if path.is_empty() {
        return Ok(Some(at));
    }
    for (depth, name) in path.split('/').enumerate() {
        if depth == PATH_DEPTH || !is_name(name) {
            return Err(DagError::Path(path.to_owned()));
        }
        if at.cid.codec() != Codec::DagPb {
            return Ok(None);
        }
        match find(source, at.cid, name) {
            Ok(Some(link)) => at = link,
            Ok(None) => return Ok(None),
            Err(DagError::Kind(cid, _)) if cid == at.cid => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok(Some(at))
}

/// All entries of a sharded directory, unless one block with them would have more than
/// `most` bytes. Loads no more of a large one than shows that it is large.
pub(super) fn entries_within(
    source: &dyn BlockSource,
    directory: Cid,
    most: usize,
) -> Result<Option<Vec<(String, Link)>>, DagError> {
    // A shard below the root holds two entries or more.
    const LEAST_BELOW: usize = 2 * link_size(1, 0);
    let mut found = Vec::new();
    let mut bytes = data_size(DIRECTORY_DATA.len());
    let mut queue = VecDeque::from([(directory, Place::ROOT)]);
    while let Some((cid, place)) = queue.pop_front() {
        let block = load_node(source, cid)?;
        let Directory::Shard(slots) = Directory::decode(&block, place)? else {
            return Err(DagError::Kind(cid, "sharded directory"));
        };
        for slot in &slots {
            match slot.below(place) {
                Some(below) => queue.push_back((slot.link.cid, below)),
                None => {
                    bytes += link_size(slot.name.len(), slot.link.tsize);
                    found.push((slot.name.to_owned(), slot.link));
                }
            }
        }
        if bytes + queue.len() * LEAST_BELOW > most {
            return Ok(None);
        }
    }
    Ok(Some(found))
}

/// Where in a sharded directory a shard is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    level: u32,
    /// The first `level` bytes of the hashes of all names below, as a number.
    prefix: u64,
}

impl Place {
    pub(super) const ROOT: Self = Self {
        level: 0,
        prefix: 0,
    };

    /// The slot in which a name with this hash lies.
    pub(super) const fn slot_of(self, hash: u64) -> u8 {
        hash.to_be_bytes()[self.level as usize]
    }

    /// The place below a slot; none when the hash is used up.
    pub(super) const fn below(self, slot: u8) -> Option<Self> {
        if self.level + 1 == SHARD_LEVELS {
            return None;
        }
        Some(Self {
            level: self.level + 1,
            prefix: (self.prefix << 8) | slot as u64,
        })
    }

    /// Whether a name with this hash belongs into `slot` of the shard here.
    const fn holds(self, slot: u8, hash: u64) -> bool {
        hash >> (56 - 8 * self.level) == (self.prefix << 8) | slot as u64
    }
}

/// An entry of a directory that is one block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a str,
    pub(super) link: Link,
}

/// A taken slot of a shard: an entry, or (without a name) a shard below.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot<'a> {
    pub(super) index: u8,
    pub(super) name: &'a str,
    pub(super) link: Link,
}

impl Slot<'_> {
    /// The place of the shard below, if this is one. Reading has made sure that there is
    /// a level for it.
    pub(super) fn below(&self, place: Place) -> Option<Place> {
        if self.name.is_empty() {
            place.below(self.index)
        } else {
            None
        }
    }
}

/// A node of a directory, read.
pub(super) enum Directory<'a> {
    Basic(Vec<Entry<'a>>),
    Shard(Vec<Slot<'a>>),
}

impl<'a> Directory<'a> {
    /// Reads the node at `place` of a directory.
    pub(super) fn decode(block: &'a Block, place: Place) -> Result<Self, DagError> {
        let cid = block.cid();
        let (node, message) = decode(block)?;
        match message {
            UnixFs::File(_) => Err(DagError::Kind(cid, "directory")),
            UnixFs::Directory if place != Place::ROOT => Err(DagError::Shape {
                cid,
                what: "a shard is needed here, not a directory",
            }),
            UnixFs::Directory => Ok(Self::Basic(read_entries(cid, &node)?)),
            UnixFs::Shard(taken) => Ok(Self::Shard(read_slots(cid, &node, taken, place)?)),
        }
    }
}

/// Loads a block that must be dag-pb.
pub(super) fn load_node(source: &dyn BlockSource, cid: Cid) -> Result<Block, DagError> {
    if cid.codec() != Codec::DagPb {
        return Err(DagError::Kind(cid, "directory"));
    }
    load(source, cid)
}

fn decode(block: &Block) -> Result<(PbNode<'_>, UnixFs<'_>), DagError> {
    let cid = block.cid();
    let node_error = |error: PbError| DagError::Node { cid, error };
    let node = PbNode::decode(block.bytes()).map_err(node_error)?;
    let message = UnixFs::decode(node.data).map_err(node_error)?;
    Ok((node, message))
}

fn read_entries<'a>(cid: Cid, node: &PbNode<'a>) -> Result<Vec<Entry<'a>>, DagError> {
    let shape = |what| DagError::Shape { cid, what };
    let mut entries: Vec<Entry<'a>> = Vec::with_capacity(node.links.len());
    for link in &node.links {
        if !is_name(link.name) {
            return Err(shape("an entry's name is refused"));
        }
        if entries.last().is_some_and(|last| last.name == link.name) {
            return Err(shape("a name is there twice"));
        }
        entries.push(Entry {
            name: link.name,
            link: Link {
                cid: link.cid,
                tsize: link.tsize,
            },
        });
    }
    Ok(entries)
}

fn read_slots<'a>(
    cid: Cid,
    node: &PbNode<'a>,
    taken: Slots,
    place: Place,
) -> Result<Vec<Slot<'a>>, DagError> {
    let shape = |what| DagError::Shape { cid, what };
    if node.links.len() != taken.count() {
        return Err(shape("a shard has not as many links as taken slots"));
    }
    let mut slots: Vec<Slot<'a>> = Vec::with_capacity(node.links.len());
    for link in &node.links {
        let (digits, name) = link
            .name
            .split_at_checked(2)
            .ok_or_else(|| shape("a shard's link does not begin with its slot"))?;
        let index = hex(digits).ok_or_else(|| shape("a slot's number is two digits 0-9 A-F"))?;
        if !taken.has(index) || slots.last().is_some_and(|last| last.index >= index) {
            return Err(shape("a shard's links are not those of its taken slots"));
        }
        if name.is_empty() {
            if place.below(index).is_none() {
                return Err(shape("a shard is deeper than the hash is long"));
            }
        } else if !is_name(name) {
            return Err(shape("an entry's name is refused"));
        } else if !place.holds(index, murmur64(name.as_bytes())) {
            return Err(shape("an entry lies where its name's hash does not put it"));
        }
        slots.push(Slot {
            index,
            name,
            link: Link {
                cid: link.cid,
                tsize: link.tsize,
            },
        });
    }
    Ok(slots)
}

/// Two upper-case hexadecimal digits.
fn hex(digits: &str) -> Option<u8> {
    digits.bytes().try_fold(0u8, |value, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'A'..=b'F' => digit - b'A' + 10,
            _ => return None,
        };
        Some((value << 4) | digit)
    })
}

#[cfg(test)]
#[path = "entries_tests.rs"]
mod tests;
