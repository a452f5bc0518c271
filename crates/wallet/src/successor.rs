//! The successor: the address that continues the account when its key is lost.
//!
//! It is the first address of a second, independent word list. Every grant commits to it
//! by a hash of address and salt, so nobody learns the address before it is needed.
//!
//! The salt is derived from the successor's own secret key. A random salt would have to
//! be kept as carefully as the words: after the loss of a machine, the second word list
//! alone must be enough to reveal the commitment on a new one. Revealed, the salt tells
//! nothing about the key, because it is a hash of 32 unpredictable bytes.

use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use ourspace_protocol::{account::Account, hash::keccak256, succession::successor_hash};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    files::{self, FileError},
    key::SecretKey,
};

/// The only version of the file.
const VERSION: u32 = 1;
/// Greatest size of the file in bytes; it has about 180.
const SUCCESSOR_BYTES: u64 = 4096;
/// What sets the salt apart from every other hash of the secret.
const SALT_CONTEXT: &[u8; 26] = b"OurSpace successor salt v1";

/// A successor's address and the salt of its commitment.
///
/// No secret, but private until it is needed: who knows it knows which address will
/// speak for the account one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Successor {
    /// The successor's address.
    pub address: Account,
    /// The salt of the commitment.
    pub salt: [u8; 32],
}

/// Why a successor file could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum SuccessorError {
    /// Not a successor file, or a changed one; the second word list makes it anew.
    #[error("{} is damaged: make it anew from the second word list", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// See [`FileError`].
    #[error(transparent)]
    File(#[from] FileError),
}

#[derive(Serialize, Deserialize)]
struct Contents {
    version: u32,
    address: Account,
    salt: String,
    successor_hash: String,
}

impl Successor {
    /// The successor whose key is the first of the second word list.
    #[must_use]
    pub fn of(key: &SecretKey) -> Self {
        let mut whole = Zeroizing::new([0; SALT_CONTEXT.len() + 32]);
        whole[..SALT_CONTEXT.len()].copy_from_slice(SALT_CONTEXT);
        whole[SALT_CONTEXT.len()..].copy_from_slice(key.expose());
        Self {
            address: key.address(),
            salt: keccak256(whole.as_slice()),
        }
    }

    /// What grants carry: Keccak-256 of address and salt.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        successor_hash(&self.address, &self.salt)
    }

    /// Keeps it in a file, 0600, in place of the one that may be there.
    ///
    /// # Errors
    /// [`SuccessorError::File`].
    pub fn save(&self, path: &Path) -> Result<(), SuccessorError> {
        let contents = Contents {
            version: VERSION,
            address: self.address,
            salt: HEXLOWER.encode(&self.salt),
            successor_hash: HEXLOWER.encode(&self.hash()),
        };
        let mut json = serde_json::to_vec_pretty(&contents).map_err(|error| FileError::Write {
            path: path.to_owned(),
            source: error.into(),
        })?;
        json.push(b'\n');
        Ok(files::replace(path, &json)?)
    }

    /// Reads it back.
    ///
    /// # Errors
    /// [`SuccessorError`].
    pub fn load(path: &Path) -> Result<Self, SuccessorError> {
        let (json, _) = files::read(path, SUCCESSOR_BYTES)?;
        parse(&json).ok_or_else(|| SuccessorError::Damaged {
            path: path.to_owned(),
        })
    }
}

fn parse(json: &[u8]) -> Option<Successor> {
    let contents: Contents = serde_json::from_slice(json).ok()?;
    let salt = HEXLOWER
        .decode(contents.salt.as_bytes())
        .ok()?
        .try_into()
        .ok()?;
    let successor = Successor {
        address: contents.address,
        salt,
    };
    // The hash is in the file as a checksum: a wrong salt would be noticed only years
    // later, when it is too late.
    let whole = contents.version == VERSION
        && HEXLOWER.encode(&successor.hash()) == contents.successor_hash;
    whole.then_some(successor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mnemonic::Mnemonic;
    use std::fs;

    const WORDS: &str =
        "legal winner thank year wave sausage worth useful legal winner thank yellow";

    #[test]
    fn the_words_alone_give_the_same_commitment_for_ever() {
        let successor = Successor::of(&Mnemonic::parse(WORDS).unwrap().account_key().unwrap());
        assert_eq!(
            successor.address.to_string(),
            "0x58A57ed9d8d624cBD12e2C467D34787555bB1b25"
        );
        // Computed with eth-account, which derives the key, and eth-utils' keccak.
        assert_eq!(
            HEXLOWER.encode(&successor.salt),
            "d3c311736d0ef1e107a2117ae8ab601d10d8523a6d5e9846b3199c217cee3c24"
        );
        assert_eq!(
            HEXLOWER.encode(&successor.hash()),
            "c77e81245679a8489c9ef1907658c7668b3c021cac8f25e349ed09bdd48338ab"
        );
    }

    #[test]
    fn a_successor_comes_back_from_its_file() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("successor.json");
        let key = SecretKey::generate().unwrap();
        let successor = Successor::of(&key);
        successor.save(&path).unwrap();
        successor.save(&path).unwrap();
        assert_eq!(Successor::load(&path).unwrap(), successor);
        assert_eq!(files::read(&path, SUCCESSOR_BYTES).unwrap().1, 0o600);
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains(&HEXLOWER.encode(key.expose())));
    }

    #[test]
    fn a_changed_file_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("successor.json");
        Successor::of(&SecretKey::generate().unwrap())
            .save(&path)
            .unwrap();
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() - 1 {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(&path, &changed).unwrap();
            // White space may change its kind.
            if !whole[at].is_ascii_whitespace() {
                assert!(Successor::load(&path).is_err(), "byte {at}");
            }
            fs::write(&path, &whole[..at]).unwrap();
            assert!(Successor::load(&path).is_err(), "cut at {at}");
        }
    }
}
