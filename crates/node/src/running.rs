//! One node for a home: who serves it, and where.
//!
//! The file `node.lock` is locked as long as a node runs, whatever becomes of its
//! process, and holds the address at which the node can be reached.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use crate::home::Home;

/// Bytes of an address that are read at all.
const MOST: u64 = 256;

/// This process cannot be the node of the home.
#[derive(Debug, thiserror::Error)]
pub enum RunningError {
    /// Another one is.
    #[error("this home is served already, at {0}; stop that one first, or use it")]
    Already(String),
    /// The lock cannot be taken.
    #[error("cannot write {path}: {source}", path = .path.display())]
    File {
        /// The lock.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl RunningError {
    /// Whether the home is on a disk that cannot be written to: then nothing else writes
    /// there either, and it can be served without the lock.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        matches!(self, Self::File { source, .. } if source.kind() == io::ErrorKind::ReadOnlyFilesystem)
    }
}

/// The right to be the node of a home; given back when it is dropped.
#[derive(Debug)]
pub struct Running {
    file: File,
    path: PathBuf,
}

impl Running {
    /// Takes it.
    ///
    /// # Errors
    /// [`RunningError`].
    pub fn claim(home: &Home) -> Result<Self, RunningError> {
        let path = home.path().join("node.lock");
        let fail = |source| RunningError::File {
            path: path.clone(),
            source,
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.mode(0o600).open(&path).map_err(fail)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let mut address = String::new();
                let read = (&mut file).take(MOST).read_to_string(&mut address);
                read.map_err(fail)?;
                let address = match address.trim() {
                    "" => "an address that it has not told yet".to_owned(),
                    address => address.chars().filter(|c| !c.is_control()).collect(),
                };
                return Err(RunningError::Already(address));
            }
            Err(errno) => return Err(fail(errno.into())),
        }
        let this = Self { file, path };
        this.write("")?;
        Ok(this)
    }

    /// Tells others where this node is.
    ///
    /// # Errors
    /// [`RunningError::File`].
    pub fn announce(&self, address: &str) -> Result<(), RunningError> {
        self.write(address)
    }

    fn write(&self, address: &str) -> Result<(), RunningError> {
        let mut file = &self.file;
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(address.as_bytes()));
        written.map_err(|source| RunningError::File {
            path: self.path.clone(),
            source,
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The lock goes with the process; an address that leads nowhere should go too.
        if let Err(error) = self.write("") {
            tracing::debug!(%error, "left");
        }
    }
}
