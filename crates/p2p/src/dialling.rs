//! Which addresses are dialled at all.
//!
//! Every home has a 192.168.1.2, and every machine a 127.0.0.1: what a stranger's node says of
//! such addresses of its own leads to somebody else here, often to this node itself. Libp2p
//! gives up a peer at whose address somebody else answers, also where another address of it
//! would have worked. So once a node has spoken with anybody on the public internet, it dials
//! a private address only where it is known that this very peer is there. The same goes for this
//! machine, unless the node listens on it alone: what runs here is nobody else's business. Such a
//! node, for its part, dials nothing beyond this machine.

use std::{
    collections::BTreeSet,
    net::IpAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use libp2p::{
    Multiaddr, PeerId, Transport,
    core::transport::{DialOpts, ListenerId, TransportError, TransportEvent},
    multiaddr::Protocol,
};
use ourspace_protocol::seams::is_public;

/// Peers in private networks that are remembered; of more, none.
const MOST: usize = 1_024;

/// What is known of it, shared with whoever learns more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Neighbours {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    outside: AtomicBool,
    /// The node listens on this machine, and not on it alone.
    here: AtomicBool,
    open: AtomicBool,
    near: Mutex<BTreeSet<(PeerId, IpAddr)>>,
}

impl Neighbours {
    fn near(&self) -> MutexGuard<'_, BTreeSet<(PeerId, IpAddr)>> {
        self.shared
            .near
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A peer is at this address: a person, multicast or a connection says so.
    pub(crate) fn met(&self, peer: PeerId, address: &Multiaddr) {
        let Some(ip) = ip(address) else {
            return;
        };
        if is_public(ip) {
            return;
        }
        let mut near = self.near();
        if near.len() < MOST {
            near.insert((peer, ip));
        }
    }

    /// There is a connection to this address.
    pub(crate) fn connected(&self, peer: PeerId, address: &Multiaddr) {
        match ip(address).is_some_and(is_public) {
            true => self.shared.outside.store(true, Ordering::Relaxed),
            false => self.met(peer, address),
        }
    }

    /// Whether an address is worth dialling. Those without a peer id are from a person.
    fn admit(&self, address: &Multiaddr) -> bool {
        let Some(ip) = ip(address) else {
            return true;
        };
        let peer = address.iter().find_map(|part| match part {
            Protocol::P2p(peer) => Some(peer),
            _ => None,
        });
        let open = self.shared.open.load(Ordering::Relaxed);
        if !open && self.shared.here.load(Ordering::Relaxed) {
            return ip.is_loopback();
        }
        let foreign = self.shared.outside.load(Ordering::Relaxed) || ip.is_loopback() && open;
        is_public(ip) || !foreign || peer.is_none_or(|peer| self.near().contains(&(peer, ip)))
    }
}

/// The first IP address: of a relayed address, the relay's.
pub(crate) fn ip(address: &Multiaddr) -> Option<IpAddr> {
    address.iter().find_map(|part| match part {
        Protocol::Ip4(ip) => Some(IpAddr::V4(ip)),
        Protocol::Ip6(ip) => Some(IpAddr::V6(ip)),
        _ => None,
    })
}

/// A transport that dials only what is admitted.
pub(crate) struct Choosy<T> {
    inner: T,
    neighbours: Neighbours,
}

impl<T> Choosy<T> {
    pub(crate) fn new(inner: T, neighbours: Neighbours) -> Self {
        Self { inner, neighbours }
    }
}

impl<T: Transport + Unpin> Transport for Choosy<T> {
    type Output = T::Output;
    type Error = T::Error;
    type ListenerUpgrade = T::ListenerUpgrade;
    type Dial = T::Dial;

    fn listen_on(
        &mut self,
        id: ListenerId,
        address: Multiaddr,
    ) -> Result<(), TransportError<Self::Error>> {
        if let Some(ip) = ip(&address) {
            let shared = &self.neighbours.shared;
            let which = match ip.is_loopback() {
                true => &shared.here,
                false => &shared.open,
            };
            which.store(true, Ordering::Relaxed);
        }
        self.inner.listen_on(id, address)
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        self.inner.remove_listener(id)
    }

    fn dial(
        &mut self,
        address: Multiaddr,
        options: DialOpts,
    ) -> Result<Self::Dial, TransportError<Self::Error>> {
        match self.neighbours.admit(&address) {
            true => self.inner.dial(address, options),
            false => Err(TransportError::MultiaddrNotSupported(address)),
        }
    }

    fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<TransportEvent<Self::ListenerUpgrade, Self::Error>> {
        Pin::new(&mut self.get_mut().inner).poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_other_peoples_networks_are_not_dialled() {
        let (one, other) = (PeerId::random(), PeerId::random());
        let at = |ip: &str, peer: PeerId| -> Multiaddr {
            format!("/ip4/{ip}/udp/4011/quic-v1/p2p/{peer}")
                .parse()
                .unwrap()
        };
        let neighbours = Neighbours::default();
        // In a private network nothing else is known.
        assert!(neighbours.admit(&at("192.168.1.2", one)));
        assert!(neighbours.admit(&at("127.0.0.1", one)));
        neighbours.shared.here.store(true, Ordering::Relaxed);
        for ip in ["192.168.1.2", "11.2.0.1"] {
            assert!(!neighbours.admit(&at(ip, one)), "{ip}");
        }
        assert!(neighbours.admit(&at("127.0.0.1", one)));
        neighbours.shared.open.store(true, Ordering::Relaxed);
        assert!(!neighbours.admit(&at("127.0.0.1", one)));
        assert!(neighbours.admit(&at("192.168.1.2", one)));
        neighbours.connected(other, &at("11.1.0.1", other));
        for ip in ["192.168.1.2", "127.0.0.1", "10.0.0.9"] {
            assert!(!neighbours.admit(&at(ip, one)), "{ip}");
        }
        assert!(neighbours.admit(&at("11.2.0.1", one)));
        // One that was met there, and nobody else at its address.
        neighbours.met(one, &at("192.168.1.2", one));
        assert!(neighbours.admit(&at("192.168.1.2", one)));
        assert!(!neighbours.admit(&at("192.168.1.2", other)));
        // What a person typed has no peer id, perhaps.
        assert!(neighbours.admit(&"/ip4/192.168.1.9/tcp/4011".parse().unwrap()));
        // Through a relay that is in the open.
        let through = format!("{}/p2p-circuit/p2p/{one}", at("11.1.0.1", other));
        assert!(neighbours.admit(&through.parse().unwrap()));
        let through = format!("{}/p2p-circuit/p2p/{one}", at("10.1.0.1", other));
        assert!(!neighbours.admit(&through.parse().unwrap()));
    }
}
