//! The store of one home: opening it, and its one way to write and one way to read.

use std::{
    cell::RefCell,
    fs,
    os::unix::fs::DirBuilderExt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rusqlite::{Connection, TransactionBehavior};

use crate::{
    answers,
    codec::{Codec, Encoder},
    compact,
    error::StoreError,
    lock::{HomeLock, Residence, Turns},
    reader::{Aside, Reader},
    schema, search, served,
    shared::{self, Shared},
    stage::Stage,
    steps::{Nobody, Observer, Step},
    values,
    view::View,
    volume::{Folder, Volumes, sync_folder},
    words,
    writer::Writer,
};

/// How long the reader of an older home waits for whoever writes to it.
const UPDATE: Duration = Duration::from_secs(20);

/// The store of one home. Cheap to share by reference; every method may be called from
/// any thread and blocks while it works.
#[derive(Debug)]
pub struct Store {
    shared: Shared,
    /// `None` when the store was opened for reading only.
    writing: Option<Writing>,
}

/// What the one writer works with.
#[derive(Debug)]
struct WriteSide {
    conn: Connection,
    /// Of its own: what a change has learnt and then took back must not be remembered.
    codec: Codec,
    /// Loaded when first needed, and again after a change was taken back.
    encoder: Option<RefCell<Encoder>>,
    /// What SQLite says when another process has made a change.
    version: i64,
}

/// What a store that was opened to write has besides.
#[derive(Debug)]
struct Writing {
    volumes: Volumes,
    side: Mutex<WriteSide>,
    /// Given back last.
    turns: Turns,
}

impl Store {
    /// Opens the store of `home` to read and write; makes both if they are not there.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process writes to it; [`StoreError::Newer`],
    /// [`StoreError::Corrupt`], [`StoreError::ReadOnly`], [`StoreError::Full`]: the home
    /// is then as it was.
    pub fn open(home: &Path) -> Result<Self, StoreError> {
        Self::open_with(home, Duration::ZERO, Arc::new(Nobody))
    }

    /// As [`open`](Self::open), waiting at most `wait` for another process that writes to
    /// it: so two short commands at once both do their work.
    ///
    /// # Errors
    /// As [`open`](Self::open); [`StoreError::InUse`] after `wait`.
    pub fn open_waiting(home: &Path, wait: Duration) -> Result<Self, StoreError> {
        Self::open_with(home, wait, Arc::new(Nobody))
    }

    /// As [`open`](Self::open), telling `observer` of every step of a durable write.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_observed(home: &Path, observer: Arc<dyn Observer>) -> Result<Self, StoreError> {
        Self::open_with(home, Duration::ZERO, observer)
    }

    /// Opens the store of `home` to read and write for as long as a node runs, and lets
    /// other processes write between its changes. Each change waits for whoever writes.
    /// Waits at most `wait` for another process that writes to it now.
    ///
    /// # Errors
    /// As [`open`](Self::open); [`StoreError::InUse`] also when another node resides there.
    pub fn open_resident(home: &Path, wait: Duration) -> Result<Self, StoreError> {
        make_folder(home)?;
        let lock = HomeLock::take(home, wait)?;
        let Some(residence) = Residence::take(home)? else {
            return Err(StoreError::InUse {
                home: home.to_owned(),
                holder: "another node".to_owned(),
            });
        };
        let turns = Turns::Each {
            _residence: residence,
            home: home.to_owned(),
            after: Mutex::new(Instant::now()),
        };
        let store = Self::open_as(home, turns, Folder::Own, Arc::new(Nobody));
        drop(lock);
        store
    }

    fn open_with(
        home: &Path,
        wait: Duration,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, StoreError> {
        make_folder(home)?;
        let lock = HomeLock::take(home, wait)?;
        // Whoever wants to reside here needs the lock first, so none comes meanwhile.
        let folder = match Residence::take(home)? {
            Some(_) => Folder::Own,
            None => Folder::Guests,
        };
        Self::open_as(home, Turns::Always(lock), folder, observer)
    }

    /// With the lock held.
    fn open_as(
        home: &Path,
        turns: Turns,
        folder: Folder,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, StoreError> {
        let conn = schema::open_writer(&shared::database(home), observer.as_ref())?;
        let codec = Codec::default();
        renew_search(&conn, &codec)?;
        answers::fill(&conn, &codec)?;
        served::fill(&conn)?;
        let volumes = Volumes::open(home, &conn, folder, observer)?;
        let (half_dead, purged) = match folder {
            Folder::Own => (compact::half_dead(&conn)?, compact::purged(&conn)?),
            Folder::Guests => (Vec::new(), Vec::new()),
        };
        let side = WriteSide {
            version: data_version(&conn)?,
            conn,
            codec,
            encoder: None,
        };
        let store = Self::new(
            home,
            Some(Writing {
                volumes,
                side: Mutex::new(side),
                turns,
            }),
        )?;
        let any = !half_dead.is_empty() || !purged.is_empty();
        if let (true, Some(writing)) = (any, &store.writing) {
            let mut side = writing.side.lock().unwrap_or_else(PoisonError::into_inner);
            store.change::<_, StoreError>(&mut side, &writing.volumes, |w| {
                let mut files = w.files.borrow_mut();
                files.touched.extend(half_dead.iter().chain(&purged));
                files.purged.extend(purged);
                Ok(())
            })?;
        }
        Ok(store)
    }

    /// Rewrites the packs that a program beside this one has purged something from. The node that
    /// runs on a home does so now and then; it costs little when there are none.
    ///
    /// # Errors
    /// [`StoreError`] as [`Writer::purge`].
    pub fn finish_purges(&self) -> Result<(), StoreError> {
        if self.read()?.purges()? == 0 {
            return Ok(());
        }
        self.write(|w| {
            let packs = compact::purged(w.conn)?;
            let mut files = w.files.borrow_mut();
            files.touched.extend(&packs);
            files.purged.extend(&packs);
            Ok(())
        })
    }

    fn new(home: &Path, writing: Option<Writing>) -> Result<Self, StoreError> {
        Ok(Self {
            shared: Shared::new(home)?,
            writing,
        })
    }

    /// Opens the store of `home` for reading only, also beside a writer and on a home that
    /// cannot be written.
    ///
    /// # Errors
    /// [`StoreError::Absent`] when there is none; [`StoreError::Newer`],
    /// [`StoreError::Corrupt`].
    pub fn open_reader(home: &Path) -> Result<Self, StoreError> {
        let database = shared::database(home);
        let conn = match schema::open_reader(&database) {
            // Only a writer can bring it up to date, and then all can read it.
            Err(StoreError::Older { .. }) => {
                drop(Self::open_waiting(home, UPDATE)?);
                schema::open_reader(&database)?
            }
            opened => opened?,
        };
        let store = Self::new(home, None)?;
        store.shared.give_back(conn);
        Ok(store)
    }

    /// Where it is.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.shared.home()
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
        let Writing {
            side,
            volumes,
            turns,
        } = self.writing()?;
        let mut side = side.lock().unwrap_or_else(PoisonError::into_inner);
        let _turn = turns.next()?;
        side.look_again()?;
        let result = self.change(&mut side, volumes, change);
        if result.is_err() {
            side.codec = Codec::default();
            side.encoder = None;
        }
        result
    }

    /// Makes a change, or nothing of it.
    fn change<T, E: From<StoreError>>(
        &self,
        side: &mut WriteSide,
        volumes: &Volumes,
        change: impl FnOnce(&Writer<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let WriteSide {
            conn,
            codec,
            encoder,
            ..
        } = side;
        let encoder = match encoder {
            Some(encoder) => encoder,
            None => encoder.insert(RefCell::new(Encoder::load(conn)?)),
        };
        let tx = conn
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(StoreError::from)?;
        let (files, served) = (RefCell::default(), RefCell::default());
        let writer = Writer {
            shared: &self.shared,
            conn: &tx,
            codec,
            encoder,
            volumes,
            files: &files,
            served: &served,
        };
        let value = change(&writer).and_then(|value| {
            encoder.borrow_mut().fresh.write(&tx)?;
            served.take().write(&tx)?;
            compact::settle(&tx, volumes, &mut files.borrow_mut())?;
            Ok(value)
        });
        let files = files.into_inner();
        let value = match value {
            Ok(value) => value,
            Err(error) => {
                drop(tx);
                files.undone(volumes);
                return Err(error);
            }
        };
        volumes.observer.reached(Step::BeforeCommit);
        // When a commit fails, a crash may still bring it about: what belongs to it must stay
        // until the next open, which knows.
        tx.commit().map_err(StoreError::from)?;
        volumes.observer.reached(Step::AfterCommit);
        files.committed(volumes);
        Ok(value)
    }

    /// The writing connection, while nobody writes.
    pub(crate) fn with_writer<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let side = &self.writing()?.side;
        let side = side.lock().unwrap_or_else(PoisonError::into_inner);
        work(&side.conn)
    }

    fn writing(&self) -> Result<&Writing, StoreError> {
        self.writing.as_ref().ok_or(StoreError::ReadersOnly)
    }

    /// A place to put files before a change keeps them.
    ///
    /// # Errors
    /// [`StoreError::ReadersOnly`].
    pub fn stage(&self) -> Result<Stage<'_>, StoreError> {
        Ok(Stage::new(&self.writing()?.volumes))
    }

    /// A snapshot of the newest state.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn read(&self) -> Result<Reader<'_>, StoreError> {
        Reader::begin(&self.shared)
    }

    /// A snapshot that was put aside, as it was.
    #[must_use]
    pub fn take_up(&self, aside: Aside) -> Reader<'_> {
        Reader::take_up(&self.shared, aside)
    }
}

impl WriteSide {
    /// Forgets what it remembers if another process has made a change.
    fn look_again(&mut self) -> Result<(), StoreError> {
        let version = data_version(&self.conn)?;
        if version != self.version {
            self.version = version;
            self.codec = Codec::default();
            self.encoder = None;
        }
        Ok(())
    }
}

/// Different after another connection's change.
fn data_version(conn: &Connection) -> Result<i64, StoreError> {
    let mut ask = conn.prepare_cached("PRAGMA data_version")?;
    Ok(ask.query_row([], |row| row.get(0))?)
}

/// Makes a folder that only its owner can look into.
fn make_folder(path: &Path) -> Result<(), StoreError> {
    if path.is_dir() {
        return Ok(());
    }
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path);
    made.map_err(|error| match error.kind() {
        std::io::ErrorKind::PermissionDenied => StoreError::ReadOnly,
        _ => StoreError::file("make", path)(error),
    })?;
    // Its own name must be as durable as what will be in it.
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_folder(parent),
        _ => sync_folder(Path::new(".")),
    }
}

/// Indexes all posts anew when an older program indexed other text of them.
fn renew_search(conn: &Connection, codec: &Codec) -> Result<(), StoreError> {
    const NAME: &str = "store.search";
    if values::get(conn, NAME)? == Some(words::VERSION) {
        return Ok(());
    }
    let tx = conn.unchecked_transaction()?;
    search::rebuild(View { conn: &tx, codec })?;
    values::put(&tx, NAME, &words::VERSION)?;
    tx.commit()?;
    Ok(())
}
