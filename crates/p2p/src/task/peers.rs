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
/// Frames of one peer.
const FRAMES: Rate = Rate {
    burst: 2_000.0,
    second: 100.0,
};
/// Notices of one peer: a mailbox's worth of strangers' and some more.
const NOTICES: Rate = Rate {
    burst: 600.0,
    second: 20.0,
};
/// Notices of all peers together: each costs two recoveries of a key.
const ALL_NOTICES: Rate = Rate {
    burst: 4_000.0,
    second: 200.0,
};

/// How a peer is connected.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Way {
    /// By this node, so that the address is one to come back to.
    pub(super) dialled: bool,
    /// Through relays only.
    pub(super) relayed: bool,
    /// Directly, in place of a connection through a relay.
    pub(super) punched: bool,
    /// It has stopped to answer.
    pub(super) silent: bool,
}

/// A connected peer.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    pub(super) address: Multiaddr,
    pub(super) way: Way,
    pub(super) agent: String,
    pub(super) speaks: bool,
    /// Whether it passes on connections.
    pub(super) relays: bool,
    pub(super) round_trip: Option<Duration>,
    /// How far its clock is ahead of the one here.
    pub(super) ahead: Option<i64>,
    pub(super) since: Millis,
    faults: u32,
    may: May,
}

/// What a peer may still send.
#[derive(Debug, Clone, Copy)]
struct May {
    frames: Allowance,
    notices: Allowance,
}

/// So many at once, and so many a second.
#[derive(Debug)]
struct Rate {
    burst: f64,
    second: f64,
}

/// What may still come.
#[derive(Debug, Clone, Copy)]
struct Allowance {
    rate: &'static Rate,
    left: f64,
    counted: Millis,
}

impl Allowance {
    fn new(rate: &'static Rate, now: Millis) -> Self {
        Self {
            rate,
            left: rate.burst,
            counted: now,
        }
    }

    /// Takes one, if there is one.
    fn take(&mut self, now: Millis) -> bool {
        let passed = now.saturating_sub(self.counted);
        self.counted = now;
        self.left = (self.left + passed as f64 / 1000.0 * self.rate.second).min(self.rate.burst);
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
    notices: Option<Allowance>,
}

impl Peers {
    pub(super) fn connected(&mut self, peer: PeerId, endpoint: &ConnectedPoint, now: Millis) {
        let address = endpoint.get_remote_address();
        if let Some(known) = self.connected.get_mut(&peer) {
            if known.way.relayed && !endpoint.is_relayed() {
                known.way.relayed = false;
                known.address = address.clone();
                known.way.dialled = endpoint.is_dialer();
                known.way.punched = true;
            }
            return;
        }
        let new = Peer {
            address: address.clone(),
            way: Way {
                dialled: endpoint.is_dialer(),
                relayed: endpoint.is_relayed(),
                ..Way::default()
            },
            agent: String::new(),
            speaks: false,
            relays: false,
            round_trip: None,
            ahead: None,
            since: now,
            faults: 0,
            may: May {
                frames: Allowance::new(&FRAMES, now),
                notices: Allowance::new(&NOTICES, now),
            },
        };
        self.connected.insert(peer, new);
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
        known.is_some_and(|known| known.may.frames.take(now))
    }

    /// Whether a peer may hand over one more notice now.
    pub(super) fn may_notify(&mut self, peer: &PeerId, kept: bool, now: Millis) -> bool {
        let known = self.connected.get_mut(peer);
        let all = self
            .notices
            .get_or_insert_with(|| Allowance::new(&ALL_NOTICES, now));
        known.is_some_and(|known| known.may.notices.take(now)) && (!kept || all.take(now))
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
