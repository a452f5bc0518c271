//! Being reached: what a node does when nobody gets through its router.
//!
//! When others have tried its addresses in vain, it asks two of its peers to pass on
//! connections (circuit relay v2), and tells the DHT that it only asks and answers nothing
//! there. Whoever then connects through a relay punches a hole for a direct connection, where
//! the routers let them. When an address is found to work, all of that ends.

use std::collections::BTreeSet;

use libp2p::{Multiaddr, PeerId, StreamProtocol, kad, multiaddr::Protocol};
use ourspace_protocol::time::Millis;

use super::Task;

/// The protocol of those who pass on connections.
pub(super) const HOP: StreamProtocol = StreamProtocol::new("/libp2p/circuit/relay/0.2.0/hop");

/// Relays that are asked.
const RELAYS: usize = 2;
/// So long after the start nobody has had time to try.
const FIRST: Millis = 30_000;
/// Tries in vain before it is believed.
const VAIN: u32 = 3;

/// What is known of it.
#[derive(Debug, Default)]
pub(super) struct Reach {
    since: Option<Millis>,
    vain: u32,
    /// Peers that pass on connections for this node, or were asked to.
    relays: BTreeSet<PeerId>,
    hidden: bool,
}

impl Task {
    /// Somebody has tried one of this node's addresses.
    pub(super) fn tried(&mut self, works: bool) {
        match works {
            true => self.desk.reach.vain = 0,
            false => self.desk.reach.vain += 1,
        }
    }

    /// Asks for relays when they are needed, and shows or hides this node in the DHT.
    pub(super) fn keep_reach(&mut self, now: Millis) {
        let since = *self.desk.reach.since.get_or_insert(now);
        let direct = self
            .swarm
            .external_addresses()
            .any(|address| !is_relayed(address));
        let vain = self.desk.reach.vain >= VAIN && now >= since.saturating_add(FIRST);
        let hidden = !direct && (vain || self.desk.reach.hidden);
        if hidden != self.desk.reach.hidden {
            self.desk.reach.hidden = hidden;
            let mode = if hidden {
                kad::Mode::Client
            } else {
                kad::Mode::Server
            };
            self.rows().set_mode(Some(mode));
            tracing::info!(hidden, "whether others reach this node has changed");
        }
        if hidden {
            self.ask_relays();
        }
    }

    fn ask_relays(&mut self) {
        let connected: BTreeSet<PeerId> = self.peers.iter().map(|(peer, _)| *peer).collect();
        self.desk
            .reach
            .relays
            .retain(|peer| connected.contains(peer));
        let missing = RELAYS.saturating_sub(self.desk.reach.relays.len());
        let candidates: Vec<(PeerId, Multiaddr)> = self
            .peers
            .iter()
            .filter(|(id, peer)| {
                peer.relays && peer.dialled && !self.desk.reach.relays.contains(id)
            })
            .filter(|(_, peer)| !is_relayed(&peer.address))
            .map(|(id, peer)| (*id, peer.address.clone()))
            .take(missing)
            .collect();
        for (peer, address) in candidates {
            let bare: Multiaddr = address
                .iter()
                .filter(|part| !matches!(part, Protocol::P2p(_)))
                .collect();
            let through = bare.with(Protocol::P2p(peer)).with(Protocol::P2pCircuit);
            self.desk.reach.relays.insert(peer);
            if let Err(error) = self.swarm.listen_on(through) {
                tracing::debug!(%peer, %error, "a relay is not asked");
            }
        }
    }
}

/// Whether an address leads through a relay.
pub(super) fn is_relayed(address: &Multiaddr) -> bool {
    address.iter().any(|part| part == Protocol::P2pCircuit)
}
