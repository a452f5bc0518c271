//! A home: the folder that holds everything of one place in the network.
//!
//! ```text
//! store.db …        the store: items, records, trees, settings, kept files
//! keys/account.json the account key under a password; absent where the wallet is elsewhere
//! keys/device.json  the device key, readable by its owner only
//! keys/successor.json  who may continue the account (no secret)
//! ```

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use ourspace_protocol::account::Account;
use ourspace_store::{Store, StoreError};

/// The setting that says whose home it is; it is written last when a home is made.
const ACCOUNT: &str = "node.account";

/// The file by which a home is known.
pub(crate) const DATABASE: &str = "store.db";

/// How long one command waits for another that writes to the same home.
const PATIENCE: Duration = Duration::from_secs(20);

/// A home could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// The store says no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is a home, but no account in it.
    #[error("there is no account in {home} yet; `ourspace init` makes one", home = .0.display())]
    NoAccount(PathBuf),
    /// The keys of a home without its database: the database is made before any key, so it
    /// was lost.
    #[error(
        "the database of this home, {}, is damaged or gone, while its keys are there (nothing was changed): restore a backup into a new home (`ourspace --home NEW restore FILE`), or make a new home with the account's words (`ourspace --home NEW init --mnemonic -`) and import your exported site there",
        .0.join(DATABASE).display()
    )]
    Lost(PathBuf),
}

/// An open home.
#[derive(Debug)]
pub struct Home {
    store: Store,
}

impl Home {
    /// Opens a home to read and write, and makes it if it is not there. Waits some seconds
    /// for another program that writes to it.
    ///
    /// # Errors
    /// [`HomeError::Store`], [`HomeError::Lost`]; the home is then as it was.
    pub fn open_or_make(path: &Path) -> Result<Self, HomeError> {
        check_lost(path)?;
        let begin = Instant::now();
        let store = Store::open_waiting(path, PATIENCE)?;
        tracing::debug!(home = %path.display(), took = ?begin.elapsed(), "opened the home to write");
        Ok(Self { store })
    }

    /// Opens a home that is there, to read and write.
    ///
    /// # Errors
    /// [`HomeError::Store`] ([`StoreError::Absent`] when there is none),
    /// [`HomeError::NoAccount`], [`HomeError::Lost`].
    pub fn open(path: &Path) -> Result<Self, HomeError> {
        // Nothing may be made where there is nothing.
        drop(Self::open_reader(path)?);
        Self::open_or_make(path)
    }

    /// Opens a home that is there for a node, which lets commands write between its changes.
    ///
    /// # Errors
    /// As [`open`](Self::open); [`StoreError::InUse`] when another node runs on it.
    pub fn open_resident(path: &Path) -> Result<Self, HomeError> {
        drop(Self::open_reader(path)?);
        let store = Store::open_resident(path, PATIENCE)?;
        tracing::debug!(home = %path.display(), "opened the home to reside in");
        Ok(Self { store })
    }

    /// Opens a home for reading only, also beside a program that writes to it and on a
    /// disk that cannot be written.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_reader(path: &Path) -> Result<Self, HomeError> {
        check_lost(path)?;
        let home = Self {
            store: Store::open_reader(path)?,
        };
        let account = home.account()?;
        tracing::debug!(home = %path.display(), %account, "opened the home to read");
        Ok(home)
    }

    /// Wraps a store that is already open: for tests with an observer.
    #[must_use]
    pub fn of_store(store: Store) -> Self {
        Self { store }
    }

    /// Its store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.store.home()
    }

    /// Whose home it is.
    ///
    /// # Errors
    /// [`HomeError::NoAccount`] before `init` came to its end.
    pub fn account(&self) -> Result<Account, HomeError> {
        let account = self.store.read()?.setting(ACCOUNT)?;
        account.ok_or_else(|| HomeError::NoAccount(self.path().to_owned()))
    }

    /// The account's key store.
    #[must_use]
    pub fn keystore_path(&self) -> PathBuf {
        self.path().join("keys").join("account.json")
    }

    /// The device key.
    #[must_use]
    pub fn device_path(&self) -> PathBuf {
        self.path().join("keys").join("device.json")
    }

    /// The commitment to a successor.
    #[must_use]
    pub fn successor_path(&self) -> PathBuf {
        self.path().join("keys").join("successor.json")
    }
}

/// Whether a home has lost its database. `init` makes the database before the first key, so
/// keys beside none are no account whose making was interrupted: to go on with them would
/// sign an empty feed over what the person has published.
///
/// # Errors
/// [`HomeError::Lost`].
pub(crate) fn check_lost(path: &Path) -> Result<(), HomeError> {
    // The keys are looked for first: who makes a home meanwhile makes them last.
    let keys = path.join("keys");
    let has_keys = ["account.json", "device.json"]
        .iter()
        .any(|name| keys.join(name).exists());
    if has_keys && matches!(Store::open_reader(path), Err(StoreError::Absent(_))) {
        return Err(HomeError::Lost(path.to_owned()));
    }
    Ok(())
}

/// Notes whose home it is, as a part of the change that makes it one.
///
/// # Errors
/// [`StoreError`] of the database.
pub fn put_account(
    writer: &ourspace_store::Writer<'_>,
    account: Account,
) -> Result<(), StoreError> {
    writer.put_setting(ACCOUNT, &account)
}
