//! What the network tells, and what follows.

use libp2p::{
    Multiaddr, PeerId, identify, kad, mdns, ping, relay,
    swarm::{ConnectionId, SwarmEvent},
};
use ourspace_protocol::machine::rows;

use super::{
    Task,
    queries::{For, Heard},
    reach::HOP,
};
use crate::{
    behaviour::{BehaviourEvent, ReachEvent},
    bitswap, dht, lines,
};

impl Task {
    pub(super) fn swarm_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.behaviour_event(event),
            SwarmEvent::ConnectionEstablished {
                peer_id,
                connection_id,
                endpoint,
                ..
            } => {
                let now = self.now();
                self.linked(peer_id, connection_id, &endpoint);
                if self.peers.is_silenced(&peer_id, now) {
                    self.swarm.behaviour_mut().lines.hang_up(peer_id);
                    return;
                }
                self.peers.connected(peer_id, &endpoint, now);
            }
            SwarmEvent::ConnectionClosed {
                peer_id,
                connection_id,
                endpoint,
                num_established,
                cause,
            } => {
                self.unlinked(connection_id);
                if num_established == 0 {
                    self.lost(peer_id, &endpoint, cause.as_ref());
                    self.peers.gone(&peer_id);
                }
            }
            SwarmEvent::ListenerClosed { listener_id, .. } => self.relay_gone(listener_id),
            SwarmEvent::ExternalAddrConfirmed { .. } | SwarmEvent::ExternalAddrExpired { .. } => {
                self.moved();
            }
            SwarmEvent::NewListenAddr { address, .. } => {
                tracing::info!(%address, "listening");
                self.listens(&address);
            }
            SwarmEvent::ExpiredListenAddr { address, .. } => {
                tracing::info!(%address, "not listening any more");
                self.address_gone(&address);
            }
            SwarmEvent::ListenerError { error, .. } => {
                tracing::warn!(%error, "an address is not listened on any more");
            }
            _ => {}
        }
    }

    fn behaviour_event(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Lines(event) => self.line_event(event),
            BehaviourEvent::Rows(event) => self.rows_event(event),
            BehaviourEvent::Ipfs(event) => self.ipfs_event(event),
            BehaviourEvent::Identify(identify::Event::Received {
                peer_id,
                info,
                connection_id,
            }) => {
                if let Some(ip) = self.desk.reach.remote(connection_id)
                    && let Some(known) = self.peers.get_mut(&peer_id)
                {
                    known.listens(ip, &info.listen_addrs);
                }
                self.identified(peer_id, &info);
            }
            BehaviourEvent::Mdns(mdns::Event::Discovered(found)) => {
                for (peer, address) in found {
                    self.found_near(peer, address);
                }
            }
            BehaviourEvent::Ping(ping::Event {
                peer,
                result: Ok(time),
                ..
            }) => {
                if let Some(peer) = self.peers.get_mut(&peer) {
                    peer.round_trip = Some(time);
                }
            }
            BehaviourEvent::Ping(ping::Event {
                peer,
                connection,
                result: Err(failure),
            }) => self.ping_failed(peer, connection, &failure),
            BehaviourEvent::Reach(event) => self.reach_event(&event),
            BehaviourEvent::Bitswap(event) => self.bitswap_event(event),
            _ => {}
        }
    }

    /// Over TCP nothing else finds out that the other side is gone.
    fn ping_failed(&mut self, peer: PeerId, connection: ConnectionId, why: &ping::Failure) {
        let Some(known) = self.peers.get_mut(&peer) else {
            return;
        };
        let gone = match why {
            ping::Failure::Timeout => true,
            // Who has never answered one may not know pings: that comes as an error of the
            // stream, because its protocol was not agreed on before.
            ping::Failure::Other { .. } => known.round_trip.is_some(),
            ping::Failure::Unsupported => false,
        };
        if gone {
            known.way.silent = true;
            self.swarm.close_connection(connection);
        }
    }

    fn line_event(&mut self, event: lines::Event) {
        let now = self.now();
        match event {
            lines::Event::Open(peer) => {
                if let Some(peer) = self.peers.get_mut(&peer) {
                    peer.speaks = true;
                }
                let out = self.talk.opened(peer, now);
                self.carry_out(out);
                self.ask_who_speaks(peer);
            }
            lines::Event::Another(peer) => {
                // It may have lost the one before, and forgotten what was said on that.
                let out = self.talk.introduce(peer, now);
                self.carry_out(out);
            }
            lines::Event::Moved(peer) => {
                let out = self.talk.introduce(peer, now);
                self.carry_out(out);
            }
            lines::Event::Closed(peer) => {
                let out = self.talk.closed(peer, now);
                self.carry_out(out);
            }
            lines::Event::Frame(peer, frame) => {
                if !self.peers.may_speak(&peer, now) {
                    self.too_much(peer, "frames_too_many");
                    return;
                }
                let rows = self.swarm.behaviour_mut().rows.store_mut();
                let out = self.talk.frame(peer, &frame, rows, now);
                self.carry_out(out);
            }
            lines::Event::Fault(peer, what) => {
                tracing::debug!(%peer, what, "a line is closed");
                self.count("lines_faulty", 1);
                self.swarm.behaviour_mut().lines.hang_up(peer);
            }
        }
    }

    fn rows_event(&mut self, event: kad::Event) {
        if let kad::Event::OutboundQueryProgressed {
            id,
            result,
            stats,
            step,
        } = event
        {
            let now = self.now();
            if step.last {
                self.count("queries", 1);
                self.count("queries_requests", u64::from(stats.num_requests()));
                self.count("queries_failures", u64::from(stats.num_failures()));
            }
            let rows = &mut self.swarm.behaviour_mut().rows;
            let heard = self.queries.progress(rows, (id, step.last), result, now);
            self.hear(heard);
        }
        let store = self.swarm.behaviour_mut().rows.store_mut();
        let (refused, over) = (store.take_refused(), store.take_over_budget());
        if over > 0 {
            self.count("rows_over_budget", over);
        }
        for refusal in refused {
            match refusal.peer {
                Some(peer) if refusal.why.is_fault() => self.fault(peer, "rows_forged"),
                _ => self.count("rows_refused", 1),
            }
        }
    }

    pub(super) fn hear(&mut self, heard: Vec<Heard>) {
        let now = self.now();
        for one in heard {
            match one {
                Heard::Record(record, peer) => {
                    let out = self.talk.learnt(&record, peer, now);
                    self.carry_out(out);
                }
                Heard::Fault(peer, what) => self.fault(peer, what),
                Heard::Looked(account, holders) => {
                    let wanted = self.desk.replicas.min(self.peers.len());
                    let members = self.talk.members(account).len();
                    self.upkeep.looked(account, (holders, wanted), members, now);
                }
                Heard::Region(account, peers, found) => self.ask_region(account, peers, found),
                Heard::Providers(peers, For::Upkeep(account)) => {
                    self.upkeep.kept_by(account, peers.len());
                    self.meet(peers);
                }
                Heard::Providers(peers, For::Mail) => self.meet(peers),
                Heard::Keepers(mut peers, account, found) => {
                    peers.truncate(super::ASKED);
                    self.ask_region(account, peers, Some(found));
                }
                Heard::Providers(peers, For::Session(session)) => {
                    let own = *self.swarm.local_peer_id();
                    let all = peers.iter().filter(|peer| **peer != own);
                    let all: Vec<String> = all.map(PeerId::to_string).collect();
                    // Now, while the query knows their addresses.
                    self.meet(peers);
                    let peers = all;
                    let bitswap = self.swarm.behaviour().bitswap.handle();
                    bitswap.add_providers(session, &peers);
                }
                Heard::SearchOver(session) if !self.ipfs.ends(session) => {}
                Heard::SearchOver(session) => {
                    self.swarm
                        .behaviour()
                        .bitswap
                        .handle()
                        .search_is_over(session);
                }
            }
        }
    }

    /// Looks for more who keep the feed that a session fetches.
    pub(super) fn providers_wanted(&mut self, session: u64) {
        match self.desk.sessions.get(&session).copied() {
            Some(Some(account)) => {
                self.count("searches_for_blocks", 1);
                let rows = &mut self.swarm.behaviour_mut().rows;
                let key = row_key(account);
                self.queries
                    .find_providers(rows, key, For::Session(session));
                self.ipfs.begins(session);
                self.look_in_ipfs(session, account);
            }
            Some(None) => {
                let bitswap = self.swarm.behaviour().bitswap.handle();
                bitswap.search_is_over(session);
            }
            // What it fetches is said a moment later.
            None => {
                self.desk.early.insert(session);
            }
        }
    }

    fn bitswap_event(&mut self, event: bitswap::Event) {
        match event {
            bitswap::Event::ProvidersWanted { session, alone } => {
                // It may want something before it is given those who keep the feed: then it
                // asks them first, and where they have it not, it says so again.
                let account = self.desk.sessions.get(&session).copied().flatten();
                let given =
                    alone && account.is_some_and(|account| self.give_members(session, account));
                if !given {
                    self.providers_wanted(session);
                }
            }
            bitswap::Event::Misbehaved { peer, what } => {
                self.count("bitswap_misbehaved", 1);
                let silent = what == bitswap::Misbehaviour::Silent;
                if let (false, Ok(peer)) = (silent, peer.parse()) {
                    self.fault(peer, "bitswap_faults");
                }
            }
        }
    }

    /// Connects to nodes that are said to keep a feed.
    fn meet(&mut self, peers: Vec<PeerId>) {
        for peer in peers.into_iter().take(super::ASKED) {
            let own = peer == *self.swarm.local_peer_id();
            if !own
                && !self.swarm.is_connected(&peer)
                && let Err(error) = self.swarm.dial(peer)
            {
                tracing::debug!(%peer, %error, "not dialled");
            }
        }
    }

    /// A peer has said which addresses and protocols it has.
    fn identified(&mut self, peer: PeerId, info: &identify::Info) {
        let now = self.now();
        let (mut new_relay, mut away) = (false, false);
        if let Some(known) = self.peers.get_mut(&peer) {
            let relays = info.protocols.contains(&HOP);
            new_relay = relays && !known.relays;
            known.relays = relays;
            away = !dht::is_here(&known.address);
            known.agent = info
                .agent_version
                .chars()
                .filter(|c| !c.is_control())
                .take(64)
                .collect();
        }
        if self.peers.is_silenced(&peer, now) {
            return;
        }
        if new_relay {
            self.keep_reach(now);
        }
        // What leads to its own machine is of use there only.
        let useful = |address: &&Multiaddr| !(away && dht::is_here(address));
        let addresses = || info.listen_addrs.iter().filter(useful).take(8);
        if info.protocols.contains(&dht::NAME) {
            for address in addresses() {
                self.rows().add_address(&peer, address.clone());
            }
            self.note_known();
        } else {
            // It may have found out that nobody gets through to it.
            self.rows().remove_peer(&peer);
        }
        if let Some(ipfs) = self.swarm.behaviour_mut().ipfs.as_mut() {
            let speaks = ipfs
                .protocol_names()
                .iter()
                .any(|name| info.protocols.contains(name));
            if speaks {
                for address in addresses() {
                    ipfs.add_address(&peer, address.clone());
                }
            }
        }
    }

    /// Tells the store where the nodes stand that are known.
    pub(super) fn note_known(&mut self) {
        let mut known = Vec::new();
        for bucket in self.rows().kbuckets() {
            known.extend(
                bucket
                    .iter()
                    .map(|entry| dht::place(entry.node.key.preimage())),
            );
        }
        let spacing = self.queries.note_known(self.swarm.local_peer_id(), &known);
        self.rows().store_mut().set_known(known, spacing);
    }

    fn found_near(&mut self, peer: PeerId, address: Multiaddr) {
        self.desk.reach.neighbours.met(peer, &address);
        self.rows().add_address(&peer, address);
        if !self.swarm.is_connected(&peer)
            && let Err(error) = self.swarm.dial(peer)
        {
            tracing::debug!(%peer, %error, "not dialled");
        }
    }

    fn reach_event(&mut self, event: &ReachEvent) {
        match event {
            ReachEvent::Autonat(tested) => {
                let works = tested.result.is_ok();
                tracing::debug!(address = %tested.tested_addr, works, "an address was tried");
                self.tried(&tested.tested_addr, works);
                self.count(if works { "reachable" } else { "unreachable" }, 1);
            }
            ReachEvent::Dcutr(punched) => {
                let works = punched.result.is_ok();
                self.count(
                    if works {
                        "holes_punched"
                    } else {
                        "holes_failed"
                    },
                    1,
                );
            }
            ReachEvent::RelayClient(relay::client::Event::ReservationReqAccepted {
                relay_peer_id,
                ..
            }) => self.granted(*relay_peer_id),
            ReachEvent::Relay(relay::Event::CircuitReqAccepted { .. }) => {
                self.count("circuits_passed_on", 1);
            }
            ReachEvent::Relay(relay::Event::CircuitReqDenied { .. }) => {
                self.count("circuits_denied", 1);
            }
            _ => {}
        }
    }
}

/// The key of an account's row, as Kademlia names it.
pub(super) fn row_key(account: ourspace_protocol::account::Account) -> kad::RecordKey {
    kad::RecordKey::new(&rows::key_of(account))
}
