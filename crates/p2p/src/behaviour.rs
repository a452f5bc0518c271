//! The protocols of a node, put together.

use std::time::Duration;

use libp2p::{
    PeerId, autonat,
    connection_limits::{self, ConnectionLimits},
    dcutr, identify,
    identity::Keypair,
    kad, mdns, ping, relay,
    swarm::{NetworkBehaviour, behaviour::toggle::Toggle},
    upnp,
};
use ourspace_protocol::machine::dice::Dice;

use crate::{
    NodeError,
    asking::Asking,
    bitswap,
    config::{Budget, Config, Switches},
    dht::{self, Guarded, RowStore},
    entrance::Entrance,
    lines,
    passing::PassingOn,
    tested::Tested,
};

/// How this program calls itself.
pub(crate) const AGENT: &str = concat!("ourspace/", env!("CARGO_PKG_VERSION"));

/// Pings keep connections warm and find dead ones.
const PING: Duration = Duration::from_secs(60);
/// Relayed connections carry text while two nodes find a direct way, or when there is none:
/// so many bytes, for so long. libp2p's own limits (128 KiB, two minutes) are for the first
/// of these only.
const RELAYED_BYTES: u64 = 16 * 1024 * 1024;
const RELAYED_TIME: Duration = Duration::from_secs(60 * 60);
/// Nodes that may be reached through this one. A connection each is all that they cost.
const RESERVATIONS: usize = 512;
/// Connections that are passed on at once, in all and of one peer (libp2p: 16 and 4). So a
/// node passes on 1 GiB in an hour at the very most.
const CIRCUITS: usize = 64;
const CIRCUITS_OF_ONE: usize = 8;

/// Connections that this node makes itself, for which there is room whatever others do.
const OWN_DIALS: u32 = 64;

/// All of them.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    pub(crate) door: Door,
    pub(crate) ping: ping::Behaviour,
    pub(crate) identify: identify::Behaviour,
    pub(crate) mdns: Toggle<mdns::tokio::Behaviour>,
    pub(crate) upnp: Toggle<upnp::tokio::Behaviour>,
    pub(crate) reach: Reach,
    pub(crate) rows: Guarded,
    pub(crate) ipfs: Toggle<dht::ipfs::Behaviour>,
    pub(crate) lines: lines::Behaviour,
    pub(crate) bitswap: bitswap::Behaviour,
}

/// What lets connections in.
#[derive(NetworkBehaviour)]
pub(crate) struct Door {
    limits: connection_limits::Behaviour,
    entrance: Entrance,
}

/// What makes a node behind a router reachable.
#[derive(NetworkBehaviour)]
pub(crate) struct Reach {
    pub(crate) autonat: Tested,
    pub(crate) autonat_server: autonat::v2::server::Behaviour,
    pub(crate) relay_client: Asking,
    pub(crate) relay: Toggle<PassingOn>,
    pub(crate) dcutr: dcutr::Behaviour,
}

impl Behaviour {
    /// Builds them.
    ///
    /// # Errors
    /// [`NodeError::Mdns`] when the socket for multicast cannot be opened.
    pub(crate) fn new(
        key: &Keypair,
        relay_client: relay::client::Behaviour,
        config: &Config,
        real: bool,
    ) -> Result<Self, NodeError> {
        let own = key.public().to_peer_id();
        let Switches { mdns, upnp, .. } = config.switches;
        let mdns = (mdns && real)
            .then(|| mdns::tokio::Behaviour::new(mdns::Config::default(), own))
            .transpose()
            .map_err(NodeError::Mdns)?;
        let identify = identify::Config::new("/ourspace/1".to_owned(), key.public())
            .with_agent_version(AGENT.to_owned())
            .with_push_listen_addr_updates(true);
        Ok(Self {
            door: Door {
                limits: connection_limits::Behaviour::new(limits(config.budget)),
                entrance: Entrance::new(config.clock.clone()),
            },
            ping: ping::Behaviour::new(ping::Config::new().with_interval(PING)),
            identify: identify::Behaviour::new(identify),
            mdns: mdns.into(),
            upnp: (upnp && real).then(upnp::tokio::Behaviour::default).into(),
            reach: Reach::new(own, relay_client, config),
            rows: rows(own, config),
            ipfs: dht::ipfs::join(own, config.switches.ipfs).into(),
            lines: lines::Behaviour::default(),
            bitswap: bitswap::Behaviour::new(config.blocks.clone(), bitswap::Limits::default()),
        })
    }
}

impl Reach {
    fn new(own: PeerId, relay_client: relay::client::Behaviour, config: &Config) -> Self {
        let relay = config.switches.relay.then(|| {
            let limits = relay::Config {
                max_circuit_bytes: RELAYED_BYTES,
                max_circuit_duration: RELAYED_TIME,
                max_reservations: RESERVATIONS,
                max_circuits: CIRCUITS,
                max_circuits_per_peer: CIRCUITS_OF_ONE,
                ..relay::Config::default()
            };
            PassingOn::new(own, limits)
        });
        Self {
            autonat: Tested::new(own),
            autonat_server: autonat::v2::server::Behaviour::default(),
            relay_client: Asking::new(relay_client),
            relay: relay.into(),
            dcutr: dcutr::Behaviour::new(own),
        }
    }
}

/// Connections: so many, and few to the same peer: while a hole is punched there are several, and
/// one more must be possible to try its addresses.
fn limits(budget: Budget) -> ConnectionLimits {
    // There is room above the budget for those that are being tried; the least worthy of
    // them are ended soon. However many others have dialled, this node can dial for its own
    // questions: else whoever fills it keeps it from finding anything.
    let incoming = budget.connections + budget.connections / 4 + 8;
    ConnectionLimits::default()
        .with_max_pending_incoming(Some(64))
        .with_max_pending_outgoing(Some(OWN_DIALS))
        .with_max_established_incoming(Some(incoming))
        .with_max_established(Some(incoming + OWN_DIALS))
        .with_max_established_per_peer(Some(8))
}

fn rows(own: PeerId, config: &Config) -> Guarded {
    let store = RowStore::new(
        own,
        config.budget.rows,
        config.shelf.clone(),
        config.clock.clone(),
    );
    let settings = dht::config(dht::NAME, config.budget.replicas);
    let mut kademlia = kad::Behaviour::with_config(own, store, settings);
    kademlia.set_mode(Some(kad::Mode::Server));
    Guarded::new(kademlia)
}

/// A seed for choices that need not be secret.
pub(crate) fn dice(own: &PeerId) -> Dice {
    let mut seed = [0; 8];
    let bytes = own.to_bytes();
    for (to, from) in seed.iter_mut().zip(bytes.iter().rev()) {
        *to = *from;
    }
    Dice::new(u64::from_le_bytes(seed))
}
