//! The list of files that exports have written into a folder: so that the next one knows
//! what it may remove, also after one that was interrupted.
//!
//! Two lists of one path a line, the account on the first line. Into the *new* one goes
//! every file of the version that is being written, before the file itself; the *old* one
//! has what may be there besides. At the end what only the old one names is removed, and
//! the new one takes its place. Neither is ever held in memory whole.

use std::{
    collections::{BTreeSet, HashSet},
    fs::File,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
};

use ourspace_protocol::account::Account;

use super::{
    LIST, NEW_LIST,
    folder::{FileError, Folder, Found},
};

/// Paths of a list that are held in memory at once.
const AT_ONCE: u64 = 200_000;
/// A line longer than this is none of ours.
const LINE: u64 = 4096;

/// The lists of an export under way.
#[derive(Debug)]
pub(super) struct Lists<'f> {
    folder: &'f Folder,
    new: File,
    wanted: u64,
}

impl<'f> Lists<'f> {
    /// Begins a new list; what an interrupted export has noted goes to the old one.
    pub(super) fn begin(folder: &'f Folder, account: Account) -> Result<Self, FileError> {
        let header = format!("{account}\n");
        if !matches!(folder.find(LIST)?, Found::File(..)) {
            folder.put(LIST, header.as_bytes())?;
        }
        let mut old = folder.append(LIST)?;
        // A crash may have cut the last line short; nothing may be glued to it.
        let mut whole = 0;
        lines::<FileError>(folder, LIST, &mut |path| {
            whole += path.len() as u64 + 1;
            Ok(())
        })?;
        old.set_len(header.len() as u64 + whole)
            .map_err(|error| folder.io("write", LIST, error))?;
        lines(folder, NEW_LIST, &mut |path| {
            let noted = old.write_all(format!("{path}\n").as_bytes());
            noted.map_err(|error| folder.io("write", LIST, error))
        })?;
        folder.put(NEW_LIST, header.as_bytes())?;
        Ok(Self {
            folder,
            new: folder.append(NEW_LIST)?,
            wanted: 0,
        })
    }

    /// Notes a file of the new version.
    pub(super) fn want(&mut self, path: &str) -> Result<(), FileError> {
        self.wanted += 1;
        let noted = self.new.write_all(format!("{path}\n").as_bytes());
        noted.map_err(|error| self.folder.io("write", NEW_LIST, error))
    }

    /// Calls `remove` with every path that the new version does not have.
    pub(super) fn sweep<E: From<FileError>>(
        &self,
        remove: &mut dyn FnMut(&str) -> Result<(), E>,
    ) -> Result<(), E> {
        let parts = self.wanted / AT_ONCE + 1;
        for part in 0..parts {
            let mut wanted = HashSet::new();
            lines::<E>(self.folder, NEW_LIST, &mut |path| {
                if part_of(path, parts) == part {
                    wanted.insert(path.to_owned());
                }
                Ok(())
            })?;
            lines::<E>(self.folder, LIST, &mut |path| {
                if part_of(path, parts) == part && !wanted.contains(path) {
                    remove(path)?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// The new list is the list now.
    pub(super) fn finish(&self) -> Result<(), FileError> {
        self.folder.rename(NEW_LIST, LIST)
    }
}

fn part_of(path: &str, parts: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish() % parts
}

/// Whose list it is; `None` when there is none.
pub(super) fn owner(folder: &Folder) -> Result<Option<Account>, FileError> {
    for list in [LIST, NEW_LIST] {
        let Found::File(file, _) = folder.find(list)? else {
            continue;
        };
        let mut line = Vec::new();
        let mut reader = BufReader::new(file).take(LINE);
        let read = reader.read_until(b'\n', &mut line);
        read.map_err(|error| folder.io("read", list, error))?;
        let account = std::str::from_utf8(&line).ok().map(str::trim_end);
        if let Some(account) = account.and_then(|text| text.parse().ok()) {
            return Ok(Some(account));
        }
    }
    Ok(None)
}

/// Whether an export has begun and not come to its end.
pub(crate) fn is_unfinished(folder: &Folder) -> Result<bool, FileError> {
    Ok(matches!(folder.find(NEW_LIST)?, Found::File(..)))
}

/// Takes out of `paths` all that an export has written.
pub(crate) fn take_named(folder: &Folder, paths: &mut BTreeSet<String>) -> Result<(), FileError> {
    for list in [LIST, NEW_LIST] {
        lines::<FileError>(folder, list, &mut |path| {
            paths.remove(path);
            Ok(())
        })?;
    }
    Ok(())
}

/// Calls `visit` with every path of a list; a line that cannot be one ends it.
fn lines<E: From<FileError>>(
    folder: &Folder,
    list: &str,
    visit: &mut dyn FnMut(&str) -> Result<(), E>,
) -> Result<(), E> {
    let Found::File(file, _) = folder.find(list)? else {
        return Ok(());
    };
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    let mut first = true;
    loop {
        line.clear();
        let read = reader.by_ref().take(LINE).read_until(b'\n', &mut line);
        let read = read.map_err(|error: io::Error| folder.io("read", list, error))?;
        // The last line may have been cut short: its file was not written then.
        if read == 0 || line.pop() != Some(b'\n') {
            return Ok(());
        }
        let Ok(path) = std::str::from_utf8(&line) else {
            return Ok(());
        };
        if !std::mem::take(&mut first) {
            visit(path)?;
        }
    }
}
