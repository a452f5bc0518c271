//! How much a peer is sent: no more than it takes, and never so much that its line is full.

use std::collections::BTreeMap;

use ourspace_protocol::{message::Mail, time::Millis};

/// Notices that a peer is sent at once: 200 of the largest size fit into what may wait for it.
const BURST: u64 = 200;
/// Milliseconds for each further one: a peer takes twenty a second.
const EACH: u64 = 60;
/// Peers that are remembered.
const PEERS: usize = 1_024;

/// What was sent lately.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    /// By when each peer will have taken what it was sent.
    until: BTreeMap<String, Millis>,
}

impl Outgoing {
    /// Whether a message may go now. Whatever is no notice is small.
    pub(super) fn may(&mut self, peer: &str, mail: &Mail, now: Millis) -> bool {
        if !matches!(mail, Mail::Notice { .. }) {
            return true;
        }
        if self.until.len() >= PEERS {
            self.until.retain(|_, until| *until > now);
        }
        let until = self.until.entry(peer.to_owned()).or_insert(now);
        let taken = (*until).max(now) + EACH;
        if taken > now + BURST * EACH {
            return false;
        }
        *until = taken;
        true
    }
}
