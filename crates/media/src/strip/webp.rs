//! WebP (RFC 9649): a RIFF file of chunks.
//!
//! Kept: coded pixels, alpha, animation, the colour profile. Dropped: EXIF (but its
//! orientation), XMP, unknown chunks (also inside frames), and what follows.

use super::parts::{Stripped, anonymous, only_orientation, orientation};
use crate::{
    MediaError, Type,
    source::{le16, le32},
};

const WHAT: &str = "WebP picture";
const CUT: MediaError = MediaError::CutOff { what: WHAT };

const HAS_ICC: u8 = 0x20;
const HAS_EXIF: u8 = 0x08;
const HAS_XMP: u8 = 0x04;

/// See [`super::strip`].
pub(crate) fn strip(bytes: &[u8]) -> Result<Stripped, MediaError> {
    let end = le32(bytes, 4).ok_or(CUT)? as usize;
    let body = bytes.get(12..end.checked_add(8).ok_or(CUT)?).ok_or(CUT)?;
    let mut found = Stripped {
        bytes: b"RIFF\0\0\0\0WEBP".to_vec(),
        media: Type::WEBP,
        width: 0,
        height: 0,
        orientation: 1,
        icc: None,
        frames: 0,
        memory: 0,
    };
    for chunk in chunks(body) {
        let (kind, data) = chunk?;
        take(&mut found, kind, data)?;
    }
    if found.frames == 0 {
        return Err(damaged("it holds no picture"));
    }
    finish(&mut found);
    // Bytes a pixel that the decoder was measured to take, and the canvas of an animation.
    let alpha = contains_alpha(body);
    let each = if alpha { 11 } else { 6 } + if found.frames > 1 { 4 } else { 0 };
    found.memory = u64::from(found.width) * u64::from(found.height) * each;
    Ok(found)
}

fn damaged(detail: &'static str) -> MediaError {
    MediaError::Damaged { what: WHAT, detail }
}

type Part<'a> = Result<([u8; 4], &'a [u8]), MediaError>;

fn chunks(body: &[u8]) -> impl Iterator<Item = Part<'_>> {
    let mut rest = body;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let part = split(rest);
        rest = match &part {
            Ok((_, data)) => rest
                .get(8 + data.len() + data.len() % 2..)
                .unwrap_or_default(),
            Err(_) => &[],
        };
        Some(part)
    })
}

fn split(rest: &[u8]) -> Part<'_> {
    let len = le32(rest, 4).ok_or(CUT)? as usize;
    let data = rest
        .get(8..8_usize.checked_add(len).ok_or(CUT)?)
        .ok_or(CUT)?;
    Ok(([rest[0], rest[1], rest[2], rest[3]], data))
}

fn put(out: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    out.extend_from_slice(&kind);
    out.extend_from_slice(&(data.len() as u32).to_le_bytes()); // came out of a 32-bit chunk
    out.extend_from_slice(data);
    if data.len() % 2 == 1 {
        out.push(0);
    }
}

fn take(found: &mut Stripped, kind: [u8; 4], data: &[u8]) -> Result<(), MediaError> {
    match &kind {
        b"VP8X" => {
            let canvas = data.get(..10).ok_or(CUT)?;
            let side =
                |at: usize| u32::from_le_bytes([canvas[at], canvas[at + 1], canvas[at + 2], 0]) + 1;
            (found.width, found.height) = (side(4), side(7));
            put(&mut found.bytes, kind, canvas);
        }
        b"VP8 " | b"VP8L" => {
            if found.width == 0 {
                (found.width, found.height) = size(&kind, data)?;
            }
            found.frames += 1;
            put(&mut found.bytes, kind, data);
        }
        b"ANMF" => {
            found.frames += 1;
            let mut frame = data.get(..16).ok_or(CUT)?.to_vec();
            for chunk in chunks(&data[16..]) {
                let (kind, data) = chunk?;
                if matches!(&kind, b"ALPH" | b"VP8 " | b"VP8L") {
                    put(&mut frame, kind, data);
                }
            }
            put(&mut found.bytes, kind, &frame);
        }
        b"ICCP" => {
            let mut icc = data.to_vec();
            anonymous(&mut icc);
            put(&mut found.bytes, kind, &icc);
            found.icc = Some(icc);
        }
        b"ALPH" | b"ANIM" => put(&mut found.bytes, kind, data),
        b"EXIF" => found.orientation = orientation(data),
        _ => {}
    }
    Ok(())
}

/// True when alpha is coded apart from lossy colours, alone or in a frame.
fn contains_alpha(body: &[u8]) -> bool {
    let coded = |chunk: Part<'_>| chunk.is_ok_and(|(kind, _)| &kind == b"ALPH");
    chunks(body).flatten().any(|(kind, data)| match &kind {
        b"ANMF" => data.get(16..).is_some_and(|frame| chunks(frame).any(coded)),
        _ => &kind == b"ALPH",
    })
}

/// Width and height in the coded picture itself.
fn size(kind: &[u8; 4], data: &[u8]) -> Result<(u32, u32), MediaError> {
    if kind == b"VP8L" {
        let bits = le32(data, 1).ok_or(CUT)?;
        return Ok(((bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1));
    }
    let side = |at| {
        le16(data, at)
            .map(|side| u32::from(side & 0x3FFF))
            .ok_or(CUT)
    };
    Ok((side(6)?, side(8)?))
}

/// Adds the orientation, sets flags and length.
fn finish(found: &mut Stripped) {
    let extended = found.bytes.get(12..16) == Some(b"VP8X");
    if extended && found.orientation != 1 {
        put(
            &mut found.bytes,
            *b"EXIF",
            &only_orientation(found.orientation),
        );
    }
    if extended && let Some(flags) = found.bytes.get_mut(20) {
        *flags &= !(HAS_XMP | HAS_EXIF | HAS_ICC);
        *flags |= if found.orientation == 1 { 0 } else { HAS_EXIF };
        *flags |= if found.icc.is_some() { HAS_ICC } else { 0 };
    }
    let len = (found.bytes.len() - 8) as u32; // not more than a 32-bit file was read
    found.bytes[4..8].copy_from_slice(&len.to_le_bytes());
}
