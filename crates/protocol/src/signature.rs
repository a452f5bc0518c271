//! Ethereum signatures: 64 bytes, checked by recovering the signer's address.
//!
//! One form only (EIP-2098: `r`, then `s` whose top bit is the parity), low `s` only
//! (EIP-2), so that nobody can make a second signature out of one. Other forms are
//! converted where they come in, never here.

use std::fmt;

use data_encoding::HEXLOWER;
use secp256k1::{
    Message,
    ecdsa::{RecoverableSignature, RecoveryId},
};

use crate::account::Account;

/// How the 32 bytes that were signed came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// EIP-712 typed data: what wallets show field by field.
    TypedData,
    /// EIP-191 `personal_sign` over a text with the same fields, for wallets without
    /// EIP-712.
    PersonalText,
}

impl Scheme {
    /// The number on the wire.
    #[must_use]
    pub fn number(self) -> u64 {
        match self {
            Self::TypedData => 0,
            Self::PersonalText => 1,
        }
    }

    /// The scheme with this number, if there is one.
    #[must_use]
    pub fn from_number(number: u64) -> Option<Self> {
        match number {
            0 => Some(Self::TypedData),
            1 => Some(Self::PersonalText),
            _ => None,
        }
    }
}

/// A compact recoverable signature (EIP-2098).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature(pub [u8; 64]);

/// No address can be recovered: `r` or `s` is out of range, `s` is high, or the point
/// does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature is malformed")]
pub struct SignatureError;

/// Half of the group order, the greatest `s` that EIP-2 allows.
const HALF_ORDER: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
];

impl Signature {
    /// The address whose key signed `hash`. This is the whole check: compare it with the
    /// address that should have signed.
    ///
    /// # Errors
    /// [`SignatureError`] when no key can have made it.
    pub fn signer(&self, hash: &[u8; 32]) -> Result<Account, SignatureError> {
        let mut rs = self.0;
        let odd = rs[32] & 0x80 != 0;
        rs[32] &= 0x7f;
        if rs[32..] > HALF_ORDER[..] {
            return Err(SignatureError);
        }
        let parity = if odd {
            RecoveryId::One
        } else {
            RecoveryId::Zero
        };
        let signature =
            RecoverableSignature::from_compact(&rs, parity).map_err(|_| SignatureError)?;
        let key = signature
            .recover_ecdsa(Message::from_digest(*hash))
            .map_err(|_| SignatureError)?
            .serialize_uncompressed();
        let mut xy = [0; 64];
        xy.copy_from_slice(&key[1..]);
        Ok(Account::of_public_key(&xy))
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{}", HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
