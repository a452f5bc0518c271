//! Deterministic DAG-CBOR, as far as records need it: unsigned integers, byte strings,
//! texts, arrays, null and links.
//!
//! One value has one encoding (RFC 8949 section 4.2.1, IPLD DAG-CBOR): shortest heads,
//! definite lengths, nothing after the end. The reader refuses every other form, so equal
//! values are equal bytes. It never allocates more than the input is long.

use crate::{
    dag::cid::{Cid, Codec},
    limits,
};

/// Why bytes are not the deterministic encoding of what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// The input ends in the middle of a value, or a length points past its end.
    #[error("the input ends too early")]
    Truncated,
    /// There are bytes after the value.
    #[error("there are bytes after the end of the value")]
    Trailing,
    /// Another kind of value than expected stands here.
    #[error("a value of another type was expected here")]
    Type,
    /// A head that is not the shortest, an indefinite length, a simple value or a float.
    #[error("the encoding is not the deterministic one")]
    NotCanonical,
    /// A text that is not UTF-8.
    #[error("a text is not UTF-8")]
    Utf8,
    /// A fixed-size field has another size, or a list has more entries than its limit.
    #[error("a field has a size that is not allowed")]
    Size,
    /// A link that is not a CIDv1 with a SHA-256 hash.
    #[error("a link is not a CIDv1 with sha2-256")]
    Link,
    /// The value is of a later version of the protocol: not wrong, only unreadable here.
    #[error("version {0} is not known here; a newer program may read it")]
    Version(u64),
}

const UINT: u8 = 0;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const TAG: u8 = 6;
const NULL: u8 = 0xf6;

/// Writes values one after the other.
#[derive(Debug, Default)]
pub struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// A writer with nothing written.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes written so far.
    #[must_use]
    pub fn size(&self) -> usize {
        self.out.len()
    }

    /// The bytes written.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.out
    }

    /// Begins an array of `len` values, which the caller writes next.
    pub fn array(&mut self, len: usize) {
        self.head(ARRAY, len as u64);
    }

    /// Writes an unsigned integer.
    pub fn uint(&mut self, value: u64) {
        self.head(UINT, value);
    }

    /// Writes a byte string.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.head(BYTES, bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    /// Writes a text.
    pub fn text(&mut self, text: &str) {
        self.head(TEXT, text.len() as u64);
        self.out.extend_from_slice(text.as_bytes());
    }

    /// Writes null.
    pub fn null(&mut self) {
        self.out.push(NULL);
    }

    /// Writes a link: tag 42 over the CID with its leading zero byte.
    pub fn link(&mut self, cid: &Cid) {
        self.head(TAG, 42);
        self.head(BYTES, 37);
        self.out.push(0);
        self.out.extend_from_slice(&cid.to_bytes());
    }

    /// Writes a value that is encoded already.
    pub fn raw(&mut self, encoded: &[u8]) {
        self.out.extend_from_slice(encoded);
    }

    fn head(&mut self, major: u8, value: u64) {
        let major = major << 5;
        match value {
            0..=23 => self.out.push(major | value.to_le_bytes()[0]),
            24..=0xff => self.out.extend([major | 24, value.to_le_bytes()[0]]),
            0x100..=0xffff => {
                self.out.push(major | 25);
                self.out.extend_from_slice(&value.to_be_bytes()[6..]);
            }
            0x1_0000..=0xffff_ffff => {
                self.out.push(major | 26);
                self.out.extend_from_slice(&value.to_be_bytes()[4..]);
            }
            _ => {
                self.out.push(major | 27);
                self.out.extend_from_slice(&value.to_be_bytes());
            }
        }
    }
}

/// Reads values one after the other from bytes of unknown origin.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The input must be used up.
    ///
    /// # Errors
    /// [`CborError::Trailing`] when it is not.
    pub fn end(&self) -> Result<(), CborError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(CborError::Trailing)
        }
    }

    /// Reads an array's head and gives its length, at most `limit` and at most what the
    /// rest of the input can hold, a byte for each value.
    ///
    /// # Errors
    /// Any [`CborError`]; [`CborError::Size`] above the limit.
    pub fn array(&mut self, limit: usize) -> Result<usize, CborError> {
        let len = self.expect_head(ARRAY)?;
        usize::try_from(len)
            .ok()
            .filter(|len| *len <= limit.min(self.rest.len()))
            .ok_or(CborError::Size)
    }

    /// Reads the head of an array of exactly `len` values.
    ///
    /// # Errors
    /// Any [`CborError`]; [`CborError::Size`] for another length.
    pub fn array_of(&mut self, len: usize) -> Result<(), CborError> {
        if self.array(len)? == len {
            Ok(())
        } else {
            Err(CborError::Size)
        }
    }

    /// Reads the head of a value that begins with its version: an array of `len` values,
    /// the first of which is 1.
    ///
    /// # Errors
    /// Any [`CborError`]; [`CborError::Version`] for another version, however long.
    pub fn version_1(&mut self, len: usize) -> Result<(), CborError> {
        let found = self.expect_head(ARRAY)?;
        if found == 0 {
            return Err(CborError::Size);
        }
        let version = self.uint()?;
        if version != 1 {
            return Err(CborError::Version(version));
        }
        if found == len as u64 {
            Ok(())
        } else {
            Err(CborError::Size)
        }
    }

    /// Reads an unsigned integer.
    ///
    /// # Errors
    /// Any [`CborError`].
    pub fn uint(&mut self) -> Result<u64, CborError> {
        self.expect_head(UINT)
    }

    /// Reads a byte string of any length.
    ///
    /// # Errors
    /// Any [`CborError`].
    pub fn bytes(&mut self) -> Result<&'a [u8], CborError> {
        let len = self.expect_head(BYTES)?;
        self.take(len)
    }

    /// Reads a byte string of exactly `N` bytes.
    ///
    /// # Errors
    /// Any [`CborError`]; [`CborError::Size`] for another length.
    pub fn array_bytes<const N: usize>(&mut self) -> Result<[u8; N], CborError> {
        self.bytes()?.try_into().map_err(|_| CborError::Size)
    }

    /// Reads a text of at most `limit` bytes.
    ///
    /// # Errors
    /// Any [`CborError`]; [`CborError::Size`] above the limit.
    pub fn text(&mut self, limit: usize) -> Result<&'a str, CborError> {
        let len = self.expect_head(TEXT)?;
        let bytes = self.take(len)?;
        if bytes.len() > limit {
            return Err(CborError::Size);
        }
        std::str::from_utf8(bytes).map_err(|_| CborError::Utf8)
    }

    /// Skips a null and says whether there was one.
    pub fn null(&mut self) -> bool {
        let found = self.rest.first() == Some(&NULL);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    /// Reads a link.
    ///
    /// # Errors
    /// Any [`CborError`]; [`CborError::Link`] when it is not one of ours.
    pub fn link(&mut self) -> Result<Cid, CborError> {
        if self.expect_head(TAG)? != 42 {
            return Err(CborError::Link);
        }
        let bytes = self.bytes()?;
        let (0, cid) = bytes
            .split_first()
            .map_or((1, bytes), |(zero, cid)| (*zero, cid))
        else {
            return Err(CborError::Link);
        };
        Cid::from_bytes(cid).map_err(|_| CborError::Link)
    }

    /// Runs `read` and gives its result with the bytes that it read.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn span<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, CborError>,
    ) -> Result<(T, &'a [u8]), CborError> {
        let before = self.rest;
        let value = read(self)?;
        let used = before.len() - self.rest.len();
        Ok((value, &before[..used]))
    }

    fn expect_head(&mut self, major: u8) -> Result<u64, CborError> {
        let (&first, rest) = self.rest.split_first().ok_or(CborError::Truncated)?;
        if first >> 5 != major {
            return Err(CborError::Type);
        }
        let width = match first & 31 {
            small @ 0..=23 => {
                self.rest = rest;
                return Ok(u64::from(small));
            }
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return Err(CborError::NotCanonical),
        };
        let bytes = rest.get(..width).ok_or(CborError::Truncated)?;
        self.rest = &rest[width..];
        let value = bytes
            .iter()
            .fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        let least = match width {
            1 => 24,
            2 => 0x100,
            4 => 0x1_0000,
            _ => 0x1_0000_0000,
        };
        if value < least {
            Err(CborError::NotCanonical)
        } else {
            Ok(value)
        }
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8], CborError> {
        let len = usize::try_from(len).map_err(|_| CborError::Truncated)?;
        let taken = self.rest.get(..len).ok_or(CborError::Truncated)?;
        self.rest = &self.rest[len..];
        Ok(taken)
    }
}

/// Whether a link may be the root of a feed: a UnixFS directory (dag-pb).
#[must_use]
pub fn is_root(cid: &Cid) -> bool {
    cid.codec() == Codec::DagPb
}

const _: () = assert!(
    limits::RECORD_BYTES < 1000,
    "a record must fit a BEP 44 item"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_shortest_both_ways() {
        for value in [
            0,
            23,
            24,
            255,
            256,
            65_535,
            65_536,
            4_294_967_295,
            4_294_967_296,
            u64::MAX,
        ] {
            let mut writer = Writer::new();
            writer.uint(value);
            let bytes = writer.finish();
            let mut reader = Reader::new(&bytes);
            assert_eq!(reader.uint(), Ok(value));
            assert_eq!(reader.end(), Ok(()));
        }
        // 23 written with one byte more than it needs.
        assert_eq!(
            Reader::new(&[0x18, 23]).uint(),
            Err(CborError::NotCanonical)
        );
        assert_eq!(
            Reader::new(&[0x1b, 0, 0, 0, 0, 255, 255, 255, 255]).uint(),
            Err(CborError::NotCanonical)
        );
        assert_eq!(Reader::new(&[0x5f]).bytes(), Err(CborError::NotCanonical));
    }

    #[test]
    fn lengths_are_never_believed() {
        let huge = [0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(Reader::new(&huge).bytes(), Err(CborError::Truncated));
        assert_eq!(
            Reader::new(&[0x9a, 0xff, 0xff, 0xff, 0xff]).array(4),
            Err(CborError::Size)
        );
    }

    #[test]
    fn another_version_is_not_malformed() {
        let head = |bytes: &[u8]| Reader::new(bytes).version_1(2);
        assert_eq!(head(&[0x82, 1, 0]), Ok(()));
        assert_eq!(head(&[0x82, 2]), Err(CborError::Version(2)));
        assert_eq!(
            head(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0]),
            Err(CborError::Version(0))
        );
        assert_eq!(head(&[0x83, 1]), Err(CborError::Size));
        assert_eq!(head(&[0x80, 2]), Err(CborError::Size));
        assert_eq!(head(&[0x82, 0x18, 2]), Err(CborError::NotCanonical));
        assert_eq!(head(&[0x82, 0x61, b'2']), Err(CborError::Type));
    }

    #[test]
    fn an_array_is_never_longer_than_the_input() {
        assert_eq!(Reader::new(&[0x83, 0, 0]).array(9), Err(CborError::Size));
        assert_eq!(Reader::new(&[0x83, 0, 0, 0]).array(9), Ok(3));
        assert_eq!(Reader::new(&[0x83, 0, 0, 0]).array(2), Err(CborError::Size));
    }
}
