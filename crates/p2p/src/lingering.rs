//! Streams that are dropped once all is written stay a moment longer, until the other side
//! has answered that it speaks the protocol.
//!
//! A stream's protocol is agreed on lazily: its name and the first message go out together.
//! Who only tells something (a keeper of a feed, an address) drops the stream after that, and
//! over QUIC a dropped stream stops the other side from writing: it could not say that it
//! speaks the protocol, and would throw away what it was told.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use futures::{AsyncRead, AsyncWrite};
use libp2p::core::muxing::{StreamMuxer, StreamMuxerEvent};

/// Streams of a connection that wait; of more, the oldest are dropped.
const WAITING: usize = 32;
/// Bytes that the other side may say on such a stream: names of protocols.
const SAID: usize = 512;

/// A connection whose streams stay so long.
pub(crate) struct Lingering<M: StreamMuxer> {
    muxer: M,
    dropped: Dropped<M::Substream>,
    waiting: VecDeque<Waiting<M::Substream>>,
}

/// A stream that waits, and what was read of it.
struct Waiting<S> {
    stream: S,
    said: usize,
}

/// Where streams go when they are dropped.
struct Dropped<S>(Arc<Mutex<Bin<S>>>);

struct Bin<S> {
    streams: Vec<S>,
    waker: Option<Waker>,
}

impl<S> Clone for Dropped<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> Dropped<S> {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Bin {
            streams: Vec::new(),
            waker: None,
        })))
    }

    fn put(&self, stream: S) {
        let mut bin = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bin.streams.push(stream);
        if let Some(waker) = bin.waker.take() {
            waker.wake();
        }
    }

    fn take(&self, cx: &Context<'_>) -> Vec<S> {
        let mut bin = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bin.waker = Some(cx.waker().clone());
        std::mem::take(&mut bin.streams)
    }
}

impl<M> Lingering<M>
where
    M: StreamMuxer,
    M::Substream: Unpin,
{
    pub(crate) fn new(muxer: M) -> Self {
        Self {
            muxer,
            dropped: Dropped::new(),
            waiting: VecDeque::new(),
        }
    }

    /// Reads what the other sides say, until they have said it.
    fn wait(&mut self, cx: &mut Context<'_>) {
        let new = self.dropped.take(cx).into_iter();
        self.waiting
            .extend(new.map(|stream| Waiting { stream, said: 0 }));
        self.waiting.retain_mut(|one| one.is_open(cx));
        let surplus = self.waiting.len().saturating_sub(WAITING);
        self.waiting.drain(..surplus);
    }

    fn keep(&self, stream: M::Substream) -> Stream<M::Substream> {
        Stream {
            stream: Some(stream),
            closed: false,
            ended: false,
            dropped: self.dropped.clone(),
        }
    }
}

impl<S: AsyncRead + Unpin> Waiting<S> {
    fn is_open(&mut self, cx: &mut Context<'_>) -> bool {
        let mut buffer = [0; 64];
        while self.said < SAID {
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Pending => return true,
                Poll::Ready(Ok(0) | Err(_)) => return false,
                Poll::Ready(Ok(read)) => self.said += read,
            }
        }
        false
    }
}

impl<M> StreamMuxer for Lingering<M>
where
    M: StreamMuxer + Unpin,
    M::Substream: Unpin,
{
    type Substream = Stream<M::Substream>;
    type Error = M::Error;

    fn poll_inbound(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Substream, Self::Error>> {
        let this = self.get_mut();
        let stream = Pin::new(&mut this.muxer).poll_inbound(cx);
        stream.map_ok(|stream| this.keep(stream))
    }

    fn poll_outbound(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Substream, Self::Error>> {
        let this = self.get_mut();
        let stream = Pin::new(&mut this.muxer).poll_outbound(cx);
        stream.map_ok(|stream| this.keep(stream))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Pin::new(&mut self.get_mut().muxer).poll_close(cx)
    }

    fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<StreamMuxerEvent, Self::Error>> {
        let this = self.get_mut();
        this.wait(cx);
        Pin::new(&mut this.muxer).poll(cx)
    }
}

/// A stream of such a connection.
pub(crate) struct Stream<S> {
    /// There until it is dropped.
    stream: Option<S>,
    /// All is written.
    closed: bool,
    /// All is read.
    ended: bool,
    dropped: Dropped<S>,
}

impl<S> Stream<S> {
    fn inner(&mut self) -> io::Result<&mut S> {
        let gone = || io::Error::from(io::ErrorKind::NotConnected);
        self.stream.as_mut().ok_or_else(gone)
    }
}

impl<S> Drop for Stream<S> {
    fn drop(&mut self) {
        if let Some(stream) = self.stream.take()
            && self.closed
            && !self.ended
        {
            self.dropped.put(stream);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let read = Pin::new(this.inner()?).poll_read(cx, buffer);
        this.ended |= matches!(read, Poll::Ready(Ok(0) | Err(_)));
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.get_mut().inner()?).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.get_mut().inner()?).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let closed = Pin::new(this.inner()?).poll_close(cx);
        this.closed |= matches!(closed, Poll::Ready(Ok(())));
        closed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::StreamExt as _;
    use libp2p::{
        Swarm,
        core::upgrade::Version,
        identity::Keypair,
        kad::{self, InboundRequest, RecordKey, store::MemoryStore},
        swarm::{Config, SwarmEvent},
    };

    use crate::transport::{self, Kinds};

    type Node = Swarm<kad::Behaviour<MemoryStore>>;

    /// A node of a DHT that opens its streams lazily.
    async fn node(listen: &str) -> (Node, libp2p::Multiaddr) {
        let key = Keypair::generate_ed25519();
        let own = key.public().to_peer_id();
        let listen: libp2p::Multiaddr = listen.parse().unwrap();
        let kinds = Kinds::of(std::slice::from_ref(&listen));
        let built = transport::build(&key, kinds, Duration::ZERO).unwrap();
        let mut settings = kad::Config::default();
        settings.set_record_filtering(kad::StoreInserts::FilterBoth);
        let mut dht = kad::Behaviour::with_config(own, MemoryStore::new(own), settings);
        dht.set_mode(Some(kad::Mode::Server));
        let settings = Config::with_tokio_executor()
            .with_idle_connection_timeout(Duration::from_secs(60))
            .with_substream_upgrade_protocol_override(Version::V1Lazy);
        let mut swarm = Swarm::new(built.transport, dht, own, settings);
        swarm.listen_on(listen).unwrap();
        loop {
            if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
                return (swarm, address);
            }
        }
    }

    /// A node that provides something tells those near it, and waits for no answer.
    async fn what_is_only_told_arrives(listen: &str) {
        let (mut one, _) = node(listen).await;
        let (mut other, address) = node(listen).await;
        let to = *other.local_peer_id();
        one.behaviour_mut().add_address(&to, address);
        const KEYS: u8 = 40;
        for key in 0..KEYS {
            let key = RecordKey::new(&[key]);
            one.behaviour_mut().start_providing(key).unwrap();
        }
        let mut told = std::collections::BTreeSet::new();
        let telling = async {
            while told.len() < usize::from(KEYS) {
                tokio::select! {
                    _ = one.select_next_some() => {}
                    event = other.select_next_some() => {
                        if let SwarmEvent::Behaviour(kad::Event::InboundRequest {
                            request: InboundRequest::AddProvider { record: Some(record) },
                        }) = event
                        {
                            told.insert(record.key.to_vec());
                        }
                    }
                }
            }
        };
        let told_all = tokio::time::timeout(Duration::from_secs(20), telling).await;
        assert!(told_all.is_ok(), "{} of {KEYS} were told", told.len());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_only_told_arrives_over_tcp() {
        what_is_only_told_arrives("/ip4/127.0.0.1/tcp/0").await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_only_told_arrives_over_quic() {
        what_is_only_told_arrives("/ip4/127.0.0.1/udp/0/quic-v1").await;
    }
}
