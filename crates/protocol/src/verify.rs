//! The one door from strangers' bytes to things that may be stored, shown and passed on.
//!
//! [`verify`] decides; nothing else makes a [`Verified`]. The reader's clock matters only
//! for records from the future: a dead author's feed stays valid for ever. The checks run
//! in a fixed order, cheap ones first, so every implementation gives the same refusal.

use std::collections::{HashMap, VecDeque};

use crate::{
    account::Account,
    cbor::{self, CborError},
    eip712::TypedData,
    grant::{self, Grant, SignedGrant},
    hash::sha256,
    limits,
    record::{Record, SignedRecord},
    signature::{Scheme, Signature},
    succession::{SignedSuccession, successor_hash},
    time::{MAX_MILLIS, Millis},
};

/// Why a record, grant or succession is not believed. The names are part of the protocol,
/// and so is their order: of several reasons, the one that stands first here is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// More than [`limits::RECORD_BYTES`].
    #[error("the record is larger than {} bytes", limits::RECORD_BYTES)]
    TooLarge,
    /// Not the deterministic encoding, or a field of another type or size.
    #[error("the bytes are malformed: {0}")]
    Malformed(CborError),
    /// Of a later version of the protocol: hold or ignore it.
    #[error("written for version {0} of the protocol; a newer program may read it")]
    UnknownVersion(u64),
    /// A timestamp after [`MAX_MILLIS`], or an epoch above the instant of its record or grant:
    /// so nobody can raise an epoch so high that it can never be raised again.
    #[error("a timestamp or epoch is out of range")]
    NumberTooLarge,
    /// The root is not a directory (dag-pb).
    #[error("the root is not a directory")]
    RootNotADirectory,
    /// Parents are not strictly ascending, or one is zero.
    #[error("the parents are not in order")]
    ParentsUnordered,
    /// A location is empty, repeated or has characters outside of visible ASCII.
    #[error("a location is malformed")]
    LocationMalformed,
    /// The grant is another account's.
    #[error("the grant belongs to another account")]
    GrantOfAnotherAccount,
    /// A scope that this version does not know.
    #[error("the grant's scope is unknown")]
    UnknownScope,
    /// The grant ends before it begins.
    #[error("the grant ends before it begins")]
    GrantReversed,
    /// The grant lasts longer than [`limits::GRANT_LIFE`].
    #[error("the grant lasts longer than two years")]
    GrantTooLong,
    /// The record's epoch is not its grant's.
    #[error("the record's epoch is not its grant's")]
    EpochNotOfGrant,
    /// The record was signed before the grant began.
    #[error("the record is older than its grant")]
    BeforeGrant,
    /// The record was signed after the grant ended.
    #[error("the record is newer than its grant allows")]
    AfterGrant,
    /// The succession does not match the commitment of the account's grants.
    #[error("this is not the successor that the account named")]
    NotTheSuccessor,
    /// No address can be recovered from the grant's signature.
    #[error("the grant's signature is malformed")]
    GrantSignatureMalformed,
    /// Somebody else than the account signed the grant.
    #[error("the grant is not signed by the account")]
    GrantNotSignedByAccount,
    /// No address can be recovered from the signature.
    #[error("the signature is malformed")]
    SignatureMalformed,
    /// Somebody else signed than the device (a record with a grant), the account (without)
    /// or the successor.
    #[error("not signed by whom it names as its signer")]
    NotSignedBySigner,
    /// A higher epoch of the account is known: the signer's permission was revoked.
    #[error("the account has revoked this epoch")]
    EpochSuperseded,
    /// More than [`limits::CLOCK_SKEW`] ahead of the reader's clock: hold or ignore it.
    #[error("dated more than five minutes ahead of the clock here")]
    FromTheFuture,
}

impl From<CborError> for Refusal {
    fn from(error: CborError) -> Self {
        match error {
            CborError::Version(version) => Self::UnknownVersion(version),
            error => Self::Malformed(error),
        }
    }
}

impl Refusal {
    /// The name in the test vectors and in JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Malformed(_) => "malformed",
            Self::UnknownVersion(_) => "unknown_version",
            Self::NumberTooLarge => "number_too_large",
            Self::RootNotADirectory => "root_not_a_directory",
            Self::ParentsUnordered => "parents_unordered",
            Self::LocationMalformed => "location_malformed",
            Self::GrantOfAnotherAccount => "grant_of_another_account",
            Self::UnknownScope => "unknown_scope",
            Self::GrantReversed => "grant_reversed",
            Self::GrantTooLong => "grant_too_long",
            Self::EpochNotOfGrant => "epoch_not_of_grant",
            Self::BeforeGrant => "before_grant",
            Self::AfterGrant => "after_grant",
            Self::NotTheSuccessor => "not_the_successor",
            Self::GrantSignatureMalformed => "grant_signature_malformed",
            Self::GrantNotSignedByAccount => "grant_not_signed_by_account",
            Self::SignatureMalformed => "signature_malformed",
            Self::NotSignedBySigner => "not_signed_by_signer",
            Self::EpochSuperseded => "epoch_superseded",
            Self::FromTheFuture => "from_the_future",
        }
    }
}

/// What the reader knows when it judges.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// The reader's clock.
    pub now: Millis,
    /// The highest epoch of the account that the reader has seen; 0 when none.
    pub highest_epoch: u64,
}

/// A value that [`verify`], [`verify_grant`] or [`verify_succession`] has accepted. There
/// is no other way to make one:
///
/// ```
/// # use ourspace_protocol::{account::Account, verify::Verified};
/// fn signer(value: &Verified<()>) -> Account {
///     value.signer()
/// }
/// ```
///
/// ```compile_fail,E0451
/// # use ourspace_protocol::{account::Account, verify::Verified};
/// fn forge(signer: Account) -> Verified<()> {
///     Verified { value: (), digest: [0; 32], signer }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T> {
    value: T,
    digest: [u8; 32],
    signer: Account,
}

impl<T> Verified<T> {
    /// The value.
    pub fn get(&self) -> &T {
        &self.value
    }

    /// Its EIP-712 digest: what parents name, and the message id.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The address that signed it: a device's, or the account's own.
    #[must_use]
    pub fn signer(&self) -> Account {
        self.signer
    }
}

impl Verified<SignedRecord> {
    /// The record itself.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.value.record
    }

    /// The total order of records: epoch, then timestamp, then digest.
    #[must_use]
    pub fn order(&self) -> (u64, Millis, [u8; 32]) {
        (
            self.value.record.epoch,
            self.value.record.timestamp,
            self.digest,
        )
    }
}

/// Checks a record and its grant.
///
/// `known` remembers grants whose signature was checked before, which halves the cost of
/// every further record of the same device.
///
/// # Errors
/// The first [`Refusal`] in the order of the enum.
pub fn verify(
    bytes: &[u8],
    context: Context,
    known: &mut KnownGrants,
) -> Result<Verified<SignedRecord>, Refusal> {
    if bytes.len() > limits::RECORD_BYTES {
        return Err(Refusal::TooLarge);
    }
    let mut recalled = None;
    let signed = SignedRecord::decode(bytes, |encoded, grant| {
        recalled.insert(known.recall(encoded, &grant.grant)).digest
    })?;
    check_numbers(&signed)?;
    check_fields(&signed.record)?;
    if let (Some(grant), Some(recalled)) = (&signed.grant, recalled) {
        check_grant_fits(&signed.record, &grant.grant)?;
        check_grant_signature(grant, recalled, known)?;
    }
    let digest = signed.record.digest();
    check_signature(
        &signed.record,
        &digest,
        (signed.scheme, signed.signature),
        signed.claimed_signer(),
    )?;
    if signed.record.epoch < context.highest_epoch {
        return Err(Refusal::EpochSuperseded);
    }
    check_not_ahead(signed.record.timestamp, context.now)?;
    let signer = signed.claimed_signer();
    Ok(Verified {
        value: signed,
        digest,
        signer,
    })
}

/// Checks a grant that travels alone, as a joining device receives it.
///
/// Whether a higher epoch has ended it, the caller knows.
///
/// # Errors
/// The first [`Refusal`] in the order of the enum.
pub fn verify_grant(
    bytes: &[u8],
    known: &mut KnownGrants,
) -> Result<Verified<SignedGrant>, Refusal> {
    let signed = SignedGrant::from_bytes(bytes)?;
    check_grant_numbers(&signed.grant)?;
    check_grant(&signed.grant)?;
    let recalled = known.recall(bytes, &signed.grant);
    check_grant_signature(&signed, recalled, known)?;
    let (digest, signer) = (recalled.digest, signed.grant.account);
    Ok(Verified {
        value: signed,
        digest,
        signer,
    })
}

/// Checks that a succession continues `account` and reveals the successor that
/// `commitment`, the [`successor_hash`](Grant::successor_hash) of a verified grant of the
/// account, speaks of.
///
/// # Errors
/// The first [`Refusal`] in the order of the enum.
pub fn verify_succession(
    bytes: &[u8],
    account: &Account,
    commitment: &[u8; 32],
    now: Millis,
) -> Result<Verified<SignedSuccession>, Refusal> {
    let signed = SignedSuccession::from_bytes(bytes)?;
    let succession = &signed.succession;
    if succession.timestamp > MAX_MILLIS {
        return Err(Refusal::NumberTooLarge);
    }
    let revealed = successor_hash(&succession.successor, &succession.salt);
    if succession.account != *account || revealed != *commitment {
        return Err(Refusal::NotTheSuccessor);
    }
    let (digest, signer) = (succession.digest(), succession.successor);
    check_signature(
        succession,
        &digest,
        (signed.scheme, signed.signature),
        signer,
    )?;
    check_not_ahead(succession.timestamp, now)?;
    Ok(Verified {
        value: signed,
        digest,
        signer,
    })
}

fn check_numbers(signed: &SignedRecord) -> Result<(), Refusal> {
    let record = &signed.record;
    if record.timestamp > MAX_MILLIS || record.epoch > record.timestamp {
        return Err(Refusal::NumberTooLarge);
    }
    signed
        .grant
        .as_ref()
        .map_or(Ok(()), |grant| check_grant_numbers(&grant.grant))
}

fn check_grant_numbers(grant: &Grant) -> Result<(), Refusal> {
    let latest = grant.issued_at.max(grant.expires_at);
    if latest > MAX_MILLIS || grant.epoch > grant.issued_at {
        return Err(Refusal::NumberTooLarge);
    }
    Ok(())
}

fn check_fields(record: &Record) -> Result<(), Refusal> {
    if !cbor::is_root(&record.root) {
        return Err(Refusal::RootNotADirectory);
    }
    let ascending = record.parents.windows(2).all(|pair| pair[0] < pair[1]);
    if !ascending || record.parents.contains(&[0; 32]) {
        return Err(Refusal::ParentsUnordered);
    }
    for (at, location) in record.locations.iter().enumerate() {
        let visible = !location.is_empty() && location.bytes().all(|b| b.is_ascii_graphic());
        if !visible || record.locations[..at].contains(location) {
            return Err(Refusal::LocationMalformed);
        }
    }
    Ok(())
}

fn check_grant_fits(record: &Record, grant: &Grant) -> Result<(), Refusal> {
    if grant.account != record.account {
        return Err(Refusal::GrantOfAnotherAccount);
    }
    check_grant(grant)?;
    if grant.epoch != record.epoch {
        return Err(Refusal::EpochNotOfGrant);
    }
    if record.timestamp < grant.issued_at {
        return Err(Refusal::BeforeGrant);
    }
    if record.timestamp > grant.expires_at {
        return Err(Refusal::AfterGrant);
    }
    Ok(())
}

fn check_grant(grant: &Grant) -> Result<(), Refusal> {
    if grant.scope != grant::PUBLISH {
        return Err(Refusal::UnknownScope);
    }
    if grant.expires_at < grant.issued_at {
        return Err(Refusal::GrantReversed);
    }
    if grant.expires_at - grant.issued_at > limits::GRANT_LIFE {
        return Err(Refusal::GrantTooLong);
    }
    Ok(())
}

fn check_grant_signature(
    signed: &SignedGrant,
    recalled: Recalled,
    known: &mut KnownGrants,
) -> Result<(), Refusal> {
    if recalled.good {
        return Ok(());
    }
    let signature = (signed.scheme, signed.signature);
    check_signature(
        &signed.grant,
        &recalled.digest,
        signature,
        signed.grant.account,
    )
    .map_err(|refusal| match refusal {
        Refusal::NotSignedBySigner => Refusal::GrantNotSignedByAccount,
        _ => Refusal::GrantSignatureMalformed,
    })?;
    known.remember(recalled);
    Ok(())
}

/// Whether `expected` signed the value with this digest.
fn check_signature<T: TypedData>(
    value: &T,
    digest: &[u8; 32],
    (scheme, signature): (Scheme, Signature),
    expected: Account,
) -> Result<(), Refusal> {
    let signer = match scheme {
        Scheme::TypedData => signature.signer(digest),
        Scheme::PersonalText => value.signer(scheme, &signature),
    }
    .map_err(|_| Refusal::SignatureMalformed)?;
    if signer == expected {
        Ok(())
    } else {
        Err(Refusal::NotSignedBySigner)
    }
}

fn check_not_ahead(timestamp: Millis, now: Millis) -> Result<(), Refusal> {
    if timestamp > now.saturating_add(limits::CLOCK_SKEW) {
        return Err(Refusal::FromTheFuture);
    }
    Ok(())
}

/// Grants whose signature was found good, the newest 4,096 of them.
#[derive(Debug, Default)]
pub struct KnownGrants {
    /// SHA-256 of the grant's encoding, which holds its signature, and its digest.
    good: HashMap<[u8; 32], [u8; 32]>,
    order: VecDeque<[u8; 32]>,
}

/// What is remembered about a grant.
#[derive(Clone, Copy, Debug)]
struct Recalled {
    key: [u8; 32],
    digest: [u8; 32],
    good: bool,
}

/// How many grants are remembered: about 100 bytes each.
const KNOWN_GRANTS: usize = 4096;

impl KnownGrants {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn recall(&self, encoded: &[u8], grant: &Grant) -> Recalled {
        let key = sha256(encoded);
        match self.good.get(&key) {
            Some(digest) => Recalled {
                key,
                digest: *digest,
                good: true,
            },
            None => Recalled {
                key,
                digest: grant.digest(),
                good: false,
            },
        }
    }

    fn remember(&mut self, Recalled { key, digest, .. }: Recalled) {
        if self.good.insert(key, digest).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > KNOWN_GRANTS
            && let Some(oldest) = self.order.pop_front()
        {
            self.good.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_grants_is_bounded() {
        let mut known = KnownGrants::new();
        for number in 0..5_000_u64 {
            let key = sha256(&number.to_be_bytes());
            let recalled = Recalled {
                key,
                digest: [1; 32],
                good: false,
            };
            known.remember(recalled);
            known.remember(recalled);
        }
        assert_eq!(
            (known.good.len(), known.order.len()),
            (KNOWN_GRANTS, KNOWN_GRANTS)
        );
        assert!(known.good.contains_key(&sha256(&4_999_u64.to_be_bytes())));
        assert!(!known.good.contains_key(&sha256(&0_u64.to_be_bytes())));
    }
}
