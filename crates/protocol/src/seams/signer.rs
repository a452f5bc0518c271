//! Who signs.

use crate::{account::Account, signature::Signature};

/// Something that holds a key and signs with it.
pub trait Signer: Send + Sync {
    /// The address of the key.
    fn address(&self) -> Account;

    /// Signs 32 bytes that [`TypedData::signing_hash`](crate::eip712::TypedData::signing_hash)
    /// made.
    ///
    /// # Errors
    /// [`SignerError`] when the key cannot be used.
    fn sign(&self, hash: &[u8; 32]) -> Result<Signature, SignerError>;
}

/// A signature was not made.
#[derive(Debug, Clone, thiserror::Error)]
#[error("could not sign with {address}: {reason}")]
pub struct SignerError {
    /// Whose key it was.
    pub address: Account,
    /// What went wrong and what to do; never a secret.
    pub reason: String,
}
