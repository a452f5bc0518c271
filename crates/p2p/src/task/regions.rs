//! Regions: all nodes around a place of the DHT, where those nearest to it are a crowd.

use std::collections::{BTreeMap, BTreeSet};

use libp2p::PeerId;
use ourspace_protocol::{
    account::Account, machine::density::Spacing, machine::rows::Key, seams::Candidate, time::Millis,
};
use tokio::sync::mpsc;

use super::Task;
use crate::dht;

/// So long is waited for a node of a region to speak.
const PATIENCE: Millis = 10_000;
/// Nodes that are waited for at once.
const UNASKED: usize = 1_024;

/// A region that is being searched, for a purpose.
#[derive(Debug)]
pub(super) struct Region<P> {
    /// The key of the row in its middle.
    pub(super) key: Key,
    pub(super) spacing: Option<Spacing>,
    /// Those next to the row: they are known already.
    crowd: BTreeSet<PeerId>,
    peers: BTreeSet<PeerId>,
    purpose: P,
    /// Parts that are still being looked for.
    open: usize,
}

/// A region that was seen.
#[derive(Debug)]
pub(super) struct Seen<P> {
    pub(super) purpose: P,
    /// Nodes next to the row.
    pub(super) crowd: Vec<PeerId>,
    /// The others of the region.
    pub(super) others: Vec<PeerId>,
}

impl<P> Region<P> {
    pub(super) fn new(key: Key, crowd: Vec<PeerId>, purpose: P) -> Self {
        Self {
            key,
            spacing: None,
            crowd: crowd.into_iter().collect(),
            peers: BTreeSet::new(),
            purpose,
            open: 0,
        }
    }

    fn end(mut self, replicas: usize) -> Seen<P> {
        let place = dht::place_of_key(&self.key);
        let inside = |peer: &PeerId| {
            let spacing = self.spacing;
            spacing.is_some_and(|spacing| spacing.holds(replicas, &dht::place(peer), &place))
        };
        self.peers.retain(inside);
        let others = self.peers.difference(&self.crowd).copied().collect();
        Seen {
            purpose: self.purpose,
            others,
            crowd: self.crowd.into_iter().collect(),
        }
    }
}

/// All of them.
#[derive(Debug)]
pub(super) struct Regions<P> {
    open: BTreeMap<u64, Region<P>>,
    searched: u64,
}

impl<P> Default for Regions<P> {
    fn default() -> Self {
        Self {
            open: BTreeMap::new(),
            searched: 0,
        }
    }
}

impl<P> Regions<P> {
    /// Begins with one that is seen by so many lookups; gives its number.
    pub(super) fn begin(&mut self, mut region: Region<P>, lookups: usize) -> u64 {
        region.open = lookups.max(1);
        self.searched += 1;
        self.open.insert(self.searched, region);
        self.searched
    }

    /// A lookup has seen these. With the last one it says what is to be done with all.
    pub(super) fn found(
        &mut self,
        number: u64,
        peers: Vec<PeerId>,
        replicas: usize,
    ) -> Option<Seen<P>> {
        let region = self.open.get_mut(&number)?;
        region.peers.extend(peers);
        region.open -= 1;
        match region.open {
            0 => self.open.remove(&number).map(|region| region.end(replicas)),
            _ => None,
        }
    }

    /// How many there were since the start.
    pub(super) fn searched(&self) -> u64 {
        self.searched
    }
}

/// A node that is asked for an account's row as soon as it speaks.
#[derive(Debug)]
pub(super) struct Unasked {
    peer: PeerId,
    account: Account,
    found: mpsc::Sender<Candidate>,
    until: Millis,
}

impl Task {
    /// Asks nodes of a region for the row of an account.
    pub(super) fn ask_region(
        &mut self,
        account: Account,
        peers: Vec<PeerId>,
        found: Option<mpsc::Sender<Candidate>>,
    ) {
        // What this node follows, it takes in without anybody waiting for it.
        let found = found.unwrap_or_else(|| mpsc::channel(1).0);
        let own = *self.swarm.local_peer_id();
        let until = self.now() + PATIENCE;
        let mut ready = Vec::new();
        for peer in peers.into_iter().filter(|peer| *peer != own) {
            if self.peers.get_mut(&peer).is_some_and(|peer| peer.speaks) {
                ready.push(peer);
                continue;
            }
            if !self.swarm.is_connected(&peer)
                && let Err(error) = self.swarm.dial(peer)
            {
                tracing::debug!(%peer, %error, "a node of a region is not dialled");
                continue;
            }
            if self.desk.unasked.len() < UNASKED {
                let found = found.clone();
                self.desk.unasked.push(Unasked {
                    peer,
                    account,
                    found,
                    until,
                });
            }
        }
        let out = self.talk.ask(&ready, account, &found);
        self.carry_out(out);
    }

    /// A peer speaks from now on: it is asked what it was waited for.
    pub(super) fn ask_who_speaks(&mut self, peer: PeerId) {
        let all = std::mem::take(&mut self.desk.unasked);
        let (now, later): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| one.peer == peer);
        self.desk.unasked = later;
        for one in now {
            let out = self.talk.ask(&[peer], one.account, &one.found);
            self.carry_out(out);
        }
    }

    /// Forgets those who have not spoken in time.
    pub(super) fn forget_unasked(&mut self, now: Millis) {
        self.desk.unasked.retain(|one| one.until > now);
    }
}
