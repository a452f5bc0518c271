//! A connection's handler that hands over so many questions in a time and no more: what comes
//! beyond waits in the connection, and then at the sender.
//!
//! What a handler hands over are questions and answers, which are not told apart from outside;
//! but for each of its own questions it opens a stream, so one answer for each of these is free.

use std::task::{Context, Poll};

use libp2p::swarm::{
    ConnectionHandler, ConnectionHandlerEvent, SubstreamProtocol, handler::ConnectionEvent,
};

use crate::pace::Pace;

/// A handler with a pace.
pub(crate) struct Paced<H> {
    inner: H,
    pace: Pace,
    /// Answers that are still to come.
    asked: usize,
}

impl<H> Paced<H> {
    pub(crate) fn new(inner: H, pace: Pace) -> Self {
        Self {
            inner,
            pace,
            asked: 0,
        }
    }
}

impl<H: ConnectionHandler> ConnectionHandler for Paced<H> {
    type FromBehaviour = H::FromBehaviour;
    type ToBehaviour = H::ToBehaviour;
    type InboundProtocol = H::InboundProtocol;
    type OutboundProtocol = H::OutboundProtocol;
    type InboundOpenInfo = H::InboundOpenInfo;
    type OutboundOpenInfo = H::OutboundOpenInfo;

    fn listen_protocol(&self) -> SubstreamProtocol<H::InboundProtocol, H::InboundOpenInfo> {
        self.inner.listen_protocol()
    }

    fn connection_keep_alive(&self) -> bool {
        self.inner.connection_keep_alive()
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<H::OutboundProtocol, H::OutboundOpenInfo, H::ToBehaviour>>
    {
        std::task::ready!(self.pace.poll(cx));
        let polled = self.inner.poll(cx);
        match polled {
            Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { .. }) => {
                self.asked += 1;
            }
            Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(_)) if self.asked > 0 => {
                self.asked -= 1;
            }
            Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(_)) => self.pace.pay(1),
            _ => {}
        }
        polled
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Option<H::ToBehaviour>> {
        self.inner.poll_close(cx)
    }

    fn on_behaviour_event(&mut self, event: H::FromBehaviour) {
        self.inner.on_behaviour_event(event);
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<
            '_,
            H::InboundProtocol,
            H::OutboundProtocol,
            H::InboundOpenInfo,
            H::OutboundOpenInfo,
        >,
    ) {
        self.inner.on_connection_event(event);
    }
}
