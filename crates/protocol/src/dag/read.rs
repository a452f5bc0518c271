//! Reading files out of blocks that nobody is believed about: every block is checked
//! against its CID, every size against what the block above said, and depth, blocks and
//! bytes are bounded before anything is allocated.

use core::ops::Range;

use super::block::{Block, BlockSource, DagError, load};
use super::cid::{Cid, Codec};
use super::pb::PbNode;
use super::unixfs::UnixFs;
use super::wire::PbError;

/// What reading one file may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// Bytes of the file.
    pub bytes: u64,
    /// Blocks loaded.
    pub blocks: u64,
    /// Layers of nodes above the pieces.
    pub depth: usize,
}

/// Layers of nodes above a file's pieces: three make more than a tebibyte by the profile.
pub(super) const FILE_DEPTH: usize = 6;

impl Default for ReadLimits {
    /// 16 GiB in 131,072 blocks, six layers: far above what a feed's media need, far
    /// below what hurts.
    fn default() -> Self {
        Self {
            bytes: 16 << 30,
            blocks: 1 << 17,
            depth: FILE_DEPTH,
        }
    }
}

/// A file whose root has been read.
#[derive(Clone, Debug)]
pub struct FileReader {
    root: Cid,
    size: u64,
    limits: ReadLimits,
}

impl FileReader {
    /// Reads the root block: the file's size is known from here on, its other blocks are
    /// loaded as they are needed.
    ///
    /// # Errors
    /// [`DagError::Kind`] when `root` is not a file; [`DagError::Limit`] when it says that
    /// it is larger than allowed; whatever is wrong with the block.
    pub fn open(source: &dyn BlockSource, root: Cid, limits: ReadLimits) -> Result<Self, DagError> {
        let part = Part::load(source, root)?;
        let size = part.size();
        if size > limits.bytes {
            return Err(DagError::Limit(root, "file size"));
        }
        Ok(Self { root, size, limits })
    }

    /// Bytes of the file.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The bytes of `range`, piece by piece, at most one block's worth at a time. What
    /// lies beyond the end is left out; blocks outside of the range are not loaded. After
    /// an error the iteration ends.
    #[must_use]
    pub fn chunks<'s>(&self, source: &'s dyn BlockSource, range: Range<u64>) -> Chunks<'s> {
        let end = range.end.min(self.size);
        let root = Want {
            cid: self.root,
            start: 0,
            size: self.size,
            depth: 0,
        };
        Chunks {
            source,
            wants: if range.start < end {
                vec![root]
            } else {
                Vec::new()
            },
            range: range.start..end,
            blocks: self.limits.blocks,
            depth: self.limits.depth,
        }
    }
}

/// The whole of a small file.
///
/// # Errors
/// [`DagError::Limit`] when it is larger than `most` bytes; whatever
/// [`FileReader`] finds.
pub fn read_file(source: &dyn BlockSource, root: Cid, most: u64) -> Result<Vec<u8>, DagError> {
    let limits = ReadLimits {
        bytes: most,
        ..ReadLimits::default()
    };
    let reader = FileReader::open(source, root, limits)?;
    let mut bytes = Vec::new();
    for chunk in reader.chunks(source, 0..reader.size()) {
        bytes.extend_from_slice(&chunk?);
    }
    Ok(bytes)
}

/// A block that is to be read: where in the file it begins and what its parent said.
#[derive(Debug)]
struct Want {
    cid: Cid,
    start: u64,
    size: u64,
    depth: usize,
}

/// The bytes of a file, in order; see [`FileReader::chunks`].
pub struct Chunks<'s> {
    source: &'s dyn BlockSource,
    /// A stack: the next block is the last.
    wants: Vec<Want>,
    range: Range<u64>,
    blocks: u64,
    depth: usize,
}

impl core::fmt::Debug for Chunks<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Chunks")
            .field("range", &self.range)
            .field("blocks", &self.blocks)
            .finish_non_exhaustive()
    }
}

impl Iterator for Chunks<'_> {
    type Item = Result<Vec<u8>, DagError>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(want) = self.wants.pop() {
            match self.step(&want) {
                Ok(None) => {}
                Ok(Some(bytes)) => return Some(Ok(bytes)),
                Err(error) => {
                    self.wants.clear();
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

impl Chunks<'_> {
    /// Reads one block: gives its bytes, or puts what it links on the stack.
    fn step(&mut self, want: &Want) -> Result<Option<Vec<u8>>, DagError> {
        self.blocks = self
            .blocks
            .checked_sub(1)
            .ok_or(DagError::Limit(want.cid, "block count"))?;
        let part = Part::load(self.source, want.cid)?;
        if part.size() != want.size {
            let what = "a piece of a file has another size than its parent says";
            return Err(DagError::Shape {
                cid: want.cid,
                what,
            });
        }
        match part {
            Part::Leaf(bytes) => Ok(Some(self.cut(want.start, bytes))),
            Part::Node { parts, .. } => {
                if want.depth == self.depth {
                    return Err(DagError::Limit(want.cid, "depth"));
                }
                self.push_parts(want, &parts);
                Ok(None)
            }
        }
    }

    fn push_parts(&mut self, want: &Want, parts: &[(Cid, u64)]) {
        let mut end = want.start + want.size;
        for &(cid, size) in parts.iter().rev() {
            let start = end - size;
            if start < self.range.end && end > self.range.start {
                self.wants.push(Want {
                    cid,
                    start,
                    size,
                    depth: want.depth + 1,
                });
            }
            end = start;
        }
    }

    /// Leaves of `bytes`, which begin at `start`, what is in the range.
    fn cut(&self, start: u64, mut bytes: Vec<u8>) -> Vec<u8> {
        let end = start + bytes.len() as u64;
        if end > self.range.end {
            bytes.truncate(usize::try_from(self.range.end - start).unwrap_or(usize::MAX));
        }
        if start < self.range.start {
            bytes.drain(..usize::try_from(self.range.start - start).unwrap_or(usize::MAX));
        }
        bytes
    }
}

/// A block of a file, read.
pub(super) enum Part {
    Leaf(Vec<u8>),
    Node { size: u64, parts: Vec<(Cid, u64)> },
}

impl Part {
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Leaf(bytes) => bytes.len() as u64,
            Self::Node { size, .. } => *size,
        }
    }

    fn load(source: &dyn BlockSource, cid: Cid) -> Result<Self, DagError> {
        if cid.codec() == Codec::DagCbor {
            return Err(DagError::Kind(cid, "file"));
        }
        Self::read(load(source, cid)?)
    }

    /// Reads a raw or dag-pb block.
    pub(super) fn read(block: Block) -> Result<Self, DagError> {
        let cid = block.cid();
        if cid.codec() == Codec::Raw {
            return Ok(Self::Leaf(block.into_bytes()));
        }
        let node_error = |error: PbError| DagError::Node { cid, error };
        let node = PbNode::decode(block.bytes()).map_err(node_error)?;
        let UnixFs::File(file) = UnixFs::decode(node.data).map_err(node_error)? else {
            return Err(DagError::Kind(cid, "file"));
        };
        let shape = |what| Err(DagError::Shape { cid, what });
        if node.links.len() != file.blocks.len() {
            return shape("a file has not as many sizes as pieces");
        }
        if node.links.iter().any(|link| !link.name.is_empty()) {
            return shape("a piece of a file has a name");
        }
        if file.blocks.is_empty() {
            return Ok(Self::Leaf(file.inline.to_vec()));
        }
        if !file.inline.is_empty() {
            return shape("a file has bytes both inside and below");
        }
        let cids = node.links.iter().map(|link| link.cid);
        Ok(Self::Node {
            size: file.size,
            parts: cids.zip(file.blocks).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::file::{BlockSink, FileBuilder, FileDag, Layout, Leaf};
    use super::super::pb::{put_data, put_link};
    use super::super::unixfs::FileData;
    use super::*;
    use core::convert::Infallible;
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[derive(Default)]
    struct Keep(HashMap<Cid, Vec<u8>>);

    impl BlockSink for Keep {
        type Error = Infallible;

        fn leaf(&mut self, leaf: Leaf<'_>) -> Result<(), Infallible> {
            self.0.insert(leaf.cid, leaf.bytes.to_vec());
            Ok(())
        }

        fn node(&mut self, block: Block) -> Result<(), Infallible> {
            self.0.insert(block.cid(), block.into_bytes());
            Ok(())
        }
    }

    fn build(layout: Layout, bytes: &[u8]) -> (FileDag, HashMap<Cid, Vec<u8>>) {
        let mut sink = Keep::default();
        let mut builder = FileBuilder::with_layout(layout);
        let Ok(()) = builder.push(bytes, &mut sink);
        let Ok(dag) = builder.finish(&mut sink);
        (dag, sink.0)
    }

    fn sample(len: usize) -> Vec<u8> {
        (0..len).map(|at| (at * 7 % 253) as u8).collect()
    }

    /// A node over `parts`, put into `blocks`.
    fn node(blocks: &mut HashMap<Cid, Vec<u8>>, parts: &[(Cid, u64)]) -> Cid {
        let message = UnixFs::File(FileData {
            raw: false,
            inline: &[],
            size: parts.iter().map(|part| part.1).sum(),
            blocks: parts.iter().map(|part| part.1).collect(),
        });
        let mut bytes = Vec::new();
        for (cid, size) in parts {
            put_link(&mut bytes, *cid, ["", ""], *size);
        }
        put_data(&mut bytes, &message.encode());
        put(blocks, Codec::DagPb, bytes)
    }

    fn put(blocks: &mut HashMap<Cid, Vec<u8>>, codec: Codec, bytes: Vec<u8>) -> Cid {
        let block = Block::new(codec, bytes);
        let cid = block.cid();
        blocks.insert(cid, block.into_bytes());
        cid
    }

    #[test]
    fn a_range_loads_only_its_blocks() {
        let bytes = sample(1000);
        let (dag, mut blocks) = build(Layout::other(10, 4), &bytes);
        let reader = FileReader::open(&blocks, dag.cid, ReadLimits::default()).unwrap();
        let wanted: Vec<Cid> = (50..53)
            .map(|at| Cid::of(Codec::Raw, &bytes[at * 10..at * 10 + 10]))
            .collect();
        blocks.retain(|cid, _| cid.codec() == Codec::DagPb || wanted.contains(cid));
        let read: Result<Vec<_>, _> = reader.chunks(&blocks, 501..529).collect();
        assert_eq!(read.unwrap().concat(), &bytes[501..529]);
        let mut beyond = reader.chunks(&blocks, 530..531);
        assert!(matches!(beyond.next(), Some(Err(DagError::Absent(_)))));
        assert!(beyond.next().is_none());
    }

    #[test]
    fn a_wrong_byte_is_found() {
        let bytes = sample(100);
        let (dag, good) = build(Layout::other(10, 4), &bytes);
        for cid in good.keys() {
            let mut blocks = good.clone();
            blocks.get_mut(cid).unwrap()[0] ^= 1;
            let read = read_file(&blocks, dag.cid, 100);
            assert!(matches!(read, Err(DagError::Corrupt(found)) if found == *cid));
        }
    }

    #[test]
    fn bombs_are_stopped() {
        let mut blocks = HashMap::new();
        let mut part = (put(&mut blocks, Codec::Raw, vec![0]), 1);
        for _ in 0..4 {
            let cid = node(&mut blocks, &vec![part; 1000]);
            part = (cid, part.1 * 1000);
        }
        let size = 1_000_000_000_000;
        assert_eq!(part.1, size);
        let small = FileReader::open(&blocks, part.0, ReadLimits::default());
        assert!(matches!(small, Err(DagError::Limit(_, "file size"))));
        let limits = |blocks, depth| ReadLimits {
            bytes: size,
            blocks,
            depth,
        };
        let reader = FileReader::open(&blocks, part.0, limits(5000, 4)).unwrap();
        let last = reader.chunks(&blocks, 0..size).last();
        assert!(matches!(last, Some(Err(DagError::Limit(_, "block count")))));
        let reader = FileReader::open(&blocks, part.0, limits(5000, 3)).unwrap();
        let last = reader.chunks(&blocks, 0..size).last();
        assert!(matches!(last, Some(Err(DagError::Limit(_, "depth")))));
    }

    #[test]
    fn contradictions_are_found() {
        let mut blocks = HashMap::new();
        let leaf = put(&mut blocks, Codec::Raw, vec![1, 2, 3]);
        let lie = node(&mut blocks, &[(leaf, 2)]);
        assert!(matches!(
            read_file(&blocks, lie, 9),
            Err(DagError::Shape { .. })
        ));
        let directory = put(&mut blocks, Codec::DagPb, vec![0x0a, 2, 8, 1]);
        assert!(matches!(
            read_file(&blocks, directory, 9),
            Err(DagError::Kind(..))
        ));
        let cbor = put(&mut blocks, Codec::DagCbor, vec![0xa0]);
        assert!(matches!(
            read_file(&blocks, cbor, 9),
            Err(DagError::Kind(..))
        ));
        let mut named = Vec::new();
        put_link(&mut named, leaf, ["", "x"], 3);
        put_data(&mut named, &[8, 2, 0x18, 3, 0x20, 3]);
        let named = put(&mut blocks, Codec::DagPb, named);
        assert!(matches!(
            read_file(&blocks, named, 9),
            Err(DagError::Shape { .. })
        ));
        let mut short = Vec::new();
        put_data(&mut short, &[8, 2, 0x18, 3, 0x20, 3]);
        let short = put(&mut blocks, Codec::DagPb, short);
        assert!(matches!(
            read_file(&blocks, short, 9),
            Err(DagError::Shape { .. })
        ));
    }

    #[test]
    fn old_leaves_are_read() {
        let mut blocks = HashMap::new();
        let mut bytes = Vec::new();
        put_data(&mut bytes, &[8, 2, 0x12, 2, b'h', b'i', 0x18, 2]);
        let leaf = put(&mut blocks, Codec::DagPb, bytes);
        let file = node(&mut blocks, &[(leaf, 2), (leaf, 2)]);
        assert_eq!(read_file(&blocks, file, 9).unwrap(), b"hihi");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_was_built_is_read(len in 0usize..2000, chunk in 1usize..40, links in 2usize..6,
                                  from in 0u64..2100, count in 0u64..2100) {
            let bytes = sample(len);
            let (dag, blocks) = build(Layout::other(chunk, links), &bytes);
            prop_assume!(dag.tsize < 1 << 20);
            let limits = ReadLimits { depth: 16, ..ReadLimits::default() };
            let reader = FileReader::open(&blocks, dag.cid, limits).unwrap();
            prop_assert_eq!(reader.size(), len as u64);
            let range = from..from + count;
            let read: Result<Vec<_>, _> = reader.chunks(&blocks, range).collect();
            let (from, to) = (len.min(from as usize), len.min((from + count) as usize));
            prop_assert_eq!(read.unwrap().concat(), &bytes[from..to]);
        }
    }
}
