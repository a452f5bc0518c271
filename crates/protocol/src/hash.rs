//! The two hash functions of the protocol. Nothing else here.

use sha2::Digest as _;

/// SHA-256 (FIPS 180-4): CIDs, deltas, everything that is content.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    sha2::Sha256::digest(bytes).into()
}

/// Keccak-256 (the pre-standard SHA-3 that Ethereum uses): addresses and EIP-712.
#[must_use]
pub fn keccak256(bytes: &[u8]) -> [u8; 32] {
    sha3::Keccak256::digest(bytes).into()
}

/// Keccak-256 of bytes that come one after the other.
#[derive(Clone, Debug, Default)]
pub struct Keccak(sha3::Keccak256);

impl Keccak {
    /// Of nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes on with `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of everything given.
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}
