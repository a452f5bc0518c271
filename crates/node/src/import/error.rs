//! Why something was not imported, and what to do about it.

use std::{io, path::PathBuf};

use crate::{attach::AttachError, home::HomeError, publish::PublishError};
use ourspace_store::StoreError;

/// Nothing was imported; the home is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be opened.
    #[error("could not open {path}: {source}", path = .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be read to its end.
    #[error("could not read the file: {0}; nothing was imported")]
    Read(#[source] io::Error),
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
    #[error("the file nests deeper than {0} levels, which no feed does; nothing was imported")]
    TooDeep(usize),
    /// Not a format that is known.
    #[error(
        "this is no RSS, Atom or JSON feed, no Mastodon archive and no exported OurSpace feed; nothing was imported"
    )]
    NotAFeed,
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
