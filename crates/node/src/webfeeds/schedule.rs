//! When a feed is fetched again. Pure.

use std::time::Duration;

use ourspace_protocol::{account::Account, time::Millis};

/// How often a feed is fetched that says nothing about it.
const USUAL: Duration = Duration::from_secs(3600);
/// No feed is fetched more often.
const SHORTEST: Duration = Duration::from_secs(15 * 60);
/// Every feed that answers is fetched as often, whatever it says.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// The longest time that a feed is left alone that fails.
const GIVEN_UP: Duration = Duration::from_secs(3 * 24 * 3600);

/// When a feed that answered is fetched again: when it says that it may have changed (its
/// `ttl`, and for how long its host says that the answer holds; the longer one), within
/// limits.
pub(super) fn after_answer(
    (account, now): (Account, Millis),
    hints: &[Option<Duration>],
) -> Millis {
    let longest = hints.iter().flatten().max().copied();
    let wait = longest.unwrap_or(USUAL).clamp(SHORTEST, LONGEST);
    now.saturating_add(apart(account, wait))
}

/// When a feed that failed so many times in a row is fetched again; not before the host
/// wants it.
pub(super) fn after_failure(
    (account, now): (Account, Millis),
    failures: u32,
    wish: Option<Duration>,
) -> Millis {
    let doubled = SHORTEST.saturating_mul(1 << failures.saturating_sub(1).min(12));
    let wait = doubled.max(wish.unwrap_or_default()).min(GIVEN_UP);
    now.saturating_add(apart(account, wait))
}

/// Up to a tenth later, each feed in its own way: so that they are not all fetched at once.
fn apart(account: Account, wait: Duration) -> Millis {
    let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    let share = u64::from(u16::from_be_bytes([account.0[0], account.0[1]]));
    millis + millis / 10 * share / 0x1_0000
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000;

    fn minutes(count: u64) -> Option<Duration> {
        Some(Duration::from_secs(count * 60))
    }

    #[test]
    fn feeds_are_asked_as_often_as_they_wish_within_limits() {
        let after = |hints: &[_]| after_answer((Account([0; 20]), 0), hints) / MINUTE;
        assert_eq!(after(&[]), 60);
        assert_eq!(after(&[None, minutes(120)]), 120);
        assert_eq!(after(&[minutes(240), minutes(30)]), 240);
        assert_eq!(after(&[minutes(0)]), 15);
        assert_eq!(after(&[minutes(1_000_000)]), 24 * 60);
    }

    #[test]
    fn failures_make_the_pause_longer() {
        let after = |failures, wish| after_failure((Account([0; 20]), 0), failures, wish) / MINUTE;
        assert_eq!([1, 2, 3, 4].map(|n| after(n, None)), [15, 30, 60, 120]);
        assert_eq!(after(1, minutes(600)), 600);
        assert_eq!(after(u32::MAX, minutes(1)), 3 * 24 * 60);
        assert_eq!(after(1, Some(Duration::MAX)), 3 * 24 * 60);
    }

    #[test]
    fn feeds_are_not_asked_in_step() {
        let at = |byte| after_answer((Account([byte; 20]), 0), &[]);
        assert!(at(0) < at(100) && at(100) < at(255));
        assert!(at(255) < 67 * MINUTE);
    }
}
