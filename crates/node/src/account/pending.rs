//! Grants that wait for the signature of a wallet that is elsewhere.
//!
//! The wallet is shown a grant once and may answer days later; the signature fits that one
//! grant only, with its instants. So it is kept until then. Nothing in it is secret.

use data_encoding::HEXLOWER;
use ourspace_protocol::{
    account::Account,
    grant::{Grant, SignedGrant},
    signature::{Scheme, Signature},
};
use ourspace_store::{Reader, StoreError, Writer};

/// The setting that holds them: encoded grants in hex, with a signature of zeros.
const PENDING: &str = "node.pending";

/// The setting with the code by which this home asks to join an account.
pub(crate) const JOINING: &str = "node.joining";

/// Whether a home shows a code and waits for the answer.
pub(super) fn is_joining(reader: &Reader<'_>) -> Result<bool, StoreError> {
    Ok(reader.setting::<String>(JOINING)?.is_some())
}

/// All grants that wait, in the order in which they were asked for.
///
/// # Errors
/// [`StoreError`] of the database.
pub fn waiting(reader: &Reader<'_>) -> Result<Vec<Grant>, StoreError> {
    decode(reader.setting(PENDING)?.unwrap_or_default())
}

/// The grant that waits for this device.
///
/// # Errors
/// [`StoreError`] of the database.
pub fn pending(reader: &Reader<'_>, device: Account) -> Result<Option<Grant>, StoreError> {
    let mut grants = waiting(reader)?.into_iter();
    Ok(grants.find(|grant| grant.device == device))
}

/// Notes a grant that waits, instead of any other of the same device.
pub(crate) fn remember(writer: &Writer<'_>, grant: &Grant) -> Result<(), StoreError> {
    let mut grants = decode(writer.setting(PENDING)?.unwrap_or_default())?;
    grants.retain(|old| old.device != grant.device);
    grants.push(grant.clone());
    put(writer, &grants)
}

/// The grant of this device waits no longer.
pub(crate) fn forget(writer: &Writer<'_>, device: Account) -> Result<(), StoreError> {
    let mut grants = decode(writer.setting(PENDING)?.unwrap_or_default())?;
    grants.retain(|old| old.device != device);
    put(writer, &grants)
}

fn put(writer: &Writer<'_>, grants: &[Grant]) -> Result<(), StoreError> {
    if grants.is_empty() {
        return writer.remove_setting(PENDING);
    }
    let texts: Vec<String> = grants
        .iter()
        .map(|grant| {
            let unsigned = SignedGrant {
                grant: grant.clone(),
                scheme: Scheme::TypedData,
                signature: Signature([0; 64]),
            };
            HEXLOWER.encode(&unsigned.to_bytes())
        })
        .collect();
    writer.put_setting(PENDING, &texts)
}

fn decode(texts: Vec<String>) -> Result<Vec<Grant>, StoreError> {
    let grant = |text: String| {
        let bytes = HEXLOWER.decode(text.as_bytes()).ok()?;
        Some(SignedGrant::from_bytes(&bytes).ok()?.grant)
    };
    let grants: Option<Vec<Grant>> = texts.into_iter().map(grant).collect();
    grants.ok_or_else(|| StoreError::Damaged {
        what: "grant that waits for its signature".to_owned(),
    })
}
