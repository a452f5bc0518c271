//! How this place is doing: what is in it, who may sign, what needs attention.

use std::{
    fs,
    path::{Path, PathBuf},
};

use ourspace_protocol::{
    account::Account,
    dag::Cid,
    grant::SignedGrant,
    limits,
    time::{Millis, rfc3339},
    verify::Verified,
};
use ourspace_wallet::device;
use serde::Serialize;

use crate::{
    home::Home,
    identity::{IdentityError, RENEW_AHEAD, grant_of},
};

/// More announcements than an account can have waiting.
const OUTBOX: usize = 1_000;

/// How a place is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Whose it is.
    pub account: Account,
    /// The version of the program.
    pub version: &'static str,
    /// The folder.
    pub home: PathBuf,
    /// Root of the feed; absent before anything was published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<Cid>,
    /// When the newest record was signed (Unix milliseconds); absent before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Millis>,
    /// What is in the feed and on the disk.
    #[serde(flatten)]
    pub holdings: Holdings,
    /// Announcements that wait for the network.
    pub outbox: usize,
    /// Who signs here.
    pub grant: GrantStatus,
    /// What needs attention, for people.
    pub warnings: Vec<String>,
}

/// What is in a feed and on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Holdings {
    /// Posts, replies, reposts, quotes.
    pub posts: u64,
    /// Likes and votes.
    pub reactions: u64,
    /// Traces of deleted items.
    pub tombstones: u64,
    /// Bytes of the database.
    pub database_bytes: u64,
}

/// Whether this machine may sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    /// Yes.
    Valid,
    /// Yes, but for less than 30 days.
    Ending,
    /// No longer.
    Ended,
    /// Not yet: the clock is before its beginning.
    NotYet,
    /// The wallet never allowed it.
    Missing,
}

/// Who signs here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GrantStatus {
    /// Whether this machine may sign.
    pub state: GrantState,
    /// The device key; absent when it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<Account>,
    /// Until when the grant allows it (RFC 3339); absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// Looks at everything.
///
/// # Errors
/// [`IdentityError::Home`] when there is no account or the store cannot be read; a device
/// key that cannot be read is one of the warnings.
pub fn status(home: &Home, now: Millis) -> Result<Status, IdentityError> {
    let account = home.account()?;
    let reader = home.store().read()?;
    let counts = reader.counts(account)?;
    let heads = reader.heads(account)?;
    let timestamp = heads.newest().map(|head| head.record().timestamp);
    let mut warnings = Vec::new();
    let grant = grant_status(home, account, now, &mut warnings)?;
    if let Some(last) = timestamp.filter(|last| *last > now.saturating_add(limits::CLOCK_SKEW)) {
        warnings.push(format!(
            "the clock says {}, but the newest record was signed at {}: set the clock right",
            rfc3339(now),
            rfc3339(last)
        ));
    }
    Ok(Status {
        account,
        version: env!("CARGO_PKG_VERSION"),
        home: home.path().to_owned(),
        root: reader.root(account)?.map(|link| link.cid),
        timestamp,
        holdings: Holdings {
            posts: counts.posts,
            reactions: counts.reactions,
            tombstones: counts.tombstones,
            database_bytes: database_bytes(home.path()),
        },
        outbox: reader.outbox(OUTBOX)?.len(),
        grant,
        warnings,
    })
}

fn grant_status(
    home: &Home,
    account: Account,
    now: Millis,
    warnings: &mut Vec<String>,
) -> Result<GrantStatus, IdentityError> {
    let device = match device::load(&home.device_path()) {
        Ok(key) => key.address(),
        Err(error) => {
            warnings.push(error.to_string());
            return Ok(GrantStatus {
                state: GrantState::Missing,
                device: None,
                expires: None,
            });
        }
    };
    let grant = grant_of(home, account, device)?;
    let (state, warning) = judge(grant.as_ref(), now);
    warnings.extend(warning);
    Ok(GrantStatus {
        state,
        device: Some(device),
        expires: grant.map(|grant| rfc3339(grant.get().grant.expires_at)),
    })
}

fn judge(grant: Option<&Verified<SignedGrant>>, now: Millis) -> (GrantState, Option<String>) {
    let Some(grant) = grant.map(|grant| &grant.get().grant) else {
        let text = "the wallet has not allowed this device to publish yet; \
                    `ourspace init` says how to go on";
        return (GrantState::Missing, Some(text.to_owned()));
    };
    let ends = rfc3339(grant.expires_at);
    if now > grant.expires_at {
        let text = format!(
            "this device's permission to publish ended on {ends}: run `ourspace device renew`"
        );
        return (GrantState::Ended, Some(text));
    }
    if grant.issued_at > now.saturating_add(limits::CLOCK_SKEW) {
        let text = format!(
            "the clock says {}, but this device was allowed at {}: set the clock right",
            rfc3339(now),
            rfc3339(grant.issued_at)
        );
        return (GrantState::NotYet, Some(text));
    }
    if grant.expires_at - now < RENEW_AHEAD {
        let text = format!(
            "this device's permission to publish ends on {ends}: run `ourspace device renew`"
        );
        return (GrantState::Ending, Some(text));
    }
    (GrantState::Valid, None)
}

/// Bytes of the database with its log.
fn database_bytes(home: &Path) -> u64 {
    let size = |name: &str| fs::metadata(home.join(name)).map_or(0, |file| file.len());
    size("store.db") + size("store.db-wal")
}
