//! JPEG (ITU-T T.81): a chain of segments, with coded pixels after each start of scan.
//!
//! Kept: JFIF (without its thumbnail), Adobe's colour segment, the colour profile, tables,
//! frames and scans. Dropped: EXIF, XMP, IPTC, MPF, comments, every other application
//! segment, and what follows the end of the image (motion photos put an MP4 there).

use super::parts::{Stripped, anonymous, only_orientation, orientation};
use crate::{MediaError, Type, source::be16};

const WHAT: &str = "JPEG picture";
const ICC: &[u8] = b"ICC_PROFILE\0";

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    out: Vec<u8>,
    orientation: u8,
    icc: Vec<(u8, Vec<u8>)>,
    frame: Option<Frame>,
}

struct Frame {
    width: u32,
    height: u32,
    memory: u64,
}

/// See [`super::strip`].
pub(crate) fn strip(bytes: &[u8]) -> Result<Stripped, MediaError> {
    let mut walk = Walk {
        bytes,
        at: 2,
        out: Vec::with_capacity(bytes.len()),
        orientation: find_orientation(bytes),
        icc: Vec::new(),
        frame: None,
    };
    walk.out.extend_from_slice(&[0xFF, 0xD8]);
    walk.head()?;
    while walk.segment()? {}
    let frame = walk.frame.ok_or(damaged("it holds no picture"))?;
    walk.icc.sort_by_key(|(number, _)| *number);
    let icc: Vec<u8> = walk.icc.into_iter().flat_map(|(_, part)| part).collect();
    Ok(Stripped {
        bytes: walk.out,
        media: Type::JPEG,
        width: frame.width,
        height: frame.height,
        orientation: walk.orientation,
        icc: (!icc.is_empty()).then_some(icc),
        frames: 1,
        // The decoder copies the file before it starts.
        memory: frame.memory + bytes.len() as u64,
    })
}

fn damaged(detail: &'static str) -> MediaError {
    MediaError::Damaged { what: WHAT, detail }
}

const CUT: MediaError = MediaError::CutOff { what: WHAT };

/// One segment's marker and payload; `after` is where the next begins.
struct Segment<'a> {
    marker: u8,
    payload: &'a [u8],
    after: usize,
}

/// Reads the segment at `at`. A marker may be preceded by fill bytes.
fn segment_at(bytes: &[u8], mut at: usize) -> Result<Segment<'_>, MediaError> {
    if *bytes.get(at).ok_or(CUT)? != 0xFF {
        return Err(damaged("a marker is missing"));
    }
    while *bytes.get(at).ok_or(CUT)? == 0xFF {
        at += 1;
    }
    let marker = bytes[at];
    at += 1;
    if matches!(marker, 0x01 | 0xD0..=0xD9) {
        return Ok(Segment {
            marker,
            payload: &[],
            after: at,
        });
    }
    let len = usize::from(be16(bytes, at).ok_or(CUT)?);
    if len < 2 {
        return Err(damaged("a segment is shorter than its own length field"));
    }
    let payload = bytes.get(at + 2..at + len).ok_or(CUT)?;
    Ok(Segment {
        marker,
        payload,
        after: at + len,
    })
}

/// EXIF may come after other segments but must come before the first scan.
fn find_orientation(bytes: &[u8]) -> u8 {
    let mut at = 2;
    while let Ok(segment) = segment_at(bytes, at) {
        if segment.marker == 0xE1 && segment.payload.starts_with(b"Exif\0\0") {
            return orientation(segment.payload);
        }
        if matches!(segment.marker, 0xDA | 0xD9) {
            break;
        }
        at = segment.after;
    }
    1
}

impl Walk<'_> {
    fn put(&mut self, marker: u8, payload: &[u8]) {
        let len = (payload.len() + 2) as u16; // payloads come out of 16-bit segments
        self.out.extend_from_slice(&[0xFF, marker]);
        self.out.extend_from_slice(&len.to_be_bytes());
        self.out.extend_from_slice(payload);
    }

    /// JFIF must stay the first segment; the orientation comes right after it.
    fn head(&mut self) -> Result<(), MediaError> {
        let first = segment_at(self.bytes, self.at)?;
        if first.marker == 0xE0 && first.payload.starts_with(b"JFIF\0") {
            let mut jfif: Vec<u8> = first.payload.iter().copied().take(14).collect();
            if let Some(thumbnail) = jfif.get_mut(12..14) {
                thumbnail.fill(0);
                self.put(0xE0, &jfif);
            }
            self.at = first.after;
        }
        if self.orientation != 1 {
            let mut exif = b"Exif\0\0".to_vec();
            exif.extend_from_slice(&only_orientation(self.orientation));
            self.put(0xE1, &exif);
        }
        Ok(())
    }

    /// Copies or drops one segment; false at the end of the image.
    fn segment(&mut self) -> Result<bool, MediaError> {
        let Segment {
            marker,
            payload,
            after,
        } = segment_at(self.bytes, self.at)?;
        self.at = after;
        match marker {
            0xD9 => {
                self.out.extend_from_slice(&[0xFF, 0xD9]);
                return Ok(false);
            }
            0xD8 => return Err(damaged("a second picture begins inside the first")),
            0x01 | 0xD0..=0xD7 => {} // stray markers without payload
            0xE2 if payload.starts_with(ICC) && payload.len() > 14 => self.profile(payload),
            0xEE if payload.starts_with(b"Adobe") => {
                self.put(marker, payload.get(..12).unwrap_or(payload));
            }
            0xE0..=0xFE => {}
            0xDA => {
                self.put(marker, payload);
                self.scan()?;
            }
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                if self.frame.replace(Frame::parse(marker, payload)?).is_some() {
                    return Err(damaged("it holds two frames"));
                }
                self.put(marker, payload);
            }
            _ => self.put(marker, payload),
        }
        Ok(true)
    }

    fn profile(&mut self, payload: &[u8]) {
        let mut payload = payload.to_vec();
        if payload[12] == 1 {
            anonymous(&mut payload[14..]);
        }
        self.icc.push((payload[12], payload[14..].to_vec()));
        self.put(0xE2, &payload);
    }

    /// Coded pixels last until a marker that is neither a stuffed zero nor a restart.
    fn scan(&mut self) -> Result<(), MediaError> {
        let start = self.at;
        let mut at = start;
        loop {
            let rest = self.bytes.get(at..).ok_or(CUT)?;
            let offset = rest.iter().position(|byte| *byte == 0xFF).ok_or(CUT)?;
            at += offset;
            match *self.bytes.get(at + 1).ok_or(CUT)? {
                0x00 | 0xD0..=0xD7 => at += 2,
                0xFF => at += 1,
                _ => break,
            }
        }
        self.out.extend_from_slice(&self.bytes[start..at]);
        self.at = at;
        Ok(())
    }
}

impl Frame {
    fn parse(marker: u8, payload: &[u8]) -> Result<Self, MediaError> {
        const SHORT: MediaError = MediaError::Damaged {
            what: WHAT,
            detail: "its frame header is too short",
        };
        let height = u32::from(be16(payload, 1).ok_or(SHORT)?);
        let width = u32::from(be16(payload, 3).ok_or(SHORT)?);
        let components = payload.get(6..).ok_or(SHORT)?.chunks_exact(3);
        let sampling: Vec<(u64, u64)> = components
            .take(4)
            .map(|component| (u64::from(component[1] >> 4), u64::from(component[1] & 15)))
            .collect();
        let across = sampling
            .iter()
            .map(|factor| factor.0)
            .max()
            .unwrap_or(1)
            .max(1);
        let down = sampling
            .iter()
            .map(|factor| factor.1)
            .max()
            .unwrap_or(1)
            .max(1);
        let units = u64::from(width).div_ceil(8 * across) * u64::from(height).div_ceil(8 * down);
        let blocks: u64 = sampling.iter().map(|factor| factor.0 * factor.1).sum();
        let channels = if sampling.len() == 1 { 1 } else { 3 };
        let pixels = u64::from(width) * u64::from(height);
        // A progressive file's coefficients are all held at once, two bytes each; a file
        // with four colours is held like that too.
        let held = if marker == 0xC2 || sampling.len() > 3 {
            units * blocks * 128
        } else {
            0
        };
        Ok(Self {
            width,
            height,
            memory: pixels * channels + held,
        })
    }
}
