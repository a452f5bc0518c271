//! Succession: how an account whose wallet is lost goes on under another address.
//!
//! Every grant commits to a successor by `keccak256(address ‖ salt)`. Revealing the two,
//! signed by the successor, moves the followers. Whoever has seen the commitment can
//! check it, by [`verify_succession`](crate::verify::verify_succession); newcomers cannot,
//! and are told so.

use std::sync::LazyLock;

use crate::{
    account::Account,
    cbor::{CborError, Reader, Writer},
    eip712::{TypedData, Value},
    hash::keccak256,
    signature::{Scheme, Signature},
    time::Millis,
};

/// The statement that one account is continued by another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Succession {
    /// The account that is continued.
    pub account: Account,
    /// The account that continues it, and that signs this.
    pub successor: Account,
    /// The salt of the commitment.
    pub salt: [u8; 32],
    /// When it was revealed.
    pub timestamp: Millis,
}

impl TypedData for Succession {
    const PRIMARY_TYPE: &'static str = "Succession";
    const TYPE: &'static str =
        "Succession(address account,address successor,bytes32 salt,uint64 timestamp)";
    const TITLE: &'static str = "continue a lost account";

    fn type_hash() -> &'static [u8; 32] {
        static HASH: LazyLock<[u8; 32]> = LazyLock::new(|| keccak256(Succession::TYPE.as_bytes()));
        &HASH
    }

    fn fields(&self) -> Vec<(&'static str, Value<'_>)> {
        vec![
            ("account", Value::Address(self.account)),
            ("successor", Value::Address(self.successor)),
            ("salt", Value::Bytes32(self.salt)),
            ("timestamp", Value::Uint64(self.timestamp)),
        ]
    }
}

/// The commitment that a grant carries for `successor`.
#[must_use]
pub fn successor_hash(successor: &Account, salt: &[u8; 32]) -> [u8; 32] {
    let mut whole = [0; 52];
    whole[..20].copy_from_slice(&successor.0);
    whole[20..].copy_from_slice(salt);
    keccak256(&whole)
}

/// A succession with its signature, as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedSuccession {
    /// What is claimed.
    pub succession: Succession,
    /// What was signed: typed data, or a text.
    pub scheme: Scheme,
    /// The successor's signature.
    pub signature: Signature,
}

impl SignedSuccession {
    /// The encoding: an array of the version (1), the fields in order, scheme, signature.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(7);
        writer.uint(1);
        writer.bytes(&self.succession.account.0);
        writer.bytes(&self.succession.successor.0);
        writer.bytes(&self.succession.salt);
        writer.uint(self.succession.timestamp);
        writer.uint(self.scheme.number());
        writer.bytes(&self.signature.0);
        writer.finish()
    }

    /// Decodes a succession.
    ///
    /// # Errors
    /// [`CborError`] when the bytes are not the deterministic encoding of one.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CborError> {
        let mut reader = Reader::new(bytes);
        reader.version_1(7)?;
        let succession = Succession {
            account: Account(reader.array_bytes()?),
            successor: Account(reader.array_bytes()?),
            salt: reader.array_bytes()?,
            timestamp: reader.uint()?,
        };
        let scheme = Scheme::from_number(reader.uint()?).ok_or(CborError::Type)?;
        let signature = Signature(reader.array_bytes()?);
        reader.end()?;
        Ok(Self {
            succession,
            scheme,
            signature,
        })
    }
}
