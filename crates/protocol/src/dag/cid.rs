//! Content identifiers: what a block is called.
//!
//! A [`Cid`] is a CIDv1 (multiformats CID specification) over SHA-256 and nothing else:
//! 36 bytes on the wire, base32 in text ("bafk…" for raw blocks, "bafy…" for dag-pb,
//! "bafyr…" for DAG-CBOR). One value has one byte form and one text form; every other
//! spelling is refused, so that CIDs can be compared, sorted and used as file names.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::hash::sha256;

/// Bytes of a CID on the wire: version, codec, hash function, digest length, digest.
pub const CID_BYTES: usize = 36;
/// Characters of a CID in text: "b" and 58 base32 digits.
pub const CID_CHARS: usize = 59;

const VERSION: u8 = 1;
const SHA2_256: u8 = 0x12;
const DIGEST_LEN: u8 = 32;
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// How a block's bytes are to be read (multicodec table).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Codec {
    /// Plain bytes: a file, or a piece of one.
    Raw = 0x55,
    /// A dag-pb node: a directory, a shard of one, or an inner node of a large file.
    DagPb = 0x70,
    /// Deterministic CBOR.
    DagCbor = 0x71,
}

impl Codec {
    /// The codec with this multicodec number, if it is one of ours.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        match code {
            0x55 => Some(Self::Raw),
            0x70 => Some(Self::DagPb),
            0x71 => Some(Self::DagCbor),
            _ => None,
        }
    }
}

/// Why bytes or text are not a CID of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CidError {
    /// Not 36 bytes.
    #[error("a CID has {CID_BYTES} bytes, this has {0}")]
    Length(usize),
    /// Not CIDv1.
    #[error("only CIDv1 is supported, this is version {0}")]
    Version(u8),
    /// A codec other than raw, dag-pb or DAG-CBOR.
    #[error("unknown codec {0:#04x} in a CID")]
    Codec(u8),
    /// A hash function other than SHA-256.
    #[error("only sha2-256 CIDs are supported, this has hash function {0:#04x}")]
    Hash(u8),
    /// Not 59 characters.
    #[error("a CID in text has {CID_CHARS} characters, this has {0}")]
    TextLength(usize),
    /// A multibase other than lower-case base32.
    #[error("a CID in text begins with \"b\" (base32, lower case)")]
    Multibase,
    /// A character outside of the alphabet.
    #[error("character {0:?} does not belong in a CID")]
    Character(char),
    /// Unused bits at the end are set: a second spelling of the same CID.
    #[error("the CID is not in canonical form")]
    TrailingBits,
    /// Not a CIDv0.
    #[error("not a CIDv0: that has 46 base58 characters and begins with \"Qm\"")]
    NotV0,
}

/// The name of a block: codec and SHA-256 of its bytes. Sorts as its byte form does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cid {
    codec: Codec,
    digest: [u8; 32],
}

impl Cid {
    /// The CID of `bytes` read as `codec`: hashes them.
    #[must_use]
    pub fn of(codec: Codec, bytes: &[u8]) -> Self {
        Self::from_digest(codec, sha256(bytes))
    }

    /// The CID of a block whose SHA-256 is already known.
    #[must_use]
    pub const fn from_digest(codec: Codec, digest: [u8; 32]) -> Self {
        Self { codec, digest }
    }

    /// How the block's bytes are to be read.
    #[must_use]
    pub const fn codec(&self) -> Codec {
        self.codec
    }

    /// SHA-256 of the block's bytes.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// Whether `bytes` are the block with this name.
    #[must_use]
    pub fn matches(&self, bytes: &[u8]) -> bool {
        sha256(bytes) == self.digest
    }

    /// The form on the wire and inside of other blocks.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; CID_BYTES] {
        let mut out = [0; CID_BYTES];
        out[..4].copy_from_slice(&[VERSION, self.codec as u8, SHA2_256, DIGEST_LEN]);
        out[4..].copy_from_slice(&self.digest);
        out
    }

    /// Reads the form of [`to_bytes`](Self::to_bytes); exactly these 36 bytes.
    ///
    /// # Errors
    /// Any other length, version, codec or hash function.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CidError> {
        let bytes: &[u8; CID_BYTES] = bytes
            .try_into()
            .map_err(|_| CidError::Length(bytes.len()))?;
        let [version, codec, hash, len, digest @ ..] = bytes;
        if *version != VERSION {
            return Err(CidError::Version(*version));
        }
        let codec = Codec::from_code(*codec).ok_or(CidError::Codec(*codec))?;
        if *hash != SHA2_256 || *len != DIGEST_LEN {
            return Err(CidError::Hash(*hash));
        }
        Ok(Self::from_digest(codec, *digest))
    }

    /// Reads a CIDv0 ("Qm…", base58, always dag-pb over SHA-256) as the CIDv1 of the same
    /// block, for links that people paste. Nothing of ours writes this form.
    ///
    /// # Errors
    /// Anything but 46 base58 characters of a SHA-256 multihash.
    pub fn parse_v0_compat(text: &str) -> Result<Self, CidError> {
        if text.len() != 46 || !text.starts_with("Qm") {
            return Err(CidError::NotV0);
        }
        let mut number = [0u8; 34];
        for character in text.chars() {
            let digit = BASE58
                .iter()
                .position(|&c| char::from(c) == character)
                .ok_or(CidError::Character(character))?;
            let mut carry = digit;
            for byte in number.iter_mut().rev() {
                carry += usize::from(*byte) * 58;
                *byte = u8::try_from(carry & 0xff).unwrap_or_default();
                carry >>= 8;
            }
            if carry != 0 {
                return Err(CidError::NotV0);
            }
        }
        let [SHA2_256, DIGEST_LEN, digest @ ..] = number else {
            return Err(CidError::NotV0);
        };
        Ok(Self::from_digest(Codec::DagPb, digest))
    }

    fn to_text(self) -> [u8; CID_CHARS] {
        let mut text = [b'b'; CID_CHARS];
        let mut buffer = 0u32;
        let mut bits = 0;
        let mut at = 1;
        for byte in self.to_bytes() {
            buffer = (buffer << 8) | u32::from(byte);
            bits += 8;
            while bits >= 5 {
                bits -= 5;
                text[at] = BASE32[(buffer >> bits) as usize & 31];
                at += 1;
            }
        }
        text[at] = BASE32[(buffer << (5 - bits)) as usize & 31];
        text
    }
}

impl FromStr for Cid {
    type Err = CidError;

    fn from_str(text: &str) -> Result<Self, CidError> {
        let Some(digits) = text.strip_prefix('b') else {
            return Err(CidError::Multibase);
        };
        let mut bytes = [0u8; CID_BYTES];
        let mut buffer = 0u32;
        let mut bits = 0;
        let mut at = 0;
        for character in digits.chars() {
            let digit = match character {
                'a'..='z' => character as u32 - 'a' as u32,
                '2'..='7' => character as u32 - '2' as u32 + 26,
                _ => return Err(CidError::Character(character)),
            };
            buffer = (buffer << 5) | digit;
            bits += 5;
            if bits >= 8 {
                bits -= 8;
                let byte = bytes.get_mut(at).ok_or(CidError::TextLength(text.len()))?;
                *byte = u8::try_from((buffer >> bits) & 0xff).unwrap_or_default();
                at += 1;
            }
        }
        if text.len() != CID_CHARS {
            return Err(CidError::TextLength(text.len()));
        }
        if buffer & ((1 << bits) - 1) != 0 {
            return Err(CidError::TrailingBits);
        }
        Self::from_bytes(&bytes)
    }
}

impl fmt::Display for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.to_text();
        f.pad(core::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Cid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl serde::de::Visitor<'_> for Text {
            type Value = Cid;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a CIDv1 in base32")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Cid, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EMPTY_FILE: &str = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";

    #[test]
    fn names_known_blocks() {
        assert_eq!(Cid::of(Codec::Raw, b"").to_string(), EMPTY_FILE);
        assert_eq!(
            Cid::of(Codec::Raw, b"hello world").to_string(),
            "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
        );
        assert_eq!(
            Cid::of(Codec::DagPb, &[0x0a, 2, 8, 1]).to_string(),
            "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354"
        );
    }

    #[test]
    fn refuses_second_spellings() {
        // Two bits of the last digit are unused: "u" and "v" differ only in them.
        let twin = format!("{}v", &EMPTY_FILE[..58]);
        assert_eq!(twin.parse::<Cid>(), Err(CidError::TrailingBits));
        let upper = EMPTY_FILE.to_uppercase();
        assert_eq!(upper.parse::<Cid>(), Err(CidError::Multibase));
        let mixed = EMPTY_FILE.replace('k', "K");
        assert_eq!(mixed.parse::<Cid>(), Err(CidError::Character('K')));
        assert_eq!(
            format!("{EMPTY_FILE}a").parse::<Cid>(),
            Err(CidError::TextLength(60))
        );
        assert_eq!(
            EMPTY_FILE[..58].parse::<Cid>(),
            Err(CidError::TextLength(58))
        );
        assert_eq!("".parse::<Cid>(), Err(CidError::Multibase));
        assert_eq!(
            format!("{EMPTY_FILE}{EMPTY_FILE}").parse::<Cid>(),
            Err(CidError::TextLength(118))
        );
    }

    #[test]
    fn refuses_other_kinds() {
        let good = Cid::of(Codec::Raw, b"x").to_bytes();
        let with = |at: usize, value: u8| {
            let mut bytes = good;
            bytes[at] = value;
            Cid::from_bytes(&bytes)
        };
        assert_eq!(with(0, 0), Err(CidError::Version(0)));
        assert_eq!(with(1, 0x72), Err(CidError::Codec(0x72)));
        assert_eq!(with(2, 0x1e), Err(CidError::Hash(0x1e)));
        assert_eq!(with(3, 31), Err(CidError::Hash(0x12)));
        assert_eq!(Cid::from_bytes(&good[..35]), Err(CidError::Length(35)));
        assert_eq!(Cid::from_bytes(&[]), Err(CidError::Length(0)));
    }

    #[test]
    fn reads_version_zero_names() {
        // The empty directory under both versions.
        let old = Cid::parse_v0_compat("QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn").unwrap();
        assert_eq!(old, Cid::of(Codec::DagPb, &[0x0a, 2, 8, 1]));
        for bad in [
            "",
            "Qm",
            "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3N",
            "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA30n",
            "Qmzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
            EMPTY_FILE,
        ] {
            assert!(Cid::parse_v0_compat(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn both_forms_round_trip(digest: [u8; 32], code in prop::sample::select(vec![
            Codec::Raw, Codec::DagPb, Codec::DagCbor])) {
            let cid = Cid::from_digest(code, digest);
            prop_assert_eq!(Cid::from_bytes(&cid.to_bytes()), Ok(cid));
            let text = cid.to_string();
            prop_assert_eq!(text.len(), CID_CHARS);
            prop_assert_eq!(text.parse(), Ok(cid));
            let json = serde_json::to_string(&cid).unwrap();
            prop_assert_eq!(serde_json::from_str::<Cid>(&json).unwrap(), cid);
        }

        #[test]
        fn any_text_is_refused_or_canonical(text in "b?[a-z2-7]{56,60}|\\PC*") {
            if let Ok(cid) = text.parse::<Cid>() {
                prop_assert_eq!(cid.to_string(), text);
            }
        }

        #[test]
        fn order_is_that_of_the_bytes(a: [u8; 32], b: [u8; 32], raw: bool) {
            let first = Cid::from_digest(if raw { Codec::Raw } else { Codec::DagPb }, a);
            let second = Cid::from_digest(Codec::DagPb, b);
            prop_assert_eq!(first.cmp(&second), first.to_bytes().cmp(&second.to_bytes()));
        }
    }
}
