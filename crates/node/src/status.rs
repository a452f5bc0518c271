//! How this place is doing: what is in it, who may sign, what needs attention.

use std::path::PathBuf;

use ourspace_protocol::{
    account::Account,
    dag::Cid,
    grant::Grant,
    limits,
    time::{Millis, rfc3339},
};
use serde::Serialize;

use crate::{
    account,
    home::Home,
    identity::{IdentityError, RENEW_AHEAD, device_key_of, grant_of},
};

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
    pub outbox: u64,
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
    /// Pictures, sound, video: kept files.
    pub media_files: u64,
    /// Bytes of them.
    pub media_bytes: u64,
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
    /// No: the account's wallet took it back.
    Revoked,
    /// The wallet never allowed it, or the device key cannot be read.
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
    let own = home.account()?;
    let reader = home.store().read()?;
    let counts = reader.counts(own)?;
    let (kept, info) = (reader.kept()?, reader.info()?);
    let heads = reader.heads(own)?;
    let timestamp = heads.newest().map(|head| head.record().timestamp);
    let mut warnings = Vec::new();
    let grant = grant_status(home, own, now, &mut warnings)?;
    if let Some(last) = timestamp.filter(|last| *last > now.saturating_add(limits::CLOCK_SKEW)) {
        warnings.push(format!(
            "the clock says {}, but the newest record was signed at {}: set the clock right",
            rfc3339(now),
            rfc3339(last)
        ));
    }
    Ok(Status {
        account: own,
        version: env!("CARGO_PKG_VERSION"),
        home: home.path().to_owned(),
        root: reader.root(own)?.map(|link| link.cid),
        timestamp,
        holdings: Holdings {
            posts: counts.posts,
            reactions: counts.reactions,
            tombstones: counts.tombstones,
            media_files: kept.files,
            media_bytes: kept.bytes,
            database_bytes: info.database_bytes,
        },
        outbox: info.outgoing,
        grant,
        warnings,
    })
}

fn grant_status(
    home: &Home,
    own: Account,
    now: Millis,
    warnings: &mut Vec<String>,
) -> Result<GrantStatus, IdentityError> {
    let device = match device_key_of(home) {
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
    let grant = grant_of(home, own, device)?;
    let grant = grant.as_ref().map(|grant| &grant.get().grant);
    let epoch = home.store().read()?.heads(own)?.epoch();
    let state = state(grant, epoch, now);
    match (state, grant) {
        (GrantState::Missing, _) => warnings.push(
            "the wallet has not allowed this device to publish yet: sign the grant that \
             `ourspace init --wallet` or `ourspace device add` printed"
                .to_owned(),
        ),
        (GrantState::NotYet, Some(grant)) => warnings.push(format!(
            "the clock says {}, but this device was allowed to publish at {}: set the clock right",
            rfc3339(now),
            rfc3339(grant.issued_at)
        )),
        _ => warnings.extend(account::warnings(home, now)?),
    }
    Ok(GrantStatus {
        state,
        device: Some(device),
        expires: grant.map(|grant| rfc3339(grant.expires_at)),
    })
}

fn state(grant: Option<&Grant>, epoch: u64, now: Millis) -> GrantState {
    let Some(grant) = grant else {
        return GrantState::Missing;
    };
    if grant.epoch < epoch {
        GrantState::Revoked
    } else if now > grant.expires_at {
        GrantState::Ended
    } else if grant.issued_at > now.saturating_add(limits::CLOCK_SKEW) {
        GrantState::NotYet
    } else if now.saturating_add(RENEW_AHEAD) >= grant.expires_at {
        GrantState::Ending
    } else {
        GrantState::Valid
    }
}
