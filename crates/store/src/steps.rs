//! The named steps of every durable write.
//!
//! A crash may come between any two of them. The store tells its [`Observer`] when it has
//! come to one; in the program nobody listens, in the soak test the listener kills the
//! process there.

use std::fmt::Debug;

/// A place in a durable write at which a crash is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Step {
    /// A layout was changed, the change not yet committed.
    Migrated,
    /// A large file was written under a temporary name, not yet synced.
    StageWritten,
    /// ... and synced.
    StageSynced,
    /// The intent to keep or drop a large file was noted.
    Marked,
    /// The large file has its final name.
    Renamed,
    /// ... and its folder is synced.
    FolderSynced,
    /// A new pack was made, not yet known to the database.
    PackStarted,
    /// Blocks were appended to a pack, not yet synced.
    PackWritten,
    /// ... and synced.
    PackSynced,
    /// All rows of a change are written.
    BeforeCommit,
    /// The change is committed and durable, its caller not yet told.
    AfterCommit,
    /// Files that no row names any more are being removed.
    Removing,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 12] = [
        Self::Migrated,
        Self::StageWritten,
        Self::StageSynced,
        Self::Marked,
        Self::Renamed,
        Self::FolderSynced,
        Self::PackStarted,
        Self::PackWritten,
        Self::PackSynced,
        Self::BeforeCommit,
        Self::AfterCommit,
        Self::Removing,
    ];
}

/// Whoever wants to know how far a write has come.
pub trait Observer: Debug + Send + Sync {
    /// The store has come to `step`.
    fn reached(&self, step: Step);
}

/// Nobody.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Nobody;

impl Observer for Nobody {
    fn reached(&self, _: Step) {}
}
