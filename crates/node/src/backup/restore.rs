//! Restoring: into a folder of another name, checked, then moved into place.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, Read},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use ourspace_protocol::account::Account;
use ourspace_store::{Store, StoreError};
use ourspace_wallet::{backup as sealed, device, keystore, successor::Successor};

use super::{
    BackupError, ENTRIES, Entry, KEY_BYTES, KEYS, MANIFEST_BYTES, Manifest, VERSION, pipe,
    sync_folder,
};
use crate::{
    account::{self, Place},
    home::{Home, HomeError},
};

/// A restored home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Whose it is.
    pub account: Account,
    /// When the backup was made, RFC 3339.
    pub created: String,
    /// Whether the media came with it.
    pub media: bool,
}

/// Restores a backup into `home`, which must not be there, or be an empty folder or a home
/// whose making was interrupted before anything was in it; that one makes room.
///
/// `progress` is told how many bytes of the file are read.
///
/// # Errors
/// [`BackupError`]; `home` is then as it was.
pub fn restore(
    home: &Path,
    file: &Path,
    password: &str,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Restored, BackupError> {
    check_free(home)?;
    let mut source = File::open(file).map_err(BackupError::file("open", file))?;
    let above = home.parent().filter(|above| !above.as_os_str().is_empty());
    let above = above.unwrap_or(Path::new("."));
    fs::create_dir_all(above).map_err(BackupError::file("make", above))?;
    let staging = staging(home, above)?;
    let place = staging.path().join("home");
    let manifest = pipe::through(
        |mut writer| {
            let mut counted = super::Counted {
                from: &mut source,
                told: |read| progress(read),
            };
            sealed::open(&mut counted, &mut writer, password)?;
            Ok(())
        },
        |reader| unpack(reader, &place),
    )?;
    check(&place, &manifest)?;
    sync_all(&place)?;
    move_in(&place, home, staging.path())?;
    sync_folder(above)?;
    Ok(Restored {
        account: manifest.account,
        created: manifest.created,
        media: manifest.media,
    })
}

/// The folder in which a home is restored. One that a killed try for the same home has left
/// goes first: it holds keys.
fn staging(home: &Path, above: &Path) -> Result<tempfile::TempDir, BackupError> {
    let failed = || BackupError::file("write into", above);
    let name = home.file_name().unwrap_or_default().to_string_lossy();
    let prefix = format!(".{name}.restore-");
    for entry in fs::read_dir(above).map_err(failed())?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            fs::remove_dir_all(entry.path()).map_err(BackupError::file("remove", &entry.path()))?;
        }
    }
    let mut named = tempfile::Builder::new();
    named.prefix(&prefix).tempdir_in(above).map_err(failed())
}

/// What is where a home shall be put.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Occupant {
    Nobody,
    /// A home in which there is nothing to lose.
    Begun,
}

/// Whether a home may be put there.
fn check_free(home: &Path) -> Result<Occupant, BackupError> {
    let taken = || BackupError::NotEmpty(home.to_owned());
    let entries = match fs::read_dir(home) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Occupant::Nobody),
        Err(error) => return Err(BackupError::file("read", home)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry.map_err(BackupError::file("read", home))?.file_name());
    }
    match account::place(home).map_err(|_| taken())? {
        Place::Free if names.is_empty() => Ok(Occupant::Nobody),
        Place::Free if names == ["lock"] => Ok(Occupant::Begun),
        Place::Free => Err(taken()),
        Place::Begun => {
            let store = match Store::open_reader(home) {
                Ok(store) => store,
                // A database without anything, as of a home whose making was killed.
                Err(StoreError::Absent(_)) => return Ok(Occupant::Begun),
                Err(_) => return Err(taken()),
            };
            match account::worth_keeping(&Home::of_store(store))? {
                None => Ok(Occupant::Begun),
                Some(what) => Err(BackupError::Waits {
                    home: home.to_owned(),
                    what,
                }),
            }
        }
    }
}

/// Puts the restored home where it belongs; one that was only begun moves into `aside`.
fn move_in(place: &Path, home: &Path, aside: &Path) -> Result<(), BackupError> {
    // Held, so that nobody makes an account in it meanwhile.
    let old = match check_free(home)? {
        Occupant::Nobody => None,
        Occupant::Begun => Some(Home::open_or_make(home)?),
    };
    if old.is_some() {
        check_free(home)?;
        fs::rename(home, aside.join("old")).map_err(BackupError::file("move", home))?;
    }
    fs::rename(place, home).map_err(|error| match error.kind() {
        io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists => {
            BackupError::NotEmpty(home.to_owned())
        }
        _ => BackupError::file("make", home)(error),
    })
}

/// Writes what is in an archive into the new folder `place`. Nothing in it is believed:
/// only names that a home has are written, each once, with the size that the manifest says.
fn unpack(reader: impl Read, place: &Path) -> Result<Manifest, BackupError> {
    let mut archive = tar::Archive::new(reader);
    let broken = |error: io::Error| BackupError::Archive(error.to_string());
    let mut entries = archive.entries().map_err(broken)?;
    let first = entries
        .next()
        .ok_or_else(|| BackupError::Archive("it is empty".to_owned()))?;
    let manifest = read_manifest(first.map_err(broken)?)?;
    for folder in [place.to_owned(), place.join("keys"), place.join("files")] {
        let made = fs::DirBuilder::new().mode(0o700).create(&folder);
        made.map_err(BackupError::file("make", &folder))?;
    }
    let mut expected = manifest.entries.iter();
    for entry in entries {
        let mut entry = entry.map_err(broken)?;
        let wanted = expected
            .next()
            .ok_or_else(|| BackupError::Archive("an entry too many".to_owned()))?;
        let name = entry.path_bytes().into_owned();
        let regular = entry.header().entry_type().is_file();
        if !regular || name != wanted.name.as_bytes() || entry.size() != wanted.size {
            return Err(BackupError::Archive(format!(
                "another entry where {:?} should be",
                wanted.name
            )));
        }
        write(&mut entry, &place.join(&wanted.name), wanted.size)?;
    }
    match expected.next() {
        None => Ok(manifest),
        Some(missing) => Err(BackupError::Archive(format!(
            "{:?} is missing",
            missing.name
        ))),
    }
}

fn read_manifest(entry: tar::Entry<'_, impl Read>) -> Result<Manifest, BackupError> {
    let broken = |what: &str| BackupError::Archive(what.to_owned());
    if !entry.header().entry_type().is_file() || *entry.path_bytes() != *b"manifest.json" {
        return Err(broken("it does not begin with its manifest"));
    }
    let mut bytes = Vec::new();
    entry
        .take(MANIFEST_BYTES)
        .read_to_end(&mut bytes)
        .map_err(|error| BackupError::Archive(error.to_string()))?;
    let version: Version =
        serde_json::from_slice(&bytes).map_err(|_| broken("its manifest is malformed"))?;
    if version.version != VERSION {
        return Err(BackupError::Newer);
    }
    let manifest: Manifest =
        serde_json::from_slice(&bytes).map_err(|_| broken("its manifest is malformed"))?;
    let mut seen = BTreeSet::new();
    for entry in &manifest.entries {
        if !is_name(entry) || !seen.insert(&entry.name) {
            return Err(broken("its manifest names a file that no home has"));
        }
    }
    if manifest.entries.len() > ENTRIES || !seen.contains(&"store.db".to_owned()) {
        return Err(broken("its manifest does not name a home's files"));
    }
    Ok(manifest)
}

#[derive(serde::Deserialize)]
struct Version {
    version: u32,
}

/// Whether a home has such a file: nothing else is ever written.
fn is_name(entry: &Entry) -> bool {
    let name = entry.name.as_str();
    if let Some(key) = name.strip_prefix("keys/") {
        return KEYS.contains(&key) && entry.size <= KEY_BYTES;
    }
    let volume = |name: &str| {
        let (number, kind) = name.split_once('.')?;
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        Some(digits && number.len() < 20 && matches!(kind, "pack" | "file"))
    };
    match name.strip_prefix("files/") {
        Some(name) => volume(name) == Some(true),
        None => name == "store.db",
    }
}

fn write(from: &mut impl Read, path: &Path, size: u64) -> Result<(), BackupError> {
    let failed = || BackupError::file("write", path);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(failed())?;
    let written = io::copy(from, &mut file).map_err(failed())?;
    if written != size {
        return Err(BackupError::Archive("an entry is cut off".to_owned()));
    }
    file.sync_all().map_err(failed())
}

/// Opens the restored home as any other and looks at all that must be right.
fn check(place: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    let wrong = |what: &dyn std::fmt::Display| BackupError::Archive(what.to_string());
    let home = Home::open(place)?;
    home.store().check()?;
    let account = home.account()?;
    if account != manifest.account {
        return Err(wrong(&"the database is of another account"));
    }
    let reader = home.store().read().map_err(HomeError::from)?;
    // Each record and grant is verified on its way out.
    reader.heads(account)?;
    reader.grants(account)?;
    drop(reader);
    device::load(&home.device_path()).map_err(|error| wrong(&error))?;
    if home.successor_path().exists() {
        Successor::load(&home.successor_path()).map_err(|error| wrong(&error))?;
    }
    match fs::read(home.keystore_path()) {
        Ok(json) => {
            let stated = keystore::stated_address(&json).map_err(|error| wrong(&error))?;
            if stated.is_some_and(|stated| stated != account) {
                return Err(wrong(&"the key store is of another account"));
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(wrong(&error)),
    }
    Ok(())
}

/// Makes what the check has written durable, and the names of all files.
fn sync_all(place: &Path) -> Result<(), BackupError> {
    let folders: [PathBuf; 3] = [place.join("keys"), place.join("files"), place.to_owned()];
    folders.iter().try_for_each(|folder| sync_folder(folder))
}

#[cfg(test)]
mod tests;
