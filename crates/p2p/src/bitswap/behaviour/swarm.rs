//! What the swarm tells bitswap, and asks it for.

use std::task::{Context, Poll};

use futures::{FutureExt as _, StreamExt as _};
use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    swarm::{
        ConnectionDenied, ConnectionId, DialError, DialFailure, FromSwarm, NetworkBehaviour,
        THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
        behaviour::{ConnectionClosed, ConnectionEstablished},
    },
};

use super::{Behaviour, Event, Misbehaviour, client, server};
use crate::bitswap::{
    handle::Traffic,
    handler::{FromHandler, Handler, ToHandler, Wrong},
};

/// Commands that are taken in one go, before others get their turn.
const COMMANDS: usize = 64;

impl Behaviour {
    fn established(&mut self, event: &ConnectionEstablished<'_>) {
        let peer = event.peer_id;
        let links = self.links.entry(peer).or_default();
        links
            .connections
            .push((event.connection_id, Default::default()));
        let needed = links.needed;
        if links.connections.len() == 1 {
            self.tell_client(client::Input::Up(peer));
        } else if needed {
            // The one that is used stays, whichever the other side keeps.
            self.notify(peer, ToHandler::Need(true));
        }
    }

    fn closed(&mut self, event: &ConnectionClosed<'_>) {
        let peer = event.peer_id;
        let Some(links) = self.links.get_mut(&peer) else {
            return;
        };
        let used = links.connections.first().map(|(connection, _)| *connection);
        links
            .connections
            .retain(|(connection, _)| *connection != event.connection_id);
        if links.connections.is_empty() {
            self.links.remove(&peer);
            self.board(|board, _| {
                board.peers.remove(&peer);
            });
        } else if used != Some(event.connection_id) {
            return;
        }
        // What was under way on the connection is lost with it, whether there is another
        // one or not.
        self.tell_server(server::Input::Gone(peer));
        self.tell_client(client::Input::Down(peer));
        if self.links.contains_key(&peer) {
            self.tell_client(client::Input::Up(peer));
        }
    }

    fn dial_failed(&mut self, failure: &DialFailure<'_>) {
        // Another part of the program was faster: its dial is the one to wait for.
        if let (Some(peer), false) = (
            failure.peer_id,
            matches!(failure.error, DialError::DialPeerConditionFalse(_)),
        ) && !self.links.contains_key(&peer)
        {
            self.addresses.remove(&peer);
            self.tell_client(client::Input::Unusable(peer));
        }
    }

    fn heard(&mut self, peer: PeerId, connection: ConnectionId, event: FromHandler) {
        match event {
            FromHandler::New(counter) => {
                let links = self.links.get_mut(&peer);
                let mut links = links.into_iter().flat_map(|links| &mut links.connections);
                if let Some((_, place)) = links.find(|(id, _)| *id == connection) {
                    *place = counter;
                }
            }
            FromHandler::Received(incoming) => self.received(peer, *incoming),
            FromHandler::Left(bytes, wire) => {
                let traffic = Traffic {
                    sent: wire as u64,
                    received: 0,
                };
                self.count(peer, traffic);
                self.tell_server(server::Input::Sent(peer, bytes));
            }
            FromHandler::Unusable => {
                self.tell_server(server::Input::Gone(peer));
                self.tell_client(client::Input::Unusable(peer));
            }
            FromHandler::Wrong(wrong) => {
                self.tell_server(server::Input::Gone(peer));
                if matches!(wrong, Wrong::Message(_)) {
                    self.tell_client(client::Input::Unusable(peer));
                }
                self.misbehaved(peer, Misbehaviour::Connection(wrong));
            }
        }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Event;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.bounds.handler(remote))
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        remote: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.bounds.handler(remote))
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(event) => self.established(&event),
            FromSwarm::ConnectionClosed(event) => self.closed(&event),
            FromSwarm::DialFailure(failure) => self.dial_failed(&failure),
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        self.heard(peer, connection, event);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Event, THandlerInEvent<Self>>> {
        for _ in 0..COMMANDS {
            let Poll::Ready(Some(command)) = self.outside.commands.poll_next_unpin(cx) else {
                break;
            };
            self.command(command);
            cx.waker().wake_by_ref();
        }
        while let Poll::Ready(Some(done)) = self.reads.poll_next_unpin(cx) {
            match done {
                Ok(done) => self.tell_server(server::Input::Read(done)),
                Err(error) => tracing::error!("reading blocks for a peer failed: {error}"),
            }
        }
        if let Some(tick) = &mut self.clock.tick
            && tick.poll_unpin(cx).is_ready()
        {
            self.clock.tick = None;
            self.tick();
            cx.waker().wake_by_ref();
        }
        match self.out.pop_front() {
            Some(out) => Poll::Ready(out),
            None => Poll::Pending,
        }
    }
}
