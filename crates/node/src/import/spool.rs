//! Files without a name, into which goes what can only be read once: what comes through a
//! pipe, and what lies packed in an archive.
//!
//! They lie on the disk of the home, whose size its owner knows, and not where the system
//! puts temporary files, which is often small, or memory. Having no name, they are gone
//! when the program ends, however it ends.

use std::{
    fs::File,
    io::{self, Read, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use super::error::ImportError;

/// Bytes that are copied at once.
const PIECE: usize = 256 * 1024;

/// An empty file, and where it lies.
#[derive(Debug)]
pub(super) struct Spool {
    file: File,
    folder: PathBuf,
}

/// Why nothing was put into a file.
#[derive(Debug)]
pub(super) enum SpoolError {
    /// What is to go into it cannot be read.
    Input(io::Error),
    /// It is more than may go into it.
    TooMuch,
    /// The file cannot be written.
    Import(ImportError),
}

impl Spool {
    /// A file in `scratch`, or in the folder for temporary files where `scratch` cannot be
    /// written to.
    ///
    /// # Errors
    /// [`ImportError::Full`], [`ImportError::Spool`].
    pub(super) fn new(scratch: &Path) -> Result<Self, ImportError> {
        let made = match tempfile::tempfile_in(scratch) {
            Err(error) if is_full(&error) => Err((error, scratch.to_owned())),
            Err(_) => {
                let folder = std::env::temp_dir();
                let made = tempfile::tempfile_in(&folder);
                made.map(|file| (file, folder.clone()))
                    .map_err(|error| (error, folder))
            }
            Ok(file) => Ok((file, scratch.to_owned())),
        };
        match made {
            Ok((file, folder)) => Ok(Self { file, folder }),
            Err((error, folder)) => Err(failed(error, folder)),
        }
    }

    /// Copies all of `input`, if it is at most `most` bytes; gives the file, to be read
    /// from its beginning, and how many bytes are in it.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub(super) fn fill(
        mut self,
        input: &mut dyn Read,
        most: u64,
    ) -> Result<(File, u64), SpoolError> {
        let mut buffer = vec![0; PIECE];
        let mut size = 0u64;
        loop {
            let read = match input.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(SpoolError::Input(error)),
            };
            size = size.saturating_add(read as u64);
            if size > most {
                return Err(SpoolError::TooMuch);
            }
            let piece = buffer.get(..read).unwrap_or_default();
            if let Err(error) = self.file.write_all(piece) {
                return Err(SpoolError::Import(failed(error, self.folder)));
            }
        }
        match self.file.rewind() {
            Ok(()) => Ok((self.file, size)),
            Err(error) => Err(SpoolError::Import(failed(error, self.folder))),
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded)
}

fn failed(source: io::Error, folder: PathBuf) -> ImportError {
    match is_full(&source) {
        true => ImportError::Full(folder),
        false => ImportError::Spool { folder, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path()).unwrap();
        assert_eq!(spool.folder, folder.path());
        let (mut file, size) = spool.fill(&mut &b"some words"[..], 10).unwrap();
        let mut read = String::new();
        file.read_to_string(&mut read).unwrap();
        assert_eq!((read.as_str(), size), ("some words", 10));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_endless_input_ends_at_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path()).unwrap();
        let most = 3 * PIECE as u64;
        let result = spool.fill(&mut io::repeat(b'<'), most);
        assert!(matches!(result, Err(SpoolError::TooMuch)), "{result:?}");
    }

    #[test]
    fn a_full_disk_is_named() {
        let failure = |kind| failed(io::Error::from(kind), PathBuf::from("/some/place"));
        let said = failure(io::ErrorKind::StorageFull).to_string();
        assert!(said.contains("/some/place is full"), "{said}");
        let said = failure(io::ErrorKind::PermissionDenied).to_string();
        assert!(
            said.contains("/some/place") && !said.contains("full"),
            "{said}"
        );
    }
}
