//! The files of a tree of which only blocks are there.

use std::collections::HashMap;

use ourspace_protocol::{
    dag::{BlockSource, Cid, DagError, read::read_file},
    limits,
};

use super::Files;

/// Files of a tree by the CIDs that its directories name them by, out of whatever blocks a
/// source has. Nothing is believed: every block is checked against its CID.
pub struct LinkedFiles<'s> {
    source: &'s dyn BlockSource,
    links: HashMap<String, Cid>,
}

impl std::fmt::Debug for LinkedFiles<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkedFiles")
            .field("links", &self.links.len())
            .finish_non_exhaustive()
    }
}

impl<'s> LinkedFiles<'s> {
    /// Files by path.
    pub fn new(
        source: &'s dyn BlockSource,
        links: impl IntoIterator<Item = (String, Cid)>,
    ) -> Self {
        let links = links.into_iter().collect();
        Self { source, links }
    }
}

impl Files for LinkedFiles<'_> {
    /// [`DagError::Absent`] names the block that is to be fetched before asking again.
    type Error = DagError;

    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, DagError> {
        let Some(cid) = self.links.get(path) else {
            return Ok(None);
        };
        match read_file(self.source, *cid, limits::JSON_BYTES as u64) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(DagError::Limit(..)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, DagError> {
        let below = |path: &String| {
            let rest = path.strip_prefix(folder)?.strip_prefix('/')?;
            (!rest.contains('/')).then(|| rest.to_owned())
        };
        Ok(self.links.keys().filter_map(below).collect())
    }
}
