//! One writer for each home: a lock that the operating system takes back when its holder
//! dies, however it dies.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
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
