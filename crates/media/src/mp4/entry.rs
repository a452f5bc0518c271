//! What a track's samples are coded with (`stsd`), without names of devices and programs.

use super::boxes::{children, damaged, put};
use crate::{
    MediaError,
    source::{be16, be32},
};

const ENCRYPTED: MediaError = MediaError::NotTaken {
    found: "an encrypted video or sound (bought, or protected by its maker)",
    advice: "only files that everybody can play can be published",
};

/// Boxes in a sample's description that a decoder or a screen needs.
const KEPT: [&[u8; 4]; 40] = [
    b"avcC", b"hvcC", b"lhvC", b"vvcC", b"av1C", b"vpcC", b"esds", b"wave", b"dOps", b"dfLa",
    b"alac", b"dac3", b"dec3", b"dac4", b"pcmC", b"chan", b"chnl", b"srat", b"colr", b"pasp",
    b"clap", b"fiel", b"gama", b"btrt", b"mdcv", b"clli", b"SmDm", b"CoLL", b"dvcC", b"dvvC",
    b"dvwC", b"amve", b"cclv", b"d263", b"damr", b"glbl", b"vexu", b"st3d", b"sv3d", b"SA3D",
];

/// A cleaned description.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    /// The contents of `stsd`.
    pub(crate) data: Vec<u8>,
    /// Bytes of one frame of raw sound.
    pub(crate) frame: Option<u64>,
    /// Width and height of a picture as coded.
    pub(crate) pixels: Option<(u32, u32)>,
    /// The highest reference to where the data lies.
    pub(crate) references: u16,
}

/// Cleans the contents of `stsd`.
pub(crate) fn clean(data: &[u8], picture: bool) -> Result<Entries, MediaError> {
    let short = || damaged("its description of samples is too short");
    let head = data.get(..8).ok_or_else(short)?;
    let quick_time = head[0] == 0;
    let entries = children(&data[8..])?;
    if entries.is_empty() || entries.len() > 64 || be32(head, 4) != Some(entries.len() as u32) {
        return Err(damaged("its description of samples is wrong"));
    }
    let mut clean = Entries {
        data: head.to_vec(),
        ..Entries::default()
    };
    for entry in entries {
        if matches!(
            &entry.kind,
            b"encv" | b"enca" | b"encs" | b"enct" | b"drms" | b"drmi"
        ) {
            return Err(ENCRYPTED);
        }
        let fixed = if picture {
            78
        } else {
            sound_header(entry.data, quick_time)?
        };
        let mut header = entry.data.get(..fixed).ok_or_else(short)?.to_vec();
        header[..6].fill(0);
        header[12..16].fill(0); // the vendor
        clean.references = clean.references.max(be16(&header, 6).unwrap_or_default());
        if picture {
            header[42..74].fill(0); // the coding program's name, or the camera's
            let side = |at| be16(&header, at).map_or(0, u32::from);
            clean.pixels.get_or_insert((side(24), side(26)));
        } else if clean.frame.is_none() {
            clean.frame = raw_frame(&entry.kind, &header);
        }
        let parts = children(&entry.data[fixed..])?;
        if parts.iter().any(|part| &part.kind == b"sinf") {
            return Err(ENCRYPTED);
        }
        put(&mut clean.data, entry.kind, |out| {
            out.extend_from_slice(&header);
            for part in parts.iter().filter(|part| KEPT.contains(&&part.kind)) {
                put(out, part.kind, |out| out.extend_from_slice(part.data));
            }
        });
    }
    Ok(clean)
}

/// QuickTime knows three versions of the fixed part for sound, MP4 one.
fn sound_header(data: &[u8], quick_time: bool) -> Result<usize, MediaError> {
    match be16(data, 8) {
        Some(0) => Ok(28),
        Some(1) if quick_time => Ok(44),
        Some(1) => Ok(28),
        Some(2) if quick_time => Ok(64),
        _ => Err(damaged("its description of sound is unknown here")),
    }
}

/// Bytes of one frame of all channels, for sound that is not compressed.
fn raw_frame(kind: &[u8; 4], header: &[u8]) -> Option<u64> {
    let raw = matches!(
        kind,
        b"sowt"
            | b"twos"
            | b"raw "
            | b"lpcm"
            | b"in24"
            | b"in32"
            | b"fl32"
            | b"fl64"
            | b"ulaw"
            | b"alaw"
            | b"NONE"
            | b"ipcm"
            | b"fpcm"
    );
    if !raw {
        return None;
    }
    match be16(header, 8)? {
        0 => {
            let bits = match kind {
                b"in24" => 24,
                b"in32" | b"fl32" => 32,
                b"fl64" => 64,
                b"ulaw" | b"alaw" => 8,
                _ => u64::from(be16(header, 18)?),
            };
            Some(u64::from(be16(header, 16)?) * bits.div_ceil(8))
        }
        1 => be32(header, 36).map(u64::from),
        _ => be32(header, 56).map(u64::from),
    }
}
