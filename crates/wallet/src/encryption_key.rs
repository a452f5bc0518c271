//! The place of a device's encryption key.
//!
//! Sealed items will give every device a key that friends encrypt to, and its grant
//! carries that key's hash. Until then grants carry [`NONE`]: the field is part of the
//! frozen format, the key is not part of this version.

/// The `encryptionKeyHash` of a device without an encryption key.
pub const NONE: [u8; 32] = [0; 32];
