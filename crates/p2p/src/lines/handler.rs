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
        ConnectionHandler, ConnectionHandlerEvent, Stream, StreamUpgradeError, SubstreamProtocol,
        handler::{ConnectionEvent, FullyNegotiatedInbound, FullyNegotiatedOutbound},
    },
};

use super::frames::{FrameReader, FrameWriter};

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
    /// The peer does not speak it.
    Mute,
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
}

#[derive(Debug)]
enum Outbound {
    Wanted,
    Opening,
    Open(FrameWriter<Stream>),
    /// The peer does not speak it, or there was a fault.
    Closed,
}

impl Handler {
    pub(super) fn new(protocol: StreamProtocol) -> Self {
        Self {
            protocol,
            inbound: VecDeque::new(),
            outbound: Outbound::Wanted,
            early: VecDeque::new(),
            told: VecDeque::new(),
            speaks: false,
        }
    }

    fn speaks(&mut self) {
        if !self.speaks {
            self.speaks = true;
            self.told.push_back(Told::Speaks);
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
        self.speaks();
    }

    fn poll_out(&mut self, cx: &mut Context<'_>) {
        if let Outbound::Open(writer) = &mut self.outbound {
            match writer.poll_flush(cx) {
                // The stream is gone: what was not sent is lost, and a new one is opened
                // for what comes.
                Poll::Ready(Err(_)) => self.outbound = Outbound::Wanted,
                Poll::Ready(Ok(())) | Poll::Pending => {}
            }
        }
    }

    fn poll_in(&mut self, cx: &mut Context<'_>) -> Option<Told> {
        let mut at = 0;
        while let Some(reader) = self.inbound.get_mut(at) {
            match reader.poll_frame(cx) {
                Poll::Ready(Ok(Some(frame))) => return Some(Told::Frame(frame)),
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
            Outbound::Closed => {}
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
            ConnectionEvent::DialUpgradeError(error) => {
                self.outbound = Outbound::Closed;
                self.early.clear();
                if matches!(error.error, StreamUpgradeError::NegotiationFailed) {
                    self.told.push_back(Told::Mute);
                }
            }
            _ => {}
        }
    }
}
