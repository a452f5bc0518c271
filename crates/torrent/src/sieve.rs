//! Which of the addresses that strangers name are passed on. Pure.

use std::{
    collections::HashSet,
    net::{Ipv4Addr, SocketAddrV4},
};

use ourspace_protocol::seams::is_public;

/// Addresses that one lookup passes on: as many as a node of the DHT keeps under a key.
const MOST: usize = 512;
/// Addresses that are looked at: more are thrown away.
const LOOKED_AT: usize = 16 * 1024;

/// Passes on each address once, of each neighbourhood (/24) one at once and the others
/// only later: who has many addresses side by side is one stranger, not many.
#[derive(Debug)]
pub(crate) struct Sieve {
    /// Whether addresses of private networks count: each is a neighbourhood of its own.
    private: bool,
    seen: HashSet<SocketAddrV4>,
    neighbourhoods: HashSet<[u8; 3]>,
    later: Vec<SocketAddrV4>,
    passed: usize,
    first: u64,
    refused: u64,
}

impl Sieve {
    pub(crate) fn new(private: bool) -> Self {
        Self {
            private,
            seen: HashSet::new(),
            neighbourhoods: HashSet::new(),
            later: Vec::new(),
            passed: 0,
            first: 0,
            refused: 0,
        }
    }

    /// Looks at an address; true when it is to be passed on now.
    pub(crate) fn admits(&mut self, address: SocketAddrV4) -> bool {
        let public = is_public((*address.ip()).into());
        let usable = address.port() != 0 && (public || self.private && is_somebody(*address.ip()));
        if !usable || self.seen.len() >= LOOKED_AT {
            self.refused += 1;
            return false;
        }
        if !self.seen.insert(address) {
            return false;
        }
        let [a, b, c, _] = address.ip().octets();
        if public && !self.neighbourhoods.insert([a, b, c]) {
            self.later.push(address);
            return false;
        }
        self.first += 1;
        self.pass()
    }

    /// One that was put off, now that everybody else had their turn.
    pub(crate) fn late(&mut self) -> Option<SocketAddrV4> {
        let address = self.later.pop()?;
        self.pass().then_some(address)
    }

    fn pass(&mut self) -> bool {
        let more = self.passed < MOST;
        self.passed += usize::from(more);
        more
    }

    /// Different addresses that were seen.
    pub(crate) fn seen(&self) -> u64 {
        self.seen.len() as u64
    }

    /// Different neighbourhoods that were seen: as many strangers there are at least.
    pub(crate) fn strangers(&self) -> u64 {
        self.first
    }

    /// Addresses that cannot be anybody's.
    pub(crate) fn refused(&self) -> u64 {
        self.refused
    }
}

fn is_somebody(address: Ipv4Addr) -> bool {
    !address.is_unspecified() && !address.is_multicast() && !address.is_broadcast()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddrV4 {
        text.parse().unwrap()
    }

    #[test]
    fn neighbours_wait_for_everybody_else() {
        let mut sieve = Sieve::new(false);
        assert!(sieve.admits(address("1.2.3.4:5")));
        assert!(!sieve.admits(address("1.2.3.4:5")), "twice");
        assert!(!sieve.admits(address("1.2.3.4:6")), "a neighbour");
        assert!(!sieve.admits(address("1.2.3.99:5")), "a neighbour");
        assert!(sieve.admits(address("1.2.4.4:5")));
        let late: HashSet<_> = std::iter::from_fn(|| sieve.late()).collect();
        assert_eq!(
            late,
            HashSet::from(["1.2.3.4:6", "1.2.3.99:5"].map(address))
        );
        assert_eq!(
            (sieve.seen(), sieve.strangers(), sieve.refused()),
            (4, 2, 0)
        );
    }

    #[test]
    fn only_addresses_of_somebody_pass() {
        let odd = ["1.2.3.4:0", "0.0.0.0:1", "224.0.0.1:1", "255.255.255.255:1"];
        let mut open = Sieve::new(false);
        let mut private = Sieve::new(true);
        for text in odd {
            assert!(
                !open.admits(address(text)) && !private.admits(address(text)),
                "{text}"
            );
        }
        for text in ["127.0.0.1:1", "127.0.0.1:2", "10.0.0.7:1", "192.168.1.1:80"] {
            assert!(
                !open.admits(address(text)) && private.admits(address(text)),
                "{text}"
            );
        }
        assert_eq!((open.refused(), private.refused()), (8, 4));
    }

    #[test]
    fn a_flood_is_cut() {
        let mut sieve = Sieve::new(false);
        let flood = (0..100_000u32).map(|n| SocketAddrV4::new((0x0100_0000 + n * 77).into(), 1));
        let passed = flood.filter(|address| sieve.admits(*address)).count();
        let late = std::iter::from_fn(|| sieve.late()).count();
        assert_eq!(passed + late, MOST);
        assert_eq!(sieve.seen(), LOOKED_AT as u64);
    }
}
