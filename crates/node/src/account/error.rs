//! Why no account was made.

use std::{io, path::PathBuf};

use ourspace_protocol::{account::Account, verify::Refusal};
use ourspace_store::StoreError;
use ourspace_wallet::{
    KeystoreError, device::DeviceError, elsewhere::ElsewhereError, successor::SuccessorError,
};

use crate::{home::HomeError, publish::PublishError};

/// Why no account was made.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// There is one already.
    #[error("{} has the account {account} already; `ourspace whoami` shows it, and --home DIR makes another home", home.display())]
    Exists {
        /// The home.
        home: PathBuf,
        /// Its account.
        account: Account,
    },
    /// A folder with other things in it, or no folder at all.
    #[error("{} {what}, so no home is made there: choose another with --home DIR, an empty folder or one that is not there yet", home.display())]
    NotAHome {
        /// What was to become the home.
        home: PathBuf,
        /// Why it cannot.
        what: &'static str,
    },
    /// The successor would be the account itself.
    #[error(
        "the second word list is the same as the first: the successor must be another one, or whoever has the account's words has both"
    )]
    OwnSuccessor,
    /// See [`HomeError`].
    #[error(transparent)]
    Home(#[from] HomeError),
    /// See [`KeystoreError`].
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
    /// See [`DeviceError`].
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// See [`SuccessorError`].
    #[error(transparent)]
    Successor(#[from] SuccessorError),
    /// A folder could not be made or moved.
    #[error("could not write {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Nobody would believe the grant.
    #[error("the grant is not valid ({0}): is the clock of this machine right?")]
    Refused(#[from] Refusal),
    /// The wallet's answer does not fit.
    #[error(transparent)]
    Elsewhere(#[from] ElsewhereError),
    /// A signature came, but nothing waits for one.
    #[error("no grant waits for a signature here; `ourspace init --wallet ADDRESS` makes one")]
    NothingPending,
    /// See [`PublishError`].
    #[error(transparent)]
    Publish(#[from] PublishError),
}

impl From<StoreError> for InitError {
    fn from(error: StoreError) -> Self {
        Self::Home(error.into())
    }
}
