//! Protocol Buffers' number and field forms, read strictly: one value, one spelling.

use super::cid::CidError;
use crate::limits::{BLOCK_BYTES, BLOCK_LINKS};

/// Why bytes are not a node of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PbError {
    /// More bytes than a block may have.
    #[error("a block of {0} bytes is larger than {BLOCK_BYTES}")]
    TooLarge(usize),
    /// More links than a block may have.
    #[error("more than {BLOCK_LINKS} links in one block")]
    TooManyLinks,
    /// The bytes end inside of a field.
    #[error("the block ends inside of a field")]
    Truncated,
    /// A number not in its shortest form, or larger than 64 bits.
    #[error("a number is not in its shortest form")]
    Number,
    /// A field that is unknown, out of order, twice, or of the wrong type.
    #[error("field key {0:#04x} does not belong here")]
    Field(u8),
    /// A field that must be there is not.
    #[error("the {0} is missing")]
    Missing(&'static str),
    /// A link's hash is not a CID of ours.
    #[error("a link names no block: {0}")]
    Cid(#[from] CidError),
    /// A link's name is not UTF-8.
    #[error("a link's name is not UTF-8")]
    Name,
    /// Links are not sorted by the bytes of their names.
    #[error("links are not sorted by name")]
    Order,
    /// A cumulative size beyond what every implementation can hold.
    #[error("a size is larger than 2^53 - 1")]
    Tsize,
    /// The UnixFS message says something impossible.
    #[error("{0}")]
    UnixFs(&'static str),
}

/// Wire type of a number.
pub(super) const NUMBER: u8 = 0;
/// Wire type of bytes with their length before them.
pub(super) const BYTES: u8 = 2;

/// The key byte of a field below 16.
pub(super) const fn key(field: u8, wire: u8) -> u8 {
    (field << 3) | wire
}

/// Bytes that `value` takes.
#[must_use]
pub(super) const fn varint_len(value: u64) -> usize {
    let bits = 64 - (value | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

/// Appends `value`.
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}

/// Appends a number field.
pub(super) fn put_number(out: &mut Vec<u8>, field: u8, value: u64) {
    out.push(key(field, NUMBER));
    put_varint(out, value);
}

/// Appends a field of bytes.
pub(super) fn put_bytes(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    out.push(key(field, BYTES));
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// What is left to read of a message.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next key byte, which stays where it is.
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Takes the field with this key if it comes next.
    pub(super) fn take_key(&mut self, wanted: u8) -> bool {
        match self.rest.split_first() {
            Some((&found, rest)) if found == wanted => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// A number in its shortest form.
    pub(super) fn varint(&mut self) -> Result<u64, PbError> {
        let mut value = 0u64;
        for (at, &byte) in self.rest.iter().enumerate() {
            let low = u64::from(byte & 0x7f);
            if at == 9 && byte > 1 {
                return Err(PbError::Number);
            }
            value |= low << (7 * at);
            if byte < 0x80 {
                if byte == 0 && at > 0 {
                    return Err(PbError::Number);
                }
                self.rest = &self.rest[at + 1..];
                return Ok(value);
            }
        }
        Err(PbError::Truncated)
    }

    /// Bytes with their length before them.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], PbError> {
        let len = usize::try_from(self.varint()?).map_err(|_| PbError::Truncated)?;
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or(PbError::Truncated)?;
        self.rest = rest;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_long_forms() {
        let read = |bytes: &[u8]| Reader::new(bytes).varint();
        assert_eq!(read(&[0]), Ok(0));
        assert_eq!(read(&[0x80, 1]), Ok(128));
        assert_eq!(read(&[0x80, 0]), Err(PbError::Number));
        assert_eq!(read(&[0x80]), Err(PbError::Truncated));
        assert_eq!(read(&[]), Err(PbError::Truncated));
        assert_eq!(read(&[0xff; 10]), Err(PbError::Number));
        let mut most = [0xff; 10];
        most[9] = 1;
        assert_eq!(read(&most), Ok(u64::MAX));
        most[9] = 2;
        assert_eq!(read(&most), Err(PbError::Number));
    }

    proptest! {
        #[test]
        fn numbers_round_trip(value: u64, shift in 0u32..64) {
            let value = value >> shift;
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            prop_assert_eq!(bytes.len(), varint_len(value));
            prop_assert_eq!(Reader::new(&bytes).varint(), Ok(value));
        }
    }
}
