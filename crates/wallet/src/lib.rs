//! The wallet: word lists, keys and the files that keep them.
//!
//! This room makes and holds the secrets of an account and signs with them. What is
//! signed is not decided here: `ourspace-protocol` says what a grant or a record is and
//! gives its 32 bytes; a [`SecretKey`] signs them behind the seam
//! [`Signer`](ourspace_protocol::seams::Signer).
//!
//! | module | what it keeps or makes |
//! |---|---|
//! | [`mnemonic`] | BIP-39 words and the Ethereum key that they stand for |
//! | [`key`] | a secp256k1 key that signs |
//! | [`keystore`] | the account key under a password (Web3 Secret Storage, version 3) |
//! | [`device`] | the device key, without a password, so that restarts publish unattended |
//! | [`successor`] | who continues the account when its key is lost |
//! | [`encryption_key`] | the place of the device's encryption key |
//! | [`backup`] | anything under a password, of any size |
//! | [`join`] | how a second device gets its grant |
//! | [`elsewhere`] | signatures of wallets that are not here, in all their spellings |
//! | [`fingerprint`] | an account in six words |
//!
//! It must not open sockets, read the clock, write to the terminal or ask for a
//! password: callers do. No secret appears in a `Debug` or `Display` text or in an error,
//! with one exception that [`mnemonic::MnemonicError::UnknownWord`] explains. Secrets are
//! wiped when dropped, as far as the libraries below let us.

pub mod backup;
pub mod device;
pub mod elsewhere;
pub mod encryption_key;
mod files;
pub mod fingerprint;
pub mod join;
mod kdf;
pub mod key;
pub mod keystore;
pub mod mnemonic;
mod random;
pub mod successor;

pub use files::FileError;
pub use kdf::KdfError;
pub use key::{KeyError, SecretKey};
pub use keystore::KeystoreError;
pub use mnemonic::{Mnemonic, MnemonicError};
pub use random::RandomError;
