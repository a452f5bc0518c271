//! Addresses that others try for this node, with libp2p's AutoNAT v2.
//!
//! libp2p 0.57 has others try whatever they say they see: of a relayed connection the relay's
//! address too, which works and says nothing. And it has an address tried once in a node's
//! life, though a lost packet or a busy helper may be all that was wrong. So relayed addresses
//! are left out here, and one that failed is tried a second time. Streams on which others say
//! that they have tried are read by [`DialledBack`].

use std::task::{Context, Poll};

use either::Either;
use libp2p::{
    Multiaddr, PeerId,
    autonat::v2::client,
    core::{Endpoint, transport::PortUse},
    multiaddr::Protocol,
    swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, NewExternalAddrCandidate,
        THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
    },
};

use crate::dialled_back::DialledBack;

/// The handler of connections that this node has made.
type Asking = <client::Behaviour as NetworkBehaviour>::ConnectionHandler;

/// The client of AutoNAT, which hears of addresses of this node's own only.
pub(crate) struct Tested {
    inner: client::Behaviour,
    own: PeerId,
}

impl Tested {
    pub(crate) fn new(own: PeerId) -> Self {
        Self {
            inner: client::Behaviour::default(),
            own,
        }
    }

    /// Has an address tried again. With the peer id at its end it is another one to libp2p.
    /// Whether it has not been tried twice already.
    pub(crate) fn again(&mut self, address: &Multiaddr) -> bool {
        let first = !address.iter().any(|part| matches!(part, Protocol::P2p(_)));
        if first {
            let addr = &address.clone().with(Protocol::P2p(self.own));
            let event = NewExternalAddrCandidate { addr };
            self.inner
                .on_swarm_event(FromSwarm::NewExternalAddrCandidate(event));
        }
        first
    }
}

/// Whether an address is this node's own, if anybody's.
fn is_own(address: &Multiaddr) -> bool {
    let has_ip = |part: Protocol<'_>| matches!(part, Protocol::Ip4(_) | Protocol::Ip6(_));
    address.iter().any(has_ip) && !address.iter().any(|part| part == Protocol::P2pCircuit)
}

impl NetworkBehaviour for Tested {
    type ConnectionHandler = Either<Asking, DialledBack>;
    type ToSwarm = client::Event;

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.inner
            .handle_established_inbound_connection(connection, peer, local, remote)?;
        Ok(Either::Right(DialledBack::default()))
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.inner
            .handle_established_outbound_connection(connection, peer, address, role, port)
            .map(Either::Left)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match &event {
            FromSwarm::NewExternalAddrCandidate(candidate) if !is_own(candidate.addr) => {}
            _ => self.inner.on_swarm_event(event),
        }
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        let event = match event {
            Either::Left(event) => event,
            Either::Right(told) => Either::Right(told),
        };
        self.inner
            .on_connection_handler_event(peer, connection, event);
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        self.inner.poll(cx).map(|event| event.map_in(Either::Left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_tried_twice_and_no_relay_s() {
        let peer = PeerId::random();
        let address: Multiaddr = "/ip4/11.1.0.1/udp/4011/quic-v1".parse().unwrap();
        let mut tested = Tested::new(peer);
        assert!(tested.again(&address));
        assert!(!tested.again(&address.clone().with(Protocol::P2p(peer))));
        assert!(is_own(&address));
        let relayed = address.with(Protocol::P2p(peer)).with(Protocol::P2pCircuit);
        assert!(!is_own(&relayed));
        assert!(!is_own(&Multiaddr::empty().with(Protocol::P2p(peer))));
    }
}
