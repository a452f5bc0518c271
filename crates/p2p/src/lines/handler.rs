//! One connection's end of the lines.

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Poll},
};

use libp2p::{
    StreamProtocol,
    core::upgrade::ReadyUpgrade,
    swarm::{
        ConnectionHandler, ConnectionHandlerEvent, Stream, SubstreamProtocol,
        handler::{ConnectionEvent, FullyNegotiatedInbound, FullyNegotiatedOutbound},
    },
};

use super::frames::{FrameReader, FrameWriter};
use crate::pace::Pace;

/// Streams that a peer may have open towards this node: a new one may come before the end
/// of the old one was seen.
const INBOUND: usize = 2;
/// Bytes that wait for a peer that reads slowly.
const WAITING: usize = 1024 * 1024;

/// What a handler tells.
#[derive(Debug)]
pub(crate) enum Told {
    /// The peer speaks the protocol.
    Speaks,
    /// A frame came.
    Frame(Vec<u8>),
    /// The peer breaks the rules of frames, or does not read what is sent.
    Fault(&'static str),
}

type Wire = ReadyUpgrade<StreamProtocol>;

/// One connection's end.
#[derive(Debug)]
pub(crate) struct Handler {
    protocol: StreamProtocol,
    inbound: VecDeque<FrameReader<Stream>>,
    outbound: Outbound,
    /// What is to be sent as soon as there is a stream.
    early: VecDeque<Arc<[u8]>>,
    told: VecDeque<Told>,
    speaks: bool,
    /// How fast frames are taken.
    pace: Pace,
}

#[derive(Debug)]
enum Outbound {
    Wanted,
    Opening,
    Open(FrameWriter<Stream>),
    /// The peer does not speak it.
    Refused,
    /// There was a fault.
    Closed,
}

impl Handler {
    pub(super) fn new(protocol: StreamProtocol, pace: Pace) -> Self {
        Self {
            protocol,
            inbound: VecDeque::new(),
            outbound: Outbound::Wanted,
            early: VecDeque::new(),
            told: VecDeque::new(),
            speaks: false,
            pace,
        }
    }

    /// The peer has opened a stream. That the own one is open says nothing yet: its protocol
    /// is agreed on lazily, and who does not speak it refuses it a round trip later.
    fn speaks(&mut self) {
        if !self.speaks {
            self.speaks = true;
            self.told.push_back(Told::Speaks);
            if matches!(self.outbound, Outbound::Refused) {
                self.outbound = Outbound::Wanted;
            }
        }
    }

    fn fault(&mut self, what: &'static str) {
        self.outbound = Outbound::Closed;
        self.early.clear();
        self.told.push_back(Told::Fault(what));
    }

    fn opened(&mut self, stream: Stream) {
        let mut writer = FrameWriter::new(stream);
        for frame in self.early.drain(..) {
            writer.push(&frame);
        }
        self.outbound = Outbound::Open(writer);
    }

    fn refused(&mut self) {
        self.outbound = Outbound::Refused;
        self.early.clear();
    }

    fn poll_out(&mut self, cx: &mut Context<'_>) {
        if let Outbound::Open(writer) = &mut self.outbound {
            let failed = matches!(writer.poll_flush(cx), Poll::Ready(Err(_)));
            match self.speaks {
                // The stream is gone: what was not sent is lost, and a new one is opened
                // for what comes.
                true if failed => self.outbound = Outbound::Wanted,
                false if failed || writer.poll_refused(cx).is_ready() => self.refused(),
                _ => {}
            }
        }
    }

    fn poll_in(&mut self, cx: &mut Context<'_>) -> Option<Told> {
        if self.pace.poll(cx).is_pending() {
            return None;
        }
        let mut at = 0;
        while let Some(reader) = self.inbound.get_mut(at) {
            match reader.poll_frame(cx) {
                Poll::Ready(Ok(Some(frame))) => {
                    self.pace.pay(1);
                    return Some(Told::Frame(frame));
                }
                Poll::Ready(Ok(None)) => drop(self.inbound.remove(at)),
                Poll::Ready(Err(error)) => {
                    drop(self.inbound.remove(at));
                    if error.kind() == std::io::ErrorKind::InvalidData {
                        return Some(Told::Fault("a frame that is too long"));
                    }
                }
                Poll::Pending => at += 1,
            }
        }
        None
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Arc<[u8]>;
    type ToBehaviour = Told;
    type InboundProtocol = Wire;
    type OutboundProtocol = Wire;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<Wire, ()> {
        SubstreamProtocol::new(ReadyUpgrade::new(self.protocol.clone()), ())
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ConnectionHandlerEvent<Wire, (), Told>> {
        if let Some(told) = self.told.pop_front() {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(told));
        }
        if matches!(self.outbound, Outbound::Wanted) {
            self.outbound = Outbound::Opening;
            return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest {
                protocol: self.listen_protocol(),
            });
        }
        self.poll_out(cx);
        match self.poll_in(cx) {
            Some(told) => Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(told)),
            None => Poll::Pending,
        }
    }

    fn on_behaviour_event(&mut self, frame: Arc<[u8]>) {
        match &mut self.outbound {
            Outbound::Open(writer) => {
                writer.push(&frame);
                if writer.waiting() > WAITING {
                    self.fault("it does not read what is sent to it");
                }
            }
            Outbound::Wanted | Outbound::Opening => {
                self.early.push_back(frame);
                let waiting: usize = self.early.iter().map(|frame| frame.len()).sum();
                if waiting > WAITING {
                    self.fault("it opens no stream for what is sent to it");
                }
            }
            Outbound::Refused | Outbound::Closed => {}
        }
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<'_, Wire, Wire, (), ()>) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
                protocol, ..
            }) => {
                if self.inbound.len() >= INBOUND {
                    self.inbound.pop_front();
                }
                self.inbound.push_back(FrameReader::new(protocol));
                self.speaks();
            }
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol, ..
            }) => self.opened(protocol),
            ConnectionEvent::DialUpgradeError(_) => self.refused(),
            _ => {}
        }
    }
}
