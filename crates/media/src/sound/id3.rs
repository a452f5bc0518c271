//! ID3v2 tags: stepped over, their title read.

use std::io::{Read, Seek};

use crate::{
    MediaError,
    source::{Source, be32},
    title,
};

/// How much of a tag is looked at for a title.
const LOOK: u64 = 256 * 1024;

/// What stood before the sound.
pub(crate) struct Tag {
    /// Where the sound begins.
    pub(crate) end: u64,
    /// The title, if a tag had one.
    pub(crate) title: Option<String>,
}

/// The whole length of the tag that begins here: header, frames and footer.
pub(crate) fn length(head: &[u8]) -> Option<u64> {
    let header = head.get(..10).filter(|header| header.starts_with(b"ID3"))?;
    let size = header[6..10].iter().try_fold(0_u64, |size, byte| {
        (*byte < 0x80).then_some(size << 7 | u64::from(*byte))
    })?;
    let footer = if header[5] & 0x10 == 0 { 0 } else { 10 };
    Some(10 + size + footer)
}

/// Steps over all tags at the start of the file, and zeros after them.
pub(crate) fn skip<R: Read + Seek>(source: &mut Source<R>) -> Result<Tag, MediaError> {
    let mut tag = Tag {
        end: 0,
        title: None,
    };
    while let Some(len) = length(&source.head(tag.end, 10)?) {
        source.check(tag.end, len)?;
        if tag.title.is_none() {
            tag.title = title(&source.head(tag.end, len.min(LOOK))?);
        }
        tag.end += len;
        while tag.end < source.len() && source.array::<1>(tag.end)? == [0] {
            tag.end += 1;
        }
    }
    Ok(tag)
}

/// The text of the frame TIT2 (TT2 before version 2.3).
fn title(tag: &[u8]) -> Option<String> {
    let version = *tag.get(3)?;
    let (name, header): (&[u8], usize) = if version < 3 {
        (b"TT2", 6)
    } else {
        (b"TIT2", 10)
    };
    let mut at = 10;
    loop {
        let head = tag.get(at..at + header)?;
        let size = match version {
            0..3 => be32(head, 2)? & 0xFF_FFFF,
            3 => be32(head, 4)?,
            _ => head[4..8]
                .iter()
                .fold(0, |size, byte| size << 7 | u32::from(byte & 0x7F)),
        } as usize;
        let start = at + header;
        if head.starts_with(name) {
            return text(tag.get(start..start.checked_add(size)?)?);
        }
        if head[0] == 0 {
            return None;
        }
        at = start.checked_add(size)?;
    }
}

/// Text begins with a byte that says how it is encoded.
fn text(frame: &[u8]) -> Option<String> {
    let (encoding, text) = frame.split_first()?;
    let wide = |big: bool, bytes: &[u8]| {
        let units = bytes.chunks_exact(2).map(|pair| match big {
            true => u16::from_be_bytes([pair[0], pair[1]]),
            false => u16::from_le_bytes([pair[0], pair[1]]),
        });
        let units: Vec<u16> = units.take_while(|unit| *unit != 0).take(1200).collect();
        title::tidy(&String::from_utf16_lossy(&units))
    };
    match encoding {
        0 => {
            let latin: String = text
                .iter()
                .take_while(|byte| **byte != 0)
                .take(1200)
                .map(|byte| char::from(*byte))
                .collect();
            title::tidy(&latin)
        }
        1 => match text.get(..2)? {
            [0xFE, 0xFF] => wide(true, &text[2..]),
            [0xFF, 0xFE] => wide(false, &text[2..]),
            _ => wide(false, text),
        },
        2 => wide(true, text),
        3 => title::from_utf8(text),
        _ => None,
    }
}
