//! The entrance: how many connections somebody may begin here. Each costs some curves before it is
//! known who it is, so that is decided by where it comes from.

use std::task::{Context, Poll};

use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
        THandlerOutEvent, ToSwarm, dummy,
    },
};

use crate::{
    config::Clock,
    rates::{Left, Part, Rate},
};

/// Of one part of the network: a whole net may live at one address, in a test or behind a router,
/// and comes at once when this node starts.
const PART: Rate = Rate {
    burst: 256.0,
    second: 4.0,
};

/// Too many connections came from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many connections from one part of the network")]
pub(crate) struct TooMany;

/// Lets connections in, or not.
pub(crate) struct Entrance {
    clock: Clock,
    parts: Left<Part>,
}

impl Entrance {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            parts: Left::new(PART),
        }
    }
}

impl NetworkBehaviour for Entrance {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = std::convert::Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        let now = (self.clock)();
        let may = Part::of(remote).is_none_or(|part| self.parts.take(part, now));
        if may {
            Ok(())
        } else {
            Err(ConnectionDenied::new(TooMany))
        }
    }

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(dummy::ConnectionHandler)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, _: FromSwarm<'_>) {}

    fn on_connection_handler_event(
        &mut self,
        _: PeerId,
        _: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    };

    use super::*;

    #[test]
    fn a_flood_of_connections_leaves_the_door_open_for_others() {
        let time = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&time);
        let mut entrance = Entrance::new(Arc::new(move || clock.load(Ordering::Relaxed)));
        let mut come = |from: &str, times: usize| {
            let from = from.parse().unwrap();
            let mut come = || {
                let id = ConnectionId::new_unchecked(1);
                entrance.handle_pending_inbound_connection(id, &Multiaddr::empty(), &from)
            };
            (0..times).filter(|_| come().is_ok()).count()
        };
        assert_eq!(come("/ip4/8.8.8.8/tcp/1", 1_000), 256);
        assert_eq!(come("/ip4/8.8.4.4/udp/9/quic-v1", 10), 0);
        assert_eq!(come("/ip4/9.9.9.9/tcp/1", 10), 10);
        assert_eq!(come("/ip4/192.168.1.7/tcp/1", 10), 10);
        assert_eq!(come("/memory/7", 1_000), 1_000);
        time.store(10_000, Ordering::Relaxed);
        assert_eq!(come("/ip4/8.8.8.8/tcp/1", 1_000), 40);
    }
}
