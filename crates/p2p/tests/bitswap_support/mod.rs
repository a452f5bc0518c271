//! Real swarms in this process, trees of files, and reading them back.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "each test binary uses a part; a test's helpers fail by panicking"
)]

pub(crate) mod places;
pub(crate) mod stranger;
pub(crate) mod tree;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::StreamExt as _;
use libp2p::{
    Multiaddr, PeerId, Swarm, Transport as _,
    core::{transport::MemoryTransport, upgrade},
    identify,
    identity::Keypair,
    multiaddr::Protocol,
    noise,
    swarm::{self, NetworkBehaviour},
    tcp,
};
use ourspace_p2p::bitswap::{Behaviour, BitswapSession, Blocks, Event, Handle, Limits, muxer};
use ourspace_protocol::{
    dag::{Block, Cid},
    seams::{Arrival, Session as _, Want},
};
use tokio::task::JoinHandle;

/// How long anything may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// How two nodes reach each other.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Tcp,
    Memory,
}

/// A node of ours; it ends with the value.
pub(crate) struct Node {
    pub(crate) handle: Handle,
    pub(crate) id: PeerId,
    /// Where it listens, with its id.
    pub(crate) address: String,
    events: Arc<Mutex<Vec<Event>>>,
    task: JoinHandle<()>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a node runs: bitswap, and identify, without which Helia asks nobody for anything.
#[derive(NetworkBehaviour)]
struct Both {
    bitswap: Behaviour,
    identify: identify::Behaviour,
}

fn both(bitswap: Behaviour, keys: &Keypair) -> Both {
    let config = identify::Config::new("/ourspace/test".to_owned(), keys.public());
    Both {
        bitswap,
        identify: identify::Behaviour::new(config),
    }
}

fn memory_swarm(behaviour: Behaviour) -> Swarm<Both> {
    let keys = Keypair::generate_ed25519();
    let transport = MemoryTransport::default()
        .upgrade(upgrade::Version::V1Lazy)
        .authenticate(noise::Config::new(&keys).unwrap())
        .multiplex(muxer())
        .boxed();
    let config = swarm::Config::with_tokio_executor();
    let behaviour = both(behaviour, &keys);
    Swarm::new(transport, behaviour, keys.public().to_peer_id(), config)
}

fn tcp_swarm(behaviour: Behaviour) -> Swarm<Both> {
    libp2p::SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(
            tcp::Config::default().nodelay(true),
            noise::Config::new,
            muxer,
        )
        .unwrap()
        .with_behaviour(|keys| both(behaviour, keys))
        .unwrap()
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(60)))
        .build()
}

impl Node {
    /// Starts a node that serves `blocks`.
    pub(crate) async fn start(way: Way, blocks: Blocks, limits: Limits) -> Self {
        let behaviour = Behaviour::new(blocks, limits);
        let handle = behaviour.handle();
        let (mut swarm, listen): (_, Multiaddr) = match way {
            Way::Tcp => (
                tcp_swarm(behaviour),
                "/ip4/127.0.0.1/tcp/0".parse().unwrap(),
            ),
            Way::Memory => (memory_swarm(behaviour), "/memory/0".parse().unwrap()),
        };
        swarm.listen_on(listen).unwrap();
        let id = *swarm.local_peer_id();
        let address = loop {
            if let swarm::SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await
            {
                break address.with(Protocol::P2p(id)).to_string();
            }
        };
        let events = Arc::<Mutex<Vec<Event>>>::default();
        let seen = Arc::clone(&events);
        let task = tokio::spawn(async move {
            loop {
                let event = swarm.select_next_some().await;
                if let swarm::SwarmEvent::Behaviour(BothEvent::Bitswap(event)) = event {
                    seen.lock().unwrap().push(event);
                }
            }
        });
        Self {
            handle,
            id,
            address,
            events,
            task,
        }
    }

    /// One that only fetches.
    pub(crate) async fn empty(way: Way) -> Self {
        Self::start(way, Arc::new(HashMap::new()), Limits::default()).await
    }

    /// One with these blocks.
    pub(crate) async fn with(way: Way, blocks: &tree::Blocks) -> Self {
        Self::start(way, Arc::new(blocks.clone()), Limits::default()).await
    }

    /// What the behaviour told so far.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap().clone()
    }
}

pub(crate) fn wants(cids: impl IntoIterator<Item = Cid>) -> Vec<Want> {
    cids.into_iter().map(Want::block).collect()
}

/// The next arrival, within the limit.
pub(crate) async fn next(session: &mut BitswapSession) -> Arrival {
    tokio::time::timeout(LIMIT, session.next())
        .await
        .expect("nothing came in time")
}

pub(crate) async fn next_block(session: &mut BitswapSession) -> Block {
    match next(session).await {
        Arrival::Block(block) => block,
        Arrival::Missing(cid) => panic!("{cid} is missing"),
    }
}

/// Fetches a whole tree, each block when the one above it is there.
pub(crate) async fn fetch(session: &mut BitswapSession, root: Cid) -> tree::Blocks {
    let mut blocks = HashMap::new();
    let mut open = 1usize;
    session.want(wants([root]));
    let mut asked = std::collections::HashSet::from([root]);
    while open > 0 {
        let block = next_block(session).await;
        open -= 1;
        let new: Vec<Cid> = tree::links(&block)
            .into_iter()
            .filter(|cid| asked.insert(*cid))
            .collect();
        open += new.len();
        if !new.is_empty() {
            session.want(wants(new));
        }
        blocks.insert(block.cid(), block.into_bytes());
    }
    blocks
}
