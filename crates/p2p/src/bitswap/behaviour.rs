//! Bitswap in a swarm: carries what the server and the client decide to the connections,
//! reads blocks in other threads, and tells the time.

mod swarm;

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures::{channel::mpsc::UnboundedReceiver, stream::FuturesUnordered};
use futures_timer::Delay;
use libp2p::{
    Multiaddr, PeerId,
    swarm::{
        ConnectionId, NotifyHandler, ToSwarm,
        dial_opts::{DialOpts, PeerCondition},
    },
};
use ourspace_protocol::dag::BlockSource;
use tokio::task::{JoinHandle, spawn_blocking};

use super::{
    client::{self, Client, Id},
    handle::{Board, Command, Handle, Owner, Traffic},
    handler::{Handler, Incoming, ToHandler, Wrong},
    limits::Limits,
    message::Message,
    server::{self, Server},
    session::TICK,
};
use crate::pace::{Meters, Speed};

/// Wants that one part of the network may send: a node of ours that fetches the smallest files as
/// fast as it can stays below, and what may come at once is the largest list that anybody needs,
/// four times.
const WANTS: Speed = Speed {
    second: 20_000,
    at_once: Duration::from_millis(820),
};

/// Addresses of one provider, the last that were given.
const ADDRESSES: usize = 8;

/// Where blocks are read that others ask for.
pub type Blocks = Arc<dyn BlockSource + Send + Sync>;

/// What a node that runs bitswap should hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Nobody whom a session knows has some of its blocks: look for others, give them to it
    /// with [`Handle::add_providers`], and say [`Handle::search_is_over`] at the end.
    ProvidersWanted {
        /// The session's number.
        session: u64,
        /// Nobody was given to it so far.
        alone: bool,
    },
    /// A peer did what it must not do, or not what it should.
    Misbehaved {
        /// Its id.
        peer: String,
        /// What it did.
        what: Misbehaviour,
    },
}

/// What peers do wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misbehaviour {
    /// It was asked for blocks and sent other bytes. It is no longer asked.
    WrongBlock,
    /// It sent blocks that nobody had asked it for.
    Unasked,
    /// It did not answer, again and again. It is no longer asked.
    Silent,
    /// On its connection.
    Connection(Wrong),
}

/// A peer's connections.
#[derive(Debug, Default)]
struct Links {
    /// Each with the bytes that come on it.
    connections: Vec<(ConnectionId, Arc<AtomicU64>)>,
    /// How many bytes had come when it was last looked at.
    seen: u64,
    /// Whether a session needs it.
    needed: bool,
}

/// The clock, and what it rings for.
#[derive(Debug)]
struct Clock {
    start: Instant,
    tick: Option<Delay>,
}

/// What a connection may cost.
#[derive(Debug)]
struct Bounds {
    limits: Limits,
    meters: Meters,
}

impl Bounds {
    fn handler(&mut self, remote: &Multiaddr) -> Handler {
        Handler::new(self.limits, self.meters.pace(remote))
    }
}

/// Bitswap in a swarm.
pub struct Behaviour {
    bounds: Bounds,
    blocks: Blocks,
    server: Server<PeerId>,
    client: Client<PeerId>,
    links: HashMap<PeerId, Links>,
    /// Addresses that came with providers.
    addresses: HashMap<PeerId, Vec<Multiaddr>>,
    outside: Outside,
    reads: FuturesUnordered<JoinHandle<server::Done<PeerId>>>,
    clock: Clock,
    out: VecDeque<ToSwarm<Event, ToHandler>>,
}

/// Those who hold handles and sessions.
#[derive(Debug)]
struct Outside {
    handle: Handle,
    commands: UnboundedReceiver<Command>,
    owners: HashMap<Id, Owner>,
    board: Arc<Mutex<Board>>,
}

impl std::fmt::Debug for Behaviour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Behaviour")
            .field("peers", &self.links.len())
            .field("sessions", &self.outside.owners.len())
            .finish_non_exhaustive()
    }
}

impl Behaviour {
    /// Serves `blocks` within `limits`. Needs a tokio runtime when it is polled.
    #[must_use]
    pub fn new(blocks: Blocks, limits: Limits) -> Self {
        let (handle, commands, board) = Handle::new();
        Self {
            bounds: Bounds {
                limits,
                meters: Meters::new(WANTS),
            },
            blocks,
            server: Server::new(limits),
            client: Client::new(limits),
            links: HashMap::new(),
            addresses: HashMap::new(),
            outside: Outside {
                handle,
                commands,
                owners: HashMap::new(),
                board,
            },
            reads: FuturesUnordered::new(),
            clock: Clock {
                start: Instant::now(),
                tick: None,
            },
            out: VecDeque::new(),
        }
    }

    /// What others open sessions with.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.outside.handle.clone()
    }

    fn tell_server(&mut self, input: server::Input<PeerId>) {
        for effect in self.server.handle(input) {
            match effect {
                server::Effect::Read(job) => {
                    let blocks = Arc::clone(&self.blocks);
                    self.reads.push(spawn_blocking(move || job.run(&*blocks)));
                }
                server::Effect::Send(peer, message, bytes) => self.send(peer, message, bytes),
                server::Effect::Absent(peer, wants) => self.notify(peer, ToHandler::Absent(wants)),
            }
        }
        self.board(|board, this| board.served = this.server.served());
    }

    fn tell_client(&mut self, input: client::Input<PeerId>) {
        let now = self.clock.start.elapsed();
        let effects = self.client.handle(input, now);
        // Before what they are about is handed over.
        self.write_figures();
        for effect in effects {
            match effect {
                client::Effect::Send(peer, entries) => {
                    let message = Message {
                        entries,
                        ..Message::default()
                    };
                    self.send(peer, message, 0);
                }
                client::Effect::Deliver(id, arrival) => {
                    if let Some(owner) = self.outside.owners.get(&id) {
                        drop(owner.arrivals.unbounded_send(arrival));
                    }
                }
                client::Effect::Search(session) => {
                    let alone = self.client.is_alone(session);
                    let event = Event::ProvidersWanted { session, alone };
                    self.out.push_back(ToSwarm::GenerateEvent(event));
                }
                client::Effect::Dial(peer) => self.dial(peer),
                client::Effect::Unasked(peer, true) => {
                    self.misbehaved(peer, Misbehaviour::WrongBlock);
                }
                client::Effect::Unasked(peer, false) => {
                    self.misbehaved(peer, Misbehaviour::Unasked);
                }
                client::Effect::Silent(peer) => self.misbehaved(peer, Misbehaviour::Silent),
                client::Effect::Need(peer, needed) => self.need(peer, needed),
            }
        }
        if self.client.is_waiting() && self.clock.tick.is_none() {
            self.clock.tick = Some(Delay::new(TICK));
        }
    }

    fn send(&mut self, peer: PeerId, message: Message, bytes: usize) {
        self.notify(peer, ToHandler::Send(Box::new(message), bytes));
    }

    fn notify(&mut self, peer: PeerId, event: ToHandler) {
        let links = self.links.get(&peer);
        if let Some((connection, _)) = links.and_then(|links| links.connections.first()) {
            self.out.push_back(ToSwarm::NotifyHandler {
                peer_id: peer,
                handler: NotifyHandler::One(*connection),
                event,
            });
        }
    }

    fn need(&mut self, peer: PeerId, needed: bool) {
        if let Some(links) = self.links.get_mut(&peer) {
            links.needed = needed;
        }
        if !needed {
            self.addresses.remove(&peer);
        }
        self.notify(peer, ToHandler::Need(needed));
    }

    fn dial(&mut self, peer: PeerId) {
        let addresses = self.addresses.get(&peer).cloned().unwrap_or_default();
        let opts = DialOpts::peer_id(peer)
            .condition(PeerCondition::DisconnectedAndNotDialing)
            .addresses(addresses)
            .extend_addresses_through_behaviour()
            .build();
        self.out.push_back(ToSwarm::Dial { opts });
    }

    fn misbehaved(&mut self, peer: PeerId, what: Misbehaviour) {
        let peer = peer.to_string();
        let event = Event::Misbehaved { peer, what };
        self.out.push_back(ToSwarm::GenerateEvent(event));
    }

    fn board(&self, write: impl FnOnce(&mut Board, &Self)) {
        let board = self.outside.board.lock();
        write(&mut board.unwrap_or_else(PoisonError::into_inner), self);
    }

    fn count(&self, peer: PeerId, traffic: Traffic) {
        self.board(|board, _| {
            for count in [board.peers.entry(peer).or_default(), &mut board.all] {
                count.sent += traffic.sent;
                count.received += traffic.received;
            }
        });
    }

    fn received(&mut self, peer: PeerId, incoming: Incoming) {
        let traffic = Traffic {
            sent: 0,
            received: incoming.wire as u64,
        };
        self.count(peer, traffic);
        if incoming.full || !incoming.entries.is_empty() {
            self.server.count_left_out(incoming.left_out);
            let wants = server::Input::Wants(peer, incoming.entries, incoming.full);
            self.tell_server(wants);
        }
        let received = incoming.received;
        if !received.blocks.is_empty() || !received.presences.is_empty() || received.foreign > 0 {
            self.tell_client(client::Input::Received(peer, received));
        }
    }

    fn write_figures(&self) {
        for (id, owner) in &self.outside.owners {
            if let Some(figures) = self.client.figures(*id) {
                *owner.figures.lock().unwrap_or_else(PoisonError::into_inner) = figures;
            }
        }
    }

    fn command(&mut self, command: Command) {
        let closes = matches!(command, Command::Close(_));
        let input = match command {
            Command::Open(id, owner) => {
                self.outside.owners.insert(id, owner);
                client::Input::Open(id)
            }
            Command::Close(id) => {
                self.outside.owners.remove(&id);
                client::Input::Close(id)
            }
            Command::Want(id, cids, first) => client::Input::Want(id, cids, first),
            Command::Cancel(id, cids) => client::Input::Cancel(id, cids),
            Command::SearchOver(id) => client::Input::SearchOver(id),
            Command::Providers(id, providers) => {
                let mut peers = Vec::with_capacity(providers.len());
                for (peer, address) in providers {
                    if let Some(address) = address {
                        let known = self.addresses.entry(peer).or_default();
                        known.truncate(ADDRESSES - 1);
                        known.insert(0, address);
                    }
                    peers.push(peer);
                }
                client::Input::Providers(id, peers)
            }
        };
        self.tell_client(input);
        if closes {
            let client = &self.client;
            self.addresses.retain(|peer, _| client.uses(peer));
        }
    }

    /// Tells the client which peers have sent something, and the time.
    fn tick(&mut self) {
        let mut heard = Vec::new();
        for (peer, links) in &mut self.links {
            let arrived = links.connections.iter();
            let arrived: u64 = arrived
                .map(|(_, count)| count.load(Ordering::Relaxed))
                .sum();
            if std::mem::replace(&mut links.seen, arrived) != arrived && links.needed {
                heard.push(*peer);
            }
        }
        for peer in heard {
            self.tell_client(client::Input::Heard(peer));
        }
        self.tell_client(client::Input::Tick);
    }
}
