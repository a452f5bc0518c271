//! Peers: what is known of those that are connected, and who has misbehaved.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use libp2p::{Multiaddr, PeerId, core::ConnectedPoint};
use ourspace_protocol::time::Millis;

/// So many faults, and a peer is hung up on.
const FAULTS: u32 = 10;
/// And not listened to for so long.
const SILENCE: Millis = 60 * 60 * 1000;
/// Peers that are not listened to, at most.
const SILENCED: usize = 4_096;
/// Frames of one peer: so many at once,
const BURST: f64 = 2_000.0;
/// and so many a second.
const RATE: f64 = 100.0;

/// A connected peer.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    pub(super) address: Multiaddr,
    pub(super) dialled: bool,
    pub(super) agent: String,
    pub(super) speaks: bool,
    /// Whether it passes on connections.
    pub(super) relays: bool,
    pub(super) round_trip: Option<Duration>,
    /// How far its clock is ahead of the one here.
    pub(super) ahead: Option<i64>,
    pub(super) since: Millis,
    faults: u32,
    frames: Allowance,
}

/// Frames that a peer may still send.
#[derive(Debug, Clone, Copy)]
struct Allowance {
    left: f64,
    counted: Millis,
}

impl Allowance {
    /// Takes one, if there is one.
    fn take(&mut self, now: Millis) -> bool {
        let passed = now.saturating_sub(self.counted);
        self.counted = now;
        self.left = (self.left + passed as f64 / 1000.0 * RATE).min(BURST);
        let may = self.left >= 1.0;
        if may {
            self.left -= 1.0;
        }
        may
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Peers {
    connected: BTreeMap<PeerId, Peer>,
    silenced: HashMap<PeerId, Millis>,
}

impl Peers {
    pub(super) fn connected(&mut self, peer: PeerId, endpoint: &ConnectedPoint, now: Millis) {
        self.connected.entry(peer).or_insert_with(|| Peer {
            address: endpoint.get_remote_address().clone(),
            dialled: endpoint.is_dialer(),
            agent: String::new(),
            speaks: false,
            relays: false,
            round_trip: None,
            ahead: None,
            since: now,
            faults: 0,
            frames: Allowance {
                left: BURST,
                counted: now,
            },
        });
    }

    pub(super) fn gone(&mut self, peer: &PeerId) {
        self.connected.remove(peer);
    }

    pub(super) fn get_mut(&mut self, peer: &PeerId) -> Option<&mut Peer> {
        self.connected.get_mut(peer)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&PeerId, &Peer)> {
        self.connected.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.connected.len()
    }

    /// Whether a peer is not listened to.
    pub(super) fn is_silenced(&self, peer: &PeerId, now: Millis) -> bool {
        self.silenced.get(peer).is_some_and(|until| *until > now)
    }

    /// Counts a fault; whether it was one too many.
    pub(super) fn fault(&mut self, peer: &PeerId, now: Millis) -> bool {
        let Some(known) = self.connected.get_mut(peer) else {
            return false;
        };
        known.faults += 1;
        if known.faults < FAULTS {
            return false;
        }
        if self.silenced.len() >= SILENCED {
            self.silenced.retain(|_, until| *until > now);
        }
        if self.silenced.len() < SILENCED {
            self.silenced.insert(*peer, now + SILENCE);
        }
        true
    }

    /// Whether a peer may send one more frame now.
    pub(super) fn may_speak(&mut self, peer: &PeerId, now: Millis) -> bool {
        let known = self.connected.get_mut(peer);
        known.is_some_and(|known| known.frames.take(now))
    }

    /// How far most clocks are ahead of the one here.
    pub(super) fn clock(&self) -> Option<i64> {
        let mut all: Vec<i64> = self
            .connected
            .values()
            .filter_map(|peer| peer.ahead)
            .collect();
        all.sort_unstable();
        (all.len() >= 3).then(|| all[all.len() / 2])
    }
}
