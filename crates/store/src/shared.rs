//! What a store's snapshots and changes have in common.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use ourspace_protocol::verify::KnownGrants;
use rusqlite::Connection;

use crate::{codec::Codec, error::StoreError, schema, words::Words};

/// Reading connections that are kept open: each holds up to 4 MiB of pages.
const READERS: usize = 3;

/// What a store's snapshots and changes have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    home: PathBuf,
    pub(crate) codec: Codec,
    pub(crate) words: Mutex<Words>,
    pub(crate) known: Mutex<KnownGrants>,
    readers: Mutex<Vec<Connection>>,
}

impl Shared {
    pub(crate) fn new(home: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            home: home.to_owned(),
            codec: Codec::default(),
            words: Mutex::new(Words::new()?),
            known: Mutex::new(KnownGrants::new()),
            readers: Mutex::new(Vec::new()),
        })
    }

    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// A connection to read through: one that was given back, or a new one.
    pub(crate) fn connection(&self) -> Result<Connection, StoreError> {
        let kept = self.readers().pop();
        match kept {
            Some(conn) => Ok(conn),
            None => schema::open_reader(&database(&self.home)),
        }
    }

    pub(crate) fn give_back(&self, conn: Connection) {
        let mut readers = self.readers();
        if readers.len() < READERS {
            readers.push(conn);
        }
    }

    fn readers(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The database of a home.
pub(crate) fn database(home: &Path) -> PathBuf {
    home.join("store.db")
}
