//! FLAC (RFC 9639): a signature, blocks of metadata, frames.
//!
//! Kept: STREAMINFO and SEEKTABLE, and the frames.

use std::io::{Read, Seek, Write};

use super::{comment, flac_end, flac_info::Info};
use crate::{
    Clean, MediaError, Type,
    source::{Sink, Source},
};

const INFO: u8 = 0;
const SEEK_TABLE: u8 = 3;
const COMMENT: u8 = 4;
const LAST: u8 = 0x80;
/// The largest block of metadata that is read, in bytes.
const BLOCK: u64 = 16 * 1024 * 1024;

/// Copies the file from its signature at `at` on.
pub(crate) fn clean<R: Read + Seek, W: Write>(
    source: &mut Source<R>,
    out: &mut Sink<'_, W>,
    at: u64,
) -> Result<Clean, MediaError> {
    let mut at = at + 4;
    let mut kept: Vec<(u8, Vec<u8>)> = Vec::new();
    let mut title = None;
    loop {
        let [kind, a, b, c] = source.array(at)?;
        let len = u64::from(u32::from_be_bytes([0, a, b, c]));
        let start = at + 4;
        source.check(start, len)?;
        match kind & !LAST {
            INFO | SEEK_TABLE if kept.len() < 2 => {
                kept.push((kind & !LAST, source.part(start, len, BLOCK)?));
            }
            COMMENT => title = comment::title(&source.part(start, len, BLOCK)?),
            127 => return Err(source.damaged("a block of an impossible kind")),
            _ => {}
        }
        at = start + len;
        if kind & LAST != 0 {
            break;
        }
    }
    let info = match kept.first() {
        Some((INFO, data)) if data.len() == 34 => Info::parse(data),
        _ => None,
    };
    let info = info.ok_or_else(|| source.damaged("it does not begin with STREAMINFO"))?;
    let end = flac_end::find(source, at, &info)?;
    out.write(b"fLaC")?;
    let last = kept.len() - 1;
    for (index, (kind, data)) in kept.iter().enumerate() {
        let [_, a, b, c] = (data.len() as u32).to_be_bytes(); // came out of 24 bits
        let flag = if index == last { LAST } else { 0 };
        out.write(&[kind | flag, a, b, c])?;
        out.write(data)?;
    }
    source.copy(at, end.at - at, out)?;
    Ok(Clean {
        media: Type::FLAC,
        size: out.written(),
        duration: info.duration(if info.samples == 0 {
            end.samples
        } else {
            info.samples
        }),
        pixels: None,
        title,
    })
}
