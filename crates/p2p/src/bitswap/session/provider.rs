//! One peer of whom a session asks blocks: how much at a time, and how fast they come.

use std::{collections::HashMap, time::Duration};

use ourspace_protocol::dag::Cid;

use super::Time;

/// Wants that a provider gets before anything is known of it.
const FIRST_WANTS: usize = 4;
/// Wants that are open with one provider, at most. Kubo drops wants beyond 1,024 without a
/// word, and counts those that it has just answered.
const MOST_WANTS: usize = 512;
/// Bytes that are asked for while the rate is unknown.
const FIRST_BYTES: usize = 4 * 1024 * 1024;
/// A rate is measured over at least this.
const SAMPLE: Duration = Duration::from_millis(100);

/// Whether a provider can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// It is being dialled, since then.
    Making(Time),
    /// It can.
    Up,
    /// Not any more, unless somebody names it again.
    Out,
    /// Never again in this session: it lied.
    Barred,
}

/// A peer, as one session sees it.
#[derive(Debug)]
pub(super) struct Provider {
    pub(super) link: Link,
    /// What is asked of it, and since when.
    pub(super) open: HashMap<Cid, Time>,
    /// When it last sent anything, or was asked after having nothing to do.
    pub(super) heard: Time,
    /// How often in a row it was silent.
    pub(super) strikes: u32,
    /// Not asked before then.
    pub(super) rests_until: Time,
    /// Wants that it may have at once: doubles with every round trip.
    allowed: usize,
    /// Bytes a second, once known.
    rate: Option<f64>,
    sample_since: Time,
    sample_bytes: usize,
    /// Seconds there and back: the shortest time in which a block came, without what its
    /// bytes took.
    way: Option<f64>,
}

impl Provider {
    pub(super) fn new(link: Link) -> Self {
        Self {
            link,
            open: HashMap::new(),
            heard: Time::ZERO,
            strikes: 0,
            rests_until: Time::ZERO,
            allowed: FIRST_WANTS,
            rate: None,
            sample_since: Time::ZERO,
            sample_bytes: 0,
            way: None,
        }
    }

    /// Whether it counts as somebody who may still have a block.
    pub(super) fn is_in(&self) -> bool {
        matches!(self.link, Link::Making(_) | Link::Up)
    }

    pub(super) fn is_ready(&self, now: Time) -> bool {
        self.link == Link::Up && self.rests_until <= now
    }

    /// How many more wants it should get. It is filled up only when a quarter of its window
    /// is free, so that wants travel in company.
    pub(super) fn room(&self, typical: usize, most_bytes: usize) -> usize {
        let window = self.window(typical, most_bytes);
        let filled = self.open.len();
        if filled * 4 > window * 3 {
            0
        } else {
            window - filled
        }
    }

    /// Wants open at a time: about what it sends in a second and twice the way.
    fn window(&self, typical: usize, most_bytes: usize) -> usize {
        let time = 1.0 + 2.0 * self.way.unwrap_or(0.0);
        let bytes = self.rate.map_or(FIRST_BYTES, |rate| (rate * time) as usize);
        let wants = bytes.min(most_bytes) / typical.max(1);
        wants.clamp(1, MOST_WANTS.min(self.allowed))
    }

    /// In how many seconds a block that is asked now would come; by `otherwise` bytes a
    /// second where nothing is known.
    pub(super) fn wait(&self, typical: usize, otherwise: f64) -> f64 {
        let bytes = (self.open.len() + 1) * typical;
        bytes as f64 / self.rate.unwrap_or(otherwise).max(1.0)
    }

    /// The same for a block that is asked before all others.
    pub(super) fn shortest_wait(&self, typical: usize, otherwise: f64) -> f64 {
        self.way.unwrap_or(0.0) + typical as f64 / self.rate.unwrap_or(otherwise).max(1.0)
    }

    pub(super) fn rate(&self) -> Option<f64> {
        self.rate
    }

    pub(super) fn asked(&mut self, cid: Cid, now: Time) {
        if self.open.is_empty() {
            self.heard = now;
            self.sample_since = now;
            self.sample_bytes = 0;
        }
        self.open.insert(cid, now);
    }

    /// It said that it has not got a block; whether it had been asked.
    pub(super) fn refused(&mut self, cid: &Cid, now: Time) -> bool {
        self.heard(now);
        self.open.remove(cid).is_some()
    }

    pub(super) fn heard(&mut self, now: Time) {
        self.heard = self.heard.max(now);
        self.strikes = 0;
    }

    /// It sent a block.
    pub(super) fn gave(&mut self, cid: &Cid, bytes: usize, now: Time) {
        self.heard(now);
        let asked = self.open.remove(cid);
        self.allowed = (self.allowed + 1).min(MOST_WANTS);
        self.sample_bytes += bytes;
        let took = now.saturating_sub(self.sample_since);
        if took >= SAMPLE {
            let sample = self.sample_bytes as f64 / took.as_secs_f64();
            self.rate = Some(self.rate.map_or(sample, |rate| f64::midpoint(rate, sample)));
            self.sample_since = now;
            self.sample_bytes = 0;
        }
        if let (Some(asked), Some(rate)) = (asked, self.rate) {
            let took = now.saturating_sub(asked).as_secs_f64();
            let way = (took - bytes as f64 / rate.max(1.0)).max(0.0);
            self.way = Some(self.way.map_or(way, |known| known.min(way)));
        }
    }

    /// It was silent for too long: what was asked of it is asked elsewhere.
    pub(super) fn stalled(&mut self, rests_until: Time) -> Vec<Cid> {
        self.strikes += 1;
        self.allowed = 1;
        self.rests_until = rests_until;
        self.open.drain().map(|(cid, _)| cid).collect()
    }
}
