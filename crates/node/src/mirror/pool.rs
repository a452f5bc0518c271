//! The blocks at hand while a tree is fetched, and asking a session for more.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
};

use ourspace_protocol::{
    account::Account,
    dag::{Block, BlockSource, Cid, Codec, SourceError, pb::PbNode, unixfs::UnixFs},
    seams::{Arrival, Session, Want},
};
use ourspace_store::Reader;

use super::error::MirrorError;
use crate::home::Home;

/// Blocks that a session is asked for at once: some megabytes of directories.
const AT_ONCE: usize = 128;

/// What was fetched just now, what was fetched before, and what is kept.
pub(super) struct Pool<'h> {
    home: &'h Home,
    account: Account,
    fresh: HashMap<Cid, Block>,
    /// Given back before anything is waited for: a snapshot must not grow old.
    reader: RefCell<Option<Reader<'h>>>,
}

impl std::fmt::Debug for Pool<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("account", &self.account)
            .field("fresh", &self.fresh.len())
            .finish_non_exhaustive()
    }
}

impl<'h> Pool<'h> {
    pub(super) fn new(home: &'h Home, account: Account) -> Self {
        Self {
            home,
            account,
            fresh: HashMap::new(),
            reader: RefCell::new(None),
        }
    }

    pub(super) fn home(&self) -> &'h Home {
        self.home
    }

    /// Does something with a snapshot.
    pub(super) fn with<T, E: From<ourspace_store::StoreError>>(
        &self,
        work: impl FnOnce(&Reader<'h>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut held = self.reader.borrow_mut();
        let reader = match held.take() {
            Some(reader) => reader,
            None => self.home.store().read()?,
        };
        work(held.insert(reader))
    }

    /// Lets only what is on no deny-list be asked for, and ends the snapshot: what is asked
    /// for is waited for.
    ///
    /// # Errors
    /// [`MirrorError::Denied`].
    pub(super) fn admit(&self, wants: &[Want]) -> Result<(), MirrorError> {
        for want in wants {
            if self.with(|reader| reader.denies(&want.cid))? {
                return Err(MirrorError::Denied(want.cid));
            }
        }
        self.refresh();
        Ok(())
    }

    /// Ends the snapshot.
    pub(super) fn refresh(&self) {
        self.reader.replace(None);
    }

    pub(super) fn insert(&mut self, block: Block) {
        self.fresh.insert(block.cid(), block);
    }

    pub(super) fn has(&self, cid: &Cid) -> Result<bool, MirrorError> {
        let found = self.get(cid);
        let failed = |error| MirrorError::Store(ourspace_store::StoreError::Dag(error));
        found
            .map(|found| found.is_some())
            .map_err(|error| failed(error.into()))
    }

    /// Forgets the blocks that were fetched: they are taken, or kept elsewhere.
    pub(super) fn clear(&mut self) {
        self.fresh.clear();
        self.refresh();
    }
}

impl BlockSource for Pool<'_> {
    fn get(&self, cid: &Cid) -> Result<Option<Vec<u8>>, SourceError> {
        if let Some(block) = self.fresh.get(cid) {
            return Ok(Some(block.bytes().to_vec()));
        }
        self.with(|reader| {
            if cid.codec() == Codec::DagPb
                && let Some(bytes) = reader.fetched(self.account, cid)?
            {
                return Ok(Some(bytes));
            }
            reader.get(cid)
        })
    }
}

/// What came of some wants, and the first that is nowhere to be had.
pub(super) struct Came {
    pub(super) blocks: Vec<Block>,
    missing: Option<Cid>,
}

impl Came {
    /// Fails when one was missing: to be asked when the others are put away.
    ///
    /// # Errors
    /// [`MirrorError::Missing`].
    pub(super) fn complete(&self) -> Result<(), MirrorError> {
        self.missing
            .map_or(Ok(()), |cid| Err(MirrorError::Missing(cid)))
    }
}

/// Asks for blocks until all are here, or one is missing: then the others are no longer
/// wanted.
pub(super) async fn ask(session: &mut dyn Session, wants: Vec<Want>) -> Came {
    let mut came = Came {
        blocks: Vec::with_capacity(wants.len()),
        missing: None,
    };
    let mut wants = wants.into_iter().peekable();
    let mut open = HashSet::new();
    loop {
        let mut next = Vec::new();
        while open.len() < AT_ONCE
            && let Some(want) = wants.next()
        {
            if open.insert(want.cid) {
                next.push(want);
            }
        }
        if !next.is_empty() {
            session.want(next);
        }
        if open.is_empty() {
            return came;
        }
        match session.next().await {
            Arrival::Block(block) => {
                if open.remove(&block.cid()) {
                    came.blocks.push(block);
                }
            }
            Arrival::Missing(cid) if open.remove(&cid) => {
                let rest: Vec<Cid> = open.into_iter().collect();
                session.cancel(&rest);
                came.missing = Some(cid);
                return came;
            }
            Arrival::Missing(_) => {}
        }
    }
}

/// The parts of a file's inner node with their sizes; none when the block is no such node.
pub(super) fn parts(bytes: &[u8]) -> Option<Vec<(Cid, u64)>> {
    let node = PbNode::decode(bytes).ok()?;
    let UnixFs::File(file) = UnixFs::decode(node.data).ok()? else {
        return None;
    };
    let sizes = file.blocks.into_iter();
    Some(node.links.iter().map(|link| link.cid).zip(sizes).collect())
}
