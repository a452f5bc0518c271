//! Being reached: what a node does when nobody gets through its router.
//!
//! Until one of its addresses is known to work, it asks two of its peers to pass on
//! connections (circuit relay v2). When others have tried an address in vain, it tells the DHT
//! that it only asks and answers nothing there. Whoever connects through a relay punches a
//! hole for a direct connection, where the routers let them, and gives up the one through the
//! relay. When an address is found to work, all of that ends. A node that can be reached
//! passes on connections itself.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
    time::Duration,
};

use libp2p::{
    Multiaddr, PeerId, StreamProtocol,
    core::{ConnectedPoint, transport::ListenerId},
    kad::{self, RecordKey, store::RecordStore as _},
    multiaddr::Protocol,
    swarm::ConnectionId,
};
use ourspace_protocol::{seams::is_public, time::Millis};

use super::{Task, again::Again};
use crate::{
    counted::Meter,
    dialling::{self, Neighbours},
};

/// The protocol of those who pass on connections.
pub(super) const HOP: StreamProtocol = StreamProtocol::new("/libp2p/circuit/relay/0.2.0/hop");

/// Relays that are asked.
const RELAYS: usize = 2;
/// A relay that does not want to is left alone for so long.
const REFUSED: Millis = 10 * 60 * 1000;
/// A relayed connection goes so long after there is a direct one: what was on its way on it
/// has come by then.
const GRACE: Millis = 5_000;
/// Keys that this node provides and tells of again at once when its addresses change: so many
/// in a turn.
const TOLD: usize = 16;
/// Connections that are remembered: more than there can be.
const LINKS: usize = 4_096;

/// What is known of it.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// Addresses that were tried in vain since one last worked.
    vain: u32,
    /// Peers that pass on connections for this node, or were asked to.
    relays: HashMap<ListenerId, Relay>,
    /// Those that did not want to, and until when they are left alone.
    refused: BTreeMap<PeerId, Millis>,
    links: BTreeMap<ConnectionId, Link>,
    hidden: bool,
    /// Whether this node passes on connections.
    passes_on: bool,
    /// What others are still to be told of the addresses that this node has now.
    untold: Vec<RecordKey>,
    /// Nodes that were lost.
    pub(super) again: Again,
    /// What relays have carried for this node.
    pub(super) relayed: Meter,
    /// Who is in the same private networks.
    pub(super) neighbours: Neighbours,
}

/// A peer that was asked to pass on connections.
#[derive(Clone, Copy, Debug)]
struct Relay {
    peer: PeerId,
    /// Whether it has said that it does.
    granted: bool,
}

/// A connection.
#[derive(Clone, Copy, Debug)]
struct Link {
    peer: PeerId,
    relayed: bool,
    since: Millis,
    /// Where the peer is, if the connection is a direct one.
    ip: Option<IpAddr>,
}

impl Reach {
    /// Where the peer of a direct connection is.
    pub(super) fn remote(&self, id: ConnectionId) -> Option<IpAddr> {
        self.links.get(&id)?.ip
    }

    pub(super) fn new(relayed: Meter, neighbours: Neighbours) -> Self {
        Self {
            relayed,
            neighbours,
            ..Self::default()
        }
    }
}

impl Task {
    /// Somebody has tried one of this node's addresses.
    pub(super) fn tried(&mut self, address: &Multiaddr, works: bool) {
        if works {
            self.desk.reach.vain = 0;
        } else if !self.swarm.behaviour_mut().reach.autonat.again(address) {
            self.desk.reach.vain = self.desk.reach.vain.saturating_add(1);
        }
        let now = self.now();
        self.keep_reach(now);
    }

    /// A connection has begun. One from outside to an address that this machine has itself
    /// shows that no router is in the way: nobody else needs to try it.
    pub(super) fn linked(&mut self, peer: PeerId, id: ConnectionId, endpoint: &ConnectedPoint) {
        let since = self.now();
        let relayed = endpoint.is_relayed();
        if !relayed {
            let address = endpoint.get_remote_address();
            self.desk.reach.neighbours.connected(peer, address);
        }
        let reach = &mut self.desk.reach;
        let link = Link {
            peer,
            relayed,
            since,
            ip: match relayed {
                true => None,
                false => dialling::ip(endpoint.get_remote_address()),
            },
        };
        if reach.links.len() < LINKS {
            reach.links.insert(id, link);
        }
        let ConnectedPoint::Listener { send_back_addr, .. } = endpoint else {
            return;
        };
        // With relays a hole may have been punched for it.
        if relayed || !reach.relays.is_empty() || !is_outside(send_back_addr) {
            return;
        }
        let quic = is_quic(send_back_addr);
        let own: Vec<Multiaddr> = self
            .swarm
            .listeners()
            .filter(|own| is_outside(own) && is_quic(own) == quic && !is_relayed(own))
            .cloned()
            .collect();
        let known: BTreeSet<Multiaddr> = self.swarm.external_addresses().cloned().collect();
        let new: Vec<Multiaddr> = own.into_iter().filter(|own| !known.contains(own)).collect();
        for address in &new {
            self.swarm.add_external_address(address.clone());
        }
        if !new.is_empty() {
            self.moved();
        }
    }

    /// A connection has ended.
    pub(super) fn unlinked(&mut self, id: ConnectionId) {
        self.desk.reach.links.remove(&id);
    }

    /// The addresses by which others reach this node are not what they were.
    pub(super) fn moved(&mut self) {
        let provided = self.rows().store_mut().provided();
        self.desk.reach.untold = provided.map(|record| record.key.clone()).collect();
        let now = self.now();
        self.keep_reach(now);
    }

    /// A relay has ended what it did for this node, or never began.
    pub(super) fn relay_gone(&mut self, listener: ListenerId) {
        let until = self.now().saturating_add(REFUSED);
        let reach = &mut self.desk.reach;
        if let Some(Relay { peer, .. }) = reach.relays.remove(&listener) {
            // If it is only the connection that has ended, nothing is held against it.
            if reach.links.values().any(|link| link.peer == peer) {
                reach.refused.insert(peer, until);
            }
        }
    }

    /// Asks for relays when they are needed, and shows or hides this node in the DHT.
    pub(super) fn keep_reach(&mut self, now: Millis) {
        let direct = self
            .swarm
            .external_addresses()
            .any(|address| !is_relayed(address));
        let hidden = !direct && self.desk.reach.vain > 0;
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
        self.pass_on(direct);
        if direct {
            self.give_up_relays();
        } else {
            self.ask_relays(now);
        }
        self.give_up_relayed(now);
        self.tell_addresses();
    }

    /// Asks no relay any more. One that has not answered yet is given up when it has.
    fn give_up_relays(&mut self) {
        let relays = self.desk.reach.relays.iter();
        let ended = relays.filter(|(_, relay)| relay.granted);
        let ended: Vec<ListenerId> = ended.map(|(listener, _)| *listener).collect();
        for listener in ended {
            self.desk.reach.relays.remove(&listener);
            self.swarm.remove_listener(listener);
        }
    }

    /// A relay has said that it passes on connections for this node.
    pub(super) fn granted(&mut self, relay: PeerId) {
        for asked in self.desk.reach.relays.values_mut() {
            asked.granted |= asked.peer == relay;
        }
        let now = self.now();
        self.keep_reach(now);
    }

    /// A node that others reach through a relay only cannot pass on anything itself.
    fn pass_on(&mut self, direct: bool) {
        if std::mem::replace(&mut self.desk.reach.passes_on, direct) != direct
            && let Some(relay) = self.swarm.behaviour_mut().reach.relay.as_mut()
        {
            relay.switch(direct);
        }
    }

    fn ask_relays(&mut self, now: Millis) {
        let reach = &mut self.desk.reach;
        reach.refused.retain(|_, until| *until > now);
        let asked: BTreeSet<PeerId> = reach.relays.values().map(|relay| relay.peer).collect();
        let mut candidates: Vec<(Duration, PeerId, Multiaddr)> = self
            .peers
            .iter()
            .filter(|(id, peer)| {
                peer.relays
                    && peer.way.lasting
                    && !peer.way.relayed
                    && !asked.contains(id)
                    && !reach.refused.contains_key(id)
            })
            .map(|(id, peer)| {
                let far = peer.round_trip.unwrap_or(Duration::MAX);
                (far, *id, peer.address.clone())
            })
            .collect();
        candidates.sort_unstable_by_key(|(far, id, _)| (*far, *id));
        candidates.truncate(RELAYS.saturating_sub(asked.len()));
        for (_, peer, address) in candidates {
            let bare: Multiaddr = address
                .iter()
                .filter(|part| !matches!(part, Protocol::P2p(_)))
                .collect();
            let through = bare.with(Protocol::P2p(peer)).with(Protocol::P2pCircuit);
            match self.swarm.listen_on(through) {
                Ok(listener) => {
                    let granted = false;
                    let relay = Relay { peer, granted };
                    self.desk.reach.relays.insert(listener, relay);
                }
                Err(error) => tracing::debug!(%peer, %error, "a relay is not asked"),
            }
        }
    }

    /// Ends relayed connections to peers that there is a direct one to.
    fn give_up_relayed(&mut self, now: Millis) {
        let reach = &self.desk.reach;
        let old = now.saturating_sub(GRACE);
        let direct: BTreeSet<PeerId> = reach
            .links
            .values()
            .filter(|link| !link.relayed && link.since <= old)
            .map(|link| link.peer)
            .collect();
        let relayed = reach.links.iter();
        let ended: Vec<ConnectionId> = relayed
            .filter(|(_, link)| link.relayed && direct.contains(&link.peer))
            .map(|(id, _)| *id)
            .collect();
        for id in ended {
            self.swarm.close_connection(id);
        }
    }

    /// Whoever looks for what this node provides is told the addresses that it has now.
    fn tell_addresses(&mut self) {
        let untold = &mut self.desk.reach.untold;
        let turn = untold.split_off(untold.len().saturating_sub(TOLD));
        for key in turn {
            if let Err(error) = self.rows().start_providing(key) {
                tracing::debug!(%error, "not announced as a keeper");
            }
        }
    }
}

/// Whether an address leads through a relay.
pub(super) fn is_relayed(address: &Multiaddr) -> bool {
    address.iter().any(|part| part == Protocol::P2pCircuit)
}

fn is_quic(address: &Multiaddr) -> bool {
    address.iter().any(|part| part == Protocol::QuicV1)
}

/// Whether an address is one of the public internet.
fn is_outside(address: &Multiaddr) -> bool {
    address.iter().any(|part| match part {
        Protocol::Ip4(ip) => is_public(IpAddr::V4(ip)),
        Protocol::Ip6(ip) => is_public(IpAddr::V6(ip)),
        _ => false,
    })
}
