//! CIDs, as far as the protocol uses them: version 1, SHA-256.

use std::{fmt, str::FromStr};

use data_encoding::{BASE32_NOPAD};

use crate::hash::sha256;

/// What the bytes of a block are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// Plain bytes.
    Raw,
    /// A node of a UnixFS file or directory.
    DagPb,
    /// A record.
    DagCbor,
}

/// The content address of a block.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cid { codec: Codec, digest: [u8; 32] }

/// A text or bytes are no CID of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a CIDv1 with sha2-256")]
pub struct CidError;

impl Cid {
    /// The CID of a block.
    #[must_use]
    pub fn of(codec: Codec, bytes: &[u8]) -> Self { Self { codec, digest: sha256(bytes) } }
    /// Its codec.
    #[must_use]
    pub fn codec(&self) -> Codec { self.codec }
    /// Binary form.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 36] {
        let mut b = [0; 36];
        b[0] = 1;
        b[1] = match self.codec { Codec::Raw => 0x55, Codec::DagPb => 0x70, Codec::DagCbor => 0x71 };
        b[2] = 0x12; b[3] = 0x20;
        b[4..].copy_from_slice(&self.digest);
        b
    }
    /// Reads the binary form.
    ///
    /// # Errors
    /// [`CidError`].
    pub fn from_bytes(b: &[u8]) -> Result<Self, CidError> {
        let b: &[u8; 36] = b.try_into().map_err(|_| CidError)?;
        let codec = match b[1] { 0x55 => Codec::Raw, 0x70 => Codec::DagPb, 0x71 => Codec::DagCbor, _ => return Err(CidError) };
        if b[0] != 1 || b[2] != 0x12 || b[3] != 0x20 { return Err(CidError); }
        let mut digest = [0; 32];
        digest.copy_from_slice(&b[4..]);
        Ok(Self { codec, digest })
    }
}
impl fmt::Display for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "b{}", BASE32_NOPAD.encode(&self.to_bytes()).to_ascii_lowercase()) }
}
impl fmt::Debug for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
}
impl FromStr for Cid {
    type Err = CidError;
    fn from_str(t: &str) -> Result<Self, CidError> {
        let r = t.strip_prefix('b').ok_or(CidError)?;
        if r.bytes().any(|b| b.is_ascii_uppercase()) { return Err(CidError); }
        Self::from_bytes(&BASE32_NOPAD.decode(r.to_ascii_uppercase().as_bytes()).map_err(|_| CidError)?)
    }
}
