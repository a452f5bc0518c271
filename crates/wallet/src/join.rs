//! How a second device gets its grant without ever seeing the words.
//!
//! 1. The new device makes its key and shows a [`Request`]: its address, a nonce, and a
//!    signature that proves that it holds the key. As a QR code or as text.
//! 2. The first device reads it, shows the [fingerprint](crate::fingerprint) of the new
//!    device's address to compare, asks for the password, signs a grant and shows it as
//!    an [answer](encode_answer).
//! 3. The new device takes the answer with [`decode_answer`], which believes nothing.
//!
//! Both texts are public: a request allows nothing, and a grant is of use only to the
//! holder of the device's key. What must be right is that the first device grants the
//! address that the new one shows, hence the fingerprint.

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use ourspace_protocol::{
    account::Account,
    grant::SignedGrant,
    hash::keccak256,
    signature::Signature,
    verify::{KnownGrants, Refusal, Verified, verify_grant},
};

use crate::{
    key::SecretKey,
    random::{self, RandomError},
};

/// What the new device shows, in error texts.
const REQUEST: &str = "join code";
/// What the first device answers, in error texts.
const ANSWER: &str = "answer of `device add` or `device renew`";
/// How a request begins.
pub const REQUEST_PREFIX: &str = "ourspace-join:1:";
/// How an answer begins.
pub const ANSWER_PREFIX: &str = "ourspace-grant:1:";

/// Greatest length of either text in bytes.
const TEXT_BYTES: usize = 2048;
/// Bytes of a request: address, nonce, signature.
const REQUEST_BYTES: usize = 20 + 16 + 64;
/// What sets this signature apart from all others of a device key. EIP-712 and EIP-191
/// begin with the byte 0x19, so no request can be a record, or the other way round.
const CONTEXT: &[u8; 24] = b"OurSpace join request v1";

/// A device's wish to publish for an account, with the proof that the device has its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    device: Account,
    nonce: [u8; 16],
    proof: Signature,
}

/// Why a text is no join request or no answer to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// It begins with something else.
    #[error("this is no {what}: it must begin with \"{expected}\"")]
    Prefix {
        /// What was to be read.
        what: &'static str,
        /// How it should begin.
        expected: &'static str,
    },
    /// Wrong characters or a wrong length.
    #[error("the {0} is incomplete or has a typing error; copy it again")]
    Malformed(&'static str),
    /// The proof does not belong to the address.
    #[error("the join code has a typing error, or its device does not hold its key")]
    Proof,
    /// A grant for some other device.
    #[error("this grant is for the device {granted}, not for this one ({device})")]
    OtherDevice {
        /// The device in the grant.
        granted: Account,
        /// This device.
        device: Account,
    },
    /// A grant that nobody would believe.
    #[error("the grant is not valid: {0}")]
    Refused(#[from] Refusal),
    /// See [`RandomError`].
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl Request {
    /// A request of the device with this key.
    ///
    /// # Errors
    /// [`JoinError::Random`] when there is no randomness.
    pub fn new(device: &SecretKey) -> Result<Self, JoinError> {
        let nonce = *random::bytes()?;
        let proof = device.sign_digest(&digest(&device.address(), &nonce));
        Ok(Self {
            device: device.address(),
            nonce,
            proof,
        })
    }

    /// The device that wants to join.
    #[must_use]
    pub fn device(&self) -> Account {
        self.device
    }

    /// 16 random bytes that tell one request from another, so that a granter can refuse
    /// to answer the same one twice.
    #[must_use]
    pub fn nonce(&self) -> [u8; 16] {
        self.nonce
    }

    /// The text: [`REQUEST_PREFIX`] and 160 characters of lower-case base32.
    ///
    /// Upper and lower case mean the same; in upper case it fits the alphanumeric mode of
    /// QR codes.
    #[must_use]
    pub fn encode(&self) -> String {
        let bytes = [&self.device.0[..], &self.nonce, &self.proof.0].concat();
        format!(
            "{REQUEST_PREFIX}{}",
            BASE32_NOPAD.encode(&bytes).to_ascii_lowercase()
        )
    }

    /// Reads a request and checks its proof.
    ///
    /// # Errors
    /// [`JoinError::Prefix`], [`JoinError::Malformed`], [`JoinError::Proof`].
    pub fn decode(text: &str) -> Result<Self, JoinError> {
        let coded = after_prefix(text, REQUEST, REQUEST_PREFIX)?.to_ascii_uppercase();
        let bytes = BASE32_NOPAD
            .decode(coded.as_bytes())
            .map_err(|_| JoinError::Malformed(REQUEST))?;
        let bytes: [u8; REQUEST_BYTES] = bytes
            .try_into()
            .map_err(|_| JoinError::Malformed(REQUEST))?;
        let (mut device, mut nonce, mut proof) = ([0; 20], [0; 16], [0; 64]);
        device.copy_from_slice(&bytes[..20]);
        nonce.copy_from_slice(&bytes[20..36]);
        proof.copy_from_slice(&bytes[36..]);
        let (device, proof) = (Account(device), Signature(proof));
        match proof.signer(&digest(&device, &nonce)) {
            Ok(signer) if signer == device => Ok(Self {
                device,
                nonce,
                proof,
            }),
            _ => Err(JoinError::Proof),
        }
    }
}

/// The answer to a request: [`ANSWER_PREFIX`] and the grant's bytes in base64url.
#[must_use]
pub fn encode_answer(grant: &SignedGrant) -> String {
    format!(
        "{ANSWER_PREFIX}{}",
        BASE64URL_NOPAD.encode(&grant.to_bytes())
    )
}

/// Reads an answer on the device that asked: the grant must be valid and for `device`.
///
/// Whether it has expired is the caller's to see, who has a clock.
///
/// # Errors
/// [`JoinError`].
pub fn decode_answer(text: &str, device: &Account) -> Result<Verified<SignedGrant>, JoinError> {
    let coded = after_prefix(text, ANSWER, ANSWER_PREFIX)?;
    let bytes = BASE64URL_NOPAD
        .decode(coded.as_bytes())
        .map_err(|_| JoinError::Malformed(ANSWER))?;
    let verified = verify_grant(&bytes, &mut KnownGrants::new())?;
    let granted = verified.get().grant.device;
    if granted != *device {
        return Err(JoinError::OtherDevice {
            granted,
            device: *device,
        });
    }
    Ok(verified)
}

fn digest(device: &Account, nonce: &[u8; 16]) -> [u8; 32] {
    keccak256(&[&CONTEXT[..], &device.0, nonce].concat())
}

/// What follows the prefix, without the white space that terminals and mail put in.
fn after_prefix(text: &str, what: &'static str, prefix: &'static str) -> Result<String, JoinError> {
    if text.len() > TEXT_BYTES {
        return Err(JoinError::Malformed(what));
    }
    let text: String = text.split_whitespace().collect();
    match text.split_at_checked(prefix.len()) {
        Some((start, rest)) if start.eq_ignore_ascii_case(prefix) => Ok(rest.to_owned()),
        _ => Err(JoinError::Prefix {
            what,
            expected: prefix,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encryption_key;
    use ourspace_protocol::{
        eip712::TypedData as _,
        grant::{self, Grant},
        signature::Scheme,
    };

    fn key(byte: u8) -> SecretKey {
        SecretKey::from_bytes(&[byte; 32]).unwrap()
    }

    fn granted(scope: &str) -> SignedGrant {
        let grant = Grant {
            account: key(1).address(),
            device: key(2).address(),
            encryption_key_hash: encryption_key::NONE,
            successor_hash: [3; 32],
            scope: scope.to_owned(),
            issued_at: 1_800_000_000_000,
            expires_at: 1_830_000_000_000,
            epoch: 7,
        };
        let signature = key(1).sign_digest(&grant.digest());
        SignedGrant {
            grant,
            scheme: Scheme::TypedData,
            signature,
        }
    }

    #[test]
    fn a_request_survives_paper_mail_and_qr_codes() {
        let request = Request::new(&key(2)).unwrap();
        let text = request.encode();
        assert_eq!(text.len(), 176);
        assert_eq!(request.device(), key(2).address());
        let broken: String = text.chars().flat_map(|c| [c, '\n']).collect();
        for spelling in [
            text.clone(),
            text.to_uppercase(),
            format!("  {text}\r\n"),
            broken,
        ] {
            assert_eq!(Request::decode(&spelling), Ok(request));
        }
        assert_ne!(Request::new(&key(2)).unwrap().nonce(), request.nonce());
    }

    #[test]
    fn every_changed_letter_of_a_request_is_noticed() {
        let text = Request::new(&key(2)).unwrap().encode();
        for at in 0..text.len() {
            let mut changed = text.clone();
            let other = if &text[at..=at] == "b" { "c" } else { "b" };
            changed.replace_range(at..=at, other);
            let error = Request::decode(&changed).unwrap_err();
            match error {
                JoinError::Prefix { .. } => assert!(at < REQUEST_PREFIX.len()),
                JoinError::Proof => assert!(at >= REQUEST_PREFIX.len()),
                other => panic!("{at}: {other}"),
            }
            assert!(Request::decode(&text[..at]).is_err());
        }
        assert_eq!(
            Request::decode(&format!("{text}aa")),
            Err(JoinError::Malformed(REQUEST))
        );
        let (start, _) = text.split_at(text.len() - 3);
        assert_eq!(
            Request::decode(&format!("{start}a1a")),
            Err(JoinError::Malformed(REQUEST))
        );
        assert_eq!(
            Request::decode(&"a".repeat(3000)),
            Err(JoinError::Malformed(REQUEST))
        );
        assert!(matches!(
            Request::decode("ourspace-jo\u{ef}n:1:"),
            Err(JoinError::Prefix { .. })
        ));
    }

    #[test]
    fn a_request_for_somebody_elses_device_is_refused() {
        let mut request = Request::new(&key(2)).unwrap();
        request.device = key(4).address();
        assert_eq!(Request::decode(&request.encode()), Err(JoinError::Proof));
    }

    #[test]
    fn an_answer_is_believed_by_its_device_only() {
        let signed = granted(grant::PUBLISH);
        let text = encode_answer(&signed);
        assert!(text.len() < 400, "fits a QR code: {}", text.len());
        let verified = decode_answer(&format!("{text}\n"), &key(2).address()).unwrap();
        assert_eq!(verified.get(), &signed);
        assert_eq!(
            decode_answer(&text, &key(4).address()),
            Err(JoinError::OtherDevice {
                granted: key(2).address(),
                device: key(4).address()
            })
        );
    }

    #[test]
    fn a_bad_answer_is_refused() {
        let device = key(2).address();
        let text = encode_answer(&granted(grant::PUBLISH));
        for at in 0..text.len() {
            let mut changed = text.clone();
            let other = if &text[at..=at] == "B" { "C" } else { "B" };
            changed.replace_range(at..=at, other);
            assert!(decode_answer(&changed, &device).is_err(), "{at}");
            assert!(decode_answer(&text[..at], &device).is_err(), "{at}");
        }
        let mut forged = granted(grant::PUBLISH);
        forged.signature = key(4).sign_digest(&forged.grant.digest());
        assert_eq!(
            decode_answer(&encode_answer(&forged), &device),
            Err(JoinError::Refused(Refusal::GrantNotSignedByAccount))
        );
        assert_eq!(
            decode_answer(&encode_answer(&granted("move money")), &device),
            Err(JoinError::Refused(Refusal::UnknownScope))
        );
        let request = Request::new(&key(2)).unwrap().encode();
        assert_eq!(
            decode_answer(&request, &device),
            Err(JoinError::Prefix {
                what: ANSWER,
                expected: ANSWER_PREFIX
            })
        );
    }

    #[test]
    fn no_text_is_too_strange() {
        proptest::proptest!(|(text in "(ourspace-(join|grant):1:)?\\PC{0,300}")| {
            let believed = Request::decode(&text).is_ok()
                || decode_answer(&text, &Account([1; 20])).is_ok();
            proptest::prop_assert!(!believed);
        });
    }
}
