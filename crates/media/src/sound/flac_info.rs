//! What a FLAC stream says of itself.

use crate::source::{be32, be64};

/// What STREAMINFO tells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Info {
    /// Samples in each block of a stream of fixed blocks.
    pub(crate) block: u64,
    /// Samples per second.
    pub(crate) rate: u64,
    /// All samples per channel; 0 when unknown.
    pub(crate) samples: u64,
}

impl Info {
    /// Reads the block's 34 bytes.
    pub(crate) fn parse(data: &[u8]) -> Option<Self> {
        let bits = be64(data, 10)?;
        Some(Self {
            block: u64::from(be32(data, 0)? >> 16),
            rate: bits >> 44,
            samples: bits & 0xF_FFFF_FFFF,
        })
    }

    /// Milliseconds of `samples`.
    pub(crate) fn duration(&self, samples: u64) -> Option<u64> {
        (samples * 1000).checked_div(self.rate)
    }
}
