//! Lines: the streams on which nodes tell each other about records (`/ourspace/peer/1`).
//!
//! One long stream each way and connection; frames in order. This room knows no message:
//! it carries frames, bounds what waits, and says who speaks the protocol.

mod frames;
mod handler;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use libp2p::{
    Multiaddr, PeerId, StreamProtocol,
    core::{Endpoint, transport::PortUse},
    multiaddr::Protocol,
    swarm::{
        CloseConnection, ConnectionClosed, ConnectionDenied, ConnectionId, FromSwarm,
        NetworkBehaviour, NotifyHandler, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
    },
};

pub(crate) use self::handler::Handler;
use self::handler::Told;
use crate::pace::{Meters, Speed};

/// The protocol's name.
pub(crate) const NAME: StreamProtocol = StreamProtocol::new("/ourspace/peer/1");

/// Frames of all peers of one part of the network.
const FRAMES: Speed = Speed {
    second: 400,
    at_once: Duration::from_secs(20),
};

/// What happens on the lines.
#[derive(Debug)]
pub(crate) enum Event {
    /// A peer speaks the protocol from now on.
    Open(PeerId),
    /// A peer that speaks it already does so on one more connection.
    Another(PeerId),
    /// The connection that was used for such a peer has ended, and another one is used from now
    /// on: what was under way may be lost.
    Moved(PeerId),
    /// The last connection to such a peer has ended.
    Closed(PeerId),
    /// A frame came.
    Frame(PeerId, Vec<u8>),
    /// A peer broke the rules.
    Fault(PeerId, &'static str),
}

/// A connection that speaks.
#[derive(Debug, Clone, Copy)]
struct Line {
    connection: ConnectionId,
    relayed: bool,
}

/// All lines.
#[derive(Debug)]
pub(crate) struct Behaviour {
    /// Those that speak: direct ones first, and of these the newest.
    lines: BTreeMap<PeerId, Vec<Line>>,
    relayed: BTreeMap<ConnectionId, bool>,
    queue: VecDeque<ToSwarm<Event, Arc<[u8]>>>,
    waker: Option<std::task::Waker>,
    meters: Meters,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            lines: BTreeMap::new(),
            relayed: BTreeMap::new(),
            queue: VecDeque::new(),
            waker: None,
            meters: Meters::new(FRAMES),
        }
    }
}

impl Behaviour {
    /// Sends a frame to a peer that speaks; to others nothing is sent.
    pub(crate) fn send(&mut self, peer: PeerId, frame: Arc<[u8]>) {
        let Some(line) = self.lines.get(&peer).and_then(|lines| lines.first()) else {
            return;
        };
        self.push(ToSwarm::NotifyHandler {
            peer_id: peer,
            handler: NotifyHandler::One(line.connection),
            event: frame,
        });
    }

    /// Ends the connections to a peer.
    pub(crate) fn hang_up(&mut self, peer: PeerId) {
        self.push(ToSwarm::CloseConnection {
            peer_id: peer,
            connection: CloseConnection::All,
        });
    }

    /// Whether all lines to a peer go through a relay.
    #[must_use]
    pub(crate) fn is_relayed(&self, peer: &PeerId) -> bool {
        let lines = self.lines.get(peer);
        lines.is_some_and(|lines| lines.iter().all(|line| line.relayed))
    }

    fn push(&mut self, event: ToSwarm<Event, Arc<[u8]>>) {
        self.queue.push_back(event);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn speaks(&mut self, peer: PeerId, connection: ConnectionId) {
        let relayed = self.relayed.get(&connection).copied().unwrap_or(false);
        let lines = self.lines.entry(peer).or_default();
        let first = lines.is_empty();
        let line = Line {
            connection,
            relayed,
        };
        lines.insert(0, line);
        lines.sort_by_key(|line| line.relayed);
        let event = match first {
            true => Event::Open(peer),
            false => Event::Another(peer),
        };
        self.push(ToSwarm::GenerateEvent(event));
    }

    /// Ends all connections to a peer but the newest: those of a program that has ended.
    pub(crate) fn end_older(&mut self, peer: PeerId) {
        let lines = self.lines.get(&peer).into_iter().flatten();
        let newest = lines.clone().map(|line| line.connection).max();
        let older = lines.map(|line| line.connection);
        let older: Vec<ConnectionId> = older.filter(|one| Some(*one) != newest).collect();
        for connection in older {
            self.push(ToSwarm::CloseConnection {
                peer_id: peer,
                connection: CloseConnection::One(connection),
            });
        }
    }

    fn closed(&mut self, peer: PeerId, connection: ConnectionId) {
        self.relayed.remove(&connection);
        let Some(lines) = self.lines.get_mut(&peer) else {
            return;
        };
        let used = lines.first().map(|line| line.connection);
        lines.retain(|line| line.connection != connection);
        if lines.is_empty() {
            self.lines.remove(&peer);
            self.push(ToSwarm::GenerateEvent(Event::Closed(peer)));
        } else if used == Some(connection) {
            self.push(ToSwarm::GenerateEvent(Event::Moved(peer)));
        }
    }

    fn begin(
        &mut self,
        connection: ConnectionId,
        address: &Multiaddr,
        remote: &Multiaddr,
    ) -> Handler {
        let relayed = address.iter().any(|part| part == Protocol::P2pCircuit);
        self.relayed.insert(connection, relayed);
        Handler::new(NAME, self.meters.pace(remote))
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Event;

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        _: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.begin(connection, local, remote))
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        _: PeerId,
        address: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.begin(connection, address, address))
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        if let FromSwarm::ConnectionClosed(ConnectionClosed {
            peer_id,
            connection_id,
            ..
        }) = event
        {
            self.closed(peer_id, connection_id);
        }
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        told: THandlerOutEvent<Self>,
    ) {
        match told {
            Told::Speaks => self.speaks(peer, connection),
            Told::Frame(frame) => self.push(ToSwarm::GenerateEvent(Event::Frame(peer, frame))),
            Told::Fault(what) => self.push(ToSwarm::GenerateEvent(Event::Fault(peer, what))),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Event, THandlerInEvent<Self>>> {
        match self.queue.pop_front() {
            Some(event) => Poll::Ready(event),
            None => {
                self.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}
