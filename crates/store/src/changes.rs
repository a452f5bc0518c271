//! What a change does to files, and how that is finished or taken back.

use std::collections::BTreeSet;

use crate::{
    stage::Staged,
    volume::{VolumeId, Volumes},
};

/// What a change does to files, until it is committed or taken back.
#[derive(Debug, Default)]
pub(crate) struct FileChanges {
    /// What was written for it.
    pub(crate) staged: Vec<Staged>,
    /// Volumes that no row names any more.
    pub(crate) gone: Vec<VolumeId>,
    /// Packs of which something died.
    pub(crate) touched: BTreeSet<i64>,
    /// Packs whose dead bytes must go at once.
    pub(crate) purged: BTreeSet<i64>,
}

impl FileChanges {
    /// The change is committed. What cannot be removed now is removed by the next open.
    pub(crate) fn committed(self, volumes: &Volumes) {
        for staged in self.staged {
            staged.packs.keep(volumes);
        }
        for volume in self.gone {
            if let Err(error) = volumes.remove(volume) {
                tracing::warn!(%error, "left until the next start");
            }
        }
    }

    /// The change was taken back.
    pub(crate) fn undone(self, volumes: &Volumes) {
        for mut staged in self.staged {
            staged.undo(volumes);
        }
    }
}
