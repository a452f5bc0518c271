//! Connecting again: nodes that were lost are dialled again, sooner at first and then later.
//!
//! A cut cable, a router that starts anew or a laptop that wakes up ends all connections at
//! once. Whom this node spoke with, and whom a person named, it does not forget for that.

use std::collections::BTreeMap;

use libp2p::{
    Multiaddr, PeerId,
    core::ConnectedPoint,
    multiaddr::Protocol,
    swarm::{
        ConnectionError,
        dial_opts::{DialOpts, PeerCondition},
    },
};
use ourspace_protocol::time::Millis;

use super::{Task, peers::Peer};
use crate::dialling;

/// The first try comes after this, each later one after twice as long,
const FIRST: Millis = 5_000;
/// but never later than this.
const LATEST: Millis = 5 * 60 * 1000;
/// Tries, before a node is given up. One that a person named, or that was known in the last
/// run, never is, but from then on it is tried once in an hour.
const TRIES: u32 = 16;
const SELDOM: Millis = 60 * 60 * 1000;
/// Nodes that are remembered; of more, the one that was tried most often goes.
const MOST: usize = 64;
/// Nodes that are dialled in a turn.
const AT_ONCE: usize = 8;

/// Nodes that were lost.
#[derive(Debug, Default)]
pub(super) struct Again {
    lost: BTreeMap<PeerId, Lost>,
    /// Those that a person named.
    named: BTreeMap<PeerId, Multiaddr>,
}

#[derive(Clone, Debug, Default)]
struct Lost {
    /// Where it was reached, if this node had dialled it.
    address: Option<Multiaddr>,
    tries: u32,
    at: Millis,
}

impl Again {
    /// A person has named a node.
    pub(super) fn name(&mut self, address: &Multiaddr, now: Millis) {
        let Some(Protocol::P2p(peer)) = address.iter().last() else {
            return;
        };
        if self.named.len() < MOST {
            self.named.insert(peer, address.clone());
            // It is being dialled now; if nothing comes of that, again.
            self.note(peer, Some(address.clone()), now);
        }
    }

    fn note(&mut self, peer: PeerId, address: Option<Multiaddr>, now: Millis) {
        let lost = Lost {
            address,
            tries: 0,
            at: now.saturating_add(FIRST),
        };
        self.lost.entry(peer).or_insert(lost);
        if self.lost.len() > MOST {
            let others = self.lost.iter().filter(|(one, _)| **one != peer);
            let worst = others.max_by_key(|(_, lost)| lost.tries);
            if let Some(worst) = worst.map(|(peer, _)| *peer) {
                self.lost.remove(&worst);
            }
        }
    }

    /// Whom to dial now, and where besides the addresses that are known otherwise.
    fn due(&mut self, now: Millis) -> Vec<(PeerId, Vec<Multiaddr>)> {
        let mut due = Vec::new();
        for (peer, lost) in &mut self.lost {
            if lost.at > now || due.len() == AT_ONCE {
                continue;
            }
            lost.tries += 1;
            let wait = match lost.tries < TRIES {
                true => FIRST.saturating_mul(1 << lost.tries).min(LATEST),
                false => SELDOM,
            };
            lost.at = now.saturating_add(wait);
            let named = self.named.get(peer);
            due.push((*peer, lost.address.iter().chain(named).cloned().collect()));
        }
        let named = &self.named;
        self.lost
            .retain(|peer, lost| lost.tries < TRIES || named.contains_key(peer));
        due
    }
}

impl Task {
    /// The last connection to a peer has ended.
    pub(super) fn lost(
        &mut self,
        peer: PeerId,
        endpoint: &ConnectedPoint,
        cause: Option<&ConnectionError>,
    ) {
        let now = self.now();
        let named = self.desk.reach.again.named.contains_key(&peer);
        let spoke = self
            .peers
            .iter()
            .any(|(id, known)| *id == peer && known.speaks);
        // Without a cause this node has hung up itself; with a time-out of the kind that
        // follows, nobody had anything to say.
        let lost = matches!(cause, Some(ConnectionError::IO(_)));
        if self.peers.is_silenced(&peer, now) || !(named || spoke && lost) {
            return;
        }
        let address = match endpoint {
            ConnectedPoint::Dialer { address, .. } => Some(address.clone()),
            ConnectedPoint::Listener { .. } => self.home_of(peer),
        };
        self.desk.reach.again.note(peer, address, now);
    }

    /// Where a connected peer is to be found again.
    fn home_of(&self, peer: PeerId) -> Option<Multiaddr> {
        let known = self.peers.iter().find(|(id, _)| **id == peer);
        let (_, known) = known.filter(|(_, known)| known.way.lasting)?;
        Some(known.address.clone())
    }

    /// An address of this machine is gone, a cable or a network changed: what went over it is dead,
    /// though it takes a minute and more until that shows. So all that spoke are dialled anew.
    pub(super) fn address_gone(&mut self, address: &Multiaddr) {
        if dialling::ip(address).is_none_or(|ip| ip.is_loopback()) {
            return;
        }
        let now = self.now();
        let away = |known: &Peer| dialling::ip(&known.address).is_some_and(|ip| !ip.is_loopback());
        let all = self.peers.iter().filter(|(_, known)| away(known));
        let all: Vec<(PeerId, bool)> = all.map(|(peer, known)| (*peer, known.speaks)).collect();
        for (peer, speaks) in all {
            if speaks {
                let address = self.home_of(peer);
                self.desk.reach.again.note(peer, address, now);
            }
            self.swarm.behaviour_mut().lines.hang_up(peer);
        }
    }

    /// Dials those that were lost.
    pub(super) fn dial_again(&mut self, now: Millis) {
        let swarm = &self.swarm;
        self.desk
            .reach
            .again
            .lost
            .retain(|peer, _| !swarm.is_connected(peer));
        for (peer, addresses) in self.desk.reach.again.due(now) {
            let opts = DialOpts::peer_id(peer)
                .condition(PeerCondition::DisconnectedAndNotDialing)
                .addresses(addresses)
                .extend_addresses_through_behaviour()
                .build();
            if let Err(error) = self.swarm.dial(opts) {
                tracing::debug!(%peer, %error, "not dialled again");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(at: u8) -> PeerId {
        let hash = multihash(&[at; 32]);
        PeerId::from_bytes(&hash).unwrap()
    }

    /// A digest of SHA-256 as peer ids hold it.
    fn multihash(digest: &[u8; 32]) -> Vec<u8> {
        [&[0x12, 32], &digest[..]].concat()
    }

    #[test]
    fn tries_come_later_and_end_but_for_those_that_were_named() {
        let named: Multiaddr = format!("/ip4/192.0.2.7/tcp/4011/p2p/{}", peer(1))
            .parse()
            .unwrap();
        let mut again = Again::default();
        again.name(&named, 0);
        again.note(peer(2), None, 0);
        assert!(again.due(FIRST - 1).is_empty());
        let both = again.due(FIRST);
        assert_eq!(both.len(), 2);
        assert!(both.contains(&(peer(2), Vec::new())));
        assert!(again.due(FIRST + 1).is_empty());
        let mut now = FIRST;
        let mut tries = 1;
        while again.lost.contains_key(&peer(2)) {
            now += LATEST;
            tries += 1;
            again.due(now);
        }
        assert_eq!(tries, TRIES);
        now += LATEST;
        assert!(again.due(now).is_empty());
        assert_eq!(again.due(now + SELDOM).len(), 1, "the named one");
    }

    #[test]
    fn not_everybody_is_remembered() {
        let mut again = Again::default();
        for at in 0..=u8::MAX {
            again.note(peer(at), None, 0);
        }
        assert_eq!(again.lost.len(), MOST);
        assert_eq!(again.due(FIRST).len(), AT_ONCE);
    }
}
