//! What a WebM file tells of itself and its tracks, cleaned in place.

use std::ops::Range;

use super::element::{header, unsigned, void_header};
use crate::{MediaError, title};

const TIMESTAMP_SCALE: u32 = 0x2A_D7B1;
const DURATION: u32 = 0x4489;
const TITLE: u32 = 0x7BA9;
const MUXING_APP: u32 = 0x4D80;
const WRITING_APP: u32 = 0x5741;
const TRACK: u32 = 0xAE;
const NUMBER: u32 = 0xD7;
const TYPE: u32 = 0x83;
const CODEC: u32 = 0x86;
const CODEC_PRIVATE: u32 = 0x63A2;
const VIDEO: u32 = 0xE0;
const ENCODINGS: u32 = 0x6D80;
const ENCODING: u32 = 0x6240;
const ENCRYPTION: u32 = 0x5035;
/// What else of a track is needed to play it: UID, flags (enabled, default, forced, lacing),
/// caches, default duration, timestamp scale, languages, delay, pre-roll, block additions,
/// sound.
const KEPT: [u32; 16] = [
    0x73C5, 0xB9, 0x88, 0x55AA, 0x9C, 0x6DE7, 0x6DF8, 0x23_E383, 0x23_314F, 0x22_B59C, 0x22_B59D,
    0x56AA, 0x56BB, 0x55EE, 0x41E4, 0xE1,
];

/// What the file tells of itself.
#[derive(Debug, Default)]
pub(crate) struct Info {
    /// Its title; not kept.
    pub(crate) title: Option<String>,
    scale: Option<u64>,
    duration: Option<f64>,
}

impl Info {
    /// Milliseconds; `last` is the last block's time, for files that do not tell.
    pub(crate) fn duration(&self, last: i64) -> Option<u64> {
        let units = self
            .duration
            .filter(|units| *units > 0.0)
            .unwrap_or(last as f64);
        let milliseconds = units * self.scale.unwrap_or(1_000_000) as f64 / 1_000_000.0;
        let plausible = (1.0..1e12).contains(&milliseconds);
        plausible.then_some(milliseconds.round() as u64)
    }
}

/// The tracks that are kept.
#[derive(Debug, Default)]
pub(crate) struct Tracks {
    /// Their numbers.
    pub(crate) kept: Vec<u64>,
    /// Width and height as shown, of the first track of pictures.
    pub(crate) pixels: Option<(u32, u32)>,
}

struct Part {
    id: u32,
    whole: Range<usize>,
    data: Range<usize>,
}

fn damaged(detail: &'static str) -> MediaError {
    MediaError::Damaged {
        what: "WebM file",
        detail,
    }
}

/// The elements in a range of `bytes`.
fn children(bytes: &[u8], range: Range<usize>) -> Result<Vec<Part>, MediaError> {
    let wrong = || damaged("an element is larger than what holds it");
    let mut parts = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let inside = bytes.get(at..range.end).ok_or_else(wrong)?;
        let (id, size, used) = header(inside).ok_or_else(wrong)?;
        let size = size
            .and_then(|size| usize::try_from(size).ok())
            .ok_or_else(wrong)?;
        let data = at + used;
        let end = data
            .checked_add(size)
            .filter(|end| *end <= range.end)
            .ok_or_else(wrong)?;
        parts.push(Part {
            id,
            whole: at..end,
            data: data..end,
        });
        at = end;
    }
    Ok(parts)
}

/// Makes an element a `Void` of the same length, full of zeros.
fn void(bytes: &mut [u8], whole: Range<usize>) {
    let header = void_header(whole.len() as u64);
    let room = &mut bytes[whole];
    room.fill(0);
    room[..header.len()].copy_from_slice(&header);
}

/// Cleans the contents of Info. The two programs' names must be there, so they are blanked.
pub(crate) fn info(bytes: &mut [u8]) -> Result<Info, MediaError> {
    let mut info = Info::default();
    for part in children(bytes, 0..bytes.len())? {
        let data = &bytes[part.data.clone()];
        match part.id {
            TIMESTAMP_SCALE => info.scale = Some(unsigned(data)),
            DURATION => info.duration = float(data),
            MUXING_APP | WRITING_APP => bytes[part.data].fill(0),
            id => {
                if id == TITLE {
                    info.title = title::from_utf8(data);
                }
                void(bytes, part.whole);
            }
        }
    }
    Ok(info)
}

fn float(data: &[u8]) -> Option<f64> {
    match data.len() {
        4 => data
            .try_into()
            .ok()
            .map(|bytes| f64::from(f32::from_be_bytes(bytes))),
        8 => data.try_into().ok().map(f64::from_be_bytes),
        _ => None,
    }
}

/// Cleans the contents of Tracks.
pub(crate) fn tracks(bytes: &mut [u8]) -> Result<Tracks, MediaError> {
    let mut found = Tracks::default();
    for part in children(bytes, 0..bytes.len())? {
        if part.id != TRACK || !track(bytes, part.data, &mut found)? {
            void(bytes, part.whole);
        }
    }
    if found.kept.is_empty() {
        return Err(damaged("it holds neither pictures nor sound"));
    }
    Ok(found)
}

/// Cleans one track; false when it is neither pictures nor sound.
fn track(bytes: &mut [u8], range: Range<usize>, found: &mut Tracks) -> Result<bool, MediaError> {
    let parts = children(bytes, range)?;
    let data = |id| {
        parts
            .iter()
            .find(|part| part.id == id)
            .map(|part| part.data.clone())
    };
    let value = |id| data(id).map(|range| unsigned(&bytes[range]));
    let (Some(number), Some(kind @ (1 | 2))) = (value(NUMBER), value(TYPE)) else {
        return Ok(false);
    };
    found.kept.push(number);
    if kind == 1 && found.pixels.is_none() {
        found.pixels = Some(match data(VIDEO) {
            Some(range) => pixels(bytes, range)?,
            None => (0, 0),
        });
    }
    let vorbis = data(CODEC).is_some_and(|range| bytes[range].starts_with(b"A_VORBIS"));
    for part in parts {
        match part.id {
            CODEC_PRIVATE if vorbis => comments(&mut bytes[part.data])?,
            ENCODINGS => encodings(bytes, part.data)?,
            NUMBER | TYPE | CODEC | CODEC_PRIVATE | VIDEO => {}
            id if KEPT.contains(&id) => {}
            _ => void(bytes, part.whole),
        }
    }
    Ok(true)
}

fn encodings(bytes: &[u8], range: Range<usize>) -> Result<(), MediaError> {
    for encoding in children(bytes, range)? {
        let encrypted = encoding.id == ENCODING
            && children(bytes, encoding.data)?
                .iter()
                .any(|part| part.id == ENCRYPTION);
        if encrypted {
            return Err(MediaError::NotTaken {
                found: "an encrypted video or sound",
                advice: "only files that everybody can play can be published",
            });
        }
    }
    Ok(())
}

fn pixels(bytes: &[u8], range: Range<usize>) -> Result<(u32, u32), MediaError> {
    let parts = children(bytes, range)?;
    let value = |id| {
        let part = parts.iter().find(|part| part.id == id)?;
        u32::try_from(unsigned(&bytes[part.data.clone()]))
            .ok()
            .filter(|value| *value > 0)
    };
    let stored = (value(0xB0).unwrap_or(0), value(0xBA).unwrap_or(0));
    let shown = match value(0x54B2) {
        None => value(0x54B0).zip(value(0x54BA)), // in pixels unless another unit is told
        Some(_) => None,
    };
    Ok(shown.unwrap_or(stored))
}

/// Vorbis' three header packets lie here; the middle one holds comments. It becomes an empty
/// list of them after a maker's name of zeros that fills the room.
fn comments(private: &mut [u8]) -> Result<(), MediaError> {
    let wrong = || damaged("its Vorbis headers are wrong");
    let mut at = 1;
    let mut length = || {
        let mut total = 0;
        loop {
            let byte = *private.get(at)?;
            at += 1;
            total += usize::from(byte);
            if byte < 255 {
                return Some(total);
            }
        }
    };
    let (first, second) = (length().ok_or_else(wrong)?, length().ok_or_else(wrong)?);
    let start = at + first;
    let packet = private.get_mut(start..start + second).ok_or_else(wrong)?;
    if packet.len() < 16 || !packet.starts_with(b"\x03vorbis") {
        return Err(wrong());
    }
    let vendor = packet.len() - 16;
    packet[7..].fill(0);
    packet[7..11].copy_from_slice(&(vendor as u32).to_le_bytes()); // inside 4 MiB
    let last = packet.len() - 1;
    packet[last] = 1;
    Ok(())
}
