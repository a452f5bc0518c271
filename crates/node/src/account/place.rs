//! Where a home may be made, and where one was begun: looked at without changing anything,
//! so that a command that is refused leaves the folder as it was.

use std::{fs, io, path::Path};

use ourspace_store::Store;

use super::{
    error::InitError,
    pending::{is_joining, waiting},
};
use crate::home::{DATABASE, Home, HomeError, check_lost};

/// What is where an account shall be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nothing, or an empty folder.
    Free,
    /// A home without an account: its making was interrupted, or it waits for a signature
    /// or for the answer of another device.
    Begun,
}

/// What is there.
///
/// # Errors
/// [`InitError::Exists`] for a home that has an account, [`InitError::NotAHome`] for what
/// is neither a home nor free, [`HomeError::Lost`] for a home that has lost its database.
pub fn place(path: &Path) -> Result<Place, InitError> {
    check_lost(path)?;
    let refused = |what| InitError::NotAHome {
        home: path.to_owned(),
        what,
    };
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Place::Free),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(refused("is no folder"));
        }
        Err(source) => {
            let path = path.to_owned();
            return Err(InitError::Folder { path, source });
        }
    };
    let mut place = Place::Free;
    let mut other = false;
    for entry in entries {
        let entry = entry.map_err(|source| InitError::Folder {
            path: path.to_owned(),
            source,
        })?;
        match entry.file_name().to_str() {
            Some(DATABASE) => place = Place::Begun,
            // All that is there when a home's making was killed before its database; and
            // what the root of a disk of its own has.
            Some("lock" | "lost+found") => {}
            _ => other = true,
        }
    }
    if place == Place::Free {
        return match other {
            true => Err(refused("has other files in it")),
            false => Ok(place),
        };
    }
    match Home::open_reader(path) {
        Ok(home) => Err(InitError::Exists {
            home: path.to_owned(),
            account: home.account()?,
        }),
        // What is wrong with it, whoever opens it to write will say.
        Err(_) => Ok(place),
    }
}

/// What a home without an account waits for, and how to go on, in words for people; `None`
/// when it waits for nothing.
///
/// # Errors
/// [`HomeError`] when it cannot be read.
pub fn unfinished(path: &Path) -> Result<Option<String>, HomeError> {
    let home = Home::of_store(Store::open_reader(path)?);
    let reader = home.store().read()?;
    if let Some(grant) = waiting(&reader)?.first() {
        let account = grant.account;
        return Ok(Some(format!(
            "the account {account} waits for its wallet to sign a grant: `ourspace init --wallet \
             {account}` prints it again, and with --signature 0x… takes the signature"
        )));
    }
    if is_joining(&reader)? {
        return Ok(Some(
            "this device waits to join an account: `ourspace device join` shows its code again, \
             and with --answer ANSWER takes what the first device answered"
                .to_owned(),
        ));
    }
    Ok(home.keystore_path().exists().then(|| {
        "the making of an account was interrupted here: `ourspace init` finishes it".to_owned()
    }))
}

/// Why a home without an account must not be removed: there is more in it than what an
/// interrupted command made for itself.
///
/// # Errors
/// [`HomeError`] when it cannot be read.
pub(crate) fn worth_keeping(home: &Home) -> Result<Option<&'static str>, HomeError> {
    match home.account() {
        Ok(_) => return Ok(Some("an account")),
        Err(HomeError::NoAccount(_)) => {}
        Err(error) => return Err(error),
    }
    if home.keystore_path().exists() || kept_keys(home.path()) {
        return Ok(Some("the key of an account whose making was interrupted"));
    }
    let reader = home.store().read()?;
    if !waiting(&reader)?.is_empty() {
        return Ok(Some("a grant that waits for its signature"));
    }
    if is_joining(&reader)? {
        return Ok(Some("a device that waits for the answer to its code"));
    }
    if reader.kept()?.files > 0 {
        return Ok(Some("kept files"));
    }
    Ok(None)
}

/// Whether keys of an earlier try were moved aside here.
fn kept_keys(home: &Path) -> bool {
    let entries = fs::read_dir(home).into_iter().flatten().flatten();
    entries
        .into_iter()
        .any(|entry| entry.file_name().to_string_lossy().starts_with("keys."))
}
