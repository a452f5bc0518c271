//! MP3: MPEG-1, 2 and 2.5 audio, layer III (ISO/IEC 11172-3, 13818-3).

use std::io::{Read, Seek, Write};

use super::frames::{self, Copied, Frame};
use crate::{
    Clean, MediaError, Type,
    source::{Sink, Source, be32},
};

const KILOBITS_1: [u32; 15] = [
    0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
];
const KILOBITS_2: [u32; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
const RATES: [u32; 3] = [44_100, 48_000, 32_000];

/// Reads the header of a frame of layer III. Free bit rates are not taken.
pub(crate) fn parse(bytes: &[u8]) -> Option<Frame> {
    let head = be32(bytes, 0)?;
    let version = head >> 19 & 3; // 0: 2.5, 2: 2, 3: 1
    if head >> 21 != 0x7FF || version == 1 || head >> 17 & 3 != 1 {
        return None;
    }
    let first = version == 3;
    let table = if first { KILOBITS_1 } else { KILOBITS_2 };
    let kilobits = *table.get((head >> 12 & 15) as usize)?;
    let divisor = match version {
        3 => 1,
        2 => 2,
        _ => 4,
    };
    let rate = RATES.get((head >> 10 & 3) as usize)? / divisor;
    let samples = if first { 1152 } else { 576 };
    let len = samples / 8 * kilobits * 1000 / rate + (head >> 9 & 1);
    (kilobits > 0).then_some(Frame {
        len: len as usize,
        samples,
        rate,
        stream: head & 0xFFFE_0C00,
    })
}

/// Copies the frames from `at` on.
pub(crate) fn clean<R: Read + Seek, W: Write>(
    source: &mut Source<R>,
    out: &mut Sink<'_, W>,
    at: u64,
) -> Result<Clean, MediaError> {
    let copied = frames::copy(source, out, at, parse)?;
    let promised = promised(source, &copied)?;
    // Some writers count the frame that holds the count, some do not.
    if promised.is_some_and(|frames| copied.frames + 2 < u64::from(frames)) {
        return Err(source.cut_off());
    }
    let counting = match (promised, copied.first) {
        (Some(_), Some(first)) => u64::from(first.samples),
        _ => 0,
    };
    Ok(copied.clean(Type::MP3, out.written(), counting))
}

/// The number of frames that the first one announces ("Xing" or "Info").
fn promised<R: Read + Seek>(
    source: &mut Source<R>,
    copied: &Copied,
) -> Result<Option<u32>, MediaError> {
    let len = copied.first.map_or(0, |frame| frame.len as u64);
    let frame = source.head(copied.start, len)?;
    let head = be32(&frame, 0).unwrap_or_default();
    let mono = head >> 6 & 3 == 3;
    let side = match (head >> 19 & 3 == 3, mono) {
        (true, true) | (false, false) => 17,
        (true, false) => 32,
        (false, true) => 9,
    };
    let info = frame.get(4 + side..).unwrap_or_default();
    let counted = (info.starts_with(b"Xing") || info.starts_with(b"Info"))
        && be32(info, 4).is_some_and(|flags| flags & 1 == 1);
    Ok(counted.then(|| be32(info, 8)).flatten())
}
