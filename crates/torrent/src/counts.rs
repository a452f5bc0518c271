//! What was asked and told since the program began.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What was asked and told so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lookups.
    pub lookups: u64,
    /// Addresses that lookups passed on.
    pub found: u64,
    /// Addresses that were no good: of nobody, of private networks, too many.
    pub refused: u64,
    /// Announcements that the DHT took.
    pub announced: u64,
    /// Announcements that were left out because enough others are there.
    pub held_back: u64,
    /// Announcements that no node of the DHT took.
    pub failed: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) lookups: AtomicU64,
    pub(crate) found: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) announced: AtomicU64,
    pub(crate) held_back: AtomicU64,
    pub(crate) failed: AtomicU64,
}

impl Counters {
    pub(crate) fn counts(&self) -> Counts {
        Counts {
            lookups: self.lookups.load(Relaxed),
            found: self.found.load(Relaxed),
            refused: self.refused.load(Relaxed),
            announced: self.announced.load(Relaxed),
            held_back: self.held_back.load(Relaxed),
            failed: self.failed.load(Relaxed),
        }
    }
}

/// Adds to a counter.
pub(crate) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Relaxed);
}
