//! The task of a node: one loop that owns the swarm and everything that changes with it.
//!
//! Commands and the network's events go in, answers and [`Event`]s come out. What is
//! decided, the machines of the protocol decide; here it is only carried out.

mod again;
mod ipfs;
mod offers;
mod peers;
mod post;
mod queries;
mod reach;
mod regions;
mod swarm;
mod talk;
mod upkeep;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use libp2p::{
    Multiaddr, PeerId, Swarm, core::upgrade::Version, identity::Keypair, multiaddr::Protocol,
};
use ourspace_protocol::{
    account::Account,
    machine::{rows, upkeep::Upkeep},
    time::Millis,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::{
    peers::Peers,
    queries::Queries,
    reach::{Reach, is_relayed},
    regions::Unasked,
    talk::{Do, Talk},
};
use crate::{
    NodeError,
    address::parse,
    behaviour::{self, Behaviour},
    config::{Clock, Config},
    counted::Meter,
    handle::{Command, Event, Join, Node, Way},
    status::{self, Status},
    transport::{self, Kinds},
};

/// Commands that wait.
const COMMANDS: usize = 256;
/// Events that wait for the rest of the program.
const EVENTS: usize = 1_024;
/// Peers that are asked at once in the swarm of an account.
const ASKED: usize = 4;
/// A connection that nobody speaks on is ended after this.
const IDLE: Duration = Duration::from_secs(60);

/// A node, before and while it runs.
pub struct Task {
    swarm: Swarm<Behaviour>,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
    clock: Clock,
    talk: Talk,
    queries: Queries,
    peers: Peers,
    upkeep: Upkeep,
    desk: Desk,
    ipfs: ipfs::Side,
}

/// Small things that the task remembers.
#[derive(Debug, Default)]
struct Desk {
    counts: BTreeMap<&'static str, u64>,
    /// Accounts whose news did not fit into the channel of events.
    behind: Vec<Account>,
    reach: Reach,
    /// When house is kept next.
    house_at: Millis,
    /// Whose feeds are being fetched, by session.
    sessions: BTreeMap<u64, Option<Account>>,
    /// Sessions that wanted providers before it was known whose feed they fetch.
    early: BTreeSet<u64>,
    /// Nodes of crowded regions that are asked for rows as soon as they speak.
    unasked: Vec<Unasked>,
    /// Nodes that a row should be at.
    replicas: usize,
    /// Most connections that are kept.
    connections: usize,
    /// What connections over memory have carried.
    memory: Meter,
}

impl std::fmt::Debug for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Task")
            .field("peer", self.swarm.local_peer_id())
            .finish_non_exhaustive()
    }
}

impl Task {
    /// Makes a node: sockets are opened, nothing is said yet. The first part is the handle,
    /// the second one what it tells by itself.
    ///
    /// # Errors
    /// [`NodeError`] when an address is malformed or cannot be listened on.
    pub fn new(config: &Config) -> Result<(Node, mpsc::Receiver<Event>, Self), NodeError> {
        let key = key(&config.seed)?;
        let own = key.public().to_peer_id();
        let listen = addresses(&config.listen)?;
        let kinds = Kinds::of(&listen);
        let built = transport::build(&key, kinds, config.memory_delay)?;
        let behaviour = Behaviour::new(&key, built.relay, config, kinds.is_real())?;
        let settings = libp2p::swarm::Config::with_tokio_executor()
            .with_idle_connection_timeout(IDLE)
            // The name of a stream's protocol and the first message on it go out together
            // (decision 0020): a question takes one round trip, not two.
            .with_substream_upgrade_protocol_override(Version::V1Lazy)
            .with_max_negotiating_inbound_streams(64);
        let mut swarm = Swarm::new(built.transport, behaviour, own, settings);
        for address in listen {
            let listened = swarm.listen_on(address.clone());
            listened.map_err(|error| NodeError::listen(address, &error))?;
        }
        let (commands, come) = mpsc::channel(COMMANDS);
        let (events, told) = mpsc::channel(EVENTS);
        let mut dice = behaviour::dice(&own);
        let mut task = Self {
            swarm,
            commands: come,
            events,
            clock: config.clock.clone(),
            upkeep: Upkeep::new(behaviour::dice(&own)),
            queries: {
                dice.roll();
                Queries::new(config.budget.replicas.get(), dice.clone())
            },
            talk: {
                dice.roll();
                Talk::new(dice.clone())
            },
            ipfs: {
                dice.roll();
                ipfs::Side::new(config, dice.clone())
            },
            peers: Peers::default(),
            desk: Desk {
                replicas: config.budget.replicas.get(),
                connections: config.budget.connections as usize,
                reach: Reach::new(built.relayed, built.neighbours),
                memory: built.memory,
                ..Desk::default()
            },
        };
        for address in addresses(&config.peers)? {
            let now = task.now();
            task.desk.reach.again.name(&address, now);
            task.begin_with(address);
        }
        let bitswap = task.swarm.behaviour().bitswap.handle();
        Ok((Node::new(commands, bitswap, &own), told, task))
    }

    /// Its peer id.
    #[must_use]
    pub fn peer(&self) -> String {
        self.swarm.local_peer_id().to_string()
    }

    /// Runs until it is told to stop or every handle is gone.
    pub async fn run(mut self, stop: CancellationToken) {
        use futures::StreamExt as _;
        loop {
            let wait = self.until_wake();
            tokio::select! {
                () = stop.cancelled() => return,
                command = self.commands.recv() => match command {
                    Some(command) => self.command(command),
                    None => return,
                },
                event = self.swarm.select_next_some() => self.swarm_event(event),
                Some(checked) = self.ipfs.checks.join_next() => self.checked(checked),
                () = tokio::time::sleep(wait) => self.awake(),
            }
        }
    }

    fn now(&self) -> Millis {
        (self.clock)()
    }

    fn until_wake(&self) -> Duration {
        let wakes = [
            self.talk.wake(),
            self.queries.wake(),
            self.upkeep.wake(),
            self.ipfs.wake(),
            Some(self.desk.house_at),
        ];
        let next = wakes.into_iter().flatten().min().unwrap_or(0);
        Duration::from_millis(next.saturating_sub(self.now()).max(1))
    }

    fn command(&mut self, command: Command) {
        let now = self.now();
        match command {
            Command::Join(account, join) => self.join(account, join, now),
            Command::Leave(account) => {
                let key = rows::key_of(account);
                self.rows().store_mut().set_followed(key, false);
                self.upkeep.leave(account);
                self.offer_no_more(account);
                let out = self.talk.leave(account, now);
                self.carry_out(out);
            }
            Command::Publish(news) => {
                let account = news.record().record().account;
                self.upkeep.published(account, now);
                let out = self.talk.publish(news, now);
                self.carry_out(out);
                self.note_newest(now);
            }
            Command::Learnt(news) => {
                let out = self.talk.take_in(news, now);
                self.carry_out(out);
            }
            Command::Put(account, tell) => {
                if let Some(heads) = self.talk.heads(account) {
                    let rows = &mut self.swarm.behaviour_mut().rows;
                    self.queries.put(rows, (account, heads), Some(tell));
                }
            }
            Command::Resolve(account, Way::Dht, found) => {
                let rows = &mut self.swarm.behaviour_mut().rows;
                self.queries.look(rows, account, found);
            }
            Command::Resolve(account, Way::Swarm, found) => {
                let mut members = self.talk.members(account);
                members.truncate(ASKED);
                if members.is_empty() {
                    let rows = &mut self.swarm.behaviour_mut().rows;
                    let wanted = (account, swarm::row_key(account));
                    self.queries.seek(rows, wanted, found);
                    return;
                }
                let out = self.talk.ask(&members, account, &found);
                self.carry_out(out);
            }
            Command::Providers(session, account) => self.provide_for(session, account),
            Command::Meet(address) => self.meet_named(&address),
            // Whoever asked may have gone.
            Command::Dial(address, tell) => drop(tell.send(self.dial(&address))),
            Command::Status(tell) => drop(tell.send(self.status())),
            Command::Post(post) => self.post(post),
        }
    }

    fn join(&mut self, account: Account, Join { heads, own }: Join, now: Millis) {
        let key = rows::key_of(account);
        self.rows().store_mut().set_followed(key, true);
        self.upkeep.join(account, own, now);
        self.ipfs.offers.join(account, own);
        let out = self.talk.join(account, heads, now);
        self.carry_out(out);
        self.note_newest(now);
    }

    fn rows(&mut self) -> &mut crate::dht::Guarded {
        &mut self.swarm.behaviour_mut().rows
    }

    /// Gives a session those who keep the feed.
    fn provide_for(&mut self, session: u64, account: Option<Account>) {
        let given = account.is_some_and(|account| self.give_members(session, account));
        self.desk.sessions.insert(session, account);
        if self.desk.early.remove(&session) && !given {
            self.providers_wanted(session);
        }
    }

    /// Gives a session the connected nodes that keep the feed; says whether there are any.
    pub(super) fn give_members(&self, session: u64, account: Account) -> bool {
        let members = self.talk.members(account);
        let members: Vec<String> = members.iter().map(PeerId::to_string).collect();
        let bitswap = self.swarm.behaviour().bitswap.handle();
        bitswap.add_providers(session, &members) > 0
    }

    fn carry_out(&mut self, all: Vec<Do>) {
        for one in all {
            match one {
                Do::Send(peer, frame) => {
                    self.count("bytes_talked", frame.len() as u64);
                    self.swarm.behaviour_mut().lines.send(peer, frame);
                }
                Do::Tell(event) => self.tell(event),
                Do::Mail(peer, mail) => self.mail(peer, mail),
                Do::Fault(peer, what) => self.fault(peer, what),
                Do::Count(what) => self.count(what, 1),
                Do::EndOlder(peer) => self.swarm.behaviour_mut().lines.end_older(peer),
                Do::Clock(peer, clock) => {
                    let ahead = clock.cast_signed().saturating_sub(self.now().cast_signed());
                    if let Some(peer) = self.peers.get_mut(&peer) {
                        peer.ahead = Some(ahead);
                    }
                }
            }
        }
    }

    /// Tells the rest of the program; if it does not keep up, later and in short.
    fn tell(&mut self, event: Event) {
        let Err(error) = self.events.try_send(event) else {
            return;
        };
        let Event::News { news, .. } = error.into_inner() else {
            // Mailboxes are compared again and again.
            self.count("mail_dropped", 1);
            return;
        };
        let account = news.record().record().account;
        if !self.desk.behind.contains(&account) {
            self.count("events_put_off", 1);
            self.desk.behind.push(account);
        }
    }

    fn fault(&mut self, peer: PeerId, what: &'static str) {
        tracing::debug!(%peer, what, "a peer has misbehaved");
        self.count(what, 1);
        let now = self.now();
        if self.peers.fault(&peer, now) {
            self.count("peers_silenced", 1);
            self.swarm.behaviour_mut().lines.hang_up(peer);
        }
    }

    fn count(&mut self, what: &'static str, by: u64) {
        *self.desk.counts.entry(what).or_default() += by;
    }

    fn dial(&mut self, address: &str) -> Result<(), NodeError> {
        let address = parse(address)?;
        self.begin_with(address);
        Ok(())
    }

    /// Connects to a node that a stranger's record names: as to anybody else, so that
    /// nothing private is dialled for it.
    fn meet_named(&mut self, address: &str) {
        let Ok(address) = address.parse::<Multiaddr>() else {
            return;
        };
        let peer = address.iter().last();
        if matches!(peer, Some(Protocol::P2p(peer)) if self.swarm.is_connected(&peer)) {
            return;
        }
        if let Err(error) = self.swarm.dial(address) {
            tracing::debug!(%error, "not dialled");
        }
    }

    /// Connects to a node that somebody named.
    fn begin_with(&mut self, address: Multiaddr) {
        if let Some(Protocol::P2p(peer)) = address.iter().last() {
            self.desk.reach.neighbours.met(peer, &address);
            self.rows().add_address(&peer, address.clone());
        }
        if let Err(error) = self.swarm.dial(address) {
            tracing::debug!(%error, "not dialled");
        }
    }

    fn status(&mut self) -> Status {
        let own = *self.swarm.local_peer_id();
        let with_id = |address: &Multiaddr| match address.iter().last() {
            Some(Protocol::P2p(_)) => address.to_string(),
            _ => address.clone().with(Protocol::P2p(own)).to_string(),
        };
        let listen = self.swarm.listeners().map(with_id).collect();
        let confirmed = self.swarm.external_addresses();
        let confirmed = confirmed.filter(|address| !is_relayed(address));
        let confirmed = confirmed.map(with_id).collect();
        let (bytes_in, bytes_out) = self.desk.reach.relayed.read();
        let routing = self
            .rows()
            .kbuckets()
            .map(|bucket| bucket.num_entries())
            .sum();
        let mut counts = self.desk.counts.clone();
        counts.extend(self.queries.counts());
        let (came, went) = self.desk.memory.read();
        counts.extend([("memory_bytes_in", came), ("memory_bytes_out", went)]);
        let lines = &self.swarm.behaviour().lines;
        let peers = self.peers.iter().map(|(id, peer)| status::Peer {
            peer: id.to_string(),
            address: peer.address.to_string(),
            lasting: peer.way.lasting,
            agent: peer.agent.clone(),
            relayed: peer.way.relayed && lines.is_relayed(id),
            punched: peer.way.punched,
            speaks: peer.speaks,
            overlap: self.talk.overlap(*id),
            round_trip: peer
                .round_trip
                .map(|time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX)),
        });
        Status {
            peer: own.to_string(),
            listen,
            confirmed,
            peers: peers.collect(),
            routing,
            rows: self.rows().store_mut().len(),
            clock: self.peers.clock(),
            relayed: status::Relayed {
                bytes_in,
                bytes_out,
            },
            counts,
        }
    }
}

fn key(seed: &[u8; 32]) -> Result<Keypair, NodeError> {
    Keypair::ed25519_from_bytes(*seed).map_err(|error| NodeError::Key(error.to_string()))
}

fn addresses(all: &[String]) -> Result<Vec<Multiaddr>, NodeError> {
    all.iter().map(|address| parse(address)).collect()
}
