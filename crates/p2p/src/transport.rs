//! The one place of this room that opens sockets: TCP, QUIC, relayed and in-memory
//! connections, all encrypted and all of them between known keys.

use std::time::Duration;

use futures::future::Either;
use libp2p::{
    Multiaddr, PeerId, Transport as _,
    core::{
        muxing::{StreamMuxer, StreamMuxerBox},
        transport::{Boxed, MemoryTransport, OptionalTransport},
        upgrade::Version,
    },
    identity::Keypair,
    multiaddr::Protocol,
    noise, quic, relay, tcp,
};

use crate::{
    NodeError,
    bitswap::muxer,
    counted::Meter,
    dialling::{Choosy, Neighbours},
    lingering::Lingering,
    slow::Slow,
};

/// A silent QUIC connection says so often that it is there: routers forget it else.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// After so much silence a QUIC connection is given up, in milliseconds.
const SILENCE: u32 = 30_000;
/// How long a handshake may take, from the first packet. Whoever tries another node's address
/// for it has ten seconds to tell: a router that drops packets must be found out within them.
const HANDSHAKE: Duration = Duration::from_secs(8);

/// All transports, the part of the relay that goes with them, and what relays and connections
/// over memory carry.
pub(crate) struct Built {
    pub(crate) transport: Boxed<(PeerId, StreamMuxerBox)>,
    pub(crate) relay: relay::client::Behaviour,
    pub(crate) relayed: Meter,
    pub(crate) memory: Meter,
    pub(crate) neighbours: Neighbours,
}

/// Which kinds of addresses a node listens on: it opens no other sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kinds {
    tcp: bool,
    quic: bool,
    memory: bool,
}

impl Kinds {
    pub(crate) fn of(listen: &[Multiaddr]) -> Self {
        let any = |wanted: fn(&Protocol<'_>) -> bool| {
            listen
                .iter()
                .any(|address| address.iter().any(|part| wanted(&part)))
        };
        Self {
            tcp: any(|part| matches!(part, Protocol::Tcp(_))),
            quic: any(|part| matches!(part, Protocol::QuicV1)),
            memory: any(|part| matches!(part, Protocol::Memory(_))),
        }
    }

    /// Whether anything leaves this process.
    pub(crate) fn is_real(self) -> bool {
        self.tcp || self.quic
    }
}

/// Builds them.
///
/// # Errors
/// [`NodeError::Key`] when the key cannot be used for noise.
pub(crate) fn build(
    key: &Keypair,
    kinds: Kinds,
    memory_delay: Duration,
) -> Result<Built, NodeError> {
    let noise = noise::Config::new(key).map_err(|error| NodeError::Key(error.to_string()))?;
    let (relay, relay_behaviour) = relay::client::new(key.public().to_peer_id());
    let relayed = Meter::default();
    let meter = relayed.clone();
    let relay = relay.map(move |connection, _| meter.count(connection));
    let memory = Meter::default();
    let meter = memory.clone();
    let counted = move |connection, _| meter.count(connection);
    let streams = optional(
        kinds
            .tcp
            .then(|| tcp::tokio::Transport::new(tcp::Config::default().nodelay(true))),
    )
    .or_transport(optional(kinds.memory.then(|| {
        Slow::new(MemoryTransport::default(), memory_delay).map(counted)
    })))
    .or_transport(relay)
    .upgrade(Version::V1Lazy)
    .authenticate(noise)
    .multiplex(muxer())
    .timeout(HANDSHAKE);
    let datagrams = optional(kinds.quic.then(|| {
        let mut config = quic::Config::new(key);
        config.keep_alive_interval = KEEP_ALIVE;
        config.max_idle_timeout = SILENCE;
        quic::tokio::Transport::new(config)
    }));
    let all = datagrams
        .or_transport(streams)
        .map(|output, _| match output {
            Either::Left((peer, connection)) => (peer, boxed(connection)),
            Either::Right((peer, connection)) => (peer, boxed(connection)),
        });
    let neighbours = Neighbours::default();
    Ok(Built {
        transport: Choosy::new(all, neighbours.clone()).boxed(),
        neighbours,
        relay: relay_behaviour,
        relayed,
        memory,
    })
}

/// Whatever kind of connection it is. Streams that are dropped stay a moment longer.
fn boxed<M>(connection: M) -> StreamMuxerBox
where
    M: StreamMuxer + Unpin + Send + 'static,
    M::Substream: Unpin + Send + 'static,
    M::Error: Send + Sync + 'static,
{
    StreamMuxerBox::new(Lingering::new(connection))
}

fn optional<T>(transport: Option<T>) -> OptionalTransport<T> {
    transport.map_or_else(OptionalTransport::none, OptionalTransport::some)
}
