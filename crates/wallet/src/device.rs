//! The device key on disk: without a password, readable by its owner only.
//!
//! A node must be able to publish after a restart while nobody is there to type. So the
//! file's permissions are all that guards the key, and a file that others can read is
//! refused. What a stolen device key can do ends with the account's next epoch.

use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use ourspace_protocol::account::Account;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    files::{self, FileError},
    key::{KeyError, SecretKey},
};

/// The only version of the file.
const VERSION: u32 = 1;
/// Greatest size of a device key file in bytes; it has about 150.
const DEVICE_BYTES: u64 = 4096;

/// Why a device key could not be made or loaded.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// Others than the owner may read or write the file.
    #[error(
        "{path} can be used by others (permissions {mode:03o}): run `chmod 600 {path}`, and \
         if somebody may have read it, revoke this device",
        path = path.display()
    )]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not a device key, or a changed one.
    #[error(
        "{} is damaged ({what}): restore it from a backup, or move it away and add this device again",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong; never what was found.
        what: &'static str,
    },
    /// A newer program wrote it.
    #[error("{} was written by a newer version of this program", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
    },
    /// See [`KeyError`].
    #[error(transparent)]
    Key(#[from] KeyError),
    /// See [`FileError`]; use [`FileError::is_not_found`] to see whether there is none.
    #[error(transparent)]
    File(#[from] FileError),
}

#[derive(Serialize, Deserialize)]
struct Contents {
    version: u32,
    address: Account,
    secret: Zeroizing<String>,
}

/// Makes a device key and keeps it in a new file, 0600, never over another file.
///
/// # Errors
/// [`DeviceError::Key`] without randomness, [`DeviceError::File`] when it cannot be kept.
pub fn create(path: &Path) -> Result<SecretKey, DeviceError> {
    let key = SecretKey::generate()?;
    let secret = Zeroizing::new(HEXLOWER.encode(key.expose()));
    let contents = Contents {
        version: VERSION,
        address: key.address(),
        secret,
    };
    let mut json = Zeroizing::new(Vec::with_capacity(DEVICE_BYTES as usize));
    serde_json::to_writer_pretty(&mut *json, &contents).map_err(|error| FileError::Write {
        path: path.to_owned(),
        source: error.into(),
    })?;
    json.push(b'\n');
    files::write_new(path, &json)?;
    Ok(key)
}

/// Loads a device key.
///
/// # Errors
/// [`DeviceError`], which says what to do.
pub fn load(path: &Path) -> Result<SecretKey, DeviceError> {
    let (json, mode) = files::read(path, DEVICE_BYTES)?;
    if mode & 0o077 != 0 {
        return Err(DeviceError::Permissions {
            path: path.to_owned(),
            mode,
        });
    }
    let damaged = |what| DeviceError::Damaged {
        path: path.to_owned(),
        what,
    };
    let contents: Contents =
        serde_json::from_slice(&json).map_err(|_| damaged("not a device key file"))?;
    if contents.version > VERSION {
        return Err(DeviceError::Newer {
            path: path.to_owned(),
        });
    }
    let mut secret = Zeroizing::new([0; 32]);
    match HEXLOWER.decode_len(contents.secret.len()) {
        Ok(32) => {}
        _ => return Err(damaged("the secret has a wrong length")),
    }
    HEXLOWER
        .decode_mut(contents.secret.as_bytes(), secret.as_mut_slice())
        .map_err(|_| damaged("the secret is not hexadecimal"))?;
    let key = SecretKey::from_bytes(&secret).map_err(|_| damaged("the secret is no key"))?;
    if key.address() != contents.address {
        return Err(damaged("the secret does not belong to the address"));
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::PermissionsExt as _};

    fn device() -> (tempfile::TempDir, PathBuf, SecretKey) {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("device.json");
        let key = create(&path).unwrap();
        (home, path, key)
    }

    #[test]
    fn a_device_key_comes_back() {
        let (_home, path, key) = device();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(load(&path).unwrap().expose(), key.expose());
        assert!(matches!(
            create(&path),
            Err(DeviceError::File(FileError::Exists { .. }))
        ));
        assert_eq!(load(&path).unwrap().expose(), key.expose());
    }

    #[test]
    fn a_file_that_others_can_use_is_refused() {
        let (_home, path, _key) = device();
        for mode in [0o640, 0o604, 0o660, 0o644, 0o620, 0o610, 0o777] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = load(&path).unwrap_err();
            let text = error.to_string();
            assert!(matches!(error, DeviceError::Permissions { .. }));
            assert!(
                text.contains(&format!("`chmod 600 {}`", path.display())),
                "{text}"
            );
            assert!(text.contains(&format!("{mode:o}")), "{text}");
        }
        for mode in [0o600, 0o400] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            load(&path).unwrap();
        }
    }

    #[test]
    fn a_damaged_file_is_refused_without_telling_what_it_holds() {
        let (_home, path, key) = device();
        let whole = fs::read(&path).unwrap();
        let secret = HEXLOWER.encode(key.expose());
        let refused = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            let error = load(&path).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(
                !text.contains(&secret[..6]) && !text.contains(&secret[58..]),
                "{text}"
            );
            assert!(matches!(
                error,
                DeviceError::Damaged { .. } | DeviceError::Newer { .. }
            ));
        };
        // The last two bytes are the closing brace and the line's end.
        for end in 0..whole.len() - 1 {
            refused(&whole[..end]);
        }
        let text = String::from_utf8(whole).unwrap();
        let start = text.find(&secret).unwrap();
        for at in start..start + 64 {
            let mut changed = text.clone();
            let other = if &text[at..=at] == "0" { "1" } else { "0" };
            changed.replace_range(at..=at, other);
            refused(changed.as_bytes());
        }
        refused(text.replace("\"version\": 1", "\"version\": 2").as_bytes());
        refused(
            text.replace("\"version\": 1", &format!("\"version\": \"{secret}\""))
                .as_bytes(),
        );
        refused(text.replace(&secret, &"0".repeat(64)).as_bytes());
        refused(text.replace(&secret, &"f".repeat(64)).as_bytes());
    }

    #[test]
    fn a_missing_file_is_told_apart() {
        let home = tempfile::tempdir().unwrap();
        let error = load(&home.path().join("device.json")).unwrap_err();
        assert!(matches!(error, DeviceError::File(error) if error.is_not_found()));
    }
}
