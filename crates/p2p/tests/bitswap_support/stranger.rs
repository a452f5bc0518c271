//! A peer that does as it likes: bitswap by hand, over a real connection.

use std::time::Duration;

use futures::{AsyncReadExt as _, AsyncWriteExt as _, StreamExt as _, channel::mpsc, future};
use libp2p::{
    Multiaddr, Transport as _,
    core::{
        Endpoint,
        muxing::{StreamMuxerBox, StreamMuxerExt as _, SubstreamBox},
        transport::{DialOpts, PortUse},
        upgrade,
    },
    identity::Keypair,
    noise, tcp,
};
use ourspace_p2p::bitswap::{
    message::{Message, Version},
    muxer,
};
use tokio::task::JoinHandle;

/// A connection to a node; streams that the node opens come to `inbound`.
pub(crate) struct Stranger {
    wanted: mpsc::UnboundedSender<()>,
    opened: mpsc::UnboundedReceiver<SubstreamBox>,
    pub(crate) inbound: mpsc::UnboundedReceiver<SubstreamBox>,
    task: JoinHandle<()>,
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Stranger {
    pub(crate) async fn dial(address: &str) -> Self {
        let keys = Keypair::generate_ed25519();
        let mut transport = tcp::tokio::Transport::new(tcp::Config::default())
            .upgrade(upgrade::Version::V1)
            .authenticate(noise::Config::new(&keys).unwrap())
            .multiplex(muxer())
            .boxed();
        let address: Multiaddr = address.parse().unwrap();
        let opts = DialOpts {
            role: Endpoint::Dialer,
            port_use: PortUse::New,
        };
        let (_, muxer) = transport.dial(address, opts).unwrap().await.unwrap();
        let (wanted, wants) = mpsc::unbounded();
        let (opened_send, opened) = mpsc::unbounded();
        let (inbound_send, inbound) = mpsc::unbounded();
        let task = tokio::spawn(drive(muxer, wants, opened_send, inbound_send));
        Self {
            wanted,
            opened,
            inbound,
            task,
        }
    }

    /// A stream that speaks this protocol.
    pub(crate) async fn open(&mut self, protocol: &str) -> SubstreamBox {
        self.wanted.unbounded_send(()).unwrap();
        let mut stream = self.opened.next().await.unwrap();
        for line in ["/multistream/1.0.0", protocol] {
            put_line(&mut stream, line).await;
            assert_eq!(line_of(&mut stream).await, line);
        }
        stream
    }

    /// The next stream that the node opens for bitswap, which is agreed on in this version.
    /// What it opens for anything else is refused.
    pub(crate) async fn accept(&mut self, version: &str) -> SubstreamBox {
        loop {
            let mut stream = self.inbound.next().await.unwrap();
            let header = line_of(&mut stream).await;
            put_line(&mut stream, &header).await;
            let mut asked = line_of(&mut stream).await;
            while asked != version && asked.contains("bitswap") {
                put_line(&mut stream, "na").await;
                asked = line_of(&mut stream).await;
            }
            if asked == version {
                put_line(&mut stream, &asked).await;
                return stream;
            }
        }
    }
}

/// Does what the connection needs, as long as it lives.
async fn drive(
    mut muxer: StreamMuxerBox,
    mut wants: mpsc::UnboundedReceiver<()>,
    opened: mpsc::UnboundedSender<SubstreamBox>,
    inbound: mpsc::UnboundedSender<SubstreamBox>,
) {
    let mut open = 0usize;
    future::poll_fn(|cx| {
        while let std::task::Poll::Ready(Some(())) = wants.poll_next_unpin(cx) {
            open += 1;
        }
        loop {
            if open > 0
                && let std::task::Poll::Ready(Ok(stream)) = muxer.poll_outbound_unpin(cx)
            {
                open -= 1;
                drop(opened.unbounded_send(stream));
                continue;
            }
            if let std::task::Poll::Ready(Ok(stream)) = muxer.poll_inbound_unpin(cx) {
                drop(inbound.unbounded_send(stream));
                continue;
            }
            return match muxer.poll_unpin(cx) {
                std::task::Poll::Ready(Err(_)) => std::task::Poll::Ready(()),
                std::task::Poll::Ready(Ok(_)) => continue,
                std::task::Poll::Pending => std::task::Poll::Pending,
            };
        }
    })
    .await;
}

async fn put_line(stream: &mut SubstreamBox, line: &str) {
    let mut bytes = vec![u8::try_from(line.len() + 1).unwrap()];
    bytes.extend_from_slice(line.as_bytes());
    bytes.push(b'\n');
    stream.write_all(&bytes).await.unwrap();
    stream.flush().await.unwrap();
}

async fn line_of(stream: &mut SubstreamBox) -> String {
    let mut length = [0];
    stream.read_exact(&mut length).await.unwrap();
    let mut line = vec![0; usize::from(length[0])];
    stream.read_exact(&mut line).await.unwrap();
    String::from_utf8(line).unwrap().trim_end().to_owned()
}

/// Sends a message.
pub(crate) async fn put(stream: &mut SubstreamBox, message: &Message) -> std::io::Result<()> {
    for piece in message.encode(Version::V1_2) {
        stream.write_all(&piece).await?;
    }
    stream.flush().await
}

/// Reads a message.
pub(crate) async fn take(stream: &mut SubstreamBox) -> Message {
    let read = async {
        let (mut length, mut shift) = (0usize, 0);
        loop {
            let mut byte = [0];
            stream.read_exact(&mut byte).await.unwrap();
            length |= usize::from(byte[0] & 0x7f) << shift;
            shift += 7;
            if byte[0] & 0x80 == 0 {
                break;
            }
        }
        let mut bytes = vec![0; length];
        stream.read_exact(&mut bytes).await.unwrap();
        Message::decode(bytes.into()).unwrap()
    };
    tokio::time::timeout(Duration::from_secs(60), read)
        .await
        .expect("no message came")
}
