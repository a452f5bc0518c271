//! Bitswap on one connection: reads what comes on any of the peer's streams, writes to one
//! of ours. Runs in the connection's task; blocks are hashed in other threads.

use std::{
    collections::VecDeque,
    sync::{Arc, atomic::AtomicU64, atomic::Ordering},
    task::{Context, Poll},
};

use futures::{
    FutureExt as _, StreamExt as _,
    stream::{BoxStream, FuturesUnordered, SelectAll},
};
use futures_timer::Delay;
use libp2p::{
    Stream,
    swarm::{
        ConnectionHandler, ConnectionHandlerEvent, StreamUpgradeError, SubstreamProtocol,
        handler::{ConnectionEvent, DialUpgradeError, FullyNegotiatedOutbound},
    },
};
use ourspace_protocol::dag::Block;
use tokio::task::{JoinHandle, spawn_blocking};

use super::{
    client::Received,
    inbound::{self, Broken, Framed, Gate},
    limits::Limits,
    message::{Ask, Entry, Message, MessageError, Name, Payload},
    outbound::{Left, Outgoing, Writer},
    protocol::Protocol,
};
use crate::pace::Pace;

/// Messages whose blocks are being hashed; while there are more, no more are read.
const CHECKS: usize = 8;
/// Bytes that are hashed on the spot: handing them to another thread would take longer.
const HASHED_HERE: usize = 16 * 1024;
/// How often in a row a stream may break before the peer counts as unusable.
const TRIES: u32 = 3;
/// A message costs as much as so many wants, whatever is in it.
const MESSAGE: usize = 4;
/// And a want for a block that is not here so many more: nobody honest has many of these, and
/// each costs a look at the disk.
const ABSENT: usize = 19;

/// What the behaviour tells a connection.
#[derive(Debug)]
pub enum ToHandler {
    /// Send this; it carries so many bytes of blocks.
    Send(Box<Message>, usize),
    /// Whether the connection is needed although nothing happens.
    Need(bool),
    /// So many of the peer's wants were looked up for nothing.
    Absent(usize),
}

/// What a connection tells the behaviour.
#[derive(Debug)]
pub enum FromHandler {
    /// The connection is new; here the bytes are counted that come on it.
    New(Arc<AtomicU64>),
    /// A message came.
    Received(Box<Incoming>),
    /// So many bytes of blocks, and of messages, have left or never will.
    Left(usize, usize),
    /// The peer speaks no bitswap, or its streams break.
    Unusable,
    /// The peer does what it must not.
    Wrong(Wrong),
}

/// A message with its blocks hashed.
#[derive(Debug)]
pub struct Incoming {
    /// What the peer wants.
    pub(super) entries: Vec<Entry>,
    /// Whether that is all.
    pub(super) full: bool,
    /// How many wants were left out, because no peer may have as many.
    pub(super) left_out: usize,
    /// What it gives.
    pub(super) received: Received,
    /// Bytes on the wire.
    pub(super) wire: usize,
}

/// What a peer did on its connection that it must not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It sent what is no message.
    Message(MessageError),
    /// It has too many streams open.
    Streams,
    /// It does not read what it asked for.
    Slow,
}

enum Out {
    Closed,
    Opening,
    Open(Box<Writer<Stream>>),
}

/// One connection.
pub struct Handler {
    limits: Limits,
    gate: Gate,
    inbound: SelectAll<BoxStream<'static, Result<Framed, Broken>>>,
    checks: FuturesUnordered<JoinHandle<Incoming>>,
    sending: Sending,
    needed: bool,
    pace: Pace,
    events: VecDeque<FromHandler>,
}

/// What is on its way to the peer.
struct Sending {
    out: Out,
    queue: VecDeque<Outgoing>,
    /// How often in a row our stream broke.
    tries: u32,
    /// When the peer must have taken something, while there is something to take.
    deadline: Option<Delay>,
}

impl std::fmt::Debug for Handler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handler")
            .field("streams", &self.inbound.len())
            .field("queue", &self.sending.queue.len())
            .finish_non_exhaustive()
    }
}

impl Handler {
    pub(super) fn new(limits: Limits, pace: Pace) -> Self {
        let arrived = Arc::<AtomicU64>::default();
        Self {
            limits,
            gate: Gate::new(Arc::clone(&arrived)),
            inbound: SelectAll::new(),
            checks: FuturesUnordered::new(),
            sending: Sending {
                out: Out::Closed,
                queue: VecDeque::new(),
                tries: 0,
                deadline: None,
            },
            needed: false,
            pace,
            events: VecDeque::from([FromHandler::New(arrived)]),
        }
    }

    /// Reads messages; those with many bytes of blocks go to be hashed.
    fn poll_inbound(&mut self, cx: &mut Context<'_>) -> Poll<FromHandler> {
        loop {
            if let Poll::Ready(Some(done)) = self.checks.poll_next_unpin(cx) {
                let Ok(incoming) = done else { continue };
                return Poll::Ready(FromHandler::Received(Box::new(incoming)));
            }
            if self.checks.len() >= CHECKS || self.pace.poll(cx).is_pending() {
                return Poll::Pending;
            }
            match self.inbound.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok((message, wire)))) => {
                    self.pace.pay(message.entries.len() + MESSAGE);
                    let bytes: usize = message.blocks.iter().map(|block| block.data.len()).sum();
                    let most = self.limits.wants_of_a_peer;
                    if bytes > HASHED_HERE {
                        let check = spawn_blocking(move || check(message, wire, most));
                        self.checks.push(check);
                        continue;
                    }
                    let incoming = Box::new(check(message, wire, most));
                    return Poll::Ready(FromHandler::Received(incoming));
                }
                Poll::Ready(Some(Err(Broken::Message(error)))) => {
                    return Poll::Ready(FromHandler::Wrong(Wrong::Message(error)));
                }
                Poll::Ready(Some(Err(Broken::Io))) => {}
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn poll_outbound(&mut self, cx: &mut Context<'_>) -> Poll<FromHandler> {
        let Out::Open(writer) = &mut self.sending.out else {
            return Poll::Pending;
        };
        let mut progress = false;
        let polled = writer.poll(&mut self.sending.queue, &mut progress, cx);
        if progress {
            self.sending.deadline = None;
        }
        match polled {
            Poll::Ready(Ok(Left { blocks, wire })) => {
                self.sending.tries = 0;
                Poll::Ready(FromHandler::Left(blocks, wire))
            }
            Poll::Ready(Err(error)) => {
                tracing::debug!("a bitswap stream broke: {error}");
                self.broke();
                Poll::Pending
            }
            Poll::Pending => self.poll_deadline(cx),
        }
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<FromHandler> {
        if self.sending.queue.is_empty() {
            self.sending.deadline = None;
            return Poll::Pending;
        }
        let after = self.limits.slow_reader;
        let deadline = self
            .sending
            .deadline
            .get_or_insert_with(|| Delay::new(after));
        if deadline.poll_unpin(cx).is_pending() {
            return Poll::Pending;
        }
        self.sending.deadline = None;
        self.sending.out = Out::Closed;
        self.drop_queue();
        Poll::Ready(FromHandler::Wrong(Wrong::Slow))
    }

    /// The stream is gone: what was not sent goes on another one, a few times.
    fn broke(&mut self) {
        self.sending.out = Out::Closed;
        self.sending.tries += 1;
        if self.sending.tries >= TRIES {
            self.sending.tries = 0;
            self.drop_queue();
            self.events.push_back(FromHandler::Unusable);
        }
    }

    fn drop_queue(&mut self) {
        let bytes = self.sending.queue.drain(..).map(|(_, bytes)| bytes).sum();
        self.events.push_back(FromHandler::Left(bytes, 0));
    }

    fn failed(&mut self, error: &StreamUpgradeError<std::convert::Infallible>) {
        if matches!(error, StreamUpgradeError::NegotiationFailed) {
            self.sending.tries = TRIES;
        }
        self.broke();
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = ToHandler;
    type ToBehaviour = FromHandler;
    type InboundProtocol = Protocol;
    type OutboundProtocol = Protocol;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<Protocol> {
        SubstreamProtocol::new(Protocol, ())
    }

    fn connection_keep_alive(&self) -> bool {
        self.needed || !self.sending.queue.is_empty() || !self.checks.is_empty()
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Protocol, (), FromHandler>> {
        if let Some(event) = self.events.pop_front() {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(event));
        }
        if let Poll::Ready(event) = self.poll_outbound(cx) {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(event));
        }
        if let Poll::Ready(event) = self.poll_inbound(cx) {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(event));
        }
        if let Some(event) = self.events.pop_front() {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(event));
        }
        if matches!(self.sending.out, Out::Closed) && !self.sending.queue.is_empty() {
            self.sending.out = Out::Opening;
            let protocol = SubstreamProtocol::new(Protocol, ());
            return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol });
        }
        Poll::Pending
    }

    fn on_behaviour_event(&mut self, event: ToHandler) {
        match event {
            ToHandler::Send(message, bytes) => {
                if message.entries.iter().any(|entry| entry.ask == Ask::Block) {
                    self.gate.expects.store(true, Ordering::Relaxed);
                }
                self.sending.queue.push_back((*message, bytes));
            }
            ToHandler::Absent(wants) => self.pace.pay(wants * ABSENT),
            ToHandler::Need(needed) => {
                self.needed = needed;
                // What was asked on another connection may come on this one.
                self.gate.expects.fetch_or(needed, Ordering::Relaxed);
            }
        }
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<'_, Protocol, Protocol>) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(inbound) => {
                let (mut stream, _) = inbound.protocol;
                if self.inbound.len() >= self.limits.streams {
                    self.events.push_back(FromHandler::Wrong(Wrong::Streams));
                    return;
                }
                stream.ignore_for_keep_alive();
                let messages = inbound::messages(stream, self.gate.clone());
                self.inbound.push(messages);
            }
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol: (mut stream, version),
                ..
            }) => {
                stream.ignore_for_keep_alive();
                self.sending.out = Out::Open(Box::new(Writer::new(stream, version)));
            }
            ConnectionEvent::DialUpgradeError(DialUpgradeError { error, .. }) => {
                self.failed(&error);
            }
            _ => {}
        }
    }
}

/// Names the blocks of a message by what they are, and takes at most so many wants.
fn check(mut message: Message, wire: usize, most_wants: usize) -> Incoming {
    let left_out = message.entries.len().saturating_sub(most_wants);
    message.entries.truncate(most_wants);
    let blocks: Vec<Block> = message
        .blocks
        .into_iter()
        .map(Payload::into_block)
        .collect();
    let known = |(name, here)| match name {
        Name::Known { cid, .. } => Some((cid, here)),
        Name::Other(_) => None,
    };
    let received = Received {
        blocks,
        foreign: message.foreign,
        presences: message.presences.into_iter().filter_map(known).collect(),
    };
    Incoming {
        entries: message.entries,
        full: message.full,
        left_out,
        received,
        wire,
    }
}
