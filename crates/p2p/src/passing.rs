//! Passing on connections of others, with libp2p's relay.
//!
//! libp2p 0.57's relay tells all connections when it is switched on or off, relayed ones too,
//! whose end here cannot be told anything: the whole node would panic, and whoever connects
//! through a relay at the right moment could bring that about. So it does not hear of them.

use std::task::{Context, Poll};

use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    relay,
    swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
        THandlerOutEvent, ToSwarm,
    },
};

/// The relay, which knows of direct connections only.
pub(crate) struct PassingOn(relay::Behaviour);

impl PassingOn {
    /// Off until it is told.
    pub(crate) fn new(own: PeerId, limits: relay::Config) -> Self {
        let mut relay = relay::Behaviour::new(own, limits);
        relay.set_status(Some(relay::Status::Disable));
        Self(relay)
    }

    /// Whether others are told that it passes on connections.
    pub(crate) fn switch(&mut self, on: bool) {
        self.0.set_status(Some(match on {
            true => relay::Status::Enable,
            false => relay::Status::Disable,
        }));
    }
}

impl NetworkBehaviour for PassingOn {
    type ConnectionHandler = <relay::Behaviour as NetworkBehaviour>::ConnectionHandler;
    type ToSwarm = relay::Event;

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.0
            .handle_established_inbound_connection(connection, peer, local, remote)
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.0
            .handle_established_outbound_connection(connection, peer, address, role, port)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        let relayed = match &event {
            FromSwarm::ConnectionEstablished(event) => event.endpoint.is_relayed(),
            FromSwarm::ConnectionClosed(event) => event.endpoint.is_relayed(),
            _ => false,
        };
        if !relayed {
            self.0.on_swarm_event(event);
        }
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        self.0.on_connection_handler_event(peer, connection, event);
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        self.0.poll(cx)
    }
}
