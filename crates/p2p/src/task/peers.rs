//! Peers: what is known of those that are connected, and who has misbehaved.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    time::Duration,
};

use libp2p::{Multiaddr, PeerId, core::ConnectedPoint, multiaddr::Protocol};
use ourspace_protocol::time::Millis;

use crate::{
    dialling,
    rates::{Left, Part, Rate},
};

/// Addresses of one peer that are looked at.
const LISTENS: usize = 16;

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
/// So many of what was too much, and it is a fault.
const OVERFLOWS: u32 = 50;
/// Bytes of the delta of a notice that counts as one; a larger one counts as several.
const NOTICE_BYTES: usize = 3 * 1024;
/// Notices of one peer: a mailbox's worth of strangers' and some more.
const NOTICES: Rate = Rate {
    burst: 600.0,
    second: 20.0,
};
/// Notices of all peers of one part of the network.
const PART_NOTICES: Rate = Rate {
    burst: 1_200.0,
    second: 40.0,
};
/// Notices of all peers together: each costs two recoveries of a key.
const ALL_NOTICES: Rate = Rate {
    burst: 4_000.0,
    second: 200.0,
};
/// Other messages of one peer about mailboxes: each has one read. When two meet who follow
/// the same thousand accounts, each of these is compared.
const MAIL: Rate = Rate {
    burst: 1_000.0,
    second: 10.0,
};

/// How a peer is connected.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Way {
    /// The address is one to come back to: this node has dialled it, or the peer listens there.
    pub(super) lasting: bool,
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
    overflows: u32,
}

/// What peers may still send, whether they are connected or were.
#[derive(Debug)]
struct May {
    frames: Left<PeerId>,
    notices: Left<PeerId>,
    part: Left<Part>,
    all: Left<()>,
    mail: Left<PeerId>,
}

impl Default for May {
    fn default() -> Self {
        Self {
            frames: Left::new(FRAMES),
            notices: Left::new(NOTICES),
            part: Left::new(PART_NOTICES),
            all: Left::new(ALL_NOTICES),
            mail: Left::new(MAIL),
        }
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Peers {
    connected: BTreeMap<PeerId, Peer>,
    silenced: HashMap<PeerId, Millis>,
    may: May,
}

impl Peers {
    pub(super) fn connected(&mut self, peer: PeerId, endpoint: &ConnectedPoint, now: Millis) {
        let address = endpoint.get_remote_address();
        if let Some(known) = self.connected.get_mut(&peer) {
            if known.way.relayed && !endpoint.is_relayed() {
                known.way.relayed = false;
                known.address = address.clone();
                known.way.lasting = endpoint.is_dialer();
                known.way.punched = true;
            }
            return;
        }
        let new = Peer {
            address: address.clone(),
            way: Way {
                lasting: endpoint.is_dialer(),
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
            overflows: 0,
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
        self.connected.contains_key(peer) && self.may.frames.take(*peer, now)
    }

    /// Counts what a peer sent beyond what it may; whether that is a fault by now.
    pub(super) fn overflows(&mut self, peer: &PeerId) -> bool {
        self.connected.get_mut(peer).is_some_and(|known| {
            known.overflows += 1;
            known.overflows % OVERFLOWS == 0
        })
    }

    /// Whether a peer may hand over one more notice now, with a delta of so many bytes.
    pub(super) fn may_notify(
        &mut self,
        peer: &PeerId,
        (bytes, kept): (usize, bool),
        now: Millis,
    ) -> bool {
        let Some(known) = self.connected.get(peer) else {
            return false;
        };
        let part = Part::of(&known.address);
        let count = bytes.div_ceil(NOTICE_BYTES).max(1) as f64;
        // What a peer may not send is not taken from its neighbours, nor theirs from all.
        self.may.notices.take_some(*peer, count, now)
            && part.is_none_or(|part| self.may.part.take_some(part, count, now))
            && (!kept || self.may.all.take_some((), count, now))
    }

    /// Whether a peer may send one more of the other messages about mailboxes now.
    pub(super) fn may_compare(&mut self, peer: &PeerId, now: Millis) -> bool {
        self.connected.contains_key(peer) && self.may.mail.take(*peer, now)
    }

    /// How far most clocks are ahead of the one here.
    pub(super) fn clock(&self) -> Option<i64> {
        let clocks = self.connected.values().filter_map(|peer| {
            let ahead = peer.ahead?;
            Some((Part::of(&peer.address), ahead))
        });
        // Many peers of one part of the network may be one person: they have one voice.
        let mut all = Vec::new();
        let mut parts: BTreeMap<Part, Vec<i64>> = BTreeMap::new();
        for (part, ahead) in clocks {
            match part {
                Some(part) => parts.entry(part).or_default().push(ahead),
                None => all.push(ahead),
            }
        }
        all.extend(parts.into_values().map(middle));
        (all.len() >= 3).then(|| middle(all))
    }
}

fn middle(mut all: Vec<i64>) -> i64 {
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or(0)
}

impl Peer {
    /// It has said where it listens, over a direct connection from `ip`. Where that is not where it
    /// was thought to be, one of these that leads to it becomes the address to come back to.
    pub(super) fn listens(&mut self, ip: IpAddr, addresses: &[Multiaddr]) {
        let bare = |address: &Multiaddr| -> Multiaddr {
            let parts = address.iter();
            parts
                .filter(|part| !matches!(part, Protocol::P2p(_)))
                .collect()
        };
        let relayed = |address: &Multiaddr| address.iter().any(|part| part == Protocol::P2pCircuit);
        let direct = addresses.iter().take(LISTENS).filter(|one| !relayed(one));
        let mut there = direct.filter(|one| dialling::ip(one) == Some(ip)).map(bare);
        let thought = bare(&self.address);
        if there.clone().any(|one| one == thought) {
            self.way.lasting = true;
        } else if let Some(address) = there.next() {
            self.address = address;
            self.way.lasting = true;
        }
    }
}
