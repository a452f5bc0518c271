//! Files before a change keeps them: their bytes are on the disk, and nothing else is.

use std::{collections::HashSet, io::Read};

use ourspace_protocol::dag::{Cid, Codec, FileDag};

use crate::{
    error::StoreError,
    incoming::Incoming,
    pack::{PackWriter, Place},
    piece::Piece,
    volume::Volumes,
    whole::{self, Whole},
};

/// A place for files that a change is to keep; made by
/// [`Store::stage`](crate::Store::stage).
///
/// Nothing in it is part of the store until [`Writer::keep`](crate::Writer::keep) makes it
/// so. Dropped, it removes what it has written; after a crash the next open does. Several
/// stages at once do not disturb each other, nor any change.
#[derive(Debug)]
pub struct Stage<'s> {
    volumes: &'s Volumes,
    piece: Option<Piece>,
    pub(crate) files: Staged,
}

/// What is in a stage.
#[derive(Debug, Default)]
pub(crate) struct Staged {
    pub(crate) packs: PackWriter,
    /// Files of one block, by digest, each once.
    pub(crate) small: Vec<([u8; 32], Place)>,
    pub(crate) large: Vec<Whole>,
    seen: HashSet<[u8; 32]>,
}

impl Staged {
    /// Removes everything that was written.
    pub(crate) fn undo(&mut self, volumes: &Volumes) {
        self.packs.undo(volumes);
        for file in self.large.drain(..) {
            if let Err(error) = volumes.remove(whole::volume(file.number)) {
                tracing::warn!(%error, "left until the next start");
            }
        }
    }
}

impl<'s> Stage<'s> {
    pub(crate) fn new(volumes: &'s Volumes) -> Self {
        Self {
            volumes,
            piece: None,
            files: Staged::default(),
        }
    }

    /// Whether it was made by the store of `volumes`.
    pub(crate) fn belongs_to(&self, volumes: &Volumes) -> bool {
        std::ptr::eq(self.volumes, volumes)
    }

    /// Reads a file to its end and writes it down; gives its CID and sizes. Files of at
    /// most 1 MiB are gathered in packs, larger ones are hashed in several threads, written
    /// to a file of their own and synced. Takes some 10 MiB of memory at most.
    ///
    /// # Errors
    /// [`StoreError::Input`] when `input` fails; [`StoreError::Full`] and the other errors
    /// of the disk. What was added before is still there.
    pub fn add(&mut self, input: &mut dyn Read) -> Result<FileDag, StoreError> {
        let mut first = self.piece.take().unwrap_or_else(Piece::new);
        first.fill(input)?;
        if !first.is_full() {
            return self.add_small(first);
        }
        let mut second = Piece::new();
        second.fill(input)?;
        if second.is_empty() {
            return self.add_small(first);
        }
        let file = whole::write(self.volumes, [first, second], input)?;
        let dag = file.dag;
        if self.files.seen.insert(*dag.cid.digest()) {
            self.files.large.push(file);
        } else {
            self.volumes.remove(whole::volume(file.number))?;
        }
        Ok(dag)
    }

    /// Begins a file of more than 1 MiB that comes piece by piece; other files may be added
    /// meanwhile.
    ///
    /// # Errors
    /// [`StoreError`] of the disk.
    pub fn receive(&self) -> Result<Incoming<'s>, StoreError> {
        Incoming::new(self.volumes)
    }

    /// Ends it: syncs the file, and adds it if it is the one that was expected; gives
    /// whether it was.
    ///
    /// # Errors
    /// [`StoreError::Full`] and the other errors of the disk.
    pub fn received(&mut self, file: Incoming<'s>, expected: Cid) -> Result<bool, StoreError> {
        let file = file.finish()?;
        let fits = file.dag.cid == expected && expected.codec() == Codec::DagPb;
        if fits && self.files.seen.insert(*expected.digest()) {
            self.files.large.push(file);
        } else {
            self.volumes.remove(whole::volume(file.number))?;
        }
        Ok(fits)
    }

    fn add_small(&mut self, piece: Piece) -> Result<FileDag, StoreError> {
        let bytes = piece.bytes();
        let cid = Cid::of(Codec::Raw, bytes);
        let digest = *cid.digest();
        if !self.files.seen.contains(&digest) {
            let place = self.files.packs.append(self.volumes, bytes)?;
            self.files.small.push((digest, place));
            self.files.seen.insert(digest);
        }
        let size = bytes.len() as u64;
        self.piece = Some(piece);
        Ok(FileDag {
            cid,
            size,
            tsize: size,
        })
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        self.files.undo(self.volumes);
    }
}
