//! Kademlia that knows whose request it is handling, and lets nobody ask without end.

use std::{
    ops::{Deref, DerefMut},
    task::{Context, Poll},
    time::Duration,
};

use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    kad,
    swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
        THandlerOutEvent, ToSwarm,
    },
};

use super::RowStore;
use crate::{
    pace::{Meters, Speed},
    paced::Paced,
};

/// Questions of one part of the network: each costs some sixty microseconds. Whoever begins with
/// hundreds of follows asks a thousand at once.
const QUESTIONS: Speed = Speed {
    second: 200,
    at_once: Duration::from_secs(10),
};

/// Kademlia over a [`RowStore`].
pub(crate) struct Guarded {
    inner: kad::Behaviour<RowStore>,
    meters: Meters,
}

impl Guarded {
    pub(crate) fn new(inner: kad::Behaviour<RowStore>) -> Self {
        Self {
            inner,
            meters: Meters::new(QUESTIONS),
        }
    }
}

impl Deref for Guarded {
    type Target = kad::Behaviour<RowStore>;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl DerefMut for Guarded {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.inner
    }
}

impl NetworkBehaviour for Guarded {
    type ConnectionHandler =
        Paced<<kad::Behaviour<RowStore> as NetworkBehaviour>::ConnectionHandler>;
    type ToSwarm = kad::Event;

    fn handle_pending_inbound_connection(
        &mut self,
        connection: ConnectionId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.inner
            .handle_pending_inbound_connection(connection, local, remote)
    }

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.inner.store_mut().budgets.connected(peer, remote);
        let inner = self
            .inner
            .handle_established_inbound_connection(connection, peer, local, remote)?;
        Ok(Paced::new(inner, self.meters.pace(remote)))
    }

    fn handle_pending_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: Option<PeerId>,
        addresses: &[Multiaddr],
        role: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        self.inner
            .handle_pending_outbound_connection(connection, peer, addresses, role)
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.inner.store_mut().budgets.connected(peer, address);
        // Kademlia writes out addresses that it is told of with the peer id, and these as they
        // are: it would tell others both.
        let whole = address
            .clone()
            .with_p2p(peer)
            .unwrap_or_else(|address| address);
        let inner = self
            .inner
            .handle_established_outbound_connection(connection, peer, &whole, role, port)?;
        Ok(Paced::new(inner, self.meters.pace(address)))
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        if let FromSwarm::ConnectionClosed(closed) = &event
            && closed.remaining_established == 0
        {
            self.inner.store_mut().budgets.gone(&closed.peer_id);
        }
        self.inner.on_swarm_event(event);
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        self.inner.store_mut().budgets.sender = Some(peer);
        self.inner
            .on_connection_handler_event(peer, connection, event);
        self.inner.store_mut().budgets.sender = None;
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        self.inner.poll(cx)
    }
}
