//! Why a feed was not taken, and whose doing it was.

use ourspace_protocol::{
    account::Account,
    dag::{Cid, DagError},
    feed::{error::TreeError, state::StateError},
};
use ourspace_store::StoreError;

use crate::{
    home::HomeError,
    publish::PublishError,
    sources::{Fault, SourceError},
};

/// A feed, or a part of it, was not taken. What was taken before stays.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// The store says no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// See [`HomeError`].
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The merged feed could not be published.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The feed's keeper failed.
    #[error(transparent)]
    Feed(#[from] TreeError),
    /// Nobody here follows the account.
    #[error("{0} is not followed, so nothing of it is fetched")]
    NotFollowed(Account),
    /// The account is on the deny-list.
    #[error("{0} is on the deny-list")]
    DeniedAccount(Account),
    /// It is the own account.
    #[error("that is your own account; `ourspace delete` takes single posts back")]
    Own,
    /// It is a file of the own feed.
    #[error(
        "your own posts have this file; `ourspace delete` takes them back, and the file goes along"
    )]
    OwnFile,
    /// A block of the feed's text is on the deny-list.
    #[error("block {0} is on the deny-list")]
    Denied(Cid),
    /// Nobody who was asked had a block.
    #[error("nobody who was asked has block {0}; what came before it is kept")]
    Missing(Cid),
    /// The bytes are not the delta that the record names: whoever gave them is to blame.
    #[error("these bytes are not the delta that the record names")]
    NotTheDelta,
    /// The author signed a tree that is no feed.
    #[error("{path}: {what}")]
    Refused {
        /// Where in the tree.
        path: String,
        /// What is wrong with it.
        what: String,
    },
}

impl MirrorError {
    /// Whether the author signed what is wrong: nobody who passed it on is to blame, and no
    /// other copy is better.
    #[must_use]
    pub fn is_the_authors(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }

    pub(super) fn refused(path: &str, what: impl std::fmt::Display) -> Self {
        Self::Refused {
            path: path.to_owned(),
            what: what.to_string(),
        }
    }
}

impl From<StateError> for MirrorError {
    fn from(error: StateError) -> Self {
        Self::Feed(error.into())
    }
}

/// What is wrong with the blocks of a tree was signed by its author, unless the store failed.
pub(super) fn of_dag(path: &str, error: DagError) -> MirrorError {
    match error {
        DagError::Source(_) => MirrorError::Store(StoreError::Dag(error)),
        DagError::Absent(cid) => MirrorError::Missing(cid),
        error => MirrorError::refused(path, error),
    }
}

/// The same of a store's error with a tree that is not ours.
pub(super) fn of_store(path: &str, error: StoreError) -> MirrorError {
    match error {
        StoreError::Dag(error) => of_dag(path, error),
        error => error.into(),
    }
}

/// What could not be read of a source, or the block that is missing for it.
pub(super) enum Halt {
    Absent(Cid),
    Failed(MirrorError),
}

/// Sorts a fault of the source at `path`.
pub(super) fn halt(path: &str, fault: Fault<DagError>) -> Halt {
    match fault {
        Fault::Files(DagError::Absent(cid)) => Halt::Absent(cid),
        Fault::Files(error) => Halt::Failed(of_dag(path, error)),
        Fault::Source { path, error } => Halt::Failed(refused(&path, &error)),
    }
}

fn refused(path: &str, error: &SourceError) -> MirrorError {
    MirrorError::refused(path, error)
}
