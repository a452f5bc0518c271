//! Who signs here: this machine's device key and the grant that allows it.

use std::path::PathBuf;

use ourspace_protocol::{account::Account, grant::SignedGrant, time::Millis, verify::Verified};
use ourspace_store::StoreError;
use ourspace_wallet::{SecretKey, device};

use crate::home::{Home, HomeError};

/// From this many milliseconds before its end on, a grant is to be renewed: 30 days.
pub const RENEW_AHEAD: Millis = 30 * 24 * 60 * 60 * 1000;

/// Why this machine cannot sign.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// See [`HomeError`].
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The device key cannot be read.
    #[error(transparent)]
    Device(#[from] device::DeviceError),
    /// The device key is gone.
    #[error(
        "this home's device key, {}, is missing, so nothing can be published here: bring it back from a backup (`ourspace --home DIR restore FILE`), or make another home of the account, with its words (`ourspace --home DIR init --mnemonic -`) or through another device (`ourspace --home DIR device join`)",
        .0.display()
    )]
    NoDeviceKey(PathBuf),
    /// The wallet has not allowed this device yet.
    #[error(
        "this device may not publish yet: its wallet has not signed the grant; `ourspace status` says what is missing"
    )]
    NoGrant,
}

impl From<StoreError> for IdentityError {
    fn from(error: StoreError) -> Self {
        Self::Home(error.into())
    }
}

/// This machine's device key with its grant.
#[derive(Debug)]
pub struct Identity {
    /// Whose feed it publishes.
    pub account: Account,
    /// The device key.
    pub device: SecretKey,
    /// The wallet's permission.
    pub grant: Verified<SignedGrant>,
}

impl Identity {
    /// Loads it.
    ///
    /// # Errors
    /// [`IdentityError`], which says what to do.
    pub fn load(home: &Home) -> Result<Self, IdentityError> {
        let account = home.account()?;
        let device = device_key_of(home)?;
        let grant = grant_of(home, account, device.address())?.ok_or(IdentityError::NoGrant)?;
        Ok(Self {
            account,
            device,
            grant,
        })
    }
}

/// The device key of a home that has an account.
///
/// # Errors
/// [`IdentityError::NoDeviceKey`], [`IdentityError::Device`].
pub(crate) fn device_key_of(home: &Home) -> Result<SecretKey, IdentityError> {
    let path = home.device_path();
    device::load(&path).map_err(|error| match error {
        device::DeviceError::File(error) if error.is_not_found() => {
            IdentityError::NoDeviceKey(path)
        }
        other => other.into(),
    })
}

/// The newest grant of a device, if it has one.
///
/// # Errors
/// [`StoreError`] of the database.
pub fn grant_of(
    home: &Home,
    account: Account,
    device: Account,
) -> Result<Option<Verified<SignedGrant>>, StoreError> {
    let grants = home.store().read()?.grants(account)?;
    let mut own = grants
        .into_iter()
        .filter(|grant| grant.get().grant.device == device);
    Ok(own.next())
}
