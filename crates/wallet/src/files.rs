//! Small files with secrets: written whole or not at all, readable by their owner only.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Writing failed; what was there before is still there, unchanged.
    #[error("could not write {}: {source}; nothing was changed", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is complete, but the folder that names it could not be flushed.
    #[error("{} was written, but may not survive a loss of power: {source}", path.display())]
    NotDurable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Reading failed.
    #[error("could not read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A key is never written over another.
    #[error("{} exists already and is not overwritten: move it away first", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Not one of our files: they are small.
    #[error("{} is larger than {limit} bytes: this is some other file", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The greatest size in bytes.
        limit: u64,
    },
    /// A folder, a device or a pipe.
    #[error("{} is no ordinary file", path.display())]
    NotAFile {
        /// What it is called.
        path: PathBuf,
    },
}

impl FileError {
    /// Whether the file is simply not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// Writes a file that must not exist yet.
///
/// At every instant the name is free or stands for the whole content, and when this
/// returns, it survives a loss of power.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write(path, bytes, |temporary| {
        match fs::hard_link(temporary, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) => return fs::remove_file(temporary),
            // No hard links on this file system: a check first is the next best.
            Err(_) => {}
        }
        if path.try_exists()? {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        fs::rename(temporary, path)
    })
}

/// Writes a file, in place of the one that may be there.
///
/// At every instant the name stands for the whole old or the whole new content.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write(path, bytes, |temporary| fs::rename(temporary, path))
}

fn write(
    path: &Path,
    bytes: &[u8],
    publish: impl FnOnce(&Path) -> io::Result<()>,
) -> Result<(), FileError> {
    let temporary = temporary_name(path);
    let written = fill(&temporary, bytes).and_then(|()| publish(&temporary));
    if written.is_err() {
        drop(fs::remove_file(&temporary));
    }
    let owned = path.to_owned();
    match written {
        Ok(()) => sync_folder(path).map_err(|source| FileError::NotDurable {
            path: owned,
            source,
        }),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(FileError::Exists { path: owned })
        }
        Err(source) => Err(FileError::Write {
            path: owned,
            source,
        }),
    }
}

/// `.NAME.new`: always the same, so that a later write clears away what a crash left.
fn temporary_name(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".new");
    path.with_file_name(name)
}

fn fill(temporary: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::remove_file(temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(temporary)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// The content of a file of at most `limit` bytes, wiped when dropped, and its
/// permission bits (0 where there are none).
pub(crate) fn read(path: &Path, limit: u64) -> Result<(Zeroizing<Vec<u8>>, u32), FileError> {
    let failed = |source| FileError::Read {
        path: path.to_owned(),
        source,
    };
    // Asked before opening, because opening a pipe would wait for its writer.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(FileError::NotAFile {
            path: path.to_owned(),
        });
    }
    let mut file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    let too_large = || FileError::TooLarge {
        path: path.to_owned(),
        limit,
    };
    if metadata.len() > limit {
        return Err(too_large());
    }
    // One byte more than the limit, and never grown: growing would leave unwiped copies.
    let mut bytes = Zeroizing::new(vec![0; usize::try_from(limit).unwrap_or(0) + 1]);
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
    if filled as u64 > limit {
        return Err(too_large());
    }
    bytes.truncate(filled);
    Ok((bytes, permission_bits(&metadata)))
}

#[cfg(unix)]
fn permission_bits(metadata: &fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777
}

#[cfg(not(unix))]
fn permission_bits(_metadata: &fs::Metadata) -> u32 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        os::unix::fs::PermissionsExt as _,
        process::{Command, Stdio},
        time::{Duration, Instant},
    };

    fn content(path: &Path) -> Vec<u8> {
        read(path, 1 << 20).unwrap().0.to_vec()
    }

    #[test]
    fn new_files_are_private_and_never_overwrite() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("key");
        write_new(&path, b"one").unwrap();
        assert_eq!(read(&path, 3).unwrap().1, 0o600);
        let error = write_new(&path, b"two").unwrap_err();
        assert!(matches!(error, FileError::Exists { .. }), "{error}");
        assert_eq!(content(&path), b"one");
        replace(&path, b"three").unwrap();
        assert_eq!(content(&path), b"three");
        let names: Vec<_> = fs::read_dir(home.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "nothing is left behind: {names:?}");
    }

    #[test]
    fn strange_files_are_refused() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("large");
        fs::write(&path, [7; 11]).unwrap();
        assert!(matches!(
            read(&path, 10),
            Err(FileError::TooLarge { limit: 10, .. })
        ));
        assert_eq!(read(&path, 11).unwrap().0.len(), 11);
        assert!(matches!(
            read(home.path(), 10),
            Err(FileError::NotAFile { .. })
        ));
        assert!(matches!(
            read(Path::new("/dev/zero"), 10),
            Err(FileError::NotAFile { .. })
        ));
        assert!(
            read(&home.path().join("none"), 10)
                .unwrap_err()
                .is_not_found()
        );
    }

    #[test]
    fn what_a_crash_left_is_cleared_away() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("key");
        fs::write(home.path().join(".key.new"), b"half").unwrap();
        write_new(&path, b"whole").unwrap();
        assert_eq!(content(&path), b"whole");
        assert!(!home.path().join(".key.new").exists());
    }

    #[test]
    fn a_write_that_fails_changes_nothing() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("key");
        write_new(&path, b"old").unwrap();
        // A folder in the way of the temporary file fails for every user, root too.
        fs::create_dir(home.path().join(".key.new")).unwrap();
        let text = replace(&path, b"new").unwrap_err().to_string();
        assert!(
            text.contains("key: ") && text.ends_with("nothing was changed"),
            "{text}"
        );
        assert_eq!(content(&path), b"old");
        let missing = home.path().join("no/folder/key");
        assert!(matches!(
            write_new(&missing, b"new"),
            Err(FileError::Write { .. })
        ));
    }

    #[test]
    fn a_replaced_file_becomes_private() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("key");
        fs::write(&path, b"old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(read(&path, 3).unwrap().1, 0o600);
    }

    /// A process that ends with the test, however the test ends.
    struct Writer(std::process::Child);

    impl Drop for Writer {
        fn drop(&mut self) {
            self.0.kill().unwrap();
            self.0.wait().unwrap();
        }
    }

    /// What the writer does until it is killed, or for ten seconds at most.
    fn rewrite(path: &Path) {
        let started = Instant::now();
        for round in 0_u64.. {
            let bytes = [u8::try_from(round % 251).unwrap(); 5_000];
            if round % 5 == 4 {
                fs::remove_file(path).unwrap();
                write_new(path, &bytes).unwrap();
            } else {
                replace(path, &bytes).unwrap();
            }
            if started.elapsed() > Duration::from_secs(10) {
                return;
            }
        }
    }

    /// Kills a process that rewrites a file without pause, and looks at the file. The
    /// process is this test again, told by the variable which file.
    #[test]
    fn killed_at_any_instant_the_file_is_whole() {
        const ROLE: &str = "OURSPACE_TEST_REWRITE";
        if let Some(path) = std::env::var_os(ROLE) {
            return rewrite(Path::new(&path));
        }
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("key");
        for round in 0_u64..30 {
            let writer = Command::new(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "files::tests::killed_at_any_instant_the_file_is_whole",
                ])
                .env(ROLE, &path)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut writer = Writer(writer);
            // Killed after some whole writes, each time at another instant of the next one.
            let state = || {
                fs::metadata(&path)
                    .and_then(|metadata| metadata.modified())
                    .ok()
            };
            for _ in 0..=round % 4 {
                let before = state();
                while state() == before {
                    assert!(writer.0.try_wait().unwrap().is_none(), "the writer ended");
                    std::thread::yield_now();
                }
            }
            std::thread::sleep(Duration::from_micros(97 * round));
            drop(writer);
            if path.exists() {
                let bytes = content(&path);
                assert_eq!(bytes.len(), 5_000);
                assert!(bytes.iter().all(|byte| *byte == bytes[0]));
            }
        }
    }
}
