//! The store of one home: opening it, and its one way to write and one way to read.

use std::{
    cell::RefCell,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ourspace_protocol::verify::KnownGrants;
use rusqlite::{Connection, TransactionBehavior};

use crate::{
    codec::{Codec, Encoder},
    error::StoreError,
    items::View,
    lock::HomeLock,
    reader::Reader,
    schema, search, settings,
    steps::{Nobody, Observer, Step},
    words::{self, Words},
    writer::Writer,
};

/// Reading connections that are kept open: each holds up to 4 MiB of pages.
const READERS: usize = 3;

/// The store of one home. Cheap to share by reference; every method may be called from
/// any thread and blocks while it works.
#[derive(Debug)]
pub struct Store {
    home: PathBuf,
    observer: Arc<dyn Observer>,
    pub(crate) codec: Codec,
    pub(crate) words: Mutex<Words>,
    pub(crate) known: Mutex<KnownGrants>,
    readers: Mutex<Vec<Connection>>,
    /// The writing side; `None` when the store was opened for reading only.
    side: Option<Mutex<WriteSide>>,
    /// Given back last.
    _lock: Option<HomeLock>,
}

/// What the one writer works with.
#[derive(Debug)]
struct WriteSide {
    conn: Connection,
    /// Of its own: what a change has learnt and then took back must not be remembered.
    codec: Codec,
    /// Loaded when first needed, and again after a change was taken back.
    encoder: Option<RefCell<Encoder>>,
}

impl Store {
    /// Opens the store of `home` to read and write; makes both if they are not there.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process writes to it; [`StoreError::Newer`],
    /// [`StoreError::Corrupt`], [`StoreError::ReadOnly`], [`StoreError::Full`]: the home
    /// is then as it was.
    pub fn open(home: &Path) -> Result<Self, StoreError> {
        Self::open_observed(home, Arc::new(Nobody))
    }

    /// As [`open`](Self::open), telling `observer` of every step of a durable write.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_observed(home: &Path, observer: Arc<dyn Observer>) -> Result<Self, StoreError> {
        make_folder(home)?;
        let lock = HomeLock::take(home)?;
        let conn = schema::open_writer(&database(home), observer.as_ref())?;
        let codec = Codec::default();
        renew_search(&conn, &codec)?;
        let side = WriteSide {
            conn,
            codec,
            encoder: None,
        };
        Ok(Self {
            home: home.to_owned(),
            observer,
            codec: Codec::default(),
            words: Mutex::new(Words::new()?),
            known: Mutex::new(KnownGrants::new()),
            readers: Mutex::new(Vec::new()),
            side: Some(Mutex::new(side)),
            _lock: Some(lock),
        })
    }

    /// Opens the store of `home` for reading only, also beside a writer and on a home that
    /// cannot be written.
    ///
    /// # Errors
    /// [`StoreError::Absent`] when there is none; [`StoreError::Newer`],
    /// [`StoreError::Corrupt`].
    pub fn open_reader(home: &Path) -> Result<Self, StoreError> {
        let conn = schema::open_reader(&database(home))?;
        Ok(Self {
            home: home.to_owned(),
            observer: Arc::new(Nobody),
            codec: Codec::default(),
            words: Mutex::new(Words::new()?),
            known: Mutex::new(KnownGrants::new()),
            readers: Mutex::new(vec![conn]),
            side: None,
            _lock: None,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Makes one change: all that `change` does through the [`Writer`], or nothing of it.
    /// When this returns, the change is on the disk.
    ///
    /// # Errors
    /// What `change` fails with; [`StoreError`] when the change cannot be made durable.
    pub fn write<T, E: From<StoreError>>(
        &self,
        change: impl FnOnce(&Writer<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let side = self.side.as_ref().ok_or(StoreError::ReadersOnly)?;
        let mut side = side.lock().unwrap_or_else(PoisonError::into_inner);
        let result = self.change(&mut side, change);
        if result.is_err() {
            side.codec = Codec::default();
            side.encoder = None;
        }
        result
    }

    fn change<T, E: From<StoreError>>(
        &self,
        side: &mut WriteSide,
        change: impl FnOnce(&Writer<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let WriteSide {
            conn,
            codec,
            encoder,
        } = side;
        let encoder = match encoder {
            Some(encoder) => encoder,
            None => encoder.insert(RefCell::new(Encoder::load(conn)?)),
        };
        let tx = conn
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(StoreError::from)?;
        let writer = Writer {
            store: self,
            conn: &tx,
            codec,
            encoder,
        };
        let value = change(&writer)?;
        self.observer.reached(Step::BeforeCommit);
        tx.commit().map_err(StoreError::from)?;
        self.observer.reached(Step::AfterCommit);
        Ok(value)
    }

    /// A snapshot of the newest state.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn read(&self) -> Result<Reader<'_>, StoreError> {
        let kept = self.readers().pop();
        let conn = match kept {
            Some(conn) => conn,
            None => schema::open_reader(&database(&self.home))?,
        };
        Reader::begin(self, conn)
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

fn database(home: &Path) -> PathBuf {
    home.join("store.db")
}

/// Makes a folder that only its owner can look into.
fn make_folder(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::DirBuilderExt;
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path);
    made.map_err(|error| match error.kind() {
        std::io::ErrorKind::PermissionDenied => StoreError::ReadOnly,
        _ => StoreError::file("make", path)(error),
    })
}

/// Indexes all posts anew when an older program indexed other text of them.
fn renew_search(conn: &Connection, codec: &Codec) -> Result<(), StoreError> {
    const NAME: &str = "store.search";
    if settings::get(conn, NAME)? == Some(words::VERSION) {
        return Ok(());
    }
    let tx = conn.unchecked_transaction()?;
    search::rebuild(View { conn: &tx, codec })?;
    settings::put(&tx, NAME, &words::VERSION)?;
    tx.commit()?;
    Ok(())
}
