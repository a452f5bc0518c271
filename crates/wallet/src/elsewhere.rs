//! Signatures of wallets that are not here (MetaMask, a hardware wallet), in all the
//! spellings in which they come back.
//!
//! On the wire there is one form: 64 bytes, low `s` (EIP-2, EIP-2098). It is made here,
//! at the edge, out of what a person pastes or a browser sends.

use data_encoding::HEXLOWER_PERMISSIVE;
use ourspace_protocol::{
    account::Account,
    eip712::TypedData as _,
    grant::{Grant, SignedGrant},
    signature::{Scheme, Signature},
};
use secp256k1::ecdsa;

/// Why a text is not the signature that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ElsewhereError {
    /// Not hexadecimal.
    #[error("a signature is 0x and 128 or 130 hexadecimal digits; this is something else")]
    NotHex,
    /// Hexadecimal, but of a length that no key's signature has.
    #[error(
        "a signature has 64 or 65 bytes, this has {bytes}; contract wallets (Safe and others) \
         cannot own an account here, because nobody can check them offline"
    )]
    Length {
        /// How many bytes it has.
        bytes: usize,
    },
    /// The last of 65 bytes is none of 0, 1, 27 and 28.
    #[error("the signature ends in {v}, but it must be 0, 1, 27 or 28: it is not of a message")]
    RecoveryByte {
        /// The byte.
        v: u8,
    },
    /// `r` or `s` is zero or not below the order of the group.
    #[error("the signature's numbers are out of range; copy it again")]
    OutOfRange,
    /// A good signature of somebody else, or of another text.
    #[error(
        "signed by {signer}, not by {expected}: choose that account in the wallet and sign again"
    )]
    OtherSigner {
        /// Who signed, if what was signed is the typed data.
        signer: Account,
        /// Who should have.
        expected: Account,
    },
}

/// Reads a signature in any of the usual forms: 65 bytes `r`, `s`, `v` with `v` 0, 1, 27
/// or 28, or 64 bytes of EIP-2098; hexadecimal in any case, with or without `0x`, with
/// quotation marks and white space around it.
///
/// A high `s`, which Ethereum no longer accepts (EIP-2), is replaced by its low
/// counterpart: with the parity turned round it is the same signature.
///
/// # Errors
/// [`ElsewhereError`], save for [`ElsewhereError::OtherSigner`].
pub fn parse_signature(text: &str) -> Result<Signature, ElsewhereError> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '\'');
    let digits = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))
        .unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(ElsewhereError::NotHex);
    }
    if !matches!(digits.len(), 128 | 130) {
        return Err(ElsewhereError::Length {
            bytes: digits.len().div_ceil(2),
        });
    }
    let bytes = HEXLOWER_PERMISSIVE
        .decode(digits.as_bytes())
        .map_err(|_| ElsewhereError::NotHex)?;
    from_bytes(&bytes)
}

/// The same from bytes.
///
/// # Errors
/// As [`parse_signature`].
pub fn from_bytes(bytes: &[u8]) -> Result<Signature, ElsewhereError> {
    let Some(rs) = bytes.first_chunk::<64>() else {
        return Err(ElsewhereError::Length { bytes: bytes.len() });
    };
    let mut rs = *rs;
    let odd = match bytes[64..] {
        [] => {
            let odd = rs[32] & 0x80 != 0;
            rs[32] &= 0x7f;
            odd
        }
        [0 | 27] => false,
        [1 | 28] => true,
        [v] => return Err(ElsewhereError::RecoveryByte { v }),
        _ => return Err(ElsewhereError::Length { bytes: bytes.len() }),
    };
    if rs[..32] == [0; 32] || rs[32..] == [0; 32] {
        return Err(ElsewhereError::OutOfRange);
    }
    let mut signature =
        ecdsa::Signature::from_compact(&rs).map_err(|_| ElsewhereError::OutOfRange)?;
    signature.normalize_s();
    let mut low = signature.serialize_compact();
    let odd = odd ^ (low != rs);
    low[32] |= u8::from(odd) << 7;
    Ok(Signature(low))
}

/// Puts a wallet's answer to its grant: whether it signed the typed data or the text for
/// `personal_sign` is found out by trying both.
///
/// # Errors
/// [`ElsewhereError::OtherSigner`] when the account did not sign this grant, and as
/// [`parse_signature`].
pub fn sign_grant(grant: Grant, text: &str) -> Result<SignedGrant, ElsewhereError> {
    let signature = parse_signature(text)?;
    for scheme in [Scheme::TypedData, Scheme::PersonalText] {
        if grant.signer(scheme, &signature) == Ok(grant.account) {
            return Ok(SignedGrant {
                grant,
                scheme,
                signature,
            });
        }
    }
    let signer = grant
        .signer(Scheme::TypedData, &signature)
        .map_err(|_| ElsewhereError::OutOfRange)?;
    Err(ElsewhereError::OtherSigner {
        signer,
        expected: grant.account,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SecretKey;
    use data_encoding::{HEXLOWER, HEXUPPER};
    use ourspace_protocol::{grant, hash::keccak256};

    /// The order of the group, big-endian (SEC 2).
    const ORDER: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

    fn key() -> SecretKey {
        SecretKey::from_bytes(&[0x11; 32]).unwrap()
    }

    fn order() -> [u8; 32] {
        HEXLOWER
            .decode(ORDER.as_bytes())
            .unwrap()
            .try_into()
            .unwrap()
    }

    /// `r`, `s` and parity of a compact signature.
    fn parts(signature: &Signature) -> ([u8; 64], u8) {
        let mut rs = signature.0;
        let parity = rs[32] >> 7;
        rs[32] &= 0x7f;
        (rs, parity)
    }

    /// The other signature of the same key over the same hash: `s` subtracted from the
    /// order, the parity turned round.
    fn high(signature: &Signature) -> ([u8; 64], u8) {
        let (mut rs, parity) = parts(signature);
        let mut borrow = 0_i32;
        for (at, digit) in order().iter().enumerate().rev() {
            let difference = i32::from(*digit) - i32::from(rs[32 + at]) - borrow;
            borrow = i32::from(difference < 0);
            rs[32 + at] = u8::try_from(difference.rem_euclid(256)).unwrap();
        }
        (rs, 1 - parity)
    }

    fn with_v(rs: [u8; 64], v: u8) -> Vec<u8> {
        [&rs[..], &[v]].concat()
    }

    #[test]
    fn all_spellings_become_the_same() {
        for number in 0_u8..40 {
            let ours = key().sign_digest(&keccak256(&[number]));
            let ((rs, parity), (high, high_parity)) = (parts(&ours), high(&ours));
            let spellings = [
                ours.0.to_vec(),
                with_v(rs, parity),
                with_v(rs, parity + 27),
                with_v(high, high_parity),
                with_v(high, high_parity + 27),
            ];
            for bytes in spellings {
                let (lower, upper) = (HEXLOWER.encode(&bytes), HEXUPPER.encode(&bytes));
                for text in [
                    lower.clone(),
                    format!("0x{lower}"),
                    upper,
                    format!(" \"0x{lower}\"\n"),
                ] {
                    assert_eq!(parse_signature(&text), Ok(ours), "{text}");
                }
            }
        }
    }

    #[test]
    fn a_high_s_in_64_bytes_is_lowered_too() {
        // Above half of the order and below 2^255, where the parity bit begins: the only
        // room that EIP-2098 leaves for a high s. Here r is the generator's x.
        let r = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
        let mut compact = [0xff; 64];
        compact[..32].copy_from_slice(&HEXLOWER.decode(r.as_bytes()).unwrap());
        compact[32] = 0x7f;
        let low = from_bytes(&compact).unwrap();
        assert_eq!(low.0[..32], compact[..32]);
        // The order less 2^255 - 1, with the parity turned round.
        let expected = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364142";
        assert_eq!(HEXLOWER.encode(&low.0[32..]), expected);

        let hash = keccak256(b"any");
        assert!(Signature(compact).signer(&hash).is_err());
        let message = secp256k1::Message::from_digest(hash);
        let even = ecdsa::RecoveryId::Zero;
        let same = ecdsa::RecoverableSignature::from_compact(&compact, even).unwrap();
        let point = same.recover(message).unwrap().serialize_uncompressed();
        let signer = Account::of_public_key(point[1..].try_into().unwrap());
        assert_eq!(low.signer(&hash), Ok(signer));
    }

    #[test]
    fn what_is_no_signature_is_refused_by_name() {
        let good = with_v(parts(&key().sign_digest(&[9; 32])).0, 27);
        let text = HEXLOWER.encode(&good);
        for wrong in [
            "",
            "0x",
            "hello",
            &text.replace('a', "g"),
            "0x0x11",
            "\u{fe}\u{ff}",
        ] {
            assert_eq!(
                parse_signature(wrong),
                Err(ElsewhereError::NotHex),
                "{wrong}"
            );
        }
        for (wrong, bytes) in [(&text[2..126], 62), (&text[..129], 65), (&text[..127], 64)] {
            assert_eq!(
                parse_signature(wrong),
                Err(ElsewhereError::Length { bytes })
            );
        }
        let contract = "00".repeat(96);
        assert_eq!(
            parse_signature(&contract),
            Err(ElsewhereError::Length { bytes: 96 })
        );
        for bytes in [0, 63, 66, 500] {
            assert_eq!(
                from_bytes(&vec![1; bytes]),
                Err(ElsewhereError::Length { bytes })
            );
        }
        for v in (0..=255).filter(|v| ![0, 1, 27, 28].contains(v)) {
            let mut wrong = good.clone();
            wrong[64] = v;
            assert_eq!(from_bytes(&wrong), Err(ElsewhereError::RecoveryByte { v }));
        }
        for (part, value) in [(0, [0; 32]), (32, [0; 32]), (0, order()), (32, order())] {
            let mut wrong = good.clone();
            wrong[part..part + 32].copy_from_slice(&value);
            assert_eq!(from_bytes(&wrong), Err(ElsewhereError::OutOfRange));
        }
    }

    fn wanted() -> Grant {
        Grant {
            account: key().address(),
            device: Account([2; 20]),
            encryption_key_hash: crate::encryption_key::NONE,
            successor_hash: [3; 32],
            scope: grant::PUBLISH.to_owned(),
            issued_at: 1_800_000_000_000,
            expires_at: 1_830_000_000_000,
            epoch: 0,
        }
    }

    #[test]
    fn a_grant_is_completed_by_either_kind_of_signature() {
        for scheme in [Scheme::TypedData, Scheme::PersonalText] {
            let (rs, parity) = parts(&key().sign_digest(&wanted().signing_hash(scheme)));
            let text = HEXLOWER.encode(&with_v(rs, parity + 27));
            let signed = sign_grant(wanted(), &text).unwrap();
            assert_eq!(signed.scheme, scheme);
            let mut known = ourspace_protocol::verify::KnownGrants::new();
            ourspace_protocol::verify::verify_grant(&signed.to_bytes(), &mut known).unwrap();
        }
    }

    #[test]
    fn somebody_elses_signature_is_named() {
        let other = SecretKey::from_bytes(&[0x22; 32]).unwrap();
        let text = other.sign_digest(&wanted().digest()).to_string();
        assert_eq!(
            sign_grant(wanted(), &text),
            Err(ElsewhereError::OtherSigner {
                signer: other.address(),
                expected: key().address()
            })
        );
    }

    #[test]
    fn no_bytes_are_too_strange() {
        proptest::proptest!(|(bytes in proptest::collection::vec(0_u8.., 60..70))| {
            if let Ok(signature) = from_bytes(&bytes) {
                // Whatever is let in has one form: reading it again changes nothing.
                proptest::prop_assert_eq!(from_bytes(&signature.0), Ok(signature));
            }
        });
    }
}
