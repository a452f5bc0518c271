//! One writer for each home: a lock that the operating system takes back when its holder
//! dies, however it dies.
//!
//! A command takes the lock for as long as it works. A node, which works for weeks, *resides*
//! in the home: it takes the lock for each change only, so that commands find their turn,
//! and holds another one, by which they see that it is there and leave its unfinished files
//! alone.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use crate::error::StoreError;

/// Between two askings for a lock that another process has.
const ASK_AGAIN: Duration = Duration::from_millis(5);

/// The right to write to a home; given back when dropped.
#[derive(Debug)]
pub(crate) struct HomeLock {
    _file: File,
}

impl HomeLock {
    /// Takes the lock, waits at most `wait` for whoever has it, or says who that is.
    pub(crate) fn take(home: &Path, wait: Duration) -> Result<Self, StoreError> {
        let path = home.join("lock");
        let failed = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::PermissionDenied => StoreError::ReadOnly,
            _ => StoreError::file("open", &path)(source),
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match lock(&file, wait) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                return Err(StoreError::InUse {
                    home: home.to_owned(),
                    holder: holder(&mut file),
                });
            }
            Err(errno) => return Err(StoreError::file("lock", &path)(errno.into())),
        }
        // Who holds it is only for people to read: a failure to say so harms nothing, and
        // a full disk must not keep anybody from freeing space.
        let pid = format!("{}\n", std::process::id());
        if let Err(error) = file
            .set_len(0)
            .and_then(|()| file.write_all(pid.as_bytes()))
        {
            tracing::debug!(%error, "could not note who holds the lock");
        }
        Ok(Self { _file: file })
    }
}

/// The right to reside in a home; given back when dropped.
#[derive(Debug)]
pub(crate) struct Residence {
    _file: File,
}

impl Residence {
    /// Takes it; none when somebody else resides there.
    pub(crate) fn take(home: &Path) -> Result<Option<Self>, StoreError> {
        let path = home.join("resident");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.mode(0o600).open(&path);
        let file = file.map_err(StoreError::file("open", &path))?;
        match lock(&file, Duration::ZERO) {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(errno) => Err(StoreError::file("lock", &path)(errno.into())),
        }
    }
}

/// How a store comes to its turns.
#[derive(Debug)]
pub(crate) enum Turns {
    /// It has the lock as long as it is open.
    Always(#[expect(dead_code, reason = "held for what its end does")] HomeLock),
    /// It takes the lock for each change.
    Each {
        /// Held as long as it is open.
        _residence: Residence,
        /// Where the lock is.
        home: PathBuf,
        /// Not before; commands that wait may be first.
        after: Mutex<Instant>,
    },
}

/// A resident lets others go first after it has held the lock for so long,
const LONG: Duration = Duration::from_millis(20);
/// and for so long: more than passes between two askings.
const PAUSE: Duration = Duration::from_millis(8);
/// How long a resident waits for a command that works.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// A turn of a resident; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'t> {
    after: &'t Mutex<Instant>,
    since: Instant,
    _lock: HomeLock,
}

impl Turns {
    /// Waits for the next turn; none is needed by who has the lock anyway.
    pub(crate) fn next(&self) -> Result<Option<Turn<'_>>, StoreError> {
        let Self::Each { home, after, .. } = self else {
            return Ok(None);
        };
        let pause = after.lock().unwrap_or_else(PoisonError::into_inner);
        thread::sleep(pause.saturating_duration_since(Instant::now()));
        drop(pause);
        let lock = HomeLock::take(home, PATIENCE)?;
        Ok(Some(Turn {
            after,
            since: Instant::now(),
            _lock: lock,
        }))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.since.elapsed() > LONG {
            let mut after = self.after.lock().unwrap_or_else(PoisonError::into_inner);
            *after = Instant::now() + PAUSE;
        }
    }
}

/// The system tells nobody for how long at most it shall wait, so it is asked again.
fn lock(file: &File, wait: Duration) -> Result<(), Errno> {
    let begin = Instant::now();
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) if begin.elapsed() < wait => thread::sleep(ASK_AGAIN),
            result => return result,
        }
    }
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file
        .rewind()
        .and_then(|()| file.take(20).read_to_string(&mut text));
    match (read, text.trim().parse::<u32>()) {
        (Ok(_), Ok(pid)) => format!("process {pid}"),
        _ => "process unknown".to_owned(),
    }
}
