//! A secp256k1 key: of an account, a device or a successor.

use std::fmt;

use ourspace_protocol::{
    account::Account,
    seams::{Signer, SignerError},
    signature::Signature,
};
use secp256k1::{Message, PublicKey, ecdsa::RecoverableSignature};

use crate::random::{self, RandomError};

/// A secp256k1 secret key and its address.
///
/// It cannot be cloned, `Debug` prints only the address, and the secret is overwritten
/// when it is dropped.
pub struct SecretKey {
    scalar: Box<secp256k1::SecretKey>,
    address: Account,
}

/// Why there is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Zero, or not below the order of the group (SEC 2).
    #[error("the bytes are no secp256k1 key: zero or too large")]
    OutOfRange,
    /// See [`RandomError`].
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl SecretKey {
    /// A new key out of the operating system's randomness.
    ///
    /// # Errors
    /// [`KeyError::Random`] when there is none.
    pub fn generate() -> Result<Self, KeyError> {
        Self::from_bytes(&*random::bytes()?)
    }

    /// The key with these 32 bytes, big-endian.
    ///
    /// # Errors
    /// [`KeyError::OutOfRange`].
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let scalar = secp256k1::SecretKey::from_secret_bytes(*bytes)
            .map(Box::new)
            .map_err(|_| KeyError::OutOfRange)?;
        let point = PublicKey::from_secret_key(&scalar).serialize_uncompressed();
        let mut xy = [0; 64];
        xy.copy_from_slice(&point[1..]);
        Ok(Self {
            scalar,
            address: Account::of_public_key(&xy),
        })
    }

    /// The Ethereum address of the key.
    #[must_use]
    pub fn address(&self) -> Account {
        self.address
    }

    /// Signs 32 bytes: ECDSA with the nonce of RFC 6979, so the same bytes always give
    /// the same signature, with low `s` (EIP-2) in the compact form of EIP-2098.
    #[must_use]
    pub fn sign_digest(&self, digest: &[u8; 32]) -> Signature {
        let message = Message::from_digest(*digest);
        let signature = RecoverableSignature::sign_ecdsa_recoverable(message, &self.scalar);
        let (parity, mut compact) = signature.serialize_compact();
        // Ids 2 and 3 (x of the nonce's point above the group order, one in 2^127) have no
        // compact form; such a signature names another signer and is refused by everyone.
        compact[32] |= (parity.to_u8() & 1) << 7;
        Signature(compact)
    }

    /// The secret itself: for this room's files only.
    pub(crate) fn expose(&self) -> &[u8; 32] {
        self.scalar.as_secret_bytes()
    }
}

impl Signer for SecretKey {
    fn address(&self) -> Account {
        self.address
    }

    fn sign(&self, hash: &[u8; 32]) -> Result<Signature, SignerError> {
        Ok(self.sign_digest(hash))
    }
}

impl Drop for SecretKey {
    fn drop(&mut self) {
        self.scalar.non_secure_erase();
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ourspace_protocol::hash::keccak256;

    #[test]
    fn addresses_are_ethereums() {
        let mut one = [0; 32];
        one[31] = 1;
        let key = SecretKey::from_bytes(&one).unwrap();
        assert_eq!(
            key.address().to_string(),
            "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
        );
        // The example key of the Ethereum yellow paper's tests and of EIP-712: keccak("cow").
        let cow = SecretKey::from_bytes(&keccak256(b"cow")).unwrap();
        assert_eq!(
            cow.address().to_string(),
            "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"
        );
    }

    #[test]
    fn the_signature_of_eip_712s_example() {
        // EIP-712, "Mail": the digest and the signature by keccak("cow"), v = 28.
        let digest = "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2";
        let rs = "4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d\
                  07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b91562";
        let mut expected = data_encoding::HEXLOWER.decode(rs.as_bytes()).unwrap();
        expected[32] |= 0x80;
        let digest: [u8; 32] = data_encoding::HEXLOWER
            .decode(digest.as_bytes())
            .unwrap()
            .try_into()
            .unwrap();
        let cow = SecretKey::from_bytes(&keccak256(b"cow")).unwrap();
        let signature = cow.sign_digest(&digest);
        assert_eq!(signature.0[..], expected[..]);
        assert_eq!(signature.signer(&digest).unwrap(), cow.address());
    }

    #[test]
    fn every_signature_is_low_and_names_its_signer() {
        let key = SecretKey::generate().unwrap();
        for number in 0_u32..500 {
            let digest = keccak256(&number.to_be_bytes());
            // `signer` refuses high s.
            assert_eq!(
                key.sign(&digest).unwrap().signer(&digest).unwrap(),
                key.address()
            );
        }
    }

    #[test]
    fn impossible_keys_are_refused() {
        assert_eq!(
            SecretKey::from_bytes(&[0; 32]).unwrap_err(),
            KeyError::OutOfRange
        );
        assert_eq!(
            SecretKey::from_bytes(&[0xff; 32]).unwrap_err(),
            KeyError::OutOfRange
        );
    }

    #[test]
    fn debug_shows_the_address_only() {
        let key = SecretKey::from_bytes(&[0x5a; 32]).unwrap();
        let text = format!("{key:?} {key:#?}");
        assert!(text.contains(&key.address().to_string()));
        assert!(!text.to_lowercase().contains("5a5a"), "{text}");
    }
}
