//! A piece of a file on its way to the disk, and the file that it goes to.
//!
//! Whole pieces are written past the page cache where the system can do that: a large file
//! is then copied once less, and pushes nothing out of memory that somebody needs. Such
//! writes ask for addresses, places and lengths that are multiples of a page.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::FileExt as _,
    path::Path,
};

use ourspace_protocol::limits::CHUNK_BYTES;

use crate::error::StoreError;

/// What addresses are multiples of: the largest that disks of our days ask for.
const ALIGNMENT: usize = 4096;

/// Room for 1 MiB, filled from its beginning.
#[derive(Debug)]
pub(crate) struct Piece {
    room: Vec<u8>,
    start: usize,
    filled: usize,
}

impl Piece {
    pub(crate) fn new() -> Self {
        let room = vec![0; CHUNK_BYTES + ALIGNMENT];
        // At worst the address is not aligned, and the system says so when it is written.
        let start = room.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
        Self {
            room,
            start,
            filled: 0,
        }
    }

    /// Reads until it is full or the input ends, instead of what was in it.
    pub(crate) fn fill(&mut self, input: &mut dyn Read) -> Result<(), StoreError> {
        self.filled = 0;
        let room = self.room.get_mut(self.start..).unwrap_or_default();
        while let Some(rest) = room
            .get_mut(self.filled..CHUNK_BYTES)
            .filter(|rest| !rest.is_empty())
        {
            match input.read(rest) {
                Ok(0) => break,
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(StoreError::Input(error)),
            }
        }
        Ok(())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        let end = self.start + self.filled;
        self.room.get(self.start..end).unwrap_or_default()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.filled == CHUNK_BYTES
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.filled == 0
    }
}

/// A new file that is written from its beginning to its end.
#[derive(Debug)]
pub(crate) struct Output<'f> {
    file: &'f File,
    /// The same file, written past the page cache; none where the system cannot.
    direct: Option<File>,
    size: u64,
}

impl<'f> Output<'f> {
    pub(crate) fn new(file: &'f File, path: &Path) -> Self {
        Self {
            file,
            direct: open_direct(path),
            size: 0,
        }
    }

    /// Writes a piece behind what is there.
    pub(crate) fn push(&mut self, piece: &Piece) -> io::Result<()> {
        let bytes = piece.bytes();
        let done = self.past_the_cache(piece)?;
        if !done {
            self.file.write_all_at(bytes, self.size)?;
        }
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// False when the system refuses such writes, and the piece has to be written as usual.
    fn past_the_cache(&mut self, piece: &Piece) -> io::Result<bool> {
        let Some(direct) = self.direct.as_ref().filter(|_| piece.is_full()) else {
            return Ok(false);
        };
        match direct.write_all_at(piece.bytes(), self.size) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                self.direct = None;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Bytes written.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Waits until the disk has everything.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

#[cfg(target_os = "linux")]
fn open_direct(path: &Path) -> Option<File> {
    use std::os::unix::fs::OpenOptionsExt as _;

    let flags = i32::try_from(rustix::fs::OFlags::DIRECT.bits()).ok()?;
    let mut options = File::options();
    options.write(true).custom_flags(flags).open(path).ok()
}

#[cfg(not(target_os = "linux"))]
fn open_direct(_path: &Path) -> Option<File> {
    None
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn piece(bytes: &[u8]) -> Piece {
        let mut piece = Piece::new();
        piece.fill(&mut &*bytes).unwrap();
        piece
    }

    #[test]
    fn pieces_lie_where_the_disk_can_take_them() {
        let full = piece(&vec![7; CHUNK_BYTES + 5]);
        assert!(full.is_full());
        assert_eq!(full.bytes().len(), CHUNK_BYTES);
        assert_eq!(full.bytes().as_ptr().align_offset(ALIGNMENT), 0);
        let mut short = full;
        short.fill(&mut &b"abc"[..]).unwrap();
        assert_eq!(short.bytes(), b"abc");
        assert!(!short.is_full() && !short.is_empty());
    }

    #[test]
    fn what_is_written_is_there_whichever_way_it_went() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for direct in [true, false] {
            let file = File::options()
                .write(true)
                .create(true)
                .truncate(true)
                .open(&path)
                .unwrap();
            let mut output = Output::new(&file, &path);
            if !direct {
                output.direct = None;
            }
            let pieces = [vec![1; CHUNK_BYTES], vec![2; CHUNK_BYTES], vec![3; 5]];
            for bytes in &pieces {
                output.push(&piece(bytes)).unwrap();
            }
            assert_eq!(output.size(), 2 * CHUNK_BYTES as u64 + 5);
            output.sync().unwrap();
            assert!(fs::read(&path).unwrap() == pieces.concat());
        }
    }

    #[test]
    fn where_the_cache_cannot_be_passed_it_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let file = File::create(&path).unwrap();
        let mut output = Output::new(&file, &path);
        // As a disk with larger sectors would say.
        let mut odd = piece(&vec![9; CHUNK_BYTES]);
        odd.room.rotate_right(1);
        odd.start += 1;
        output.push(&odd).unwrap();
        assert!(fs::read(&path).unwrap() == vec![9; CHUNK_BYTES]);
    }
}
