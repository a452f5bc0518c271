//! How much one peer, and all together, may cost.

use std::time::Duration;

/// The limits of a node. The defaults are meant for a machine at home.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Wants of one peer that wait to be answered.
    pub wants_of_a_peer: usize,
    /// Bytes of blocks that are read for one peer and have not left yet.
    pub bytes_to_a_peer: usize,
    /// The same for all peers together; above it a peer gets one block at a time.
    pub bytes_to_all: usize,
    /// Reads of the block source at the same time.
    pub reads: usize,
    /// Streams that one connection may have open towards us.
    pub streams: usize,
    /// Bytes that are asked of one provider at the same time.
    pub bytes_from_a_provider: usize,
    /// How long a provider may be silent while something is asked of it.
    pub patience: Duration,
    /// How long more providers are waited for when nobody known has a block.
    pub search: Duration,
    /// How long a peer may take no byte of what it asked for.
    pub slow_reader: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wants_of_a_peer: 4096,
            bytes_to_a_peer: 4 * 1024 * 1024,
            bytes_to_all: 64 * 1024 * 1024,
            reads: 4,
            streams: 128,
            bytes_from_a_provider: 16 * 1024 * 1024,
            patience: Duration::from_secs(3),
            search: Duration::from_secs(10),
            slow_reader: Duration::from_secs(60),
        }
    }
}
