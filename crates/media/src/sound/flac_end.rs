//! Where a FLAC stream ends.
//!
//! The format has no end marker, but every frame has a number and a checksum. The last
//! frame is looked for from behind; a file without a whole one at its end, or whose last
//! frame does not complete the announced samples, was cut off. Tags after it are stepped
//! over.

use std::io::{Read, Seek};

use super::flac_info::Info;
use crate::{
    MediaError,
    source::{Source, be16, le32},
};

/// The largest frame: 65,535 samples of 8 channels of 32 bits, and a little.
const FRAME: u64 = 65_536 * 8 * 4 + 64;

/// How many places that look like a frame's header are tried. By chance one byte in eight
/// million looks like one.
const CANDIDATES: usize = 64;

/// The end of the frames.
pub(crate) struct End {
    /// Where it is.
    pub(crate) at: u64,
    /// Samples per channel up to there.
    pub(crate) samples: u64,
}

/// Finds the end of the frames that begin at `start`.
pub(crate) fn find<R: Read + Seek>(
    source: &mut Source<R>,
    start: u64,
    info: &Info,
) -> Result<End, MediaError> {
    let at = before_tags(source, start)?;
    let from = at.saturating_sub(FRAME).max(start);
    let tail = source.part(from, at - from, FRAME)?;
    let last = (0..tail.len().saturating_sub(8))
        .rev()
        .filter(|place| tail[*place] == 0xFF)
        .filter_map(|place| Some((samples(&tail[place..], info)?, &tail[place..])))
        .take(CANDIDATES)
        .find_map(|(samples, frame)| whole(frame).then_some(samples));
    match last {
        Some(samples) if info.samples == 0 || samples >= info.samples => Ok(End { at, samples }),
        _ => Err(source.cut_off()),
    }
}

/// Steps back over ID3v1 and APE tags.
fn before_tags<R: Read + Seek>(source: &mut Source<R>, start: u64) -> Result<u64, MediaError> {
    let mut end = source.len();
    loop {
        let room = end.saturating_sub(start);
        if room >= 128 && &source.array::<3>(end - 128)? == b"TAG" {
            end -= 128;
        } else if room >= 32 && &source.array::<8>(end - 32)? == b"APETAGEX" {
            let footer = source.array::<32>(end - 32)?;
            let header = if footer[23] & 0x80 == 0 { 0 } else { 32 };
            let size = u64::from(le32(&footer, 12).unwrap_or(0)) + header;
            if size < 32 || size > room {
                return Ok(end);
            }
            end -= size;
        } else {
            return Ok(end);
        }
    }
}

/// The number of the sample after the frame whose header begins the bytes.
fn samples(frame: &[u8], info: &Info) -> Option<u64> {
    if be16(frame, 0)? & 0xFFFE != 0xFFF8 {
        return None;
    }
    let variable = frame[1] & 1 == 1;
    let (number, used) = coded_number(&frame[4..])?;
    let mut at = 4 + used;
    let block = match frame[2] >> 4 {
        0 => return None,
        1 => 192,
        code @ 2..=5 => 576 << (code - 2),
        6 => {
            at += 1;
            u64::from(*frame.get(at - 1)?) + 1
        }
        7 => {
            at += 2;
            u64::from(be16(frame, at - 2)?) + 1
        }
        code => 256 << (code - 8),
    };
    at += match frame[2] & 15 {
        12 => 1,
        13 | 14 => 2,
        15 => return None,
        _ => 0,
    };
    let first = if variable {
        number
    } else {
        number * info.block
    };
    (crc8(frame.get(..at)?) == *frame.get(at)?).then_some(first + block)
}

/// True when the bytes end with the checksum of those before.
fn whole(frame: &[u8]) -> bool {
    let (coded, stored) = frame.split_at(frame.len().saturating_sub(2));
    be16(stored, 0) == Some(crc16(coded))
}

/// A number coded like a character of UTF-8, up to 36 bits.
fn coded_number(bytes: &[u8]) -> Option<(u64, usize)> {
    let lead = *bytes.first()?;
    let len = match lead.leading_ones() as usize {
        0 => return Some((u64::from(lead), 1)),
        len @ 2..=7 => len,
        _ => return None,
    };
    let start = u64::from(lead) & ((1 << (7 - len)) - 1);
    let rest = bytes.get(1..len)?;
    let number = rest.iter().try_fold(start, |number, byte| {
        (byte >> 6 == 2).then_some(number << 6 | u64::from(byte & 0x3F))
    });
    Some((number?, len))
}

fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc, _| {
            if crc & 0x80 == 0 {
                crc << 1
            } else {
                crc << 1 ^ 0x07
            }
        })
    })
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        let crc = crc ^ u16::from(*byte) << 8;
        (0..8).fold(crc, |crc, _| {
            if crc & 0x8000 == 0 {
                crc << 1
            } else {
                crc << 1 ^ 0x8005
            }
        })
    })
}
