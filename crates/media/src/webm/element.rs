//! EBML elements: an id, a size, data.

use std::io::{Read, Seek, Write};

use crate::{
    MediaError,
    source::{Sink, Source},
};

const VOID: u8 = 0xEC;

/// Where an element lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element {
    /// Its id, with the marker bits.
    pub(crate) id: u32,
    /// Where it begins.
    pub(crate) at: u64,
    /// Where its data begins.
    pub(crate) data: u64,
    /// Its data's size; `None` when it is not known, as live recorders write it.
    pub(crate) size: Option<u64>,
}

/// A number of variable length, and the bytes it took.
pub(crate) fn number(bytes: &[u8]) -> Option<(u64, usize)> {
    let lead = *bytes.first()?;
    let len = lead.leading_zeros() as usize + 1;
    let start = u64::from(lead) & ((1_u64 << (8 - len.min(8))) - 1);
    let rest = bytes.get(1..len)?;
    (len <= 8).then(|| {
        let value = rest
            .iter()
            .fold(start, |value, byte| value << 8 | u64::from(*byte));
        (value, len)
    })
}

/// The id, size and header length of the element that begins here.
pub(crate) fn header(bytes: &[u8]) -> Option<(u32, Option<u64>, usize)> {
    let len = bytes.first()?.leading_zeros() as usize + 1;
    let id = bytes.get(..len).filter(|_| len <= 4)?;
    let id = id.iter().fold(0, |id, byte| id << 8 | u32::from(*byte));
    let (size, used) = number(bytes.get(len..)?)?;
    let unknown = size == (1 << (7 * used)) - 1;
    Some((id, (!unknown).then_some(size), len + used))
}

impl Element {
    /// Reads the header at `at`; the element must end at `end` or before.
    pub(crate) fn read<R: Read + Seek>(
        source: &mut Source<R>,
        at: u64,
        end: u64,
    ) -> Result<Self, MediaError> {
        let end = end.min(source.len());
        let head = source.head(at, 12.min(end.saturating_sub(at)))?;
        let (id, size, used) = header(&head).ok_or_else(|| match head.len() {
            12 => source.damaged("an element's header is wrong"),
            _ => source.cut_off(),
        })?;
        let data = at + used as u64;
        if size.is_some_and(|size| size > end - data) {
            return Err(match end == source.len() {
                true => source.cut_off(),
                false => source.damaged("an element is larger than what holds it"),
            });
        }
        Ok(Self { id, at, data, size })
    }

    /// The size, where it must be known.
    pub(crate) fn known<R: Read + Seek>(&self, source: &Source<R>) -> Result<u64, MediaError> {
        self.size
            .ok_or_else(|| source.damaged("an element has no size"))
    }

    /// The element's data as a whole number.
    pub(crate) fn number<R: Read + Seek>(&self, source: &mut Source<R>) -> Result<u64, MediaError> {
        let size = self.known(source)?;
        Ok(unsigned(&source.part(self.data, size, 8)?))
    }
}

/// A whole number of up to eight bytes.
pub(crate) fn unsigned(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// The header of a `Void` element of `len` bytes in all (at least two).
pub(crate) fn void_header(len: u64) -> Vec<u8> {
    if len < 129 {
        return vec![VOID, 0x80 | len.saturating_sub(2) as u8];
    }
    let size = (1 << 56 | (len - 9)).to_be_bytes();
    [&[VOID], size.as_slice()].concat()
}

/// Writes a `Void` element full of zeros.
pub(crate) fn write_void<W: Write>(len: u64, out: &mut Sink<'_, W>) -> Result<(), MediaError> {
    let header = void_header(len);
    out.write(&header)?;
    let mut left = len - header.len() as u64;
    while left > 0 {
        let now = left.min(4096);
        out.write(&[0; 4096][..now as usize])?;
        left -= now;
    }
    Ok(())
}
