//! The one door from strangers' bytes to things that may be stored, shown and passed on.
//!
//! [`verify`] decides; nothing else makes a [`Verified`]. The reader's clock matters only
//! for records from the future: a dead author's feed stays valid for ever. The checks run
//! in a fixed order, cheap ones first, so every implementation gives the same refusal.

use std::collections::{HashSet, VecDeque};

use crate::{
    account::Account,
    cbor::{self, CborError},
    eip712::TypedData as _,
    grant::{self, Grant, SignedGrant},
    limits,
    record::{Record, SignedRecord},
    signature::{Scheme, Signature},
    time::{MAX_MILLIS, Millis},
};

/// The greatest epoch: integers above it are not exact in JSON.
pub const MAX_EPOCH: u64 = (1 << 53) - 1;

/// Why a record, grant or succession is not believed. The name is part of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// More than [`limits::RECORD_BYTES`].
    #[error("the record is larger than {} bytes", limits::RECORD_BYTES)]
    TooLarge,
    /// Not the deterministic encoding.
    #[error("the bytes are not a record: {0}")]
    Malformed(#[from] CborError),
    /// A timestamp after [`MAX_MILLIS`] or an epoch above [`MAX_EPOCH`].
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
    /// No address can be recovered from the grant's signature.
    #[error("the grant's signature is malformed")]
    GrantSignatureMalformed,
    /// Somebody else than the account signed the grant.
    #[error("the grant is not signed by the account")]
    GrantNotSignedByAccount,
    /// No address can be recovered from the signature.
    #[error("the signature is malformed")]
    SignatureMalformed,
    /// Somebody else than the device (or, without a grant, the account) signed.
    #[error("the record is not signed by its signer")]
    NotSignedBySigner,
    /// A higher epoch of the account is known: the signer's permission was revoked.
    #[error("the account has revoked this epoch")]
    EpochSuperseded,
    /// More than [`limits::CLOCK_SKEW`] ahead of the reader's clock: hold or ignore it.
    #[error("the record is from the future")]
    FromTheFuture,
    /// The succession does not match the commitment of the account's grants.
    #[error("this is not the successor that the account named")]
    NotTheSuccessor,
}

impl Refusal {
    /// The name in the test vectors and in JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Malformed(_) => "malformed",
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
            Self::GrantSignatureMalformed => "grant_signature_malformed",
            Self::GrantNotSignedByAccount => "grant_not_signed_by_account",
            Self::SignatureMalformed => "signature_malformed",
            Self::NotSignedBySigner => "not_signed_by_signer",
            Self::EpochSuperseded => "epoch_superseded",
            Self::FromTheFuture => "from_the_future",
            Self::NotTheSuccessor => "not_the_successor",
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

/// A value that [`verify`] has accepted. There is no other way to make one.
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
        (self.value.record.epoch, self.value.record.timestamp, self.digest)
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
    let signed = SignedRecord::from_bytes(bytes)?;
    check_fields(&signed.record)?;
    if let Some(grant) = &signed.grant {
        check_grant_fits(&signed.record, &grant.grant)?;
        check_grant_signature(grant, &signed.record.grant, known)?;
    }
    let digest = signed.record.digest();
    let hash = match signed.scheme {
        Scheme::TypedData => digest,
        scheme @ Scheme::PersonalText => signed.record.signing_hash(scheme),
    };
    let signer = signed.signature.signer(&hash).map_err(|_| Refusal::SignatureMalformed)?;
    if signer != signed.claimed_signer() {
        return Err(Refusal::NotSignedBySigner);
    }
    if signed.record.epoch < context.highest_epoch {
        return Err(Refusal::EpochSuperseded);
    }
    if signed.record.timestamp > context.now.saturating_add(limits::CLOCK_SKEW) {
        return Err(Refusal::FromTheFuture);
    }
    Ok(Verified { value: signed, digest, signer })
}

/// Checks a grant that travels alone, as a joining device receives it.
///
/// # Errors
/// The [`Refusal`] that names what is wrong.
pub fn verify_grant(
    bytes: &[u8],
    known: &mut KnownGrants,
) -> Result<Verified<SignedGrant>, Refusal> {
    let signed = SignedGrant::from_bytes(bytes)?;
    check_grant(&signed.grant)?;
    let digest = signed.grant.digest();
    check_grant_signature(&signed, &digest, known)?;
    let signer = signed.grant.account;
    Ok(Verified { value: signed, digest, signer })
}

fn check_fields(record: &Record) -> Result<(), Refusal> {
    if record.timestamp > MAX_MILLIS || record.epoch > MAX_EPOCH {
        return Err(Refusal::NumberTooLarge);
    }
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
    if grant.expires_at > MAX_MILLIS || grant.epoch > MAX_EPOCH {
        return Err(Refusal::NumberTooLarge);
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
    digest: &[u8; 32],
    known: &mut KnownGrants,
) -> Result<(), Refusal> {
    let key = (*digest, signed.scheme, signed.signature);
    if known.contains(&key) {
        return Ok(());
    }
    let hash = match signed.scheme {
        Scheme::TypedData => *digest,
        scheme @ Scheme::PersonalText => signed.grant.signing_hash(scheme),
    };
    let signer =
        signed.signature.signer(&hash).map_err(|_| Refusal::GrantSignatureMalformed)?;
    if signer != signed.grant.account {
        return Err(Refusal::GrantNotSignedByAccount);
    }
    known.insert(key);
    Ok(())
}

/// A grant, the scheme and the signature that were found good together.
type GoodGrant = ([u8; 32], Scheme, Signature);

/// Grants whose signature was found good, the newest 4,096 of them.
#[derive(Debug, Default)]
pub struct KnownGrants {
    good: HashSet<GoodGrant>,
    order: VecDeque<GoodGrant>,
}

/// How many grants are remembered: about 100 bytes each, twice.
const KNOWN_GRANTS: usize = 4096;

impl KnownGrants {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn contains(&self, grant: &GoodGrant) -> bool {
        self.good.contains(grant)
    }

    fn insert(&mut self, grant: GoodGrant) {
        if self.good.insert(grant) {
            self.order.push_back(grant);
        }
        if self.order.len() > KNOWN_GRANTS
            && let Some(oldest) = self.order.pop_front()
        {
            self.good.remove(&oldest);
        }
    }
}
