//! The files of a tree of which only blocks are there.

use std::ops::ControlFlow;

use ourspace_protocol::{
    dag::{BlockSource, DagError, Link, entries, read::read_file},
    limits,
};

use super::Files;

/// The files below a root, out of whatever blocks a source has. Nothing is believed: every
/// block is checked against its CID.
#[derive(Clone, Copy)]
pub struct TreeFiles<'s> {
    source: &'s dyn BlockSource,
    root: Link,
}

impl std::fmt::Debug for TreeFiles<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TreeFiles")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

impl<'s> TreeFiles<'s> {
    /// The tree with this root.
    pub fn new(source: &'s dyn BlockSource, root: Link) -> Self {
        Self { source, root }
    }
}

impl Files for TreeFiles<'_> {
    /// [`DagError::Absent`] names the block that is to be fetched before asking again.
    type Error = DagError;

    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, DagError> {
        let Some(link) = entries::lookup(self.source, self.root, path)? else {
            return Ok(None);
        };
        let most = limits::JSON_BYTES as u64;
        match read_file(self.source, link.cid, most) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(DagError::Limit(cid, _)) if cid == link.cid => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, DagError> {
        let mut names = Vec::new();
        let found = entries::lookup(self.source, self.root, folder)?;
        let Some(link) = found else {
            return Ok(names);
        };
        entries::list(self.source, link.cid, &mut |name, _| {
            names.push(name.to_owned());
            ControlFlow::Continue(())
        })?;
        Ok(names)
    }
}
