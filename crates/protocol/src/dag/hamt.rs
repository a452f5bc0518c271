//! Sharded directories: a trie over the hashes of the names, 256 wide.
//!
//! The form is canonical: a shard below the root exists only where two or more names
//! share the slot above it, so it is a function of the set of entries alone. Building
//! and updating keep it so; an update reads and writes only the shards that it touches.

use super::block::{Block, BlockSource, DagError, Link, add_tsize};
use super::cid::{Cid, Codec};
use super::entries::{Directory, Place, Slot, load_node};
use super::murmur::murmur64;
use super::pb::{put_data, put_link};
use super::unixfs::{Slots, UnixFs};

/// An entry that is to be placed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named<'a> {
    hash: u64,
    name: &'a str,
    link: Link,
}

impl<'a> Named<'a> {
    pub(super) fn new(name: &'a str, link: Link) -> Self {
        let hash = murmur64(name.as_bytes());
        Self { hash, name, link }
    }
}

/// A name whose entry is to be decided when its old one has been found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending<'a> {
    hash: u64,
    name: &'a str,
    /// What the host knows it by.
    op: usize,
}

impl<'a> Pending<'a> {
    pub(super) fn new(name: &'a str, op: usize) -> Self {
        let hash = murmur64(name.as_bytes());
        Self { hash, name, op }
    }
}

/// Whoever updates a directory: has the old shards, takes the new ones, decides entries.
pub(super) trait Host {
    fn source(&self) -> &dyn BlockSource;
    fn emit(&mut self, block: Block);
    /// The new entry of a name that had `old`.
    fn resolve(&mut self, op: usize, old: Option<Link>) -> Result<Option<Link>, DagError>;
}

/// What has become of a slot, or of a whole directory.
#[derive(Debug)]
pub(super) enum Outcome {
    Empty,
    Entry(String, Link),
    Shard(Link),
}

/// Builds the directory of `entries`, of which no two have the same name.
pub(super) fn build(
    mut entries: Vec<Named<'_>>,
    emit: &mut dyn FnMut(Block),
) -> Result<Link, DagError> {
    entries.sort_unstable_by_key(|entry| entry.hash);
    build_shard(&entries, Place::ROOT, emit)
}

/// Updates the directory whose root is `root` in one pass over `pending`.
pub(super) fn update(
    host: &mut dyn Host,
    root: &Block,
    mut pending: Vec<Pending<'_>>,
) -> Result<Outcome, DagError> {
    pending.sort_unstable_by_key(|pending| pending.hash);
    update_shard(host, root, Place::ROOT, &pending)
}

fn build_shard(
    entries: &[Named<'_>],
    place: Place,
    emit: &mut dyn FnMut(Block),
) -> Result<Link, DagError> {
    let mut writer = Writer::default();
    for group in entries.chunk_by(|a, b| place.slot_of(a.hash) == place.slot_of(b.hash)) {
        let index = place.slot_of(group[0].hash);
        if let [single] = group {
            writer.put(index, single.name, single.link)?;
        } else {
            let below = below(place, index, group[0].name)?;
            let link = build_shard(group, below, emit)?;
            writer.put(index, "", link)?;
        }
    }
    let (block, link) = writer.finish()?;
    emit(block);
    Ok(link)
}

fn below(place: Place, slot: u8, name: &str) -> Result<Place, DagError> {
    place
        .below(slot)
        .ok_or_else(|| DagError::Collision(name.to_owned()))
}

fn update_shard(
    host: &mut dyn Host,
    block: &Block,
    place: Place,
    pending: &[Pending<'_>],
) -> Result<Outcome, DagError> {
    let Directory::Shard(slots) = Directory::decode(block, place)? else {
        return Err(DagError::Kind(block.cid(), "sharded directory"));
    };
    let mut writer = Writer::default();
    let mut slots = slots.into_iter().peekable();
    for group in pending.chunk_by(|a, b| place.slot_of(a.hash) == place.slot_of(b.hash)) {
        let index = place.slot_of(group[0].hash);
        while let Some(slot) = slots.next_if(|slot| slot.index < index) {
            writer.put(slot.index, slot.name, slot.link)?;
        }
        let old = slots.next_if(|slot| slot.index == index);
        match update_slot(host, old, (place, index), group)? {
            Outcome::Empty => {}
            Outcome::Entry(name, link) => writer.put(index, &name, link)?,
            Outcome::Shard(link) => writer.put(index, "", link)?,
        }
    }
    for slot in slots {
        writer.put(slot.index, slot.name, slot.link)?;
    }
    writer.settle(host, block.cid())
}

fn update_slot(
    host: &mut dyn Host,
    old: Option<Slot<'_>>,
    (place, index): (Place, u8),
    group: &[Pending<'_>],
) -> Result<Outcome, DagError> {
    if let Some(shard) = old.filter(|slot| slot.name.is_empty()) {
        let block = load_node(host.source(), shard.link.cid)?;
        let below = below(place, index, group[0].name)?;
        return update_shard(host, &block, below, group);
    }
    let mut kept = old;
    let mut entries = Vec::with_capacity(group.len() + 1);
    for pending in group {
        let before = kept.take_if(|slot| slot.name == pending.name);
        if let Some(link) = host.resolve(pending.op, before.map(|slot| slot.link))? {
            entries.push(Named {
                hash: pending.hash,
                name: pending.name,
                link,
            });
        }
    }
    entries.extend(kept.map(|slot| Named::new(slot.name, slot.link)));
    match &mut entries[..] {
        [] => Ok(Outcome::Empty),
        [single] => Ok(Outcome::Entry(single.name.to_owned(), single.link)),
        many => {
            many.sort_unstable_by_key(|entry| entry.hash);
            let below = below(place, index, many[0].name)?;
            let link = build_shard(many, below, &mut |block| host.emit(block))?;
            Ok(Outcome::Shard(link))
        }
    }
}

/// All slot numbers one after the other, as links spell them.
const HEX: &str = {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    const TABLE: [u8; 512] = {
        let mut table = [0; 512];
        let mut at = 0;
        while at < 256 {
            table[2 * at] = DIGITS[at >> 4];
            table[2 * at + 1] = DIGITS[at & 15];
            at += 1;
        }
        table
    };
    match core::str::from_utf8(&TABLE) {
        Ok(text) => text,
        Err(_) => "",
    }
};

/// Writes one shard, slots in order.
#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    slots: Slots,
    below: u64,
    /// The only slot's entry, as long as there is only one.
    single: Option<(String, Link)>,
    count: usize,
}

impl Writer {
    /// Appends an entry, or without a name a shard below.
    fn put(&mut self, index: u8, name: &str, link: Link) -> Result<(), DagError> {
        let at = usize::from(index) * 2;
        put_link(
            &mut self.bytes,
            link.cid,
            [&HEX[at..at + 2], name],
            link.tsize,
        );
        self.slots.set(index);
        self.below = add_tsize(self.below, link.tsize)?;
        self.count += 1;
        self.single = (self.count == 1 && !name.is_empty()).then(|| (name.to_owned(), link));
        Ok(())
    }

    fn finish(mut self) -> Result<(Block, Link), DagError> {
        put_data(&mut self.bytes, &UnixFs::Shard(self.slots).encode());
        let tsize = add_tsize(self.below, self.bytes.len() as u64)?;
        let block = Block::new(Codec::DagPb, self.bytes);
        let link = Link {
            cid: block.cid(),
            tsize,
        };
        Ok((block, link))
    }

    /// Ends an update: a shard of one entry is no shard but that entry, one of none is
    /// nothing, and one that has not changed is not written again.
    fn settle(mut self, host: &mut dyn Host, old: Cid) -> Result<Outcome, DagError> {
        if self.count == 0 {
            return Ok(Outcome::Empty);
        }
        if let Some((name, link)) = self.single.take() {
            return Ok(Outcome::Entry(name, link));
        }
        let (block, link) = self.finish()?;
        if link.cid != old {
            host.emit(block);
        }
        Ok(Outcome::Shard(link))
    }
}
