//! What the directory blocks of a site name, of whichever version they are: so that a
//! file of a version that is not the signed one can be told from one of nobody's.
//!
//! It decides only what a folder that is *not* as signed is called. So hashes of a few
//! bytes do: whoever makes two alike gains nothing by it.

use std::{
    hash::{DefaultHasher, Hasher as _},
    str::FromStr as _,
};

use ourspace_protocol::{
    dag::{Cid, Codec, pb::PbNode, unixfs::UnixFs},
    limits,
};

use crate::site::{
    BLOCKS,
    folder::{FileError, Folder},
};

/// Links that are held, at most: 16 bytes each. What is named beyond them is not known.
const MOST: usize = 4_000_000;

/// All files that directories name, by name and size, then by CID.
#[derive(Debug, Default)]
pub(super) struct Named {
    links: Vec<(u64, u64)>,
}

impl Named {
    /// Reads all directory blocks beside the files; what is no block is passed over.
    ///
    /// # Errors
    /// [`FileError`] of the system.
    pub(super) fn collect(folder: &Folder) -> Result<Self, FileError> {
        let mut links = Vec::new();
        folder.names::<FileError>(BLOCKS, &mut |name, _| {
            let cid = Cid::from_str(name).ok();
            let Some(cid) = cid.filter(|cid| cid.codec() == Codec::DagPb) else {
                return Ok(());
            };
            if links.len() >= MOST {
                return Ok(());
            }
            let path = format!("{BLOCKS}/{name}");
            if let Some(bytes) = folder.read(&path, limits::BLOCK_BYTES as u64)?
                && cid.matches(&bytes)
            {
                add_links(&bytes, &mut links);
            }
            Ok(())
        })?;
        links.sort_unstable();
        links.dedup();
        Ok(Self { links })
    }

    /// Whether a file of this name may be one of them, by what its size makes its
    /// [`tsize`](ourspace_protocol::dag::file::tsize_of).
    pub(super) fn may_be(&self, name: &str, tsize: u64) -> bool {
        let key = hash(&(name, tsize));
        let at = self.links.partition_point(|link| link.0 < key);
        self.links.get(at).is_some_and(|link| link.0 == key)
    }

    /// Whether it is one of them.
    pub(super) fn has(&self, name: &str, tsize: u64, cid: Cid) -> bool {
        let link = (hash(&(name, tsize)), hash(&cid.to_bytes()));
        self.links.binary_search(&link).is_ok()
    }
}

fn add_links(bytes: &[u8], links: &mut Vec<(u64, u64)>) {
    let Ok(node) = PbNode::decode(bytes) else {
        return;
    };
    let is_shard = match UnixFs::decode(node.data) {
        Ok(UnixFs::Directory) => false,
        Ok(UnixFs::Shard(_)) => true,
        _ => return,
    };
    for link in node.links.iter().take(MOST.saturating_sub(links.len())) {
        // In a shard two characters stand before each name.
        let name = match is_shard {
            true => link.name.get(2..).unwrap_or_default(),
            false => link.name,
        };
        links.push((hash(&(name, link.tsize)), hash(&link.cid.to_bytes())));
    }
}

fn hash<T: std::hash::Hash>(value: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
