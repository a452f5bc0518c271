//! Files that a command writes beside its answer: whole under their name, or not there.

use std::{
    fs::Permissions,
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use tempfile::{Builder, NamedTempFile};

use crate::failure::Failure;

/// Writes a file; one that is there is replaced.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = fill(path, bytes).and_then(|file| file.persist(path).map_err(|e| e.error));
    written.map(drop).map_err(|error| failed(path, &error))
}

/// Writes a file that must not be there yet.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written =
        fill(path, bytes).and_then(|file| file.persist_noclobber(path).map_err(|e| e.error));
    written.map(drop).map_err(|error| failed(path, &error))
}

/// Whether [`write_new`] can work, before anything else is done. Leaves nothing.
pub(crate) fn check_new(path: &Path) -> Result<(), Failure> {
    // A link that leads nowhere is something, too.
    if path.symlink_metadata().is_ok() {
        return Err(failed(path, &io::ErrorKind::AlreadyExists.into()));
    }
    if path.file_name().is_none() {
        return Err(failed(path, &io::ErrorKind::InvalidFilename.into()));
    }
    fill(path, &[])
        .map(drop)
        .map_err(|error| failed(path, &error))
}

/// A file of another name beside it; it goes away when it is not given its own.
fn fill(path: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let above = path.parent().filter(|above| !above.as_os_str().is_empty());
    let mut builder = Builder::new();
    // What everybody may see; the person's umask takes away from it.
    builder.permissions(Permissions::from_mode(0o666));
    let mut file = builder
        .prefix(".ourspace-")
        .tempfile_in(above.unwrap_or(Path::new(".")))
        .map_err(|error| io::Error::from(error.kind()))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    let shown = path.display();
    Failure::refused(match error.kind() {
        io::ErrorKind::AlreadyExists => {
            format!("{shown} exists already and is not overwritten: choose another name")
        }
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            format!("{shown} cannot be written: the folder that it shall lie in is not there")
        }
        _ => format!("{shown} cannot be written: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn files_come_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        check_new(&path).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        write_new(&path, b"one").unwrap();
        assert!(check_new(&path).is_err());
        assert!(write_new(&path, b"two").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        write(&path, b"three").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        let nowhere = folder.path().join("none").join("a");
        for result in [check_new(&nowhere), write(&nowhere, b"x")] {
            let Err(Failure::Refused(error)) = result else {
                panic!("it was written");
            };
            assert!(error.to_string().contains("is not there"), "{error}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn of_what_the_disk_refuses_nothing_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::create_dir(&path).unwrap();
        assert!(write(&path, b"x").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
