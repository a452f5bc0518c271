//! How much of something a sender may have: so many at once, and so many a second. What a
//! sender has left is remembered also when they go, so that nobody gets more by coming again.

use std::{collections::HashMap, hash::Hash, net::IpAddr};

use libp2p::{Multiaddr, multiaddr::Protocol};
use ourspace_protocol::time::Millis;

/// Senders that are remembered.
pub(crate) const SENDERS: usize = 4_096;

/// So many at once, and so many a second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    pub(crate) burst: f64,
    pub(crate) second: f64,
}

/// The first bits of an address in the open internet: /16 of IPv4, /32 of IPv6, which few people
/// have many of. In private networks, a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Part {
    V4([u8; 2]),
    V6([u8; 4]),
    Host(IpAddr),
}

impl Part {
    /// Of an address. Others than those of the internet have none, nor has this machine: whoever
    /// is on it can do worse than flood.
    pub(crate) fn of(address: &Multiaddr) -> Option<Self> {
        let ip = address.iter().find_map(|part| match part {
            Protocol::Ip4(ip) => Some(IpAddr::V4(ip)),
            Protocol::Ip6(ip) => Some(IpAddr::V6(ip)),
            _ => None,
        });
        let ip = ip?;
        match ip {
            _ if ip.is_loopback() => None,
            _ if !ourspace_protocol::seams::is_public(ip) => Some(Self::Host(ip)),
            IpAddr::V4(ip) => {
                let [a, b, ..] = ip.octets();
                Some(Self::V4([a, b]))
            }
            IpAddr::V6(ip) => {
                let [a, b, c, d, ..] = ip.octets();
                Some(Self::V6([a, b, c, d]))
            }
        }
    }
}

/// What senders have left, and when that was counted.
#[derive(Clone, Debug)]
pub(crate) struct Left<K> {
    rate: Rate,
    left: HashMap<K, (f64, Millis)>,
}

impl<K: Hash + Eq + Copy> Left<K> {
    /// All of them have all of it.
    pub(crate) fn new(rate: Rate) -> Self {
        Self {
            rate,
            left: HashMap::new(),
        }
    }

    /// Takes one, if there is one left.
    pub(crate) fn take(&mut self, who: K, now: Millis) -> bool {
        self.take_some(who, 1.0, now)
    }

    /// Takes so many, if so many are left; else none.
    pub(crate) fn take_some(&mut self, who: K, some: f64, now: Millis) -> bool {
        let Rate { burst, second } = self.rate;
        let full = |(left, at): &(f64, Millis)| {
            left + now.saturating_sub(*at) as f64 / 1000.0 * second >= burst
        };
        if self.left.len() >= SENDERS && !self.left.contains_key(&who) {
            // Whoever has all of it again is as good as new.
            self.left.retain(|_, one| !full(one));
            if self.left.len() >= SENDERS {
                return false;
            }
        }
        let (left, at) = self.left.entry(who).or_insert((burst, now));
        let passed = now.saturating_sub(*at) as f64 / 1000.0;
        *left = (*left + passed * second).min(burst);
        *at = now.max(*at);
        let may = *left >= some;
        if may {
            *left -= some;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded() {
        let rate = Rate {
            burst: 10.0,
            second: 1.0,
        };
        let mut left = Left::new(rate);
        for who in 0..SENDERS {
            assert!(left.take(who, 0));
        }
        assert!(!left.take(SENDERS, 0));
        assert_eq!(left.left.len(), SENDERS);
        // After a second all of them have theirs again.
        assert!(left.take(SENDERS, 1_000));
        assert_eq!(left.left.len(), 1);
    }
}
