//! Keys, grants and records for tests: made from names, the same in every run.
//!
//! The keys are public (`spec/vectors/README.md` says how they are made): they sign test
//! vectors and never anything real.

use ourspace_protocol::{
    account::Account,
    dag::cid::{Cid, Codec},
    eip712::TypedData,
    grant::{self, Grant, SignedGrant},
    hash::{keccak256, sha256},
    record::{Record, SignedRecord},
    seams::{Signer, SignerError},
    signature::{Scheme, Signature},
    succession::{SignedSuccession, Succession},
    time::Millis,
};
use secp256k1::{
    Message, PublicKey, SecretKey,
    ecdsa::{RecoverableSignature, RecoveryId},
};

/// The reader's clock in tests: 2025-11-24T16:00:00Z.
pub const NOW: Millis = 1_764_000_000_000;
/// A day.
pub const DAY: Millis = 24 * 60 * 60 * 1000;

/// A key that anybody can make again.
#[derive(Clone, Debug)]
pub struct TestKey(SecretKey);

impl TestKey {
    /// The key of this name: Keccak-256 of `ourspace test key: NAME`.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let mut seed = keccak256(format!("ourspace test key: {name}").as_bytes());
        loop {
            // One hash in 2^128 is no key.
            match SecretKey::from_secret_bytes(seed) {
                Ok(key) => return Self(key),
                Err(_) => seed = keccak256(&seed),
            }
        }
    }

    /// The key's address.
    #[must_use]
    pub fn address(&self) -> Account {
        let public = PublicKey::from_secret_key(&self.0).serialize_uncompressed();
        let mut xy = [0; 64];
        xy.copy_from_slice(&public[1..]);
        Account::of_public_key(&xy)
    }

    /// Signs 32 bytes deterministically (RFC 6979).
    #[must_use]
    pub fn sign(&self, hash: &[u8; 32]) -> Signature {
        let message = Message::from_digest(*hash);
        let signature = RecoverableSignature::sign_ecdsa_recoverable(message, &self.0);
        let (parity, mut bytes) = signature.serialize_compact();
        if parity == RecoveryId::One {
            bytes[32] |= 0x80;
        }
        Signature(bytes)
    }

    /// Signs a value under a scheme.
    #[must_use]
    pub fn sign_value<T: TypedData>(&self, value: &T, scheme: Scheme) -> Signature {
        self.sign(&value.signing_hash(scheme))
    }
}

impl Signer for TestKey {
    fn address(&self) -> Account {
        Self::address(self)
    }

    fn sign(&self, hash: &[u8; 32]) -> Result<Signature, SignerError> {
        Ok(Self::sign(self, hash))
    }
}

/// A grant of `wallet` to `device` from 30 days before [`NOW`], for a year, in epoch 0.
#[must_use]
pub fn grant(wallet: &TestKey, device: &TestKey) -> Grant {
    Grant {
        account: wallet.address(),
        device: device.address(),
        encryption_key_hash: sha256(b"encryption key"),
        successor_hash: sha256(b"successor"),
        scope: grant::PUBLISH.to_owned(),
        issued_at: NOW - 30 * DAY,
        expires_at: NOW + 335 * DAY,
        epoch: 0,
    }
}

/// A record of `wallet` from a minute before [`NOW`], in epoch 0, with nothing before it.
#[must_use]
pub fn record(wallet: &TestKey) -> Record {
    Record {
        account: wallet.address(),
        epoch: 0,
        timestamp: NOW - 60_000,
        root: Cid::of(Codec::DagPb, b"a feed"),
        parents: Vec::new(),
        delta: [0; 32],
        locations: Vec::new(),
        grant: [0; 32],
    }
}

/// Signs a grant with the typed data.
#[must_use]
pub fn sign_grant(grant: Grant, wallet: &TestKey) -> SignedGrant {
    sign_grant_as(grant, Scheme::TypedData, wallet)
}

/// Signs a grant.
#[must_use]
pub fn sign_grant_as(grant: Grant, scheme: Scheme, wallet: &TestKey) -> SignedGrant {
    let signature = wallet.sign_value(&grant, scheme);
    SignedGrant {
        grant,
        scheme,
        signature,
    }
}

/// Signs a record with the typed data; fills in the digest of the grant.
#[must_use]
pub fn sign_record(record: Record, grant: Option<SignedGrant>, key: &TestKey) -> SignedRecord {
    sign_record_as(record, grant, Scheme::TypedData, key)
}

/// Signs a record; fills in the digest of the grant.
#[must_use]
pub fn sign_record_as(
    mut record: Record,
    grant: Option<SignedGrant>,
    scheme: Scheme,
    key: &TestKey,
) -> SignedRecord {
    record.grant = grant
        .as_ref()
        .map_or([0; 32], |signed| signed.grant.digest());
    let signature = key.sign_value(&record, scheme);
    SignedRecord {
        record,
        scheme,
        signature,
        grant,
    }
}

/// Signs a succession.
#[must_use]
pub fn sign_succession(
    succession: Succession,
    scheme: Scheme,
    successor: &TestKey,
) -> SignedSuccession {
    let signature = successor.sign_value(&succession, scheme);
    SignedSuccession {
        succession,
        scheme,
        signature,
    }
}
