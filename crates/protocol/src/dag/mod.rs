//! Blocks, CIDs and UnixFS: how the feed's files become one root that anybody can check.
//!
//! Everything follows the profile `unixfs-v1-2025` (IPIP-499), so the same files give the
//! same root with any tool that follows it; the chapter `spec/05-tree-dag.md` says the
//! rules. [`mod@file`] turns bytes into a DAG, [`dir`] turns changes of paths into a new root,
//! [`read`], [`entries`] and [`walk`] read what strangers give, believing nothing.
//!
//! Blocks come from a [`BlockSource`] and go to a [`BlockSink`] or a closure; this room
//! neither stores nor fetches any.

pub mod block;
pub mod cid;
pub mod dir;
pub mod entries;
pub mod file;
mod hamt;
mod murmur;
pub mod pb;
pub mod read;
pub mod unixfs;
pub mod walk;
mod wire;

pub use block::{Block, BlockSource, DagError, Link, SourceError, load};
pub use cid::{Cid, CidError, Codec};
pub use dir::{Change, empty_directory, update_tree};
pub use file::{Assembler, BlockSink, FileBuilder, FileDag, Layout, Leaf, tsize_of};
pub use wire::PbError;
