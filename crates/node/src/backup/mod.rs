//! Backups: everything of a home in one file under a password.
//!
//! ```text
//! sealed by ourspace_wallet::backup, a tar archive with these entries and no others:
//! manifest.json          version, account, instant, and name and size of every entry below
//! store.db               one consistent state of the database
//! keys/device.json …     the keys that are there
//! files/N.pack, N.file   kept media, unless they were left out
//! ```
//! A backup is made into a temporary file and gets its name when it is whole and on the
//! disk; a home is restored into a folder of another name and moved into place when all of
//! it was checked. So neither is ever half there.

mod pipe;
mod restore;

use std::{
    fs::{self, File},
    io::{self, Read as _, Write},
    path::{Path, PathBuf},
};

use ourspace_protocol::{
    account::Account,
    time::{Millis, rfc3339},
};
use ourspace_store::StoreError;
use ourspace_wallet::{
    KeystoreError,
    backup::{self as sealed, BackupError as SealError},
    keystore,
};
use serde::{Deserialize, Serialize};

use crate::home::{Home, HomeError};

pub use restore::{Restored, restore};

/// The only version of the archive.
const VERSION: u32 = 1;
/// How the folders of unfinished backups begin.
const SCRATCH: &str = ".backup-";
/// How the names of unfinished backups end.
const PARTIAL: &str = ".partial";
/// Entries of an archive, at most.
const ENTRIES: usize = 1_000_000;
/// Bytes of the manifest, at most: some 60 for each entry.
const MANIFEST_BYTES: u64 = 128 << 20;
/// The keys of a home.
const KEYS: [&str; 3] = ["account.json", "device.json", "successor.json"];
/// Bytes of a file of keys, at most.
const KEY_BYTES: u64 = 64 * 1024;

/// Why a backup was not made or not restored; nothing was left behind.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// See [`HomeError`].
    #[error(transparent)]
    Home(#[from] HomeError),
    /// See [`SealError`].
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A file could not be read or written.
    #[error("could not {doing} {}: {source}", path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A backup is never written over another file.
    #[error("{} exists already and is not overwritten: choose another name", .0.display())]
    Exists(PathBuf),
    /// A home is restored only where there is none.
    #[error(
        "{} is not empty: a home is restored into a new folder (--home DIR), so that nothing is overwritten",
        .0.display()
    )]
    NotEmpty(PathBuf),
    /// There is a home without an account, but with something to lose.
    #[error(
        "{} has no account yet, but holds {what}: finish that first, move the folder away, or restore into another (--home DIR)",
        home.display()
    )]
    Waits {
        /// The home.
        home: PathBuf,
        /// What would be lost.
        what: &'static str,
    },
    /// A file of the home is not what the database says.
    #[error(
        "{} is shorter than the database says, so the home is damaged; `ourspace backup --no-media` leaves media out",
        .0.display()
    )]
    Shortened(PathBuf),
    /// A backup opens with the password that the account's key has, not with a misspelt one.
    #[error(
        "this is not the password of this account: a backup is sealed by the one that opens {}, so that nobody has to remember another (nothing was written)",
        .0.display()
    )]
    WrongPassword(PathBuf),
    /// The account's key cannot be read, and would be as useless in the backup.
    #[error(
        "{0}; nothing was written. Without that file a backup holds all but the account's key, which the words on paper bring back: to make such a one, move the file away"
    )]
    Keystore(KeystoreError),
    /// What was sealed is not such an archive.
    #[error("what the backup holds is no home ({0})")]
    Archive(String),
    /// A newer program wrote it.
    #[error("the backup was written by a newer OurSpace; update the program")]
    Newer,
}

impl From<StoreError> for BackupError {
    fn from(error: StoreError) -> Self {
        Self::Home(error.into())
    }
}

impl BackupError {
    fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File {
            doing,
            path,
            source,
        }
    }
}

/// The first entry of an archive.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    version: u32,
    account: Account,
    created: String,
    media: bool,
    entries: Vec<Entry>,
}

/// Another entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    name: String,
    size: u64,
}

/// A made backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackedUp {
    /// Whose home it holds.
    pub account: Account,
    /// Bytes of what was sealed.
    pub bytes: u64,
    /// Whether it holds the media.
    pub media: bool,
}

/// Makes a backup of a home that this process holds.
///
/// Where the home has the account's key, the backup is sealed by the same password.
///
/// `progress` is told how many bytes of how many are done. The disk of the home must have
/// room for another copy of the database, that of `file` for everything.
///
/// # Errors
/// [`BackupError`]; `file` is not there then.
pub fn backup(
    home: &Home,
    file: &Path,
    options: Options<'_>,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<BackedUp, BackupError> {
    let account = home.account()?;
    if file.exists() {
        return Err(BackupError::Exists(file.to_owned()));
    }
    check_password(home, options.password)?;
    let above = file.parent().filter(|above| !above.as_os_str().is_empty());
    let above = above.unwrap_or(Path::new("."));
    let mut target = unfinished(file, above)?;
    let sources = Sources::collect(home, options.media)?;
    let manifest = Manifest {
        version: VERSION,
        account,
        created: rfc3339(options.now),
        media: options.media,
        entries: sources.entries(),
    };
    let bytes = pipe::through(
        |writer| sources.write(&manifest, writer, progress),
        |mut reader| {
            Ok(sealed::seal(
                &mut reader,
                target.as_file_mut(),
                options.password,
            )?)
        },
    )?;
    let failed = || BackupError::file("write", file);
    target.as_file().sync_all().map_err(failed())?;
    target
        .persist_noclobber(file)
        .map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => BackupError::Exists(file.to_owned()),
            _ => failed()(error.error),
        })?;
    sync_folder(above)?;
    Ok(BackedUp {
        account,
        bytes,
        media: options.media,
    })
}

/// Whether the password opens the account's key, if it is here; so it shows, too, whether the
/// key can be read at all.
fn check_password(home: &Home, password: &str) -> Result<(), BackupError> {
    let path = home.keystore_path();
    if !path.exists() {
        return Ok(());
    }
    match keystore::open(&path, password) {
        Ok(_) => Ok(()),
        Err(KeystoreError::WrongPassword) => Err(BackupError::WrongPassword(path)),
        Err(error) => Err(BackupError::Keystore(error)),
    }
}

/// The file that gets the backup's name when it is whole. It is removed when that fails; of a
/// killed try the next one for the same name clears it away.
fn unfinished(file: &Path, above: &Path) -> Result<tempfile::NamedTempFile, BackupError> {
    let failed = || BackupError::file("write into", above);
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let prefix = format!(".{name}.");
    for entry in fs::read_dir(above).map_err(failed())?.flatten() {
        let found = entry.file_name().to_string_lossy().into_owned();
        if found.starts_with(&prefix) && found.ends_with(PARTIAL) {
            // What cannot be removed is rubbish, sealed, and harms nobody.
            fs::remove_file(entry.path()).unwrap_or(());
        }
    }
    let mut named = tempfile::Builder::new();
    named.prefix(&prefix).suffix(PARTIAL);
    named.tempfile_in(above).map_err(failed())
}

/// How a backup is made.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// What it is sealed with.
    pub password: &'a str,
    /// Whether kept media go into it.
    pub media: bool,
    /// The instant that it bears.
    pub now: Millis,
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Options {{ media: {}, now: {} }}", self.media, self.now)
    }
}

/// The files that go into a backup, by their names there.
struct Sources {
    /// The copy of the database lies here, and is removed with it.
    _scratch: tempfile::TempDir,
    files: Vec<(Entry, PathBuf)>,
}

impl Sources {
    fn collect(home: &Home, media: bool) -> Result<Self, BackupError> {
        clear_scratch(home.path());
        let scratch = tempfile::Builder::new()
            .prefix(SCRATCH)
            .tempdir_in(home.path())
            .map_err(BackupError::file("write into", home.path()))?;
        let copy = scratch.path().join("store.db");
        let kept = home.store().snapshot(&copy, media)?;
        let mut files = vec![(entry("store.db", size(&copy)?), copy)];
        for name in KEYS {
            let path = home.path().join("keys").join(name);
            if path.exists() {
                files.push((entry(&format!("keys/{name}"), size(&path)?), path));
            }
        }
        for file in kept {
            if size(&file.path)? < file.size {
                return Err(BackupError::Shortened(file.path));
            }
            files.push((entry(&format!("files/{}", file.name), file.size), file.path));
        }
        Ok(Self {
            _scratch: scratch,
            files,
        })
    }

    fn entries(&self) -> Vec<Entry> {
        self.files.iter().map(|(entry, _)| entry.clone()).collect()
    }

    fn write(
        &self,
        manifest: &Manifest,
        writer: &mut dyn Write,
        progress: &mut (dyn FnMut(u64, u64) + Send),
    ) -> Result<(), BackupError> {
        let total = self.files.iter().map(|(entry, _)| entry.size).sum();
        let mut archive = tar::Builder::new(writer);
        let manifest = serde_json::to_vec(manifest)
            .map_err(|error| BackupError::Archive(error.to_string()))?;
        let mut done = 0;
        append(
            &mut archive,
            "manifest.json",
            manifest.len() as u64,
            &*manifest,
        )
        .map_err(BackupError::file("write", Path::new("manifest.json")))?;
        for (entry, path) in &self.files {
            let failed = BackupError::file("read", path);
            let file = File::open(path).map_err(BackupError::file("open", path))?;
            let counted = Counted {
                from: file.take(entry.size),
                told: |read| {
                    done += read;
                    progress(done, total);
                },
            };
            append(&mut archive, &entry.name, entry.size, counted).map_err(failed)?;
        }
        let finished = archive.finish();
        finished.map_err(BackupError::file("finish", Path::new("the archive")))
    }
}

fn append(
    archive: &mut tar::Builder<&mut dyn Write>,
    name: &str,
    size: u64,
    content: impl io::Read,
) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o600);
    archive.append_data(&mut header, name, content)
}

/// Tells how much was read.
struct Counted<R, F> {
    from: R,
    told: F,
}

impl<R: io::Read, F: FnMut(u64)> io::Read for Counted<R, F> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(bytes)?;
        (self.told)(read as u64);
        Ok(read)
    }
}

fn entry(name: &str, size: u64) -> Entry {
    let name = name.to_owned();
    Entry { name, size }
}

fn size(path: &Path) -> Result<u64, BackupError> {
    let found = fs::metadata(path).map_err(BackupError::file("read", path))?;
    Ok(found.len())
}

/// Removes the copies that an interrupted backup has left.
fn clear_scratch(home: &Path) {
    for entry in fs::read_dir(home).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(SCRATCH) {
            // What cannot be removed is rubbish and harms nobody.
            fs::remove_dir_all(entry.path()).unwrap_or(());
        }
    }
}

fn sync_folder(folder: &Path) -> Result<(), BackupError> {
    let opened = File::open(folder);
    opened
        .and_then(|folder| folder.sync_all())
        .map_err(BackupError::file("sync", folder))
}
