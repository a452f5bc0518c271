//! When a host is to be left alone.

use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row that are taken for hiccups.
const HICCUPS: u32 = 2;
/// How long a host is left alone after the first failure that is none; then twice as long
/// each time.
const FIRST: Duration = Duration::from_secs(2);
/// The longest time for which a host is left alone: by failing or by asking for it.
const LONGEST: Duration = Duration::from_secs(3600);
/// How long a host is left alone that says it is asked too much, and not for how long.
const UNSAID: Duration = Duration::from_secs(30);

/// What is remembered of a host's failures.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    until: Option<Instant>,
}

impl Backoff {
    /// How long the host is to be left alone from now on.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        let wait = self.until?.saturating_duration_since(now);
        (!wait.is_zero()).then_some(wait)
    }

    /// The host answered.
    pub(super) fn answered(&mut self) {
        *self = Self::default();
    }

    /// The host did not answer, or said that it could not.
    pub(super) fn failed(&mut self, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        if let Some(steps) = self.failures.checked_sub(HICCUPS + 1) {
            let wait = FIRST.saturating_mul(1 << steps.min(16)).min(LONGEST);
            self.leave(now + wait);
        }
    }

    /// The host asked to be left alone, perhaps for how long (`Retry-After`).
    pub(super) fn asked(&mut self, now: Instant, wait: Option<Duration>) {
        self.leave(now + wait.unwrap_or(UNSAID).min(LONGEST));
    }

    fn leave(&mut self, until: Instant) {
        self.until = Some(self.until.map_or(until, |known| known.max(until)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn failures_in_a_row_make_the_pause_longer() {
        let now = Instant::now();
        let mut backoff = Backoff::default();
        backoff.failed(now);
        backoff.failed(now);
        assert_eq!(backoff.wait(now), None);
        for seconds in [2, 4, 8, 16] {
            backoff.failed(now);
            assert_eq!(backoff.wait(now), Some(Duration::from_secs(seconds)));
        }
        (0..100).for_each(|_| backoff.failed(now));
        assert_eq!(backoff.wait(now), Some(LONGEST));
        assert_eq!(backoff.wait(now + LONGEST), None);
        backoff.answered();
        assert_eq!(backoff.wait(now), None);
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_is_left_alone_but_not_for_ever() {
        let now = Instant::now();
        let mut backoff = Backoff::default();
        backoff.asked(now, Some(Duration::from_secs(90)));
        backoff.asked(now, Some(Duration::from_secs(5)));
        assert_eq!(backoff.wait(now), Some(Duration::from_secs(90)));
        backoff.asked(now, Some(Duration::from_secs(u64::MAX)));
        assert_eq!(backoff.wait(now), Some(LONGEST));
        let mut backoff = Backoff::default();
        backoff.asked(now, None);
        assert_eq!(backoff.wait(now), Some(UNSAID));
    }
}
