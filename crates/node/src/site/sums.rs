//! Whether a tree's directories and a feed's items speak of the same files, without
//! holding either in memory.

use std::collections::HashMap;

use ourspace_protocol::{
    dag::{Block, Cid, DagError, Link, update_tree},
    hash::sha256,
};

/// Two sums, one over what the directories name and one over what was rendered, each over
/// files in any order: they are equal when both are the same files.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    named: [u8; 32],
    made: [u8; 32],
}

impl Sums {
    /// The directories name a file, or the directory of a post.
    pub(crate) fn named(&mut self, path: &str, cid: Cid) {
        add(&mut self.named, path, cid);
    }

    /// Files were rendered: those of a page, or all those of one post (`posts/ID/…`),
    /// for which it gives the blocks of the post's directory.
    ///
    /// # Errors
    /// [`DagError`] for names that cannot be.
    pub(crate) fn made(&mut self, files: &[(&str, Link)]) -> Result<Vec<Block>, DagError> {
        let Some((post, skip)) = files.first().and_then(|(path, _)| post_of(path)) else {
            for (path, link) in files {
                add(&mut self.made, path, link.cid);
            }
            return Ok(Vec::new());
        };
        let mut changes: Vec<_> = files
            .iter()
            .map(|(path, link)| (&path[skip..], Some(*link)))
            .collect();
        changes.sort_unstable_by_key(|(name, _)| *name);
        let nothing: HashMap<Cid, Vec<u8>> = HashMap::new();
        let mut blocks = Vec::new();
        let link = update_tree(&nothing, None, &changes, &mut |block| blocks.push(block))?;
        add(&mut self.made, post, link.cid);
        Ok(blocks)
    }

    /// Whether both are the same.
    pub(crate) fn agree(&self) -> bool {
        self.named == self.made
    }
}

fn add(sum: &mut [u8; 32], path: &str, cid: Cid) {
    let hash = sha256(format!("{cid} {path}").as_bytes());
    sum.iter_mut()
        .zip(hash)
        .for_each(|(sum, byte)| *sum ^= byte);
}

/// `posts/ID` out of `posts/ID/FILE`, and where FILE begins.
fn post_of(path: &str) -> Option<(&str, usize)> {
    let rest = path.strip_prefix("posts/")?;
    let end = path.len() - rest.len() + rest.find('/')?;
    Some((&path[..end], end + 1))
}
