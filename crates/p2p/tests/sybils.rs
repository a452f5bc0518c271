//! Liars with ground peer ids stand nearest to a row: the newest record is put to and found
//! in the region around them.
#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

mod support;

use std::time::Duration;

use futures::StreamExt as _;
use libp2p::{
    Multiaddr, PeerId, Swarm, Transport as _,
    core::{transport::MemoryTransport, upgrade::Version},
    identify,
    identity::Keypair,
    kad::{self, store::RecordStore as _},
    noise,
    swarm::NetworkBehaviour,
};
use ourspace_p2p::bitswap::muxer;
use ourspace_protocol::{
    hash::sha256,
    machine::rows::{self, distance},
    seams::{Push as _, Resolver as _},
};
use ourspace_testkit::signing::TestKey;
use support::{Running, heads, net, now, quiet, signed, until};
use tokio::task::JoinHandle;

const HONEST: u8 = 32;
/// Twice as many as a row is put to.
const LIARS: usize = 16;
const REPLICAS: usize = 8;

/// Speaks only Kademlia, and keeps nothing that it is given.
#[derive(NetworkBehaviour)]
struct Liar {
    identify: identify::Behaviour,
    rows: kad::Behaviour<kad::store::MemoryStore>,
}

/// Keys whose peer ids stand nearer to a place than all of these nodes.
fn ground(place: &[u8; 32], nodes: &[Running]) -> Vec<Keypair> {
    let far = |peer: PeerId| distance(&sha256(&peer.to_bytes()), place);
    let nearest = nodes.iter().map(|node| far(node.peer.parse().unwrap()));
    let nearest = nearest.min().unwrap();
    let mut keys = Vec::new();
    let mut seed = 0_u64;
    while keys.len() < LIARS {
        seed += 1;
        let key = Keypair::ed25519_from_bytes(sha256(&seed.to_le_bytes())).unwrap();
        if far(key.public().to_peer_id()) < nearest {
            keys.push(key);
        }
    }
    keys
}

/// A liar that tells `old`, or that there is nothing.
fn liar(key: &Keypair, old: Option<&kad::Record>, known: &[(PeerId, Multiaddr)]) -> Swarm<Liar> {
    let own = key.public().to_peer_id();
    let transport = MemoryTransport::default()
        .upgrade(Version::V1Lazy)
        .authenticate(noise::Config::new(key).unwrap())
        .multiplex(muxer())
        .boxed();
    let mut config = kad::Config::new(libp2p::StreamProtocol::new("/ourspace/kad/1.0.0"));
    config.set_record_filtering(kad::StoreInserts::FilterBoth);
    let mut store = kad::store::MemoryStore::new(own);
    if let Some(old) = old {
        store.put(old.clone()).unwrap();
    }
    let mut rows = kad::Behaviour::with_config(own, store, config);
    rows.set_mode(Some(kad::Mode::Server));
    for (peer, address) in known {
        rows.add_address(peer, address.clone());
    }
    let behaviour = Liar {
        identify: identify::Behaviour::new(identify::Config::new(
            "/liar/1".to_owned(),
            key.public(),
        )),
        rows,
    };
    let settings = libp2p::swarm::Config::with_tokio_executor()
        .with_idle_connection_timeout(Duration::from_secs(600));
    let mut swarm = Swarm::new(transport, behaviour, own, settings);
    swarm.listen_on("/memory/0".parse().unwrap()).unwrap();
    swarm
}

/// Lets so many liars loose on a network, all of which know each other and connect to all.
async fn crowd(
    place: [u8; 32],
    nodes: &[Running],
    old: Option<kad::Record>,
) -> Vec<JoinHandle<()>> {
    let mut known: Vec<(PeerId, Multiaddr)> = Vec::new();
    let honest = nodes.iter();
    known.extend(honest.map(|node| (node.peer.parse().unwrap(), node.address.parse().unwrap())));
    let mut tasks = Vec::new();
    for key in ground(&place, nodes) {
        let mut swarm = liar(&key, old.as_ref(), &known);
        let address = loop {
            let event = swarm.select_next_some().await;
            if let libp2p::swarm::SwarmEvent::NewListenAddr { address, .. } = event {
                break address;
            }
        };
        for (_, address) in &known {
            swarm.dial(address.clone()).unwrap();
        }
        known.push((*swarm.local_peer_id(), address));
        tasks.push(tokio::spawn(async move {
            loop {
                swarm.select_next_some().await;
            }
        }));
    }
    tasks
}

/// What of an author's records a node hears that has nothing to do with them, until it is
/// the newest, or there is no more.
async fn hears(reader: &Running, author: &TestKey, newest: u64) -> Vec<u64> {
    let mut lookup = reader.node.dht().resolve(author.address(), &[]);
    let mut heard = Vec::new();
    let wait = Duration::from_secs(8);
    while let Ok(Some(found)) = tokio::time::timeout(wait, lookup.next()).await {
        let record = ourspace_protocol::record::SignedRecord::from_bytes(&found.bytes).unwrap();
        heard.push(record.record.timestamp);
        if record.record.timestamp == newest {
            break;
        }
    }
    heard
}

async fn newest_is_found_around(old_is_told: bool) {
    let nodes = net(HONEST, REPLICAS).await;
    quiet(&nodes).await;
    let author = TestKey::named("author");
    let at = now();
    let key = rows::key_of(author.address());
    let mut row = ourspace_protocol::cbor::Writer::new();
    row.array(1);
    row.bytes(&signed(&author, at - 60_000).to_bytes());
    let old = old_is_told.then(|| kad::Record::new(key.to_vec(), row.finish()));
    let _crowd = crowd(sha256(&key), &nodes, old).await;
    until("the liars are known", || async {
        let status = nodes[0].node.status().await.unwrap();
        let liars = status.peers.iter().filter(|peer| !peer.speaks).count();
        liars >= LIARS / 2
    })
    .await;
    // One who does not live among them: it would take the crowd for the density there.
    let far = |node: &&Running| {
        let peer: PeerId = node.peer.parse().unwrap();
        distance(&sha256(&peer.to_bytes()), &sha256(&key))
    };
    let writer = nodes.iter().max_by_key(far).unwrap();
    let account = author.address();
    writer.node.join(account, heads(&author, at), true).await;
    let stored = writer.node.put(account).await.unwrap();
    assert!(stored.asked > REPLICAS, "{stored:?}");
    for reader in nodes[16..].iter().step_by(4) {
        let heard = hears(reader, &author, at).await;
        assert!(heard.contains(&at), "{heard:?}");
    }
    let status = writer.node.status().await.unwrap();
    assert!(
        status.counts["regions_searched"] >= 1,
        "{:?}",
        status.counts
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_is_found_around_liars_that_say_nothing() {
    newest_is_found_around(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_is_found_around_liars_that_tell_the_old() {
    newest_is_found_around(true).await;
}
