//! OGG pages (RFC 3533): read with their checksums, written with new ones.

use std::io::{Read, Seek, Write};

use crate::{
    MediaError,
    source::{Sink, Source, le32},
};

/// A packet goes on from the page before.
pub(crate) const CONTINUED: u8 = 1;
/// A stream begins.
pub(crate) const FIRST: u8 = 2;
/// A stream ends.
pub(crate) const LAST: u8 = 4;

/// One page.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    /// [`CONTINUED`], [`FIRST`], [`LAST`].
    pub(crate) flags: u8,
    /// The codec's position at the end of the last packet that ends here; all ones for none.
    pub(crate) position: u64,
    /// The stream's number.
    pub(crate) serial: u32,
    /// Lengths of the segments; below 255 a packet ends.
    pub(crate) lacing: Vec<u8>,
    /// The segments.
    pub(crate) body: Vec<u8>,
}

impl Page {
    /// Reads the page at `at`, and says where the next begins.
    pub(crate) fn read<R: Read + Seek>(
        source: &mut Source<R>,
        at: u64,
    ) -> Result<(Self, u64), MediaError> {
        let head: [u8; 27] = source.array(at)?;
        if !head.starts_with(b"OggS\0") {
            return Err(source.damaged("a page does not begin where it should"));
        }
        let lacing = source.part(at + 27, u64::from(head[26]), 255)?;
        let len: u64 = lacing.iter().map(|segment| u64::from(*segment)).sum();
        let start = at + 27 + u64::from(head[26]);
        let body = source.part(start, len, 255 * 255)?;
        let page = Self {
            flags: head[5],
            position: head[6..14]
                .iter()
                .rev()
                .fold(0, |value, byte| value << 8 | u64::from(*byte)),
            serial: le32(&head, 14).unwrap_or_default(),
            lacing,
            body,
        };
        let number = le32(&head, 18).unwrap_or_default();
        if page.bytes(number)[22..26] != head[22..26] {
            return Err(source.damaged("a page's checksum is wrong"));
        }
        Ok((page, start + len))
    }

    /// Writes the page under a new number.
    pub(crate) fn write<W: Write>(
        &self,
        out: &mut Sink<'_, W>,
        number: u32,
    ) -> Result<(), MediaError> {
        out.write(&self.bytes(number))
    }

    fn bytes(&self, number: u32) -> Vec<u8> {
        let mut page = b"OggS\0".to_vec();
        page.push(self.flags);
        page.extend_from_slice(&self.position.to_le_bytes());
        page.extend_from_slice(&self.serial.to_le_bytes());
        page.extend_from_slice(&number.to_le_bytes());
        page.extend_from_slice(&[0; 4]);
        page.push(self.lacing.len() as u8); // at most 255, read from a byte or cut by `pages`
        page.extend_from_slice(&self.lacing);
        page.extend_from_slice(&self.body);
        let crc = checksum(&page);
        page[22..26].copy_from_slice(&crc.to_le_bytes());
        page
    }
}

/// Lays packets out on pages of their own, the last of which ends with the last packet.
pub(crate) fn pages(serial: u32, packets: &[Vec<u8>]) -> Vec<Page> {
    let mut segments: Vec<&[u8]> = Vec::new();
    for packet in packets {
        segments.extend(packet.chunks(255));
        if packet.len() % 255 == 0 {
            segments.push(&[]); // says that the packet ends with the full segment before
        }
    }
    let mut pages: Vec<Page> = Vec::new();
    let mut continued = false;
    for part in segments.chunks(255) {
        let lacing: Vec<u8> = part.iter().map(|segment| segment.len() as u8).collect();
        let ends = lacing.iter().any(|len| *len < 255);
        pages.push(Page {
            flags: if continued { CONTINUED } else { 0 },
            position: if ends { 0 } else { u64::MAX },
            serial,
            body: part.concat(),
            lacing,
        });
        continued = part.last().is_some_and(|segment| segment.len() == 255);
    }
    pages
}

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = (index as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000_0000 == 0 {
                crc << 1
            } else {
                crc << 1 ^ 0x04C1_1DB7
            };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}

fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |crc, byte| {
        crc << 8 ^ TABLE[(crc >> 24) as usize ^ usize::from(*byte)]
    })
}
