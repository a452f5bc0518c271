//! What a person is told about their account.

use ourspace_protocol::{
    account::Account,
    grant::Grant,
    time::{Millis, rfc3339},
};
use ourspace_wallet::fingerprint::fingerprint;
use serde::Serialize;

use crate::{
    account::way_to_renew,
    home::Home,
    identity::{Identity, IdentityError, RENEW_AHEAD, device_key_of, grant_of},
};

/// Where the account's key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WalletPlace {
    /// In this home's key store, under a password.
    Here,
    /// In another program, on another device.
    Elsewhere,
}

/// A grant, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GrantView {
    /// When it begins, RFC 3339.
    pub issued: String,
    /// When it ends, RFC 3339.
    pub expires: String,
    /// The account's epoch.
    pub epoch: u64,
    /// Whether it ends within 30 days, or has ended.
    pub renew_soon: bool,
}

impl GrantView {
    /// The view of a grant at an instant.
    #[must_use]
    pub fn of(grant: &Grant, now: Millis) -> Self {
        Self {
            issued: rfc3339(grant.issued_at),
            expires: rfc3339(grant.expires_at),
            epoch: grant.epoch,
            renew_soon: now.saturating_add(RENEW_AHEAD) >= grant.expires_at,
        }
    }
}

/// Whose home it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Whoami {
    /// The account.
    pub account: Account,
    /// The account as a DID.
    pub did: String,
    /// The account in six words.
    pub fingerprint: String,
    /// This machine's device key.
    pub device: Account,
    /// Where the account's key is.
    pub wallet: WalletPlace,
    /// This device's permission to publish.
    pub grant: GrantView,
    /// Root of the newest feed; none before the first one.
    pub root: Option<String>,
    /// When that was signed.
    pub timestamp: Option<Millis>,
}

/// Whose home it is.
///
/// # Errors
/// [`IdentityError`].
pub fn whoami(home: &Home, now: Millis) -> Result<Whoami, IdentityError> {
    let identity = Identity::load(home)?;
    let heads = home.store().read()?.heads(identity.account)?;
    let newest = heads.newest().map(|head| head.record());
    let wallet = if home.keystore_path().exists() {
        WalletPlace::Here
    } else {
        WalletPlace::Elsewhere
    };
    Ok(Whoami {
        account: identity.account,
        did: identity.account.did(),
        fingerprint: fingerprint(&identity.account),
        device: identity.device.address(),
        wallet,
        grant: GrantView::of(&identity.grant.get().grant, now),
        root: newest.map(|record| record.root.to_string()),
        timestamp: newest.map(|record| record.timestamp),
    })
}

/// What the person should know soon, one sentence each; none mostly.
///
/// # Errors
/// [`IdentityError`] when the home cannot be read.
pub fn warnings(home: &Home, now: Millis) -> Result<Vec<String>, IdentityError> {
    let account = home.account()?;
    let device = device_key_of(home)?.address();
    let mut warnings = Vec::new();
    let Some(grant) = grant_of(home, account, device)? else {
        return Ok(warnings);
    };
    let grant = &grant.get().grant;
    let ends = rfc3339(grant.expires_at);
    let way = way_to_renew(home, device)?;
    if now > grant.expires_at {
        warnings.push(format!(
            "this device may not publish since {ends}; what it published stays valid. \
             To go on, {way}"
        ));
    } else if GrantView::of(grant, now).renew_soon {
        let left = left(grant.expires_at - now);
        warnings.push(format!(
            "in {left}, on {ends}, this device's permission to publish ends; {way}"
        ));
    }
    let epoch = home.store().read()?.heads(account)?.epoch();
    if grant.epoch < epoch {
        warnings.push(format!(
            "the permission of this device to publish was revoked; {way}"
        ));
    }
    Ok(warnings)
}

/// How long something still lasts, for people: in days, on the last of them in hours, in the
/// last of those in minutes.
fn left(time: Millis) -> String {
    let minutes = time / 60_000;
    let (number, unit) = match (minutes / (24 * 60), minutes / 60) {
        (0, 0) => (minutes, "minute"),
        (0, hours) => (hours, "hour"),
        (days, _) => (days, "day"),
    };
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_day_has_hours() {
        const HOUR: Millis = 3_600_000;
        assert_eq!(left(30 * 24 * HOUR), "30 days");
        assert_eq!(left(47 * HOUR), "1 day");
        assert_eq!(left(24 * HOUR - 1), "23 hours");
        assert_eq!(left(HOUR), "1 hour");
        assert_eq!(left(HOUR - 1), "59 minutes");
        assert_eq!(left(0), "0 minutes");
    }
}
