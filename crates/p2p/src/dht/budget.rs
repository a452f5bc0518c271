//! How many rows a peer, and a part of the network, may have verified here: a signature
//! costs some fifty microseconds, whoever asks for it.

use std::collections::HashMap;

use libp2p::{Multiaddr, PeerId};
use ourspace_protocol::time::Millis;

use crate::rates::{Left, Part, Rate};

/// Rows of one peer: so many at once (somebody who follows a thousand accounts looks after
/// their rows), and so many a second.
const PEER: Rate = Rate {
    burst: 1_000.0,
    second: 10.0,
};
/// Rows of all peers of one part of the network.
const PART: Rate = Rate {
    burst: 4_000.0,
    second: 40.0,
};
/// The budgets of all senders.
#[derive(Debug)]
pub(super) struct Budgets {
    /// Whose request is being handled.
    pub(super) sender: Option<PeerId>,
    /// Rows that were not looked at, since it was last asked.
    pub(super) refused: u64,
    peers: Left<PeerId>,
    parts: Left<Part>,
    /// Where connected peers are.
    places: HashMap<PeerId, Part>,
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            sender: None,
            refused: 0,
            peers: Left::new(PEER),
            parts: Left::new(PART),
            places: HashMap::new(),
        }
    }
}

impl Budgets {
    /// A peer is connected from there.
    pub(super) fn connected(&mut self, peer: PeerId, address: &Multiaddr) {
        if let Some(part) = Part::of(address) {
            self.places.insert(peer, part);
        }
    }

    /// A peer is gone.
    pub(super) fn gone(&mut self, peer: &PeerId) {
        self.places.remove(peer);
    }

    /// Whether one more row is verified, of whoever's request is being handled. Those of this
    /// node itself all are.
    pub(super) fn take_one(&mut self, now: Millis) -> bool {
        let may = self.sender.is_none_or(|peer| self.take(peer, now));
        self.refused += u64::from(!may);
        may
    }

    fn take(&mut self, peer: PeerId, now: Millis) -> bool {
        let part = self.places.get(&peer).copied();
        // What a peer may not send is not taken from its neighbours.
        self.peers.take(peer, now) && part.is_none_or(|part| self.parts.take(part, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(budgets: &mut Budgets, peer: PeerId, rows: usize, now: Millis) -> usize {
        (0..rows).filter(|_| budgets.take(peer, now)).count()
    }

    #[test]
    fn a_flood_of_one_peer_leaves_the_others_theirs() {
        let mut budgets = Budgets::default();
        let (flood, honest) = (PeerId::random(), PeerId::random());
        let (mut flooded, mut worked) = (0, 0);
        for second in 0..60 {
            flooded += taken(&mut budgets, flood, 10_000, second * 1000);
            worked += taken(&mut budgets, honest, 8, second * 1000);
        }
        assert_eq!(worked, 480);
        assert!(flooded <= 1_000 + 10 * 60, "{flooded}");
    }

    #[test]
    fn many_peers_of_one_part_of_the_network_share() {
        let mut budgets = Budgets::default();
        let many: Vec<PeerId> = (0..50).map(|_| PeerId::random()).collect();
        for (at, peer) in many.iter().enumerate() {
            let address = format!("/ip4/8.8.{at}.1/tcp/4011");
            budgets.connected(*peer, &address.parse().unwrap());
        }
        let elsewhere = PeerId::random();
        budgets.connected(elsewhere, &"/ip4/9.9.9.9/tcp/1".parse().unwrap());
        let all = many.iter();
        let all: usize = all.map(|peer| taken(&mut budgets, *peer, 900, 5)).sum();
        assert_eq!(all, 4_000);
        assert_eq!(taken(&mut budgets, elsewhere, 900, 5), 900);
    }
}
