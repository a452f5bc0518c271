//! How fast a part of the network may make us work over its connections, whatever it sends:
//! what is too much waits in the connection, and then at the sender.
//!
//! All connections from one part share what it may, so that nobody gets more by coming often.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures::FutureExt as _;
use futures_timer::Delay;
use libp2p::Multiaddr;

use crate::rates::{Part, SENDERS};

/// So much a second, and as much at once after a pause as comes in such a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speed {
    pub(crate) second: u32,
    pub(crate) at_once: Duration,
}

/// Until when what came is paid for.
#[derive(Clone, Debug)]
struct Meter(Arc<Mutex<Instant>>);

impl Meter {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    fn paid_until(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The meters of all parts of the network.
#[derive(Debug)]
pub(crate) struct Meters {
    speed: Speed,
    parts: HashMap<Part, Meter>,
}

impl Meters {
    pub(crate) fn new(speed: Speed) -> Self {
        Self {
            speed,
            parts: HashMap::new(),
        }
    }

    /// The pace of one more connection, with somebody at this address.
    pub(crate) fn pace(&mut self, address: &Multiaddr) -> Pace {
        let meter = match Part::of(address) {
            Some(part) => self.meter(part),
            None => Meter::new(),
        };
        Pace {
            speed: self.speed,
            meter,
            pause: None,
        }
    }

    fn meter(&mut self, part: Part) -> Meter {
        if self.parts.len() >= SENDERS && !self.parts.contains_key(&part) {
            let now = Instant::now();
            // Those that have paid are as good as new ones.
            self.parts
                .retain(|_, meter| Arc::strong_count(&meter.0) > 1 || meter.paid_until() > now);
        }
        self.parts.entry(part).or_insert_with(Meter::new).clone()
    }
}

/// The pace of one connection.
#[derive(Debug)]
pub(crate) struct Pace {
    speed: Speed,
    meter: Meter,
    pause: Option<Delay>,
}

impl Pace {
    /// So much came. Beyond what may come at once, the next has to wait.
    pub(crate) fn pay(&self, much: usize) {
        self.pay_at(much, Instant::now());
    }

    fn pay_at(&self, much: usize, now: Instant) {
        let much = u32::try_from(much).unwrap_or(u32::MAX);
        let cost = Duration::from_secs(1) / self.speed.second * much;
        let paid = self.meter.0.lock();
        let mut paid = paid.unwrap_or_else(PoisonError::into_inner);
        *paid = (*paid).max(now) + cost;
    }

    /// How long the next has to wait.
    fn wait(&self, now: Instant) -> Option<Duration> {
        let ahead = self.meter.paid_until().saturating_duration_since(now);
        ahead
            .checked_sub(self.speed.at_once)
            .filter(|wait| !wait.is_zero())
    }

    /// Ready when the next may come.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some(pause) = &mut self.pause {
                std::task::ready!(pause.poll_unpin(cx));
                self.pause = None;
            }
            match self.wait(Instant::now()) {
                // Others of this part may have sent more meanwhile.
                Some(wait) => self.pause = Some(Delay::new(wait)),
                None => return Poll::Ready(()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEED: Speed = Speed {
        second: 20_000,
        at_once: Duration::from_millis(820),
    };

    fn pace(meters: &mut Meters, address: &str) -> Pace {
        meters.pace(&address.parse().unwrap())
    }

    #[test]
    fn lists_come_at_once_and_floods_wait() {
        let pace = Meters::new(SPEED).pace(&Multiaddr::empty());
        let start = Instant::now();
        for _ in 0..3 {
            pace.pay_at(4_100, start);
            assert_eq!(pace.wait(start), None);
        }
        pace.pay_at(20_000, start);
        let wait = pace.wait(start).unwrap();
        assert!((780..900).contains(&wait.as_millis()), "{wait:?}");
        assert_eq!(pace.wait(start + wait), None);
    }

    #[test]
    fn what_comes_slowly_never_waits() {
        let pace = Meters::new(SPEED).pace(&Multiaddr::empty());
        let start = Instant::now();
        for quarter in 0..100 {
            let now = start + Duration::from_millis(quarter * 250);
            pace.pay_at(4_000, now);
            assert_eq!(pace.wait(now), None);
        }
    }

    #[test]
    fn connections_of_one_part_share_what_it_may() {
        let mut meters = Meters::new(SPEED);
        let start = Instant::now();
        let one = pace(&mut meters, "/ip4/8.8.8.8/tcp/1");
        let (same, other) = (
            pace(&mut meters, "/ip4/8.8.4.4/udp/2/quic-v1"),
            pace(&mut meters, "/ip4/9.9.9.9/tcp/1"),
        );
        one.pay_at(60_000, start);
        assert!(same.wait(start).is_some());
        assert_eq!(other.wait(start), None);
        // Coming again changes nothing.
        drop((one, same));
        assert!(
            pace(&mut meters, "/ip4/8.8.1.1/tcp/1")
                .wait(start)
                .is_some()
        );
    }
}
