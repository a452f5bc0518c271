//! AAC as a stream of ADTS frames (ISO/IEC 14496-3, annex 1.A).

use std::io::{Read, Seek, Write};

use super::frames::{self, Frame};
use crate::{
    Clean, MediaError, Type,
    source::{Sink, Source},
};

const RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

/// Reads the header of an ADTS frame.
pub(crate) fn parse(bytes: &[u8]) -> Option<Frame> {
    let head = bytes.get(..7)?;
    if head[0] != 0xFF || head[1] & 0xF6 != 0xF0 {
        return None;
    }
    let rate = *RATES.get(usize::from(head[2] >> 2 & 15))?;
    let len =
        usize::from(head[3] & 3) << 11 | usize::from(head[4]) << 3 | usize::from(head[5] >> 5);
    (len > 7).then(|| Frame {
        len,
        samples: 1024 * (u32::from(head[6] & 3) + 1),
        rate,
        stream: u32::from_be_bytes([head[1], head[2], head[3] & 0xC0, 0]),
    })
}

/// Copies the frames from `at` on.
pub(crate) fn clean<R: Read + Seek, W: Write>(
    source: &mut Source<R>,
    out: &mut Sink<'_, W>,
    at: u64,
) -> Result<Clean, MediaError> {
    let copied = frames::copy(source, out, at, parse)?;
    Ok(copied.clean(Type::AAC, out.written(), 0))
}
