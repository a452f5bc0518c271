//! Ways by which blocks come.

use std::sync::Arc;

use super::BoxFuture;
use crate::{
    account::Account,
    dag::{Block, Cid},
};

/// A way to fetch blocks.
pub trait Transport: Send + Sync {
    /// What the way is called in answers and traces: `ipfs`, `http`.
    fn name(&self) -> &'static str;

    /// Begins to fetch the blocks of one tree. `account` is whose feed it is, where it is
    /// one; `locations` are those of its record.
    fn open(&self, account: Option<Account>, locations: &[String]) -> Box<dyn Session>;
}

/// A block that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// Its name.
    pub cid: Cid,
    /// Where in the tree its file lies, and how many bytes of the file stand before the
    /// block: a way that knows only files can find it by that. None for the blocks of
    /// directories and the inner nodes of files.
    pub place: Option<(Arc<str>, u64)>,
}

impl Want {
    /// A block without a place.
    #[must_use]
    pub fn block(cid: Cid) -> Self {
        Self { cid, place: None }
    }
}

/// Fetching the blocks of one tree. Dropping it ends what is still under way.
///
/// Nothing is bounded here: whoever wants no more than so many bytes in memory has no more
/// wants open.
pub trait Session: Send {
    /// Asks for blocks, the most urgent one first, and all of them after those asked for
    /// before. A block that is wanted already is not asked for twice.
    fn want(&mut self, wants: Vec<Want>);

    /// Asks for these before everything else.
    fn hurry(&mut self, wants: Vec<Want>);

    /// No longer wants these.
    fn cancel(&mut self, cids: &[Cid]);

    /// What came next. Pending for ever when nothing is wanted.
    fn next(&mut self) -> BoxFuture<'_, Arrival>;

    /// What is wrong with those who were asked, where that is worth telling a person.
    fn trouble(&self) -> Option<String> {
        None
    }
}

/// What became of a want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The block, checked.
    Block(Block),
    /// This way has asked everybody that it knows of, and nobody had it in time. It is no
    /// longer wanted.
    Missing(Cid),
}
