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
//! | [`encryption_key`] | the place of the device's encryption key |
//! | [`fingerprint`] | an account in six words |
//!
//! It must not open sockets, read the clock, write to the terminal or ask for a
//! password: callers do. No secret appears in a `Debug` or `Display` text or in an error,
//! with one exception that [`mnemonic::MnemonicError::UnknownWord`] explains. Secrets are
//! wiped when dropped, as far as the libraries below let us.

pub mod encryption_key;
pub mod fingerprint;
pub mod key;
pub mod mnemonic;
mod random;

pub use key::{KeyError, SecretKey};
pub use mnemonic::{Mnemonic, MnemonicError};
pub use random::RandomError;
