//! Blocks, links and where blocks come from.

use std::collections::{BTreeMap, HashMap};

use super::cid::{Cid, Codec};
use super::wire::PbError;
use crate::limits::{BLOCK_BYTES, DIRECTORY_ENTRIES, NAME_BYTES, PATH_DEPTH, TSIZE};

/// What can be wrong with a DAG or with what is asked of it.
#[derive(Debug, thiserror::Error)]
pub enum DagError {
    /// The source does not hold a block that is needed.
    #[error("block {0} is not here; fetch it first")]
    Absent(Cid),
    /// The source gave other bytes than the CID names.
    #[error("the bytes given for block {0} are not that block")]
    Corrupt(Cid),
    /// The source failed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A block is not a node that the profile has.
    #[error("block {cid} cannot be read: {error}")]
    Node {
        /// The block.
        cid: Cid,
        /// What is wrong with its bytes.
        error: PbError,
    },
    /// A block can be read but contradicts the block that links it, or itself.
    #[error("block {cid}: {what}")]
    Shape {
        /// The block.
        cid: Cid,
        /// The contradiction.
        what: &'static str,
    },
    /// A file where a directory is needed, or the other way round.
    #[error("block {0} is not a {1}")]
    Kind(Cid, &'static str),
    /// More blocks, bytes, depth or entries than the caller allows.
    #[error("the DAG below {0} exceeds the limit of {1}")]
    Limit(Cid, &'static str),
    /// A path with a name that cannot be, or too deep.
    #[error(
        "path {0:?} is refused: names have 1 to {NAME_BYTES} bytes without NUL, \
         are not \".\" or \"..\", and at most {PATH_DEPTH} of them make a path"
    )]
    Path(String),
    /// Changes that are not sorted by path, or two of the same path.
    #[error("changes must be sorted by path, each path once; {0:?} is not")]
    Unsorted(String),
    /// A change puts an entry below something that is a file.
    #[error("{0:?} is a file and can have no entries; delete it in the same change")]
    BelowFile(String),
    /// More entries than a directory may have.
    #[error("a directory of more than {DIRECTORY_ENTRIES} entries is refused")]
    TooManyEntries,
    /// Cumulative sizes beyond 2^53 - 1.
    #[error("the sizes of all files add up to more than 2^53 - 1")]
    TooLarge,
    /// Two names of one directory have the same 64-bit hash.
    #[error("the name {0:?} collides with another name of the same directory; rename one")]
    Collision(String),
}

/// Why a store could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("the block store failed: {0}")]
pub struct SourceError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl SourceError {
    /// Wraps a store's own error.
    pub fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}

/// A block whose bytes are those that its CID names; it can be made in no other way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    cid: Cid,
    bytes: Vec<u8>,
}

impl Block {
    /// Names bytes of ours.
    #[must_use]
    pub fn new(codec: Codec, bytes: Vec<u8>) -> Self {
        Self {
            cid: Cid::of(codec, &bytes),
            bytes,
        }
    }

    /// Checks bytes that somebody gave for `cid`.
    ///
    /// # Errors
    /// [`DagError::Corrupt`] when they are not that block, [`DagError::Limit`] when they
    /// are more than [`BLOCK_BYTES`]; these are not even hashed.
    pub fn check(cid: Cid, bytes: Vec<u8>) -> Result<Self, DagError> {
        if bytes.len() > BLOCK_BYTES {
            return Err(DagError::Limit(cid, "block size"));
        }
        if !cid.matches(&bytes) {
            return Err(DagError::Corrupt(cid));
        }
        Ok(Self { cid, bytes })
    }

    /// The block's name.
    #[must_use]
    pub const fn cid(&self) -> Cid {
        self.cid
    }

    /// The block's bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Gives the bytes away.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// What a directory says of an entry: its block and its cumulative size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link {
    /// The entry's root block.
    pub cid: Cid,
    /// Bytes of all blocks of the entry, each as often as it is linked. For a file made
    /// by this profile: [`tsize_of`](super::file::tsize_of) its length.
    pub tsize: u64,
}

/// A place that may hold blocks. Nothing it returns is believed: callers go through
/// [`load`].
pub trait BlockSource {
    /// The bytes that the place holds for `cid`, if it holds any.
    ///
    /// # Errors
    /// When the place cannot be asked (a disk error, say); absence is not an error.
    fn get(&self, cid: &Cid) -> Result<Option<Vec<u8>>, SourceError>;

    /// How many bytes [`get`](Self::get) would give, for whoever asks only whether the
    /// block is here. A place that knows it without reading the block says it by itself.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    fn length(&self, cid: &Cid) -> Result<Option<usize>, SourceError> {
        Ok(self.get(cid)?.map(|bytes| bytes.len()))
    }
}

impl BlockSource for HashMap<Cid, Vec<u8>> {
    fn get(&self, cid: &Cid) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(Self::get(self, cid).cloned())
    }
}

impl BlockSource for BTreeMap<Cid, Vec<u8>> {
    fn get(&self, cid: &Cid) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(Self::get(self, cid).cloned())
    }
}

/// A block from `source`, checked against its CID.
///
/// # Errors
/// [`DagError::Absent`], [`DagError::Corrupt`], [`DagError::Limit`], or the source's own.
pub fn load(source: &dyn BlockSource, cid: Cid) -> Result<Block, DagError> {
    let bytes = source.get(&cid)?.ok_or(DagError::Absent(cid))?;
    Block::check(cid, bytes)
}

/// Whether `name` can be the name of an entry.
#[must_use]
pub fn is_name(name: &str) -> bool {
    (1..=NAME_BYTES).contains(&name.len())
        && name != "."
        && name != ".."
        && !name.bytes().any(|byte| byte == 0 || byte == b'/')
}

/// Adds cumulative sizes.
pub(super) fn add_tsize(sum: u64, more: u64) -> Result<u64, DagError> {
    sum.checked_add(more)
        .filter(|&sum| sum <= TSIZE)
        .ok_or(DagError::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_bytes_make_a_block() {
        let cid = Cid::of(Codec::Raw, b"abc");
        assert_eq!(Block::check(cid, b"abc".to_vec()).unwrap().bytes(), b"abc");
        let wrong = Block::check(cid, b"abd".to_vec());
        assert!(matches!(wrong, Err(DagError::Corrupt(c)) if c == cid));
        let big = vec![0; BLOCK_BYTES + 1];
        let cid = Cid::of(Codec::Raw, &big);
        assert!(matches!(Block::check(cid, big), Err(DagError::Limit(..))));
    }

    #[test]
    fn names_are_checked() {
        for good in [
            "a",
            "...",
            ".well-known",
            "ü",
            " ",
            "a\\b",
            &"n".repeat(255),
        ] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "/", "a\0", &"n".repeat(256)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
