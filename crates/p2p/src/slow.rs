//! Connections over memory that take their time, so that many nodes in one process can be
//! measured as if they were far from each other, and other people's nodes beside them.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures::{
    AsyncRead, AsyncWrite, Future, FutureExt as _, TryFutureExt as _, future::BoxFuture, ready,
};
use futures_timer::Delay;
use libp2p::{
    Multiaddr, Transport,
    core::transport::{DialOpts, ListenerId, TransportError, TransportEvent},
};

/// Bytes that are on their way.
const ON_THE_WAY: usize = 1024 * 1024;

/// A transport whose bytes arrive so much later, one way. Connecting takes a round trip, as
/// it does with TCP.
#[derive(Debug)]
pub struct Slow<T> {
    inner: T,
    delay: Duration,
}

impl<T> Slow<T> {
    /// One over another transport, with a delay one way.
    #[must_use]
    pub fn new(inner: T, delay: Duration) -> Self {
        Self { inner, delay }
    }
}

impl<T> Transport for Slow<T>
where
    T: Transport + Unpin,
    T::Output: Unpin + Send + 'static,
    T::Dial: Send + 'static,
    T::ListenerUpgrade: Send + 'static,
    T::Error: 'static,
{
    type Output = SlowStream<T::Output>;
    type Error = T::Error;
    type ListenerUpgrade = BoxFuture<'static, Result<Self::Output, T::Error>>;
    type Dial = BoxFuture<'static, Result<Self::Output, T::Error>>;

    fn listen_on(
        &mut self,
        id: ListenerId,
        address: Multiaddr,
    ) -> Result<(), TransportError<T::Error>> {
        self.inner.listen_on(id, address)
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        self.inner.remove_listener(id)
    }

    fn dial(
        &mut self,
        address: Multiaddr,
        opts: DialOpts,
    ) -> Result<Self::Dial, TransportError<T::Error>> {
        let (delay, dialled) = (self.delay, self.inner.dial(address, opts)?);
        let connecting = async move {
            if !delay.is_zero() {
                Delay::new(delay * 2).await;
            }
            dialled.await
        };
        Ok(connecting
            .map_ok(move |stream| SlowStream::new(stream, delay))
            .boxed())
    }

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<TransportEvent<Self::ListenerUpgrade, T::Error>> {
        let delay = self.delay;
        Pin::new(&mut self.inner).poll(cx).map(|event| {
            event.map_upgrade(|upgrade| {
                upgrade
                    .map_ok(move |stream| SlowStream::new(stream, delay))
                    .boxed()
            })
        })
    }
}

/// One end of a connection.
#[derive(Debug)]
pub struct SlowStream<S> {
    inner: S,
    delay: Duration,
    /// What has been sent, and when it is here.
    coming: VecDeque<(Instant, Vec<u8>)>,
    bytes: usize,
    /// What the far side did after all of that.
    end: Option<io::Result<()>>,
    timer: Option<Delay>,
}

impl<S> SlowStream<S> {
    fn new(inner: S, delay: Duration) -> Self {
        Self {
            inner,
            delay,
            coming: VecDeque::new(),
            bytes: 0,
            end: None,
            timer: None,
        }
    }
}

impl<S: AsyncRead + Unpin> SlowStream<S> {
    /// Takes all that has been sent, and notes when it was.
    fn take_in(&mut self, cx: &mut Context<'_>) {
        let mut buffer = [0; 4096];
        while self.end.is_none() && self.bytes < ON_THE_WAY {
            let read = match Pin::new(&mut self.inner).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(0)) => return self.end = Some(Ok(())),
                Poll::Ready(Ok(read)) => read,
                Poll::Ready(Err(error)) => return self.end = Some(Err(error)),
                Poll::Pending => return,
            };
            self.bytes += read;
            let at = Instant::now() + self.delay;
            self.coming.push_back((at, buffer[..read].to_vec()));
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for SlowStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.delay.is_zero() {
            return Pin::new(&mut self.inner).poll_read(cx, to);
        }
        loop {
            self.take_in(cx);
            let Some((at, _)) = self.coming.front() else {
                return match self.end.take() {
                    Some(Err(error)) => Poll::Ready(Err(error)),
                    Some(Ok(())) => {
                        self.end = Some(Ok(()));
                        Poll::Ready(Ok(0))
                    }
                    None => Poll::Pending,
                };
            };
            let wait = at.saturating_duration_since(Instant::now());
            if wait.is_zero() {
                break;
            }
            let timer = self.timer.get_or_insert_with(|| Delay::new(wait));
            ready!(Pin::new(timer).poll(cx));
            self.timer = None;
        }
        self.timer = None;
        let Some((_, bytes)) = self.coming.front_mut() else {
            return Poll::Pending;
        };
        let read = bytes.len().min(to.len());
        to[..read].copy_from_slice(&bytes[..read]);
        bytes.drain(..read);
        if bytes.is_empty() {
            self.coming.pop_front();
        }
        self.bytes -= read;
        Poll::Ready(Ok(read))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for SlowStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(cx)
    }
}

#[cfg(test)]
mod tests {
    use futures::{AsyncReadExt as _, AsyncWriteExt as _, StreamExt as _};
    use libp2p::core::transport::MemoryTransport;

    use super::*;

    #[tokio::test]
    async fn bytes_arrive_later_and_in_order() {
        let delay = Duration::from_millis(30);
        let mut there = Slow::new(MemoryTransport::default(), delay).boxed();
        let address = "/memory/0".parse().unwrap();
        there.listen_on(ListenerId::next(), address).unwrap();
        let Some(TransportEvent::NewAddress { listen_addr, .. }) = there.next().await else {
            panic!("no address");
        };
        let begin = Instant::now();
        let mut here = Slow::new(MemoryTransport::default(), delay);
        let opts = DialOpts {
            role: libp2p::core::Endpoint::Dialer,
            port_use: libp2p::core::transport::PortUse::New,
        };
        let dialled = here.dial(listen_addr, opts).unwrap();
        let accepted = async {
            loop {
                if let Some(TransportEvent::Incoming { upgrade, .. }) = there.next().await {
                    return upgrade.await.unwrap();
                }
            }
        };
        let (mut one, mut other) = futures::join!(dialled.map(Result::unwrap), accepted);
        assert!(begin.elapsed() >= delay * 2);
        let sent: Vec<u8> = (0..20_000_u32).map(|n| (n % 251) as u8).collect();
        // Over memory, a connection ends when its other end is dropped.
        let bytes = sent.clone();
        let writing = async move {
            one.write_all(&bytes).await.unwrap();
            one.close().await.unwrap();
        };
        let begin = Instant::now();
        let mut read = Vec::new();
        let reading = other.read_to_end(&mut read);
        let ((), done) = futures::join!(writing, reading);
        done.unwrap();
        assert_eq!(read, sent);
        assert!(begin.elapsed() >= delay);
    }
}
