//! The side that faces IPFS: in its DHT it is said which feeds are here, and there is looked
//! for nodes that have a feed, stock ones too, which do not speak our protocols.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use libp2p::{
    Multiaddr,
    kad::{self, QueryId},
    swarm::{FromSwarm, NetworkBehaviour as _, behaviour::ExternalAddrConfirmed},
};
use ourspace_protocol::{account::Account, dag::Cid, machine::dice::Dice, time::Millis};
use tokio::task::{JoinError, JoinSet};

use super::{
    Task,
    offers::Offers,
    queries::{For, Heard},
};
use crate::{
    bitswap::Blocks,
    config::{Config, Ipfs},
    dht,
};

/// While nobody of the DHT is known, it is looked so often.
const LONELY: Millis = 2_000;

/// A root, and whether it is here.
type Checked = ((Account, Cid), bool);

/// What is remembered of it.
pub(super) struct Side {
    which: Ipfs,
    blocks: Blocks,
    pub(super) offers: Offers,
    pub(super) checks: JoinSet<Checked>,
    /// Lookups of providers, and for which session.
    lookups: HashMap<QueryId, u64>,
    /// How many lookups go on for each session, here and in the DHT of rows.
    open: BTreeMap<u64, u32>,
}

impl Side {
    pub(super) fn new(config: &Config, dice: Dice) -> Self {
        Self {
            which: config.switches.ipfs,
            blocks: Arc::clone(&config.blocks),
            offers: Offers::new(dice),
            checks: JoinSet::new(),
            lookups: HashMap::new(),
            open: BTreeMap::new(),
        }
    }

    /// When something is to be done.
    pub(super) fn wake(&self) -> Option<Millis> {
        match self.which {
            Ipfs::Off => None,
            Ipfs::Public | Ipfs::Lan => self.offers.wake(),
        }
    }

    /// One more lookup goes on for a session.
    pub(super) fn begins(&mut self, session: u64) {
        *self.open.entry(session).or_default() += 1;
    }

    /// One has ended; whether it was the last.
    pub(super) fn ends(&mut self, session: u64) -> bool {
        let Some(open) = self.open.get_mut(&session) else {
            return true;
        };
        *open -= 1;
        let last = *open == 0;
        if last {
            self.open.remove(&session);
        }
        last
    }
}

impl Task {
    /// Looks which roots are the newest.
    pub(super) fn note_newest(&mut self, now: Millis) {
        for (account, heads) in &self.talk.heads {
            if let Some(newest) = heads.newest() {
                let root = newest.record().root;
                self.ipfs.offers.newest(*account, root, now);
            }
        }
    }

    /// Looks whether the next root is here, to say so.
    pub(super) fn offer(&mut self, now: Millis) {
        if self.ipfs.wake().is_none_or(|at| at > now) {
            return;
        }
        if !self.is_in_dht() {
            self.ipfs.offers.wait(now + LONELY);
            return;
        }
        if let Some((account, root)) = self.ipfs.offers.due(now) {
            let blocks = Arc::clone(&self.ipfs.blocks);
            // The disk is waited for in another thread.
            self.ipfs.checks.spawn_blocking(move || {
                let held = blocks.length(&root);
                ((account, root), matches!(held, Ok(Some(_))))
            });
        }
    }

    /// Whether there is somebody to say it to, and an address to say. Who says none is not
    /// found.
    fn is_in_dht(&mut self) -> bool {
        let reached =
            self.ipfs.which == Ipfs::Lan || self.swarm.external_addresses().next().is_some();
        let ipfs = self.swarm.behaviour_mut().ipfs.as_mut();
        reached && ipfs.is_some_and(|ipfs| ipfs.kbuckets().any(|bucket| !bucket.is_empty()))
    }

    /// It is known whether a root is here.
    pub(super) fn checked(&mut self, checked: Result<Checked, JoinError>) {
        let now = self.now();
        let (due, held) = match checked {
            Ok(checked) => checked,
            Err(error) => {
                tracing::warn!(%error, "it is not known whether a feed is here");
                return;
            }
        };
        let Some(said) = self.ipfs.offers.held(due, held, now) else {
            return;
        };
        let Some(ipfs) = self.swarm.behaviour_mut().ipfs.as_mut() else {
            return;
        };
        if let Some(before) = said.before {
            ipfs.stop_providing(&dht::ipfs::key(&before));
        }
        match ipfs.start_providing(dht::ipfs::key(&said.root)) {
            Ok(_) => self.count("ipfs_provided", 1),
            Err(error) => tracing::debug!(%error, "not announced in the DHT of IPFS"),
        }
    }

    /// Of an account that is not followed any more, nothing is said again.
    pub(super) fn offer_no_more(&mut self, account: Account) {
        let said = self.ipfs.offers.leave(account);
        let ipfs = self.swarm.behaviour_mut().ipfs.as_mut();
        if let (Some(root), Some(ipfs)) = (said, ipfs) {
            ipfs.stop_providing(&dht::ipfs::key(&root));
        }
    }

    /// Looks for nodes of IPFS that have the newest root of an account, for a session.
    pub(super) fn look_in_ipfs(&mut self, session: u64, account: Account) {
        let newest = self.talk.heads(account).and_then(|heads| heads.newest());
        let root = newest.map(|head| head.record().root);
        let ipfs = self.swarm.behaviour_mut().ipfs.as_mut();
        if let (Some(root), Some(ipfs)) = (root, ipfs) {
            let query = ipfs.get_providers(dht::ipfs::key(&root));
            self.ipfs.lookups.insert(query, session);
            self.ipfs.begins(session);
        }
    }

    /// The DHT of IPFS has said something.
    pub(super) fn ipfs_event(&mut self, event: kad::Event) {
        let kad::Event::OutboundQueryProgressed {
            id, result, step, ..
        } = event
        else {
            return;
        };
        let session = match step.last {
            true => self.ipfs.lookups.remove(&id),
            false => self.ipfs.lookups.get(&id).copied(),
        };
        let (Some(session), kad::QueryResult::GetProviders(result)) = (session, result) else {
            return;
        };
        let mut heard = Vec::new();
        if let Ok(kad::GetProvidersOk::FoundProviders { providers, .. }) = result {
            self.count("ipfs_found", providers.len() as u64);
            let peers = providers.into_iter().collect();
            heard.push(Heard::Providers(peers, For::Session(session)));
        }
        if step.last {
            heard.push(Heard::SearchOver(session));
        }
        self.hear(heard);
    }

    /// This node listens at an address. In a private network that is where it is reached.
    pub(super) fn listens(&mut self, address: &Multiaddr) {
        if self.ipfs.which == Ipfs::Lan {
            let confirmed = ExternalAddrConfirmed { addr: address };
            let event = FromSwarm::ExternalAddrConfirmed(confirmed);
            self.swarm.behaviour_mut().ipfs.on_swarm_event(event);
        }
    }
}
