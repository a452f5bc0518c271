//! What came, and what went wrong, since the program began.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What came from web hosts so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Blocks that came.
    pub blocks: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Blocks that no host had.
    pub missing: u64,
    /// How often a host was dropped because it gave other bytes than were signed.
    pub altered: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    blocks: AtomicU64,
    bytes: AtomicU64,
    missing: AtomicU64,
    altered: AtomicU64,
}

impl Counters {
    pub(super) fn block(&self, bytes: usize) {
        self.blocks.fetch_add(1, Relaxed);
        self.bytes.fetch_add(bytes as u64, Relaxed);
    }

    pub(super) fn missing(&self) {
        self.missing.fetch_add(1, Relaxed);
    }

    pub(super) fn altered(&self) {
        self.altered.fetch_add(1, Relaxed);
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            blocks: self.blocks.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            missing: self.missing.load(Relaxed),
            altered: self.altered.load(Relaxed),
        }
    }
}
