//! What a node of the network is told when it starts.

use std::{collections::BTreeMap, num::NonZeroUsize, sync::Arc, time::Duration};

use ourspace_protocol::{dag::Cid, machine::rows::Room, seams::RowShelf, time::Millis};

use crate::bitswap::Blocks;

/// Gives the time.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// Everything that a node is told.
#[derive(Clone)]
pub struct Config {
    /// Which node it is: 32 secret bytes, the seed of an Ed25519 key.
    pub seed: [u8; 32],
    /// Where it listens, as multiaddrs (`/ip4/0.0.0.0/tcp/4011`,
    /// `/ip4/0.0.0.0/udp/4011/quic-v1`, `/memory/0`).
    pub listen: Vec<String>,
    /// Nodes to begin with, as multiaddrs with a peer id at the end.
    pub peers: Vec<String>,
    /// The time.
    pub clock: Clock,
    /// What is given to whoever asks for blocks.
    pub blocks: Blocks,
    /// Where rows of the DHT stay when the node is stopped; nowhere, if none.
    pub shelf: Option<Arc<dyn RowShelf>>,
    /// What else is on.
    pub switches: Switches,
    /// How much it may use.
    pub budget: Budget,
    /// How much later bytes arrive over memory, one way: nodes in one process are measured
    /// as if they were far from each other. Zero for everything but that.
    pub memory_delay: Duration,
}

impl Config {
    /// A node that listens nowhere yet, knows nobody, gives nothing and keeps nothing, with all
    /// switches off and the usual budget.
    #[must_use]
    pub fn alone(seed: [u8; 32], clock: Clock) -> Self {
        Self {
            seed,
            listen: Vec::new(),
            peers: Vec::new(),
            clock,
            blocks: Arc::new(BTreeMap::<Cid, Vec<u8>>::new()),
            shelf: None,
            switches: Switches::OFF,
            budget: Budget::default(),
            memory_delay: Duration::ZERO,
        }
    }
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The seed is a secret.
        f.debug_struct("Config")
            .field("listen", &self.listen)
            .field("peers", &self.peers)
            .field("switches", &self.switches)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}

/// What can be switched on and off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switches {
    /// Nodes in the same local network are found by multicast DNS.
    pub mdns: bool,
    /// A router is asked to let others in (UPnP).
    pub upnp: bool,
    /// Other nodes behind routers may be reached through this one.
    pub relay: bool,
    /// The DHT of IPFS that is joined.
    pub ipfs: Ipfs,
}

impl Switches {
    /// All of them off.
    pub const OFF: Self = Self {
        mdns: false,
        upnp: false,
        relay: false,
        ipfs: Ipfs::Off,
    };
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            mdns: true,
            upnp: true,
            relay: true,
            ipfs: Ipfs::Public,
        }
    }
}

/// Which DHT of IPFS a node joins, by the name of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ipfs {
    /// None.
    Off,
    /// That of the public network: `/ipfs/kad/1.0.0`.
    Public,
    /// That of private networks: `/ipfs/lan/kad/1.0.0`.
    Lan,
}

/// How much a node may use.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Connections; above it, those that are worth least are ended.
    pub connections: u32,
    /// Nodes that a row of the DHT is kept at (Kademlia's k).
    pub replicas: NonZeroUsize,
    /// Rows of the DHT.
    pub rows: Room,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            connections: 150,
            replicas: NonZeroUsize::MIN.saturating_add(19),
            rows: Room::default(),
        }
    }
}
