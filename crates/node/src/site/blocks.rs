//! The blocks of a feed's tree that are no files: directories, shards, and the inner
//! nodes of large files.

use ourspace_protocol::dag::{
    Block, BlockSource, Cid, Codec, DagError, Link, load, pb::PbNode, unixfs::UnixFs,
};

/// What is found in the directories of a tree.
#[derive(Debug)]
pub enum Part<'a> {
    /// A directory or shard.
    Block(&'a Block),
    /// A file, or the directory of one post, by its path; what is below is not visited.
    Entry(&'a str, Link),
}

/// Visits the directories of a feed's tree from the root on, but for those of single
/// posts (`posts/ID`), which nobody keeps: they follow from the files in them.
///
/// The tree is one of ours; a stranger's is read by `protocol::dag::entries`, which
/// checks much more.
///
/// # Errors
/// [`DagError`] of a block, or what `visit` fails with.
pub fn each_part<E: From<DagError>>(
    source: &dyn BlockSource,
    root: Cid,
    visit: &mut dyn FnMut(Part<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut walk = Walk {
        source,
        visit,
        path: String::new(),
    };
    walk.directory(root)
}

struct Walk<'w, E> {
    source: &'w dyn BlockSource,
    visit: &'w mut dyn FnMut(Part<'_>) -> Result<(), E>,
    path: String,
}

impl<E: From<DagError>> Walk<'_, E> {
    fn directory(&mut self, cid: Cid) -> Result<(), E> {
        let block = load(self.source, cid)?;
        let unreadable = |error| E::from(DagError::Node { cid, error });
        let node = PbNode::decode(block.bytes()).map_err(unreadable)?;
        let is_shard = match UnixFs::decode(node.data).map_err(unreadable)? {
            UnixFs::Directory => false,
            UnixFs::Shard(_) => true,
            UnixFs::File(_) => return Err(DagError::Kind(cid, "directory").into()),
        };
        (self.visit)(Part::Block(&block))?;
        for link in &node.links {
            let entry = Link {
                cid: link.cid,
                tsize: link.tsize,
            };
            match link.name.get(2..) {
                Some("") if is_shard => self.directory(link.cid)?,
                Some(name) if is_shard => self.entry(name, entry)?,
                _ => self.entry(link.name, entry)?,
            }
        }
        Ok(())
    }

    fn entry(&mut self, name: &str, link: Link) -> Result<(), E> {
        let length = self.path.len();
        if length > 0 {
            self.path.push('/');
        }
        self.path.push_str(name);
        if link.cid.codec() == Codec::DagPb && is_folder(&self.path) {
            self.directory(link.cid)?;
        } else {
            (self.visit)(Part::Entry(&self.path, link))?;
        }
        self.path.truncate(length);
        Ok(())
    }
}

/// Whether a path of a feed's tree is a directory of many things.
fn is_folder(path: &str) -> bool {
    let depth = path.split('/').count();
    match path.split('/').next() {
        Some("media") => depth <= 3,
        Some("archive" | "posts" | "reactions" | "tombstones") => depth == 1,
        _ => false,
    }
}
