//! Why something was not imported, and what to do about it.

use std::{io, path::PathBuf};

use crate::{attach::AttachError, home::HomeError, publish::PublishError, site::folder::FileError};
use ourspace_store::StoreError;

/// What can be imported, for those who gave something else.
const TAKES: &str = "import takes an RSS, Atom or JSON feed, a Mastodon archive (as it came, or unpacked), or a folder that `ourspace export` made";

/// Nothing was imported; the home is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be opened.
    #[error("could not open {path}: {why}; nothing was imported", path = .path.display(), why = why(source))]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be read to its end.
    #[error("could not read the file: {0}; nothing was imported")]
    Read(#[source] io::Error),
    /// A disk has no room for what must lie there while it is read.
    #[error("the disk that holds {place} is full: what comes through a pipe or lies packed in an archive is put there while it is imported; free some space and try again (nothing was imported)", place = .0.display())]
    Full(PathBuf),
    /// What must lie on a disk while it is read cannot be put there.
    #[error("could not put what is to be imported into {folder}: {source}; nothing was imported", folder = .folder.display())]
    Spool {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no end to what comes through a pipe.
    #[error(
        "more than {0} GiB came through the pipe; nothing was imported: save it as a file and import that"
    )]
    Endless(u64),
    /// The file is damaged.
    #[error(
        "the file is damaged near {at} ({what}); nothing was imported: get it anew, or repair it there"
    )]
    Syntax {
        /// How far it could be read.
        at: String,
        /// What is wrong.
        what: String,
    },
    /// The file ends where no feed ends.
    #[error("the file ends in its middle; nothing was imported: get it anew")]
    Truncated,
    /// Things inside of things inside of things.
    #[error(
        "the file nests deeper than {0} levels, which no feed does; nothing was imported: {TAKES}"
    )]
    TooDeep(usize),
    /// Not a format that is known; what it is instead.
    #[error("{0}; nothing was imported: {TAKES}")]
    NotAFeed(&'static str),
    /// An exported feed is not what its record says.
    #[error(
        "the exported feed is not what its record says ({path}: {what}); nothing was imported: `ourspace verify` on the folder names all that is wrong, and a new `ourspace export` puts it right"
    )]
    NotAsSigned {
        /// The first wrong file.
        path: String,
        /// What is wrong with it.
        what: String,
    },
    /// One file of an exported feed of the same account.
    #[error(
        "this is one file of your own exported feed, and says less than your posts are; nothing was imported: give the whole folder that it lies in"
    )]
    OwnPart,
    /// An exported feed cannot be checked.
    #[error("{0}; nothing was imported")]
    Check(#[from] FileError),
    /// More posts or text than fit.
    #[error(
        "there are more than {limit} {what} in it; nothing was imported: import it in parts, for example with --since DATE"
    )]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How many are taken at once.
        limit: u64,
    },
    /// An archive that is made to do harm, or damaged.
    #[error("the archive is not one to unpack: {0}; nothing was imported")]
    Archive(String),
    /// A file cannot be stored.
    #[error(transparent)]
    Attach(#[from] AttachError),
    /// The home says no.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The feed cannot be published.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

impl From<StoreError> for ImportError {
    fn from(error: StoreError) -> Self {
        Self::Home(error.into())
    }
}

/// What the system says, in words that say what to do.
fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "this user may not read it".to_owned(),
        io::ErrorKind::NotADirectory => "what stands before it in the path is a file".to_owned(),
        _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            "it is a link that leads back to itself".to_owned()
        }
        _ => error.to_string(),
    }
}
