//! The devices of an account: which may publish, allowing another one, taking it back.
//!
//! A device cannot grant: every change here needs the account's wallet, which is either a
//! key in this home or somewhere else, where it signs what it is shown ([`Consent`]).

mod join;
mod revoke;

use ourspace_protocol::{
    account::Account,
    grant::{Grant, SignedGrant},
    limits,
    time::{Millis, rfc3339},
    verify::{Refusal, Verified},
};
use ourspace_store::{Reader, StoreError};
use ourspace_wallet::{
    SecretKey,
    elsewhere::{self, ElsewhereError},
    fingerprint::fingerprint,
    join::JoinError,
};
use serde::Serialize;

use crate::{
    account::{self, InitError, check_grant, draft_grant, forget, pending, remember, sign_grant},
    home::{Home, HomeError},
    identity::{Identity, IdentityError},
};

pub use join::{Joined, ask_to_join, join};
pub use revoke::{Revocation, draft_revocation, may_revoke, revoke};

/// Why devices could not be changed; nothing was.
#[derive(Debug, thiserror::Error)]
pub enum DevicesError {
    /// See [`IdentityError`].
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// See [`InitError`].
    #[error(transparent)]
    Init(#[from] InitError),
    /// See [`JoinError`].
    #[error(transparent)]
    Join(#[from] JoinError),
    /// See [`ElsewhereError`].
    #[error(transparent)]
    Elsewhere(#[from] ElsewhereError),
    /// What was signed would not be believed.
    #[error("what was signed is not valid ({0}): is the clock of this machine right?")]
    Refused(#[from] Refusal),
    /// Readers keep no more devices.
    #[error(
        "{} devices may publish for this account already, and readers keep no more: take one \
         away first, with `ourspace device revoke ADDRESS`",
        limits::SIGNERS
    )]
    TooMany,
    /// An address that no grant names.
    #[error("{0} is no device of this account that is known here; see `ourspace device list`")]
    Unknown(Account),
    /// It is revoked already.
    #[error("{0} was revoked before")]
    RevokedAlready(Account),
    /// A device does not revoke itself.
    #[error(
        "{0} is this device itself: what it signed last would go with it. Revoke it from \
         another device of the account; if this machine's key was copied, join with a new \
         home first (`ourspace device join`)"
    )]
    ThisDevice(Account),
    /// Here is nothing to be kept.
    #[error(
        "this home has no feed of the account yet, so a revocation from here would say that \
         nothing is to be kept: revoke on a device that has the posts"
    )]
    NoFeed,
    /// The clock shows a time before the newest record.
    #[error(
        "the clock of this machine says {}, but the newest record was signed on {}: if the clock is wrong now, set it right. If it was wrong then, revoke from another device of the account, or after that time",
        rfc3339(*.now), rfc3339(*.newest)
    )]
    ClockBehind {
        /// What the clock says.
        now: Millis,
        /// When the newest record was signed.
        newest: Millis,
    },
    /// The clock shows a time before the device was allowed, or before it signed last.
    #[error(
        "the clock of this machine says {}, but the device {device} was allowed, or has signed, on {}: a permission that begins before that would be none. Set the clock right and try again (nothing was changed)",
        rfc3339(*.now), rfc3339(*.last)
    )]
    ClockSetBack {
        /// The device.
        device: Account,
        /// What the clock says.
        now: Millis,
        /// When it was allowed, or has signed.
        last: Millis,
    },
    /// A signature came for what was never asked for, or asked for before something else.
    #[error("nothing waits for this signature: ask for it first, without --signature")]
    NothingPending,
    /// Signatures are missing.
    #[error("the wallet's signature of the {0} is missing, or it is of something else")]
    Missing(&'static str),
    /// An answer for another account than expected.
    #[error("this answer is of the account {found}, not of {expected}")]
    OtherAccount {
        /// The account of the answer.
        found: Account,
        /// The account that was expected.
        expected: Account,
    },
    /// An answer that is older than what is here.
    #[error("this answer is older than the permission that this device has")]
    OlderAnswer,
    /// An answer whose time is over.
    #[error("this permission ended on {}: ask for a new one", rfc3339(*.0))]
    Ended(Millis),
}

impl From<StoreError> for DevicesError {
    fn from(error: StoreError) -> Self {
        Self::Identity(error.into())
    }
}

impl From<HomeError> for DevicesError {
    fn from(error: HomeError) -> Self {
        Self::Identity(error.into())
    }
}

/// The wallet's consent.
#[derive(Debug, Clone, Copy)]
pub enum Consent<'a> {
    /// The account's key.
    Key(&'a SecretKey),
    /// Signatures of what a wallet elsewhere was shown, in any order and spelling.
    Signatures(&'a [String]),
}

/// What a device may do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceState {
    /// It may publish.
    Valid,
    /// Its grant has ended; what it published stays valid.
    Expired,
    /// Its epoch is over: what it signs is not believed any more.
    Revoked,
}

/// A device of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeviceView {
    /// Its address.
    pub device: Account,
    /// The address in six words.
    pub fingerprint: String,
    /// Whether it is this one.
    pub this: bool,
    /// What it may do.
    pub state: DeviceState,
    /// When its grant begins, RFC 3339.
    pub issued: String,
    /// When its grant ends, RFC 3339.
    pub expires: String,
    /// The epoch of its grant.
    pub epoch: u64,
}

/// All devices whose grants are known here, the newest grant first.
///
/// # Errors
/// [`DevicesError`] when the home cannot be read.
pub fn list(home: &Home, now: Millis) -> Result<Vec<DeviceView>, DevicesError> {
    let identity = Identity::load(home)?;
    let reader = home.store().read()?;
    let epoch = account::epoch(&reader, identity.account)?;
    let mut grants = reader.grants(identity.account)?;
    grants.sort_by_key(|grant| {
        let grant = &grant.get().grant;
        std::cmp::Reverse((grant.epoch, grant.issued_at, grant.device))
    });
    let view = |grant: &Verified<SignedGrant>| {
        let grant = &grant.get().grant;
        DeviceView {
            device: grant.device,
            fingerprint: fingerprint(&grant.device),
            this: grant.device == identity.device.address(),
            state: state(grant, epoch, now),
            issued: rfc3339(grant.issued_at),
            expires: rfc3339(grant.expires_at),
            epoch: grant.epoch,
        }
    };
    Ok(grants.iter().map(view).collect())
}

fn state(grant: &Grant, epoch: u64, now: Millis) -> DeviceState {
    if grant.epoch < epoch {
        DeviceState::Revoked
    } else if grant.expires_at < now {
        DeviceState::Expired
    } else {
        DeviceState::Valid
    }
}

/// The grant that the wallet is to sign so that `device` may publish for another year.
/// `known` says that it must be a device already.
///
/// It is kept until the signature comes; while it waits, asking again gives the same one.
///
/// # Errors
/// [`DevicesError::TooMany`], [`DevicesError::Unknown`], [`DevicesError::ClockSetBack`].
pub fn draft(
    home: &Home,
    device: Account,
    known: bool,
    now: Millis,
) -> Result<Grant, DevicesError> {
    let grant = propose(home, device, known, now)?;
    let waiting = pending(&home.store().read()?, device)?;
    if waiting.as_ref() != Some(&grant) {
        home.store().write(|writer| remember(writer, &grant))?;
    }
    Ok(grant)
}

/// What [`draft`] would give, and whether it would be refused; nothing is kept.
///
/// # Errors
/// As [`draft`].
pub fn propose(
    home: &Home,
    device: Account,
    known: bool,
    now: Millis,
) -> Result<Grant, DevicesError> {
    let identity = Identity::load(home)?;
    let reader = home.store().read()?;
    let epoch = account::epoch(&reader, identity.account)?;
    let waiting = pending(&reader, device)?;
    if let Some(grant) = waiting.filter(|grant| grant.epoch == epoch && grant.expires_at > now) {
        return Ok(grant);
    }
    let others = reader.grants(identity.account)?;
    if known
        && !others
            .iter()
            .any(|grant| grant.get().grant.device == device)
    {
        return Err(DevicesError::Unknown(device));
    }
    let signing = others.iter().filter(|grant| {
        let grant = &grant.get().grant;
        grant.device != device && state(grant, epoch, now) == DeviceState::Valid
    });
    if signing.count() >= limits::SIGNERS {
        return Err(DevicesError::TooMany);
    }
    let begin = begin(&reader, &identity, device, now)?;
    // All grants of an account repeat the same commitment to a successor.
    let successor = identity.grant.get().grant.successor_hash;
    Ok(draft_grant(
        identity.account,
        device,
        successor,
        epoch,
        begin,
    ))
}

/// When a new grant of `device` begins: now, but after its last one and not before what it
/// has signed; else the new one would end before the old one, or not hold for its feed.
fn begin(
    reader: &Reader<'_>,
    identity: &Identity,
    device: Account,
    now: Millis,
) -> Result<Millis, DevicesError> {
    let too_far = |last: Millis| last > now.saturating_add(limits::CLOCK_SKEW);
    let allowed_here = identity.grant.get().grant.issued_at;
    if too_far(allowed_here) {
        return Err(DevicesError::ClockSetBack {
            device: identity.device.address(),
            now,
            last: allowed_here,
        });
    }
    let grants = reader.grants(identity.account)?;
    let heads = reader.heads(identity.account)?;
    let allowed = grants.iter().map(|grant| &grant.get().grant);
    let allowed = allowed.filter(|grant| grant.device == device);
    let signed = heads.iter().filter(|head| head.signer() == device);
    let last = allowed
        .map(|grant| grant.issued_at.saturating_add(1))
        .chain(signed.map(|head| head.record().timestamp))
        .max()
        .unwrap_or(0);
    match too_far(last) {
        true => Err(DevicesError::ClockSetBack { device, now, last }),
        false => Ok(now.max(last)),
    }
}

/// Completes a drafted grant with the wallet's consent and keeps it.
///
/// # Errors
/// [`DevicesError`]; the grant goes on waiting then.
pub fn grant(
    home: &Home,
    grant: Grant,
    consent: Consent<'_>,
) -> Result<Verified<SignedGrant>, DevicesError> {
    let device = grant.device;
    let signed = match consent {
        Consent::Key(key) => sign_grant(grant, key)?,
        Consent::Signatures(texts) => {
            let text = texts.first().ok_or(DevicesError::Missing("grant"))?;
            check_grant(&elsewhere::sign_grant(grant, text)?)?
        }
    };
    home.store().write(|writer| -> Result<(), StoreError> {
        writer.put_grant(&signed)?;
        forget(writer, device)
    })?;
    Ok(signed)
}

/// Whether a grant waits here for a signature that was asked for.
///
/// # Errors
/// [`DevicesError::NothingPending`].
pub fn waits(home: &Home, device: Account) -> Result<(), DevicesError> {
    let waiting = pending(&home.store().read()?, device)?;
    waiting.map(drop).ok_or(DevicesError::NothingPending)
}
