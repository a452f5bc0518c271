//! Why the store could not do something, and what to do about it.

use std::{
    io,
    path::{Path, PathBuf},
};

use ourspace_protocol::{
    dag::{Cid, DagError, SourceError},
    feed::state::StateError,
};
use rusqlite::ErrorCode;

/// The store could not do what was asked. Whatever was under way was taken back whole.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process writes to this home.
    #[error("the home {home} is in use by another OurSpace ({holder}); stop it, or let it do the work", home = .home.display())]
    InUse {
        /// The home.
        home: PathBuf,
        /// The process that holds it, as far as it is known.
        holder: String,
    },
    /// There is no store in this home.
    #[error("there is no OurSpace in {home}; `ourspace init` makes one", home = .0.display())]
    Absent(PathBuf),
    /// The home, or the disk that holds it, does not take writes.
    #[error(
        "the home is read-only; make it writable for this user, or use another with --home (nothing was changed)"
    )]
    ReadOnly,
    /// The store was opened for reading only.
    #[error("this store was opened for reading only")]
    ReadersOnly,
    /// A stage was given to a store that did not make it.
    #[error("the staged files belong to another store")]
    OtherStore,
    /// The disk is full.
    #[error(
        "the disk that holds the home is full; free some space and try again (nothing was changed)"
    )]
    Full,
    /// The database is no database, or its pages contradict each other.
    #[error("the database {path} is damaged ({what}); nothing was changed: restore the home from a backup", path = .path.display())]
    Corrupt {
        /// The database.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// The home was written by a newer program.
    #[error(
        "the home was written by a newer OurSpace (layout {found}, this program knows up to {known}); update the program"
    )]
    Newer {
        /// Layout of the home.
        found: i64,
        /// The newest layout that this program knows.
        known: i64,
    },
    /// The home was written by an older program, and only read.
    #[error(
        "the home was written by an older OurSpace (layout {found}; this program has {known}): open it once with a command that may write to it, such as `ourspace status`"
    )]
    Older {
        /// Layout of the home.
        found: i64,
        /// The layout of this program.
        known: i64,
    },
    /// A stored value is not what was stored.
    #[error("the store holds a damaged {what}; restore the home from a backup")]
    Damaged {
        /// What it was.
        what: String,
    },
    /// A block's bytes are not those that its CID names.
    #[error("the bytes of block {0} are damaged on disk; fetch or add the file again")]
    DamagedBlock(Cid),
    /// An instant that does not fit: the caller must check items before storing them.
    #[error("the date {0} is out of range")]
    Date(u64),
    /// A file could not be read or written.
    #[error("could not {doing} {path}: {source}", path = .path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The bytes that were to be kept could not be read.
    #[error("could not read what was to be kept: {0}")]
    Input(#[source] io::Error),
    /// The tree's blocks contradict each other.
    #[error(transparent)]
    Dag(#[from] DagError),
    /// Anything else that the database says.
    #[error("the database failed: {0}")]
    Database(#[source] rusqlite::Error),
}

impl StoreError {
    /// For use as an `io::Error` adapter: what was tried, and with which file.
    pub(crate) fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            _ => Self::File {
                doing,
                path: path.to_owned(),
                source,
            },
        }
    }

    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }
}

/// SQLITE_IOERR_SHMSIZE: the index of the log could not be made large enough, so the disk
/// is full.
const NO_ROOM_FOR_INDEX: i32 = 10 | (19 << 8);

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        if let Some(failure) = error.sqlite_error()
            && failure.extended_code == NO_ROOM_FOR_INDEX
        {
            return Self::Full;
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged {
                what: format!("database ({error})"),
            },
            _ => Self::Database(error),
        }
    }
}

impl From<StoreError> for StateError {
    fn from(error: StoreError) -> Self {
        Self(Box::new(error))
    }
}

impl From<StoreError> for SourceError {
    fn from(error: StoreError) -> Self {
        Self::new(error)
    }
}
