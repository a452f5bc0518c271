//! From a password to a key: scrypt (RFC 7914) and PBKDF2 (RFC 8018), within limits.

use sha2::Sha256;
use zeroize::Zeroizing;

/// Greatest memory for one derivation: 1 GiB, four times what new files use.
const MEMORY_BYTES: u64 = 1 << 30;
/// Greatest memory of scrypt's lanes (128 * r * p), which comes on top.
const LANES_BYTES: u64 = 1 << 26;
/// Greatest work `N * r * p` of scrypt: 16 times what new files use, some ten seconds.
const SCRYPT_WORK: u64 = 1 << 25;
/// Greatest number of rounds of PBKDF2: about ten seconds.
const PBKDF2_ROUNDS: u64 = 10_000_000;

/// Parameters of a file that this program does not follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KdfError {
    /// Outside of the function's definition: zero, or an N that is no power of two.
    #[error("the file's password parameters are impossible")]
    Impossible,
    /// It would take more than 1 GiB of memory or far longer than any honest file.
    #[error(
        "the file's password parameters would take too much memory or time \
         (limits: 1 GiB, N*r*p 2^25, ten million rounds)"
    )]
    TooCostly,
}

/// A key derivation whose parameters were found harmless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kdf {
    /// scrypt with N as its logarithm.
    Scrypt {
        /// Logarithm of N to the base 2.
        log_n: u8,
        /// Block size.
        r: u32,
        /// Parallel lanes.
        p: u32,
    },
    /// PBKDF2 with HMAC-SHA256.
    Pbkdf2 {
        /// Rounds.
        rounds: u32,
    },
}

impl Kdf {
    /// What new files use: N 2^18, r 8, p 1, so 256 MiB and about half a second.
    pub(crate) const NEW: Self = Self::Scrypt {
        log_n: 18,
        r: 8,
        p: 1,
    };

    pub(crate) fn scrypt(n: u64, r: u64, p: u64) -> Result<Self, KdfError> {
        if !n.is_power_of_two() || n < 2 || r == 0 || p == 0 {
            return Err(KdfError::Impossible);
        }
        let within = |a: u64, b: u64, limit| a.checked_mul(b).is_some_and(|x| x <= limit);
        let harmless = within(n, r, MEMORY_BYTES / 128)
            && within(r, p, LANES_BYTES / 128)
            && within(n * r, p, SCRYPT_WORK);
        match (u32::try_from(r), u32::try_from(p)) {
            (Ok(r), Ok(p)) if harmless => Ok(Self::Scrypt {
                log_n: n.trailing_zeros() as u8,
                r,
                p,
            }),
            _ => Err(KdfError::TooCostly),
        }
    }

    pub(crate) fn pbkdf2(rounds: u64) -> Result<Self, KdfError> {
        if rounds == 0 {
            return Err(KdfError::Impossible);
        }
        match u32::try_from(rounds) {
            Ok(some) if rounds <= PBKDF2_ROUNDS => Ok(Self::Pbkdf2 { rounds: some }),
            _ => Err(KdfError::TooCostly),
        }
    }

    /// The first 32 bytes of the derived key. (Longer outputs only go on from there.)
    pub(crate) fn derive(
        self,
        password: &str,
        salt: &[u8],
    ) -> Result<Zeroizing<[u8; 32]>, KdfError> {
        let mut key = Zeroizing::new([0; 32]);
        match self {
            Self::Scrypt { log_n, r, p } => {
                let params = scrypt::Params::new(log_n, r, p).map_err(|_| KdfError::Impossible)?;
                scrypt::scrypt(password.as_bytes(), salt, &params, key.as_mut_slice())
                    .map_err(|_| KdfError::Impossible)?;
            }
            Self::Pbkdf2 { rounds } => {
                pbkdf2::pbkdf2_hmac::<Sha256>(
                    password.as_bytes(),
                    salt,
                    rounds,
                    key.as_mut_slice(),
                );
            }
        }
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_the_rfcs() {
        // RFC 7914, section 12 (first 32 of 64 bytes), and section 11 for PBKDF2.
        let scrypt = Kdf::scrypt(16, 1, 1).unwrap().derive("", b"").unwrap();
        assert_eq!(
            data_encoding::HEXLOWER.encode(scrypt.as_slice()),
            "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
        );
        let scrypt = Kdf::scrypt(1024, 8, 16)
            .unwrap()
            .derive("password", b"NaCl")
            .unwrap();
        assert_eq!(
            data_encoding::HEXLOWER.encode(scrypt.as_slice()),
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
        );
        let pbkdf2 = Kdf::pbkdf2(80_000)
            .unwrap()
            .derive("Password", b"NaCl")
            .unwrap();
        assert_eq!(
            data_encoding::HEXLOWER.encode(pbkdf2.as_slice()),
            "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"
        );
    }

    #[test]
    fn limits() {
        use KdfError::{Impossible, TooCostly};
        // Exactly 1 GiB, and the next size.
        assert!(Kdf::scrypt(1 << 20, 8, 1).is_ok());
        assert_eq!(Kdf::scrypt(1 << 21, 8, 1), Err(TooCostly));
        assert!(Kdf::scrypt(1 << 18, 8, 16).is_ok());
        assert_eq!(Kdf::scrypt(1 << 18, 8, 17), Err(TooCostly));
        // Much memory by r or p alone, and numbers whose products overflow.
        assert_eq!(Kdf::scrypt(2, 1 << 23, 1), Err(TooCostly));
        assert_eq!(Kdf::scrypt(2, 1, 1 << 25), Err(TooCostly));
        assert_eq!(Kdf::scrypt(1 << 63, u64::MAX, u64::MAX), Err(TooCostly));
        assert_eq!(Kdf::scrypt(2, u64::MAX / 256, 1), Err(TooCostly));
        assert_eq!(Kdf::scrypt(2, 1, u64::MAX), Err(TooCostly));
        for (n, r, p) in [(0, 8, 1), (1, 8, 1), (1000, 8, 1), (16, 0, 1), (16, 8, 0)] {
            assert_eq!(Kdf::scrypt(n, r, p), Err(Impossible));
        }
        assert!(Kdf::pbkdf2(10_000_000).is_ok());
        assert_eq!(Kdf::pbkdf2(10_000_001), Err(TooCostly));
        assert_eq!(Kdf::pbkdf2(u64::MAX), Err(TooCostly));
        assert_eq!(Kdf::pbkdf2(0), Err(Impossible));
    }
}
