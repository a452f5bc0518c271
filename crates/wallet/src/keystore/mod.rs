//! The account key under a password: Web3 Secret Storage, version 3.
//!
//! The format of Ethereum's wallets (the "Web3 Secret Storage Definition"), so that the
//! file opens in geth, eth-account, ethers and whatever else reads it, and theirs open
//! here. New files use scrypt with N 2^18, r 8, p 1 and AES-128-CTR; scrypt and PBKDF2
//! files of others are read within the limits of [`KdfError`].
//!
//! Passwords are taken as their UTF-8 bytes. Programs that normalise them first (ethers:
//! NFKC) get the same bytes for ASCII and for text in composed form.

mod format;

use std::path::{Path, PathBuf};

use aes::Aes128;
use ctr::cipher::{KeyIvInit as _, StreamCipher as _};
use ourspace_protocol::{account::Account, hash::keccak256};
use zeroize::Zeroizing;

use crate::{
    files::{self, FileError},
    kdf::{Kdf, KdfError},
    key::{KeyError, SecretKey},
    random::{self, RandomError},
};
use format::Contents;

/// Greatest size of a key store in bytes; they have about 500.
pub const KEYSTORE_BYTES: u64 = 64 * 1024;

/// Why a key store could not be made or opened.
#[derive(Debug, thiserror::Error)]
pub enum KeystoreError {
    /// The password does not fit. (An altered file cannot be told from a wrong password.)
    #[error("wrong password (or the key store was altered)")]
    WrongPassword,
    /// Not JSON, or a field is missing or of the wrong kind.
    #[error("the key store is damaged or no Web3 Secret Storage file: {what}")]
    Malformed {
        /// What was expected; never what was found.
        what: String,
    },
    /// A version, cipher or key derivation that this program does not know.
    #[error("the key store's {what} is not supported")]
    Unsupported {
        /// What is not.
        what: &'static str,
    },
    /// See [`KdfError`].
    #[error(transparent)]
    Parameters(#[from] KdfError),
    /// The password fits, but the key is not that of the address in the file.
    #[error("the key store is damaged: its key belongs to {found}, not to {stated}")]
    AddressDiffers {
        /// The address in the file.
        stated: Account,
        /// The address of the key.
        found: Account,
    },
    /// What was sealed is no key.
    #[error("the key store is damaged: {0}")]
    Key(#[from] KeyError),
    /// See [`RandomError`].
    #[error(transparent)]
    Random(#[from] RandomError),
    /// See [`FileError`].
    #[error(transparent)]
    File(#[from] FileError),
    /// Any of these but a wrong password, with the file that it is about.
    #[error("{}: {what}", path.display())]
    In {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        what: Box<Self>,
    },
}

impl KeystoreError {
    /// Names the file that it is about, where that is not said yet.
    fn of(self, path: &Path) -> Self {
        match self {
            Self::WrongPassword | Self::File(_) | Self::Random(_) | Self::In { .. } => self,
            what => Self::In {
                path: path.to_owned(),
                what: Box::new(what),
            },
        }
    }
}

/// Seals a key: the JSON text of a new key store.
///
/// Takes 256 MiB and about half a second, on purpose.
///
/// # Errors
/// [`KeystoreError::Random`] when there is no randomness.
pub fn encrypt(key: &SecretKey, password: &str) -> Result<Vec<u8>, KeystoreError> {
    let (salt, iv, id) = (
        random::bytes::<32>()?,
        random::bytes::<16>()?,
        random::bytes::<16>()?,
    );
    let derived = Kdf::NEW.derive(password, salt.as_slice())?;
    let mut ciphertext = *key.expose();
    apply_cipher(&derived, &iv, &mut ciphertext);
    let contents = Contents {
        kdf: Kdf::NEW,
        salt: salt.to_vec(),
        iv: *iv,
        ciphertext,
        mac: mac(&derived, &ciphertext),
        address: Some(key.address()),
    };
    Ok(contents.to_json(*id))
}

/// Opens a key store.
///
/// # Errors
/// [`KeystoreError`]; a wrong password is [`KeystoreError::WrongPassword`].
pub fn decrypt(json: &[u8], password: &str) -> Result<SecretKey, KeystoreError> {
    let contents = Contents::parse(json)?;
    let derived = contents.kdf.derive(password, &contents.salt)?;
    if !same(&mac(&derived, &contents.ciphertext), &contents.mac) {
        return Err(KeystoreError::WrongPassword);
    }
    let mut secret = Zeroizing::new(contents.ciphertext);
    apply_cipher(&derived, &contents.iv, &mut secret);
    let key = SecretKey::from_bytes(&secret)?;
    // The MAC covers neither the IV nor the address.
    match contents.address {
        Some(stated) if stated != key.address() => Err(KeystoreError::AddressDiffers {
            stated,
            found: key.address(),
        }),
        _ => Ok(key),
    }
}

/// The address that a key store says it is for; nothing vouches for it before
/// [`decrypt`].
///
/// # Errors
/// [`KeystoreError::Malformed`] and [`KeystoreError::Unsupported`].
pub fn stated_address(json: &[u8]) -> Result<Option<Account>, KeystoreError> {
    Ok(Contents::parse(json)?.address)
}

/// The address that a key store file says it is for; `None` when there is no such file.
///
/// # Errors
/// As [`stated_address`], and [`KeystoreError::File`].
pub fn stated_in(path: &Path) -> Result<Option<Account>, KeystoreError> {
    match files::read(path, KEYSTORE_BYTES) {
        Ok((json, _)) => stated_address(&json).map_err(|error| error.of(path)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Seals a key into a new file, 0600, never over another file.
///
/// # Errors
/// [`KeystoreError::File`] and [`KeystoreError::Random`].
pub fn create(path: &Path, key: &SecretKey, password: &str) -> Result<(), KeystoreError> {
    Ok(files::write_new(path, &encrypt(key, password)?)?)
}

/// Seals a key into a file in place of the one that is there: for a new password.
///
/// # Errors
/// [`KeystoreError::File`] and [`KeystoreError::Random`].
pub fn replace(path: &Path, key: &SecretKey, password: &str) -> Result<(), KeystoreError> {
    Ok(files::replace(path, &encrypt(key, password)?)?)
}

/// Opens a key store file.
///
/// # Errors
/// [`KeystoreError`].
pub fn open(path: &Path, password: &str) -> Result<SecretKey, KeystoreError> {
    decrypt(&files::read(path, KEYSTORE_BYTES)?.0, password).map_err(|error| error.of(path))
}

/// AES-128-CTR under the first half of the derived key, in place; it is its own inverse.
fn apply_cipher(derived: &[u8; 32], iv: &[u8; 16], bytes: &mut [u8; 32]) {
    let mut key = Zeroizing::new([0; 16]);
    key.copy_from_slice(&derived[..16]);
    ctr::Ctr128BE::<Aes128>::new((&*key).into(), iv.into()).apply_keystream(bytes);
}

/// Keccak-256 of the second half of the derived key and the ciphertext.
fn mac(derived: &[u8; 32], ciphertext: &[u8; 32]) -> [u8; 32] {
    let mut whole = Zeroizing::new([0; 48]);
    whole[..16].copy_from_slice(&derived[16..]);
    whole[16..].copy_from_slice(ciphertext);
    keccak256(whole.as_slice())
}

/// Compares without telling by the time it takes where the first difference is.
fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.iter().zip(b).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

#[cfg(test)]
mod tests;
