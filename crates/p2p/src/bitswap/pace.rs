//! How fast one connection may make us work, whatever it sends.

use std::{
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures::FutureExt as _;
use futures_timer::Delay;

/// Wants a second that one connection may send: a node of ours that fetches the smallest
/// files as fast as it can stays below.
const A_SECOND: u32 = 20_000;
/// What may come at once after a pause: the largest list that anybody needs, four times.
const AT_ONCE: Duration = Duration::from_millis(820);
/// A message costs as much as so many wants, whatever is in it.
const MESSAGE: u32 = 4;

/// A bucket that fills with time.
#[derive(Debug)]
pub(super) struct Pace {
    /// What came is paid for until then.
    paid_until: Instant,
    pause: Option<Delay>,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            paid_until: now,
            pause: None,
        }
    }

    /// A message with so many wants came. Beyond what may come at once, the next one has to
    /// wait.
    pub(super) fn pay(&mut self, wants: usize, now: Instant) {
        let wants = u32::try_from(wants).unwrap_or(u32::MAX);
        let cost = Duration::from_secs(1) / A_SECOND * wants.saturating_add(MESSAGE);
        self.paid_until = self.paid_until.max(now) + cost;
        let ahead = self.paid_until.saturating_duration_since(now);
        if let Some(wait) = ahead.checked_sub(AT_ONCE) {
            self.pause = Some(Delay::new(wait));
        }
    }

    /// Ready when the next message may be read.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(pause) = &mut self.pause {
            std::task::ready!(pause.poll_unpin(cx));
            self.pause = None;
        }
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_at_once_and_floods_wait() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        for _ in 0..3 {
            pace.pay(4096, start);
            assert!(pace.pause.is_none());
        }
        pace.pay(20_000, start);
        assert!(pace.pause.is_some());
        let ahead = pace.paid_until - start;
        assert!((1600..1700).contains(&ahead.as_millis()), "{ahead:?}");
        // After a while all is forgotten.
        let mut pace = Pace::new(start);
        for second in 0..100 {
            pace.pay(16_000 / 4, start + Duration::from_millis(second * 250));
        }
        assert!(pace.pause.is_none());
    }
}
