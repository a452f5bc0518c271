//! A folder in which files are read and written by their paths below it, and never
//! outside of it: no symbolic link is followed, nothing but regular files is opened.
//!
//! Every name on the way is opened by itself, relative to the folder before it, so what
//! somebody does to the folder meanwhile leads nowhere else either.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};

use ourspace_protocol::{dag::block::is_name, limits};
use rustix::{
    fs::{self, AtFlags, CWD, FileType, Mode, OFlags},
    io::Errno,
};

use crate::sources::Files;

/// Where a new file is written before it gets its name. A crash leaves this one file.
const FRESH: &str = ".well-known/ourspace/new";

/// Something went wrong with a file of the folder.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} {}: {source}", path.display())]
pub struct FileError {
    /// What was tried.
    pub doing: &'static str,
    /// The file.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

/// What lies at a path.
#[derive(Debug)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// A regular file, opened to be read, and its size in bytes.
    File(File, u64),
    /// A folder.
    Folder,
    /// A symbolic link, a pipe, a device: not opened.
    Other(&'static str),
}

/// An open folder.
#[derive(Debug)]
pub struct Folder {
    root: OwnedFd,
    path: PathBuf,
}

impl Folder {
    /// Opens a folder. The path to it may hold symbolic links: it is the person's own.
    ///
    /// # Errors
    /// [`FileError`]: it is not there, not a folder, or not to be read.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = fs::openat(CWD, path, flags, Mode::empty());
        let root = root.map_err(|errno| FileError {
            doing: "open the folder",
            path: path.to_owned(),
            source: match errno {
                Errno::NOTDIR => in_words(errno, "it is a file, not a folder"),
                Errno::NOENT => in_words(errno, "there is no such folder"),
                errno => errno.into(),
            },
        })?;
        Ok(Self {
            root,
            path: path.to_owned(),
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Holds the folder for one writer until what is given back is dropped; `None` when
    /// another one holds it.
    ///
    /// # Errors
    /// [`FileError`] of the system.
    pub fn lock(&self) -> Result<Option<OwnedFd>, FileError> {
        let fail = |errno| self.failed("lock", "", errno);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let own = fs::openat(&self.root, ".", flags, Mode::empty()).map_err(fail)?;
        match fs::flock(&own, fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(own)),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(errno) => Err(fail(errno)),
        }
    }

    /// Looks at a path; `path` itself is never followed if it is a symbolic link.
    ///
    /// # Errors
    /// [`FileError`] of the system.
    pub fn find(&self, path: &str) -> Result<Found, FileError> {
        let fail = |errno| self.failed("read", path, errno);
        let Some((parent, name)) = self.place(path).map_err(fail)? else {
            return Ok(Found::Nothing);
        };
        // Without O_NONBLOCK a pipe would be waited for.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match fs::openat(&parent, name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(Found::Nothing),
            Err(Errno::LOOP) => return Ok(Found::Other("a symbolic link")),
            Err(Errno::NXIO | Errno::NODEV) => return Ok(Found::Other("not a regular file")),
            Err(errno) => return Err(fail(errno)),
        };
        let stat = fs::fstat(&file).map_err(fail)?;
        Ok(match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {
                let size = u64::try_from(stat.st_size).unwrap_or_default();
                Found::File(File::from(file), size)
            }
            FileType::Directory => Found::Folder,
            _ => Found::Other("not a regular file"),
        })
    }

    /// A small file whole; `None` when there is no file of at most `most` bytes.
    ///
    /// # Errors
    /// [`FileError`] of the system.
    pub fn read(&self, path: &str, most: u64) -> Result<Option<Vec<u8>>, FileError> {
        let Found::File(file, size) = self.find(path)? else {
            return Ok(None);
        };
        if size > most {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let read = file.take(most.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|error| self.io("read", path, error))?;
        // It may have grown since it was looked at.
        Ok((u64::try_from(bytes.len()).is_ok_and(|len| len <= most)).then_some(bytes))
    }

    /// Calls `visit` with every name in a folder, in no order; names that are not UTF-8
    /// come as the system shows them and with `false`.
    ///
    /// # Errors
    /// [`FileError`] of the system, or what `visit` fails with.
    pub fn names<E: From<FileError>>(
        &self,
        path: &str,
        visit: &mut dyn FnMut(&str, bool) -> Result<(), E>,
    ) -> Result<(), E> {
        let fail = |errno| self.failed("list", path, errno);
        let Some(folder) = self.below(path, false).map_err(fail)? else {
            return Ok(());
        };
        for entry in fs::Dir::read_from(&folder).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let name = entry.file_name();
            match name.to_str() {
                Ok("." | "..") => {}
                Ok(name) => visit(name, true)?,
                Err(_) => visit(&name.to_string_lossy(), false)?,
            }
        }
        Ok(())
    }

    /// Writes a file by a temporary name, so that at its path there is always the old
    /// file or the whole new one. Makes the folders it needs. What is at the path already
    /// is replaced, whatever it is, but for a folder.
    ///
    /// # Errors
    /// [`FileError`]; the path is then as it was.
    pub fn write(
        &self,
        path: &str,
        fill: &mut dyn FnMut(&mut File) -> io::Result<()>,
    ) -> Result<(), FileError> {
        let fail = |errno| self.failed("write", path, errno);
        let (from, fresh) = self
            .made(FRESH)
            .map_err(|errno| self.barred(FRESH, errno))?;
        // What a crash has left, or somebody has put there.
        match fs::unlinkat(&from, fresh, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(fail(errno)),
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o644);
        let file = fs::openat(&from, fresh, flags, mode).map_err(fail)?;
        let mut file = File::from(file);
        fill(&mut file).map_err(|error| self.io("write", path, error))?;
        drop(file);
        let (to, name) = self.made(path).map_err(|errno| self.barred(path, errno))?;
        fs::renameat(&from, fresh, &to, name).map_err(fail)
    }

    /// As [`write`](Self::write), with bytes that are at hand.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn put(&self, path: &str, bytes: &[u8]) -> Result<(), FileError> {
        self.write(path, &mut |file| file.write_all(bytes))
    }

    /// Gives a file another name, replacing what is there.
    ///
    /// # Errors
    /// [`FileError`] of the system.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), FileError> {
        let fail = |errno| self.failed("rename", from, errno);
        let (old, old_name) = self.made(from).map_err(fail)?;
        let (new, new_name) = self.made(to).map_err(fail)?;
        fs::renameat(&old, old_name, &new, new_name).map_err(fail)
    }

    /// Opens a file to write at its end, making it if it is not there.
    ///
    /// # Errors
    /// [`FileError`] of the system, also when it is a symbolic link.
    pub fn append(&self, path: &str) -> Result<File, FileError> {
        let fail = |errno| self.failed("write", path, errno);
        let (parent, name) = self.made(path).map_err(|errno| self.barred(path, errno))?;
        let flags = OFlags::WRONLY
            | OFlags::CREATE
            | OFlags::APPEND
            | OFlags::NOFOLLOW
            | OFlags::NONBLOCK
            | OFlags::CLOEXEC;
        let file = fs::openat(&parent, name, flags, Mode::from_raw_mode(0o644)).map_err(fail)?;
        Ok(File::from(file))
    }

    /// Removes a file or symbolic link, and the folders that are empty then. Says whether
    /// it was there.
    ///
    /// # Errors
    /// [`FileError`] of the system, also when it is a folder.
    pub fn remove(&self, path: &str) -> Result<bool, FileError> {
        let fail = |errno| self.failed("remove", path, errno);
        let Some((parent, name)) = self.place(path).map_err(fail)? else {
            return Ok(false);
        };
        let there = match fs::unlinkat(&parent, name, AtFlags::empty()) {
            Ok(()) => true,
            Err(Errno::NOENT) => false,
            Err(errno) => return Err(fail(errno)),
        };
        let mut at = split(path).0;
        while !at.is_empty() {
            let Some((parent, name)) = self.place(at).map_err(fail)? else {
                break;
            };
            at = split(at).0;
            if fs::unlinkat(&parent, name, AtFlags::REMOVEDIR).is_err() {
                break;
            }
        }
        Ok(there)
    }

    /// Waits until everything that was written is on the disk, where the system can do
    /// that for one file system.
    ///
    /// # Errors
    /// [`FileError`] of the system.
    pub fn sync(&self) -> Result<(), FileError> {
        #[cfg(target_os = "linux")]
        fs::syncfs(&self.root).map_err(|errno| self.failed("sync", "", errno))?;
        Ok(())
    }

    /// An error with a file of this folder.
    pub(crate) fn io(&self, doing: &'static str, path: &str, source: io::Error) -> FileError {
        FileError {
            doing,
            path: self.path.join(path),
            source,
        }
    }

    fn failed(&self, doing: &'static str, path: &str, errno: Errno) -> FileError {
        self.io(doing, path, errno.into())
    }

    /// Why a file cannot be written: what stands on the way to it, if something does.
    fn barred(&self, path: &str, errno: Errno) -> FileError {
        for (end, _) in path.match_indices('/') {
            let on_the_way = path.get(..end).unwrap_or_default();
            let words = match self.find(on_the_way) {
                Ok(Found::Folder) => continue,
                Ok(Found::File(..)) => {
                    "there is a file where a folder has to be; remove it, or give another folder"
                }
                Ok(Found::Other(_)) => {
                    "it is a symbolic link or no folder, and nothing is written outside of the folder that was given; remove it, or give another folder"
                }
                Ok(Found::Nothing) | Err(_) => break,
            };
            return self.io("write into", on_the_way, in_words(errno, words));
        }
        self.failed("write", path, errno)
    }

    /// The folder at `path`; `None` if there is none or something else is on the way.
    fn below(&self, path: &str, make: bool) -> Result<Option<OwnedFd>, Errno> {
        let mut at = Walk::Root(self.root.as_fd());
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let names = || path.split('/').filter(|_| !path.is_empty());
        if names().count() > limits::PATH_DEPTH || !names().all(is_name) {
            return Err(Errno::INVAL);
        }
        for name in names() {
            let found = match fs::openat(at.fd(), name, flags, Mode::empty()) {
                Err(Errno::NOENT) if make => {
                    fs::mkdirat(at.fd(), name, Mode::from_raw_mode(0o755))?;
                    fs::openat(at.fd(), name, flags, Mode::empty())?
                }
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) if !make => return Ok(None),
                other => other?,
            };
            at = Walk::Below(found);
        }
        match at {
            Walk::Root(root) => fs::openat(root, ".", flags, Mode::empty()).map(Some),
            Walk::Below(found) => Ok(Some(found)),
        }
    }

    /// The folder that a path lies in, if there is one, and the path's last name.
    fn place<'p>(&self, path: &'p str) -> Result<Option<(OwnedFd, &'p str)>, Errno> {
        let (parent, name) = split(path);
        if !is_name(name) {
            return Err(Errno::INVAL);
        }
        Ok(self.below(parent, false)?.map(|parent| (parent, name)))
    }

    /// As [`place`](Self::place), making the folder.
    fn made<'p>(&self, path: &'p str) -> Result<(OwnedFd, &'p str), Errno> {
        let (parent, name) = split(path);
        if !is_name(name) {
            return Err(Errno::INVAL);
        }
        let parent = self.below(parent, true)?.ok_or(Errno::NOTDIR)?;
        Ok((parent, name))
    }
}

impl Files for Folder {
    type Error = FileError;

    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, FileError> {
        Self::read(self, path, limits::JSON_BYTES as u64)
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, FileError> {
        let mut names = Vec::new();
        Self::names::<FileError>(self, folder, &mut |name, whole| {
            if whole {
                names.push(name.to_owned());
            }
            Ok(())
        })?;
        Ok(names)
    }
}

enum Walk<'f> {
    Root(BorrowedFd<'f>),
    Below(OwnedFd),
}

impl Walk<'_> {
    fn fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Root(root) => *root,
            Self::Below(below) => below.as_fd(),
        }
    }
}

/// An error of the system, in words.
pub(super) fn in_words(errno: Errno, words: &'static str) -> io::Error {
    io::Error::new(io::Error::from(errno).kind(), words)
}

/// The folder of a path, empty for the topmost, and the last name.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder() -> (tempfile::TempDir, Folder) {
        let temp = tempfile::tempdir().unwrap();
        let folder = Folder::open(temp.path()).unwrap();
        (temp, folder)
    }

    #[test]
    fn files_come_whole_and_go_with_their_folders() {
        let (temp, folder) = folder();
        folder.put("a/b/c.txt", b"one").unwrap();
        folder.put("a/b/c.txt", b"two").unwrap();
        assert_eq!(folder.read("a/b/c.txt", 3).unwrap().unwrap(), b"two");
        assert_eq!(folder.read("a/b/c.txt", 2).unwrap(), None);
        assert!(folder.remove("a/b/c.txt").unwrap());
        assert!(!temp.path().join("a").exists());
        assert!(!folder.remove("a/b/c.txt").unwrap());
    }

    #[test]
    fn nothing_leads_out() {
        let (temp, folder) = folder();
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "x").unwrap();
        symlink(outside.path(), temp.path().join("way")).unwrap();
        symlink(outside.path().join("secret"), temp.path().join("file")).unwrap();
        assert!(matches!(folder.find("file").unwrap(), Found::Other(_)));
        assert!(matches!(folder.find("way/secret").unwrap(), Found::Nothing));
        assert!(folder.put("way/secret", b"y").is_err());
        assert!(folder.append("file").is_err());
        assert!(!folder.remove("way/secret").unwrap());
        for path in ["../x", "a//b", "./x", "a/../../x", "..", ""] {
            assert!(folder.put(path, b"y").is_err(), "{path}");
        }
        folder.put("file", b"mine").unwrap();
        let secret = std::fs::read(outside.path().join("secret")).unwrap();
        assert_eq!(secret, b"x");
        assert!(outside.path().join("secret").exists());
    }

    #[test]
    fn pipes_are_not_waited_for() {
        let (temp, folder) = folder();
        fs::mknodat(
            CWD,
            temp.path().join("pipe"),
            FileType::Fifo,
            Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        assert!(matches!(folder.find("pipe").unwrap(), Found::Other(_)));
        assert!(folder.read("pipe", 10).unwrap().is_none());
    }
}
