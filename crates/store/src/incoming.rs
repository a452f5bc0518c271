//! A large file that comes block by block, each checked before: it is written as it comes,
//! and hashed no second time.

use std::{fs::File, os::unix::fs::FileExt as _};

use ourspace_protocol::{
    dag::{Block, Codec},
    limits::CHUNK_BYTES,
};

use crate::{
    error::StoreError,
    steps::Step,
    volume::{Kind, VolumeId, Volumes},
    whole::{Whole, assemble},
};

/// A file that is being received; made by [`Stage::receive`](crate::Stage::receive). Dropped,
/// it removes what it has written.
#[derive(Debug)]
pub struct Incoming<'s> {
    volumes: &'s Volumes,
    volume: VolumeId,
    file: File,
    size: u64,
    pieces: Vec<[u8; 32]>,
    /// Whether somebody else answers for the file now.
    given: bool,
}

impl<'s> Incoming<'s> {
    pub(crate) fn new(volumes: &'s Volumes) -> Result<Self, StoreError> {
        let (volume, file) = volumes.create(Kind::Whole)?;
        Ok(Self {
            volumes,
            volume,
            file,
            size: 0,
            pieces: Vec::new(),
            given: false,
        })
    }

    /// Bytes so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Writes the next piece: 1 MiB, the last one less. False for a block that cannot be the
    /// next piece of a file by the profile.
    ///
    /// # Errors
    /// [`StoreError::Full`] and the other errors of the disk.
    pub fn push(&mut self, piece: &Block) -> Result<bool, StoreError> {
        let bytes = piece.bytes();
        let whole = self.size.is_multiple_of(CHUNK_BYTES as u64);
        let fits = !bytes.is_empty() && bytes.len() <= CHUNK_BYTES;
        if piece.cid().codec() != Codec::Raw || !whole || !fits {
            return Ok(false);
        }
        let written = self.file.write_all_at(bytes, self.size);
        written.map_err(StoreError::file("write", &self.volumes.path(self.volume)))?;
        self.size += bytes.len() as u64;
        self.pieces.push(*piece.cid().digest());
        Ok(true)
    }

    /// Syncs it.
    pub(crate) fn finish(mut self) -> Result<Whole, StoreError> {
        self.volumes.observer.reached(Step::WholeWritten);
        let synced = self.file.sync_data();
        synced.map_err(StoreError::file("sync", &self.volumes.path(self.volume)))?;
        self.volumes.observer.reached(Step::WholeSynced);
        let (dag, nodes) = assemble(&self.pieces, self.size);
        self.given = true;
        Ok(Whole {
            number: self.volume.number,
            dag,
            pieces: std::mem::take(&mut self.pieces),
            nodes,
        })
    }
}

impl Drop for Incoming<'_> {
    fn drop(&mut self) {
        if !self.given
            && let Err(error) = self.volumes.remove(self.volume)
        {
            tracing::warn!(%error, "left until the next start");
        }
    }
}
