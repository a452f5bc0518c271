//! Homes that fetch from each other: a session that takes its blocks out of what another
//! home serves.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "each test binary uses a part of this; a test's helpers fail by panicking"
)]

use std::{
    collections::{HashMap, HashSet, VecDeque},
    future::pending,
    sync::Arc,
};

use futures::executor::block_on;
use ourspace_node::{
    Home,
    mirror::{
        Applied, Fetched, MediaDone, MirrorError, Quotas, Served, Taken, apply, fetch, media, take,
        wanted,
    },
};
use ourspace_protocol::{
    account::Account,
    dag::{Block, BlockSource, Cid, Link, walk},
    record::SignedRecord,
    seams::{Arrival, BoxFuture, Session, Want},
    verify::Verified,
};
use ourspace_store::Store;

/// What a home serves.
pub(crate) fn served(home: &Home) -> Served {
    let home = Home::of_store(Store::open_reader(home.path()).unwrap());
    Served::new(Arc::new(home)).unwrap()
}

/// Blocks out of what a home serves.
pub(crate) struct Line<'s> {
    from: &'s (dyn BlockSource + Sync),
    waiting: VecDeque<Want>,
    /// What was asked for and came.
    pub(crate) came: Vec<Cid>,
    /// What is said not to be there.
    pub(crate) hidden: HashSet<Cid>,
    /// How many blocks come until nothing is there any more.
    pub(crate) left: usize,
}

impl<'s> Line<'s> {
    pub(crate) fn new(from: &'s (dyn BlockSource + Sync)) -> Self {
        Self {
            from,
            waiting: VecDeque::new(),
            came: Vec::new(),
            hidden: HashSet::new(),
            left: usize::MAX,
        }
    }
}

impl Session for Line<'_> {
    fn want(&mut self, wants: Vec<Want>) {
        self.waiting.extend(wants);
    }

    fn hurry(&mut self, wants: Vec<Want>) {
        for want in wants.into_iter().rev() {
            self.waiting.push_front(want);
        }
    }

    fn cancel(&mut self, cids: &[Cid]) {
        self.waiting.retain(|want| !cids.contains(&want.cid));
    }

    fn next(&mut self) -> BoxFuture<'_, Arrival> {
        let Some(want) = self.waiting.pop_front() else {
            return Box::pin(pending());
        };
        let there = self.left > 0 && !self.hidden.contains(&want.cid);
        let bytes = self.from.get(&want.cid).unwrap().filter(|_| there);
        let arrival = match bytes {
            Some(bytes) => {
                self.left -= 1;
                self.came.push(want.cid);
                Arrival::Block(Block::check(want.cid, bytes).unwrap())
            }
            None => Arrival::Missing(want.cid),
        };
        Box::pin(async move { arrival })
    }
}

pub(crate) fn records(home: &Home, account: Account) -> Vec<Verified<SignedRecord>> {
    let heads = home.store().read().unwrap().heads(account).unwrap();
    heads.iter().cloned().collect()
}

pub(crate) fn newest(home: &Home, account: Account) -> Verified<SignedRecord> {
    let heads = home.store().read().unwrap().heads(account).unwrap();
    heads.newest().unwrap().clone()
}

pub(crate) fn root(home: &Home, account: Account) -> Option<Cid> {
    let root = home.store().read().unwrap().root(account).unwrap();
    root.map(|root| root.cid)
}

/// Tells one home an account's records of another.
pub(crate) fn tell(from: &Home, to: &Home, account: Account) -> Vec<Taken> {
    take(to, &records(from, account)).unwrap()
}

/// Fetches all that is wanted of an account, over blocks that another home serves; gives the
/// CIDs that came.
pub(crate) fn pull(
    from: &(dyn BlockSource + Sync),
    to: &Home,
    account: Account,
) -> Result<Vec<Cid>, MirrorError> {
    let mut line = Line::new(from);
    for record in wanted(to, account)? {
        block_on(fetch(to, &record, &mut line, &mut |_| {}))?;
    }
    Ok(line.came)
}

pub(crate) fn fetch_one(
    to: &Home,
    record: &Verified<SignedRecord>,
    line: &mut Line<'_>,
) -> Result<Fetched, MirrorError> {
    block_on(fetch(to, record, line, &mut |_| {}))
}

pub(crate) fn pull_media(
    from: &(dyn BlockSource + Sync),
    to: &Home,
    account: Account,
    quotas: Quotas,
) -> MediaDone {
    let mut line = Line::new(from);
    block_on(media(to, account, quotas, &mut line, &mut |_| {})).unwrap()
}

/// The newest announcement of the own feed of `from`, given to `to`.
pub(crate) fn announce(from: &Home, to: &Home) -> Result<Applied, MirrorError> {
    let outbox = from.store().read().unwrap().outbox(1_000).unwrap();
    let last = outbox.last().unwrap();
    apply(to, &last.record, &last.delta.clone().unwrap())
}

/// Every block of a tree out of a source; panics where one is missing.
pub(crate) fn all_blocks(source: &dyn BlockSource, root: Cid) -> HashMap<Cid, Vec<u8>> {
    let mut blocks = HashMap::new();
    let link = Link {
        cid: root,
        tsize: 0,
    };
    let mut leaves = Vec::new();
    walk::walk(source, link, walk::WalkLimits::default(), &mut |visit| {
        match visit {
            walk::Visit::Node(block) => {
                blocks.insert(block.cid(), block.bytes().to_vec());
            }
            walk::Visit::Leaf { cid, .. } => leaves.push(cid),
            walk::Visit::File { .. } => {}
        }
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    for cid in leaves {
        let bytes = source.get(&cid).unwrap();
        blocks.insert(cid, bytes.unwrap_or_else(|| panic!("no leaf {cid}")));
    }
    blocks
}
