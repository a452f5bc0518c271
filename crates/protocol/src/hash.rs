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
