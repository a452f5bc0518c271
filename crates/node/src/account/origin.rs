//! How a home came to its account: that says where the account's key is to be looked for,
//! and which way of renewing a permission works from here.

use ourspace_protocol::account::Account;
use ourspace_store::{StoreError, Writer};
use serde::{Deserialize, Serialize};

use crate::home::Home;

/// The setting that holds it; homes that were made before it have none.
const ORIGIN: &str = "node.origin";

/// How a home came to its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The key was put into this home.
    Here,
    /// A wallet in another program signed.
    Elsewhere,
    /// Another device of the account, or its wallet, answered this one.
    Joined,
}

/// Notes it, as a part of the change that makes the account.
pub(crate) fn put_origin(writer: &Writer<'_>, origin: Origin) -> Result<(), StoreError> {
    writer.put_setting(ORIGIN, &origin)
}

/// How a home came to its account; `None` when an older program made it.
///
/// # Errors
/// [`StoreError`] of the database.
pub fn origin(home: &Home) -> Result<Option<Origin>, StoreError> {
    home.store().read()?.setting(ORIGIN)
}

/// Which commands renew the permission of `device` from this home, in the words that a
/// person is told.
///
/// # Errors
/// [`StoreError`] of the database.
pub fn way_to_renew(home: &Home, device: Account) -> Result<String, StoreError> {
    if home.keystore_path().exists() {
        return Ok("renew it with `ourspace device renew`".to_owned());
    }
    Ok(match origin(home)? {
        Some(Origin::Joined) => format!(
            "renew it where the account's key is: `ourspace device renew {device}` there, then \
             `ourspace device join --answer ANSWER` here"
        ),
        Some(Origin::Here) => format!(
            "the account's key, {}, is missing: bring it back from a backup, then renew with \
             `ourspace device renew`",
            home.keystore_path().display()
        ),
        Some(Origin::Elsewhere) | None => {
            "renew it with `ourspace device renew`, which prints what your wallet is to sign"
                .to_owned()
        }
    })
}
