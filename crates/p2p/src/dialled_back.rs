//! The streams on which a helper of AutoNAT v2 says that it has dialled this node back
//! (libp2p specs, autonat-v2: `/libp2p/autonat/2/dial-back`).
//!
//! In libp2p-autonat 0.16 a stream that ends or fails is read again at once and for ever, so that
//! whoever opens one and closes it takes a whole core for five seconds. Here each is read once.

use std::{
    convert::Infallible,
    io,
    task::{Context, Poll},
    time::Duration,
};

use either::Either;
use futures::{
    AsyncReadExt as _, AsyncWriteExt as _, FutureExt as _, StreamExt as _,
    channel::oneshot,
    future::{self, BoxFuture, select},
    stream::FuturesUnordered,
};
use futures_timer::Delay;
use libp2p::{
    Stream, StreamProtocol,
    autonat::v2::client,
    core::upgrade::{DeniedUpgrade, ReadyUpgrade},
    swarm::{
        ConnectionHandler, ConnectionHandlerEvent, SubstreamProtocol, THandlerOutEvent,
        handler::{ConnectionEvent, FullyNegotiatedInbound},
    },
};
use prost::Message as _;

const NAME: StreamProtocol = StreamProtocol::new("/libp2p/autonat/2/dial-back");
/// Streams of one connection at once.
const STREAMS: usize = 2;
/// Bytes of a message, without its length.
const MOST: usize = 10;
/// A stream takes no longer.
const LONGEST: Duration = Duration::from_secs(5);

/// The right one of two.
pub(crate) trait Right {
    type Right;
}

impl<L, R> Right for Either<L, R> {
    type Right = R;
}

/// What libp2p's client wants to hear of a stream: the number that it was told, and whom to tell
/// whether it is the right one. The type has no public name.
type Told = <THandlerOutEvent<client::Behaviour> as Right>::Right;

#[derive(prost::Message)]
struct DialBack {
    #[prost(fixed64, tag = "1")]
    nonce: u64,
}

/// The handler of a connection that somebody made to this node.
#[derive(Default)]
pub(crate) struct DialledBack {
    reading: FuturesUnordered<BoxFuture<'static, Option<(Stream, u64)>>>,
    answering: FuturesUnordered<BoxFuture<'static, Option<()>>>,
}

impl ConnectionHandler for DialledBack {
    type FromBehaviour = Infallible;
    type ToBehaviour = Told;
    type InboundProtocol = ReadyUpgrade<StreamProtocol>;
    type OutboundProtocol = DeniedUpgrade;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol> {
        SubstreamProtocol::new(ReadyUpgrade::new(NAME), ())
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<DeniedUpgrade, (), Told>> {
        while let Poll::Ready(Some(_)) = self.answering.poll_next_unpin(cx) {}
        while let Poll::Ready(Some(read)) = self.reading.poll_next_unpin(cx) {
            let Some((stream, nonce)) = read else {
                continue;
            };
            let (sender, right) = oneshot::channel();
            self.answering.push(within(answer(stream, right)).boxed());
            let told = Told { nonce, sender };
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(told));
        }
        Poll::Pending
    }

    fn on_behaviour_event(&mut self, event: Infallible) {
        match event {}
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<'_, Self::InboundProtocol, Self::OutboundProtocol>,
    ) {
        if let ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
            protocol: stream,
            ..
        }) = event
            && self.reading.len() + self.answering.len() < STREAMS
        {
            self.reading.push(within(read(stream)).boxed());
        }
    }
}

/// What comes of it in time, and without a failure.
async fn within<T>(work: impl Future<Output = io::Result<T>> + Send) -> Option<T> {
    match select(std::pin::pin!(work), Delay::new(LONGEST)).await {
        future::Either::Left((done, _)) => done.ok(),
        future::Either::Right(_) => None,
    }
}

async fn read(mut stream: Stream) -> io::Result<(Stream, u64)> {
    let mut length = [0];
    stream.read_exact(&mut length).await?;
    let mut bytes = [0; MOST];
    let bytes = bytes
        .get_mut(..usize::from(length[0]))
        .ok_or(io::ErrorKind::InvalidData)?;
    stream.read_exact(bytes).await?;
    let message = DialBack::decode(&*bytes).map_err(io::Error::other)?;
    Ok((stream, message.nonce))
}

/// Says that it is well, if it is: an empty message.
async fn answer(mut stream: Stream, right: oneshot::Receiver<io::Result<()>>) -> io::Result<()> {
    right.await.map_err(io::Error::other)??;
    stream.write_all(&[0]).await?;
    stream.close().await
}
