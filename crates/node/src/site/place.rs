//! Where an export may lie: in a folder, and not in the home.

use std::{
    io,
    path::{Component, Path, PathBuf},
};

use super::{error::ExportError, folder::FileError};
use crate::home::Home;

/// Lets a folder pass that may be made or written.
///
/// # Errors
/// [`ExportError::InHome`]; [`ExportError::File`] when it is a file.
pub(super) fn admit(home: &Home, to: &Path) -> Result<(), ExportError> {
    if to.exists() && !to.is_dir() {
        return Err(ExportError::File(FileError {
            doing: "export into",
            path: to.to_owned(),
            source: io::Error::new(
                io::ErrorKind::NotADirectory,
                "it is a file; give a folder that is empty, new, or an earlier export",
            ),
        }));
    }
    if resolved(to).starts_with(resolved(home.path())) {
        return Err(ExportError::InHome {
            folder: to.to_owned(),
            home: home.path().to_owned(),
        });
    }
    Ok(())
}

/// The path without links, as far as it is there.
fn resolved(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let found = whole.ancestors().find_map(|above| {
        let there = above.canonicalize().ok()?;
        Some((there, whole.strip_prefix(above).ok()?))
    });
    let Some((mut there, rest)) = found else {
        return whole;
    };
    let turns = rest.components().any(|part| part == Component::ParentDir);
    for part in rest.components() {
        match part {
            Component::ParentDir => {
                there.pop();
            }
            Component::Normal(name) => there.push(name),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    // What comes after a turn may be there again, and be a link.
    if turns { resolved(&there) } else { there }
}
