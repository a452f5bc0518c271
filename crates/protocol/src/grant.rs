//! Grants: a wallet's signed permission for a device key to sign records.
//!
//! One wallet signature, then a year of publishing without asking. A device cannot grant.

use std::sync::LazyLock;

use crate::{
    account::Account,
    cbor::{CborError, Reader, Writer},
    eip712::{TypedData, Value},
    hash::keccak256,
    limits,
    signature::{Scheme, Signature},
    time::Millis,
};

/// The only scope of version 1, in the words that the wallet shows.
pub const PUBLISH: &str = "publish posts; cannot move money";

/// What a wallet allows a device key to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The account that allows it, and whose wallet signs.
    pub account: Account,
    /// The device key's address.
    pub device: Account,
    /// SHA-256 of the device's public encryption key; zero while it has none.
    pub encryption_key_hash: [u8; 32],
    /// Keccak-256 of the successor's address and a salt; zero when there is none.
    pub successor_hash: [u8; 32],
    /// What is allowed, in words; [`PUBLISH`] is the only one known.
    pub scope: String,
    /// First instant at which records may be signed.
    pub issued_at: Millis,
    /// Last instant at which records may be signed.
    pub expires_at: Millis,
    /// The account's epoch; a revocation raises it.
    pub epoch: u64,
}

impl Grant {
    fn scope_value(&self) -> Value<'_> {
        static HASH: LazyLock<[u8; 32]> = LazyLock::new(|| keccak256(PUBLISH.as_bytes()));
        if self.scope == PUBLISH {
            Value::KnownText(PUBLISH, &HASH)
        } else {
            Value::Text(self.scope.as_str().into())
        }
    }
}

impl TypedData for Grant {
    const PRIMARY_TYPE: &'static str = "DeviceKey";
    const TYPE: &'static str = "DeviceKey(address account,address device,bytes32 encryptionKeyHash,bytes32 successorHash,\
        string scope,uint64 issuedAt,uint64 expiresAt,uint64 epoch)";
    const TITLE: &'static str = "allow a device to publish for this account";

    fn type_hash() -> &'static [u8; 32] {
        static HASH: LazyLock<[u8; 32]> = LazyLock::new(|| keccak256(Grant::TYPE.as_bytes()));
        &HASH
    }

    fn fields(&self) -> Vec<(&'static str, Value<'_>)> {
        vec![
            ("account", Value::Address(self.account)),
            ("device", Value::Address(self.device)),
            (
                "encryptionKeyHash",
                Value::Bytes32(self.encryption_key_hash),
            ),
            ("successorHash", Value::Bytes32(self.successor_hash)),
            ("scope", self.scope_value()),
            ("issuedAt", Value::Uint64(self.issued_at)),
            ("expiresAt", Value::Uint64(self.expires_at)),
            ("epoch", Value::Uint64(self.epoch)),
        ]
    }
}

/// A grant with the wallet's signature, as received: nothing about it is checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedGrant {
    /// What is claimed to be allowed.
    pub grant: Grant,
    /// What the wallet signed: typed data, or a text.
    pub scheme: Scheme,
    /// The signature.
    pub signature: Signature,
}

impl SignedGrant {
    /// The encoding: an array of the version (1), the fields in order, scheme, signature.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(11);
        writer.uint(1);
        writer.bytes(&self.grant.account.0);
        writer.bytes(&self.grant.device.0);
        writer.bytes(&self.grant.encryption_key_hash);
        writer.bytes(&self.grant.successor_hash);
        writer.text(&self.grant.scope);
        writer.uint(self.grant.issued_at);
        writer.uint(self.grant.expires_at);
        writer.uint(self.grant.epoch);
        writer.uint(self.scheme.number());
        writer.bytes(&self.signature.0);
        writer.finish()
    }

    /// Decodes a grant that travels alone.
    ///
    /// # Errors
    /// [`CborError`] when the bytes are not the deterministic encoding of a grant.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CborError> {
        let mut reader = Reader::new(bytes);
        let grant = Self::read(&mut reader)?;
        reader.end()?;
        Ok(grant)
    }

    /// Reads a grant out of a larger value.
    ///
    /// # Errors
    /// As [`SignedGrant::from_bytes`].
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, CborError> {
        reader.version_1(11)?;
        let grant = Grant {
            account: Account(reader.array_bytes()?),
            device: Account(reader.array_bytes()?),
            encryption_key_hash: reader.array_bytes()?,
            successor_hash: reader.array_bytes()?,
            scope: reader.text(limits::SCOPE_BYTES)?.to_owned(),
            issued_at: reader.uint()?,
            expires_at: reader.uint()?,
            epoch: reader.uint()?,
        };
        let scheme = Scheme::from_number(reader.uint()?).ok_or(CborError::Type)?;
        let signature = Signature(reader.array_bytes()?);
        Ok(Self {
            grant,
            scheme,
            signature,
        })
    }
}
