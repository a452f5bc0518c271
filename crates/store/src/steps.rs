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
    /// A large file was written, not yet synced.
    WholeWritten,
    /// ... and synced.
    WholeSynced,
    /// A new pack was made, its place in the folder not yet synced.
    PackStarted,
    /// Blocks were appended to a pack, not yet synced.
    PackWritten,
    /// ... and synced.
    PackSynced,
    /// The names of new packs and large files are synced, not yet known to the database.
    FolderSynced,
    /// The blocks of a pack that is mostly dead were copied to another, not yet synced.
    Compacted,
    /// All rows of a change are written.
    BeforeCommit,
    /// The change is committed and durable, its caller not yet told.
    AfterCommit,
    /// A file that no row names, or no longer, is about to be removed.
    Removing,
    /// What was appended to a pack, but never kept, is about to be cut off.
    Shortening,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 12] = [
        Self::Migrated,
        Self::WholeWritten,
        Self::WholeSynced,
        Self::PackStarted,
        Self::PackWritten,
        Self::PackSynced,
        Self::FolderSynced,
        Self::Compacted,
        Self::BeforeCommit,
        Self::AfterCommit,
        Self::Removing,
        Self::Shortening,
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
