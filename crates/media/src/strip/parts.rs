//! What the walks over picture files share: their result, the one EXIF field that is kept,
//! and colour profiles without their maker's marks.

use crate::{
    Type,
    source::{be16, be32, le16, le32},
};

/// A picture file without metadata, and what its walk found out.
#[derive(Debug)]
pub(crate) struct Stripped {
    /// The whole file, its pixels as they were.
    pub(crate) bytes: Vec<u8>,
    /// What it is.
    pub(crate) media: Type,
    /// Width in pixels as stored, before orientation.
    pub(crate) width: u32,
    /// Height in pixels as stored.
    pub(crate) height: u32,
    /// EXIF orientation, 1 (upright) to 8.
    pub(crate) orientation: u8,
    /// The colour profile.
    pub(crate) icc: Option<Vec<u8>>,
    /// Frames of an animation; 1 for a still picture.
    pub(crate) frames: u32,
    /// Bytes that decoding needs besides the file: an upper estimate.
    pub(crate) memory: u64,
}

/// The orientation (1 to 8) in a block of EXIF, with or without its `Exif` preamble.
/// Whatever is wrong with the block, the answer is 1: upright.
pub(crate) fn orientation(exif: &[u8]) -> u8 {
    let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    first_directory(tiff).unwrap_or(1)
}

fn first_directory(tiff: &[u8]) -> Option<u8> {
    let little = match tiff.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |at| {
        if little {
            le16(tiff, at)
        } else {
            be16(tiff, at)
        }
    };
    let start = if little { le32(tiff, 4) } else { be32(tiff, 4) }? as usize;
    let entries = usize::from(short(start)?);
    let first = start.checked_add(2)?;
    (0..entries).find_map(|index| {
        let at = first.checked_add(index * 12)?;
        let value = short(at + 8)?;
        (short(at)? == 0x0112 && (1..=8).contains(&value)).then_some(value as u8)
    })
}

/// An EXIF block (TIFF) that holds an orientation and nothing else.
pub(crate) fn only_orientation(value: u8) -> [u8; 26] {
    let mut tiff = *b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0";
    tiff[19] = value;
    tiff
}

/// Blanks what a profile's header tells about when and on what it was made: date,
/// platform's maker, device maker, model, creator, and the checksum over them (zero means
/// "not computed"). None of it takes part in the conversion of colours.
pub(crate) fn anonymous(profile: &mut [u8]) {
    for range in [24..36, 48..56, 80..100] {
        if let Some(field) = profile.get_mut(range) {
            field.fill(0);
        }
    }
}
