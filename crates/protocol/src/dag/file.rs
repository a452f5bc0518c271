//! Files to DAGs, by the profile `unixfs-v1-2025` (IPIP-499): pieces of 1 MiB as raw
//! blocks, balanced above them with at most 1,024 links a node, all pieces at one depth.
//! A file of one piece is just that raw block.

use super::block::Block;
use super::cid::{Cid, Codec};
use super::pb::{data_size, link_size, put_data, put_link};
use super::unixfs::{FileData, UnixFs, file_block_size, file_head_size};
use crate::limits::{CHUNK_BYTES, FILE_LINKS};

/// How a file is cut and layered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    chunk: usize,
    links: usize,
}

impl Layout {
    /// The profile's, which every file of a feed has.
    pub const UNIXFS_V1_2025: Self = Self {
        chunk: CHUNK_BYTES,
        links: FILE_LINKS,
    };

    /// Another one, so that tests need no gigabytes to see several layers: `chunk` bytes
    /// (1 to 1 MiB) and `links` (2 to 1,024); values outside are moved to the nearest.
    #[must_use]
    pub fn other(chunk: usize, links: usize) -> Self {
        Self {
            chunk: chunk.clamp(1, CHUNK_BYTES),
            links: links.clamp(2, FILE_LINKS),
        }
    }

    /// Bytes of each piece but the last.
    #[must_use]
    pub const fn chunk_bytes(&self) -> usize {
        self.chunk
    }
}

impl Default for Layout {
    fn default() -> Self {
        Self::UNIXFS_V1_2025
    }
}

/// A finished file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileDag {
    /// The root block.
    pub cid: Cid,
    /// Bytes of the file.
    pub size: u64,
    /// Bytes of all its blocks.
    pub tsize: u64,
}

/// A piece of a file, as it goes by.
#[derive(Clone, Copy, Debug)]
pub struct Leaf<'a> {
    /// Its name.
    pub cid: Cid,
    /// Where in the file it begins.
    pub offset: u64,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// What takes a file's blocks as they are made, pieces in order, each inner node after
/// what it links.
pub trait BlockSink {
    /// Why a block could not be taken.
    type Error;

    /// Takes a piece: to copy it, or to remember only where in the file it is.
    ///
    /// # Errors
    /// The sink's own; the file is then given up.
    fn leaf(&mut self, leaf: Leaf<'_>) -> Result<(), Self::Error>;

    /// Takes an inner node.
    ///
    /// # Errors
    /// The sink's own; the file is then given up.
    fn node(&mut self, block: Block) -> Result<(), Self::Error>;
}

/// Cuts a stream of bytes into pieces and makes the file's DAG. Holds at most one piece
/// and one unfinished node for each layer.
///
/// Pieces that arrive whole (pushes that begin at a multiple of the piece size) are
/// hashed where they are; others are gathered first.
#[derive(Debug, Default)]
pub struct FileBuilder {
    layout: Layout,
    assembler: Assembler,
    gathered: Vec<u8>,
    offset: u64,
}

impl FileBuilder {
    /// For a file by the profile.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// For a file by another layout.
    #[must_use]
    pub fn with_layout(layout: Layout) -> Self {
        Self {
            layout,
            assembler: Assembler::new(layout),
            ..Self::default()
        }
    }

    /// The next bytes of the file, as many as there are.
    ///
    /// # Errors
    /// The sink's.
    pub fn push<S: BlockSink>(&mut self, mut bytes: &[u8], sink: &mut S) -> Result<(), S::Error> {
        let chunk = self.layout.chunk;
        if !self.gathered.is_empty() {
            let wanted = (chunk - self.gathered.len()).min(bytes.len());
            self.gathered.extend_from_slice(&bytes[..wanted]);
            bytes = &bytes[wanted..];
            if self.gathered.len() < chunk {
                return Ok(());
            }
            let whole = core::mem::take(&mut self.gathered);
            self.leaf(&whole, sink)?;
            self.gathered = whole;
            self.gathered.clear();
        }
        while let Some((whole, rest)) = bytes.split_at_checked(chunk) {
            self.leaf(whole, sink)?;
            bytes = rest;
        }
        if !bytes.is_empty() && self.gathered.capacity() == 0 {
            self.gathered.reserve_exact(chunk);
        }
        self.gathered.extend_from_slice(bytes);
        Ok(())
    }

    /// The end of the file.
    ///
    /// # Errors
    /// The sink's.
    pub fn finish<S: BlockSink>(mut self, sink: &mut S) -> Result<FileDag, S::Error> {
        if !self.gathered.is_empty() || self.offset == 0 {
            let last = core::mem::take(&mut self.gathered);
            self.leaf(&last, sink)?;
        }
        let size = self.offset;
        let root = self.assembler.finish(&mut |block| sink.node(block))?;
        Ok(FileDag {
            cid: root.cid,
            size,
            tsize: root.tsize,
        })
    }

    fn leaf<S: BlockSink>(&mut self, bytes: &[u8], sink: &mut S) -> Result<(), S::Error> {
        let cid = Cid::of(Codec::Raw, bytes);
        let offset = self.offset;
        sink.leaf(Leaf { cid, offset, bytes })?;
        self.offset += bytes.len() as u64;
        let len = bytes.len() as u64;
        self.assembler.push(cid, len, &mut |block| sink.node(block))
    }
}

/// A part of a file: one piece, or a node over many.
#[derive(Clone, Copy, Debug)]
struct Part {
    cid: Cid,
    size: u64,
    tsize: u64,
}

/// The layers above a file's pieces, for callers that hash the pieces themselves (in
/// several threads, say). Pieces come in order; all but the last have the layout's size.
#[derive(Debug, Default)]
pub struct Assembler {
    layout: Layout,
    layers: Vec<Vec<Part>>,
}

/// The root of an assembled file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assembled {
    /// The root block.
    pub cid: Cid,
    /// Bytes of all blocks, the pieces included.
    pub tsize: u64,
}

impl Assembler {
    /// For a file by `layout`.
    #[must_use]
    pub const fn new(layout: Layout) -> Self {
        Self {
            layout,
            layers: Vec::new(),
        }
    }

    /// The next piece: its CID (codec raw) and its length.
    ///
    /// # Errors
    /// The caller's own, from `node`, which takes every inner node that is full.
    pub fn push<E>(
        &mut self,
        cid: Cid,
        len: u64,
        node: &mut dyn FnMut(Block) -> Result<(), E>,
    ) -> Result<(), E> {
        let part = Part {
            cid,
            size: len,
            tsize: len,
        };
        self.add(0, part, node)
    }

    /// The root over all pieces. Without any piece it is that of the empty file.
    ///
    /// # Errors
    /// The caller's own, from `node`, which takes the remaining inner nodes.
    pub fn finish<E>(
        mut self,
        node: &mut dyn FnMut(Block) -> Result<(), E>,
    ) -> Result<Assembled, E> {
        let root = match self.layers.first().map(Vec::as_slice) {
            None => Part {
                cid: Cid::of(Codec::Raw, &[]),
                size: 0,
                tsize: 0,
            },
            Some(&[single]) if self.layers.len() == 1 => single,
            Some(_) => {
                let mut layer = 0;
                loop {
                    let parent = seal(&self.layers[layer], node)?;
                    layer += 1;
                    if layer == self.layers.len() {
                        break parent;
                    }
                    self.add(layer, parent, node)?;
                }
            }
        };
        Ok(Assembled {
            cid: root.cid,
            tsize: root.tsize,
        })
    }

    fn add<E>(
        &mut self,
        layer: usize,
        part: Part,
        node: &mut dyn FnMut(Block) -> Result<(), E>,
    ) -> Result<(), E> {
        if layer == self.layers.len() {
            self.layers.push(Vec::new());
        }
        // A full node is only sealed when another part needs a place beside it: a root
        // that is just full must not get a parent.
        if self.layers[layer].len() == self.layout.links {
            let parent = seal(&self.layers[layer], node)?;
            self.layers[layer].clear();
            self.add(layer + 1, parent, node)?;
        }
        self.layers[layer].push(part);
        Ok(())
    }
}

/// Makes the node over `parts`.
fn seal<E>(parts: &[Part], node: &mut dyn FnMut(Block) -> Result<(), E>) -> Result<Part, E> {
    let size = parts.iter().map(|part| part.size).sum();
    let message = UnixFs::File(FileData {
        raw: false,
        inline: &[],
        size,
        blocks: parts.iter().map(|part| part.size).collect(),
    });
    let mut bytes = Vec::with_capacity(parts.len() * 52 + 32);
    for part in parts {
        put_link(&mut bytes, part.cid, ["", ""], part.tsize);
    }
    put_data(&mut bytes, &message.encode());
    let below: u64 = parts.iter().map(|part| part.tsize).sum();
    let tsize = below + bytes.len() as u64;
    let block = Block::new(Codec::DagPb, bytes);
    let cid = block.cid();
    node(block)?;
    Ok(Part { cid, size, tsize })
}

/// Cumulative size of a file of `size` bytes by the profile: what its link in a
/// directory must say, known without its bytes.
#[must_use]
pub fn tsize_of(size: u64) -> u64 {
    tsize_by(Layout::UNIXFS_V1_2025, size)
}

/// As [`tsize_of`], by another layout.
#[must_use]
pub fn tsize_by(layout: Layout, size: u64) -> u64 {
    let (chunk, links) = (layout.chunk as u64, layout.links as u64);
    // A layer is `full` parts of the same (size, tsize) and perhaps a smaller last one.
    let mut part = (chunk, chunk);
    let mut full = size / chunk;
    let mut last = (size % chunk, size % chunk);
    while full + u64::from(last.0 > 0) > 1 {
        let rest = full % links;
        last = if rest > 0 || last.0 > 0 {
            node_over((rest, part), last)
        } else {
            (0, 0)
        };
        part = node_over((links, part), (0, 0));
        full /= links;
    }
    if full == 1 { part.1 } else { last.1 }
}

/// (size, tsize) of the node over `count` equal parts and, unless empty, a last one.
fn node_over((count, part): (u64, (u64, u64)), last: (u64, u64)) -> (u64, u64) {
    let size = count.saturating_mul(part.0).saturating_add(last.0);
    let mut links = count * link_size(0, part.1) as u64;
    let mut data = file_head_size(size) as u64 + count * file_block_size(part.0) as u64;
    if last.0 > 0 {
        links += link_size(0, last.1) as u64;
        data += file_block_size(last.0) as u64;
    }
    let block = links + data_size(usize::try_from(data).unwrap_or(usize::MAX)) as u64;
    let below = count.saturating_mul(part.1).saturating_add(last.1);
    (size, below.saturating_add(block))
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::convert::Infallible;
    use proptest::prelude::*;

    /// Counts bytes of blocks and keeps nothing.
    #[derive(Default)]
    struct Count {
        total: u64,
        leaves: u64,
        end: u64,
    }

    impl BlockSink for Count {
        type Error = Infallible;

        fn leaf(&mut self, leaf: Leaf<'_>) -> Result<(), Infallible> {
            assert_eq!(leaf.offset, self.end);
            assert!(leaf.cid.matches(leaf.bytes));
            self.end += leaf.bytes.len() as u64;
            self.total += leaf.bytes.len() as u64;
            self.leaves += 1;
            Ok(())
        }

        fn node(&mut self, block: Block) -> Result<(), Infallible> {
            self.total += block.bytes().len() as u64;
            Ok(())
        }
    }

    fn build(layout: Layout, bytes: &[u8], step: usize) -> (FileDag, Count) {
        let mut sink = Count::default();
        let mut builder = FileBuilder::with_layout(layout);
        for piece in bytes.chunks(step.max(1)) {
            let Ok(()) = builder.push(piece, &mut sink);
        }
        let Ok(dag) = builder.finish(&mut sink);
        (dag, sink)
    }

    #[test]
    fn small_files_are_their_raw_block() {
        for len in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES] {
            let bytes = vec![7; len];
            let (dag, sink) = build(Layout::default(), &bytes, len);
            assert_eq!(dag.cid, Cid::of(Codec::Raw, &bytes));
            assert_eq!((dag.size, dag.tsize), (len as u64, len as u64));
            assert_eq!(sink.leaves, 1);
        }
    }

    #[test]
    fn two_pieces_make_a_node() {
        let (dag, sink) = build(Layout::default(), &vec![0; CHUNK_BYTES + 1], 1000);
        assert_eq!(dag.cid.codec(), Codec::DagPb);
        assert_eq!(sink.leaves, 2);
        assert_eq!(dag.tsize, sink.total);
        assert_eq!(dag.tsize, tsize_of(dag.size));
    }

    #[test]
    fn sizes_of_files_that_no_test_can_hold() {
        // 1 TiB: 2^20 pieces, 1,024 nodes, one root. A full lower node has 1,024 links of
        // 46 bytes and a message of 2 + 6 + 1,024 x 4 bytes.
        let lower = 1024 * 46 + data_size(2 + 6 + 1024 * 4) as u64;
        let upper = 1024 * 48 + data_size(2 + 7 + 1024 * 6) as u64;
        assert_eq!(tsize_of(1 << 40), (1 << 40) + 1024 * lower + upper);
        assert!(tsize_of(u64::MAX) >= u64::MAX - 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn cutting_does_not_depend_on_pushes(
            len in 0usize..3000, step in 1usize..500, chunk in 1usize..40, links in 2usize..6,
        ) {
            let layout = Layout::other(chunk, links);
            let bytes: Vec<u8> = (0..len).map(|at| (at * 31 % 251) as u8).collect();
            let (whole, sink) = build(layout, &bytes, len);
            let (pieces, _) = build(layout, &bytes, step);
            prop_assert_eq!(whole, pieces);
            prop_assert_eq!(whole.size, len as u64);
            prop_assert_eq!(whole.tsize, sink.total);
            prop_assert_eq!(whole.tsize, tsize_by(layout, len as u64));
            prop_assert_eq!(sink.leaves, len.div_ceil(chunk).max(1) as u64);
        }
    }
}
