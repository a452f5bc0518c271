//! The DHT of rows: libp2p's Kademlia with a store of ours.
//!
//! [`store`] is what Kademlia keeps rows and providers in: it verifies and merges in `put`,
//! so nothing is acknowledged that was not believed. [`Guarded`] tells the store whose
//! request is being handled, which Kademlia itself does not. [`ipfs`] is the other DHT.

mod budget;
mod guarded;
pub(crate) mod ipfs;
mod providers;
mod store;

pub(crate) use self::{guarded::Guarded, store::RowStore};

use std::{num::NonZeroUsize, time::Duration};

use libp2p::{Multiaddr, PeerId, StreamProtocol, kad, multiaddr::Protocol};
use ourspace_protocol::limits;

/// The name of our DHT's protocol.
pub(crate) const NAME: StreamProtocol = StreamProtocol::new("/ourspace/kad/1.0.0");

/// A query that is not through by then ends.
const QUERY: Duration = Duration::from_secs(30);
/// A peer that does not answer a question by then is passed over.
const ANSWER: Duration = Duration::from_secs(5);
/// The routing table is looked after so often: each time costs a lookup for every bucket, and
/// in a simulation where half of all nodes have gone after two hours that is often enough
/// (docs/SCALE.md).
const REFRESH: Duration = Duration::from_secs(60 * 60);
/// Providers are told again so often, and forgotten after two days.
const PROVIDE_AGAIN: Duration = Duration::from_secs(36 * 60 * 60);
const PROVIDERS_LIVE: Duration = Duration::from_secs(48 * 60 * 60);

/// How a DHT is run. Rows are put again by whoever follows the account, by our own rules,
/// so what Kademlia would do by itself is off.
pub(crate) fn config(name: StreamProtocol, replicas: NonZeroUsize) -> kad::Config {
    let mut config = kad::Config::new(name);
    let parallel = replicas.min(NonZeroUsize::MIN.saturating_add(7));
    config
        .set_replication_factor(replicas)
        .set_kbucket_size(replicas)
        .set_parallelism(parallel)
        .disjoint_query_paths(true)
        .set_query_timeout(QUERY)
        .set_substreams_timeout(ANSWER)
        .set_max_packet_size(limits::ROW_BYTES + 16 * 1024)
        .set_record_ttl(None)
        .set_replication_interval(None)
        .set_publication_interval(None)
        .set_provider_record_ttl(Some(PROVIDERS_LIVE))
        .set_provider_publication_interval(Some(PROVIDE_AGAIN))
        .set_periodic_bootstrap_interval(Some(REFRESH))
        .set_caching(kad::Caching::Enabled {
            max_peers: u16::try_from(replicas.get()).unwrap_or(u16::MAX),
        });
    config
}

/// Whether an address leads to nobody but this machine.
pub(crate) fn is_here(address: &Multiaddr) -> bool {
    address.iter().any(|part| match part {
        Protocol::Ip4(ip) => ip.is_loopback(),
        Protocol::Ip6(ip) => ip.is_loopback(),
        _ => false,
    })
}

/// Where a node stands: Kademlia hashes the peer id.
pub(crate) fn place(peer: &PeerId) -> [u8; 32] {
    ourspace_protocol::hash::sha256(&peer.to_bytes())
}

/// Where a row stands: Kademlia hashes its key again.
pub(crate) fn place_of_key(key: &[u8]) -> [u8; 32] {
    ourspace_protocol::hash::sha256(key)
}
