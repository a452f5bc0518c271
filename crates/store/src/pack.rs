//! Appending small files to packs.

use std::{fs::File, os::unix::fs::FileExt};

use crate::{
    error::StoreError,
    steps::Step,
    volume::{Kind, OpenPack, PACK_BYTES, VolumeId, Volumes},
};

/// Bytes that are gathered before they are written.
const GATHERED: usize = 1 << 20;

/// Where in a pack a block is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// The pack.
    pub(crate) number: i64,
    /// Where it begins.
    pub(crate) start: u64,
    /// How long it is.
    pub(crate) length: u64,
}

/// A pack that got more bytes, which are synced.
#[derive(Debug)]
pub(crate) struct Appended {
    pub(crate) number: i64,
    /// Bytes before, which the database knows; 0 for a new pack.
    pub(crate) kept: u64,
    /// Bytes now.
    pub(crate) size: u64,
    file: File,
}

/// Appends to as many packs as it takes.
#[derive(Debug, Default)]
pub(crate) struct PackWriter {
    full: Vec<Appended>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    pack: OpenPack,
    written: u64,
    gathered: Vec<u8>,
}

impl Open {
    fn size(&self) -> u64 {
        self.written + self.gathered.len() as u64
    }

    /// Writing again after a failure writes the same bytes to the same place.
    fn write(&mut self, volumes: &Volumes) -> Result<(), StoreError> {
        let path = volumes.path(pack(self.pack.number));
        let written = self.pack.file.write_all_at(&self.gathered, self.written);
        written.map_err(StoreError::file("write", &path))?;
        self.written += self.gathered.len() as u64;
        self.gathered.clear();
        Ok(())
    }

    fn finish(&mut self, volumes: &Volumes) -> Result<(), StoreError> {
        self.write(volumes)?;
        volumes.observer.reached(Step::PackWritten);
        let synced = self.pack.file.sync_data();
        synced.map_err(StoreError::file(
            "sync",
            &volumes.path(pack(self.pack.number)),
        ))?;
        volumes.observer.reached(Step::PackSynced);
        Ok(())
    }
}

fn pack(number: i64) -> VolumeId {
    let kind = Kind::Pack;
    VolumeId { number, kind }
}

impl PackWriter {
    /// Appends a block; it is readable at its place after [`finish`](Self::finish).
    pub(crate) fn append(&mut self, volumes: &Volumes, bytes: &[u8]) -> Result<Place, StoreError> {
        if self.open.as_ref().is_some_and(|o| o.size() >= PACK_BYTES) {
            self.close(volumes)?;
        }
        let open = match &mut self.open {
            Some(open) => open,
            None => {
                let pack = volumes.take_pack()?;
                self.open.insert(Open {
                    written: pack.kept,
                    pack,
                    gathered: Vec::with_capacity(2 * GATHERED),
                })
            }
        };
        let place = Place {
            number: open.pack.number,
            start: open.size(),
            length: bytes.len() as u64,
        };
        open.gathered.extend_from_slice(bytes);
        if open.gathered.len() >= GATHERED {
            open.write(volumes)?;
        }
        Ok(place)
    }

    fn close(&mut self, volumes: &Volumes) -> Result<(), StoreError> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        open.finish(volumes)?;
        let size = open.size();
        self.full.extend(self.open.take().map(|open| Appended {
            number: open.pack.number,
            kept: open.pack.kept,
            size,
            file: open.pack.file,
        }));
        Ok(())
    }

    /// Writes and syncs everything; gives the packs that have changed.
    pub(crate) fn finish(&mut self, volumes: &Volumes) -> Result<&[Appended], StoreError> {
        self.close(volumes)?;
        Ok(&self.full)
    }

    /// The database knows what was appended.
    pub(crate) fn keep(self, volumes: &Volumes) {
        for pack in self.full {
            volumes.give_back(pack.number, pack.size);
        }
    }

    /// Removes what was appended. What cannot be removed now is removed by the next open.
    pub(crate) fn undo(&mut self, volumes: &Volumes) {
        let open = self.open.take().map(|open| open.pack);
        let full = self.full.drain(..).map(|pack| OpenPack {
            number: pack.number,
            file: pack.file,
            kept: pack.kept,
        });
        for OpenPack { number, file, kept } in full.chain(open) {
            let undone = if kept == 0 {
                volumes.remove(pack(number))
            } else {
                volumes.shorten(pack(number), &file, kept)
            };
            match undone {
                Ok(()) => volumes.give_back(number, kept),
                Err(error) => tracing::warn!(%error, "left until the next start"),
            }
        }
    }
}
