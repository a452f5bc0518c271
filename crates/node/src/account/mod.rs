//! The account of a home: how it comes to be there, who may sign for it, and what a person
//! is told about it.
//!
//! Keys are made and kept by `ourspace-wallet`; what is decided here is which grants there
//! are and in which order things are written. This room asks nobody: words, passwords and
//! signatures are handed in.

mod error;
mod init;
mod origin;
mod pending;
mod place;
mod view;

use ourspace_protocol::{
    account::Account,
    eip712::TypedData as _,
    grant::{self, Grant, SignedGrant},
    signature::Scheme,
    time::Millis,
    verify::{KnownGrants, Refusal, Verified, verify_grant},
};
use ourspace_store::{Reader, StoreError};
use ourspace_wallet::{SecretKey, encryption_key};

pub use error::InitError;
pub(crate) use init::device_key;
pub use init::{
    Leftover, Made, Prepared, begin, draft_elsewhere, finish, finish_elsewhere, leftover, prepare,
    resume, set_aside, wait_elsewhere,
};
pub(crate) use origin::put_origin;
pub use origin::{Origin, origin, way_to_renew};
pub(crate) use pending::{JOINING, forget, remember};
pub use pending::{pending, waiting};
pub(crate) use place::worth_keeping;
pub use place::{Place, place, unfinished};
pub use view::{GrantView, WalletPlace, Whoami, warnings, whoami};

/// How long a new grant lasts: 365 days.
pub const GRANT_LIFE: Millis = 365 * 24 * 60 * 60 * 1000;

/// A grant of a year from now, for `device`, not signed yet.
#[must_use]
pub fn draft_grant(
    account: Account,
    device: Account,
    successor_hash: [u8; 32],
    epoch: u64,
    now: Millis,
) -> Grant {
    Grant {
        account,
        device,
        encryption_key_hash: encryption_key::NONE,
        successor_hash,
        scope: grant::PUBLISH.to_owned(),
        issued_at: now,
        expires_at: now.saturating_add(GRANT_LIFE),
        epoch,
    }
}

/// Signs a grant with the account's key.
///
/// # Errors
/// [`Refusal`] when nobody would believe it: the key is another account's, or the clock is
/// beyond all bounds.
pub fn sign_grant(grant: Grant, wallet: &SecretKey) -> Result<Verified<SignedGrant>, Refusal> {
    let signature = wallet.sign_digest(&grant.signing_hash(Scheme::TypedData));
    check_grant(&SignedGrant {
        grant,
        scheme: Scheme::TypedData,
        signature,
    })
}

/// Checks a grant that was put together here.
pub(crate) fn check_grant(grant: &SignedGrant) -> Result<Verified<SignedGrant>, Refusal> {
    verify_grant(&grant.to_bytes(), &mut KnownGrants::new())
}

/// The highest epoch of an account that the store has seen; 0 when none.
///
/// # Errors
/// [`StoreError`] of the database.
pub fn epoch(reader: &Reader<'_>, account: Account) -> Result<u64, StoreError> {
    let heads = reader.heads(account)?.epoch();
    let grants = reader.grants(account)?;
    let granted = grants.iter().map(|grant| grant.get().grant.epoch).max();
    Ok(heads.max(granted.unwrap_or(0)))
}
