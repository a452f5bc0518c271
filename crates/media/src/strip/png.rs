//! PNG (third edition) and its animations: a chain of chunks with checksums.
//!
//! Kept: what decides pixels and colours, and an animation's frames. Dropped: text, time,
//! EXIF (but its orientation), every unknown chunk, and what follows the last.

use std::io::{Read as _, Write as _};

use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};

use super::parts::{Stripped, anonymous, only_orientation, orientation};
use crate::{MediaError, Type, source::be32};

const WHAT: &str = "PNG picture";
const CUT: MediaError = MediaError::CutOff { what: WHAT };
/// The largest colour profile that is unpacked. Usual ones are below 4 kB, printers' below
/// 3 MB.
const PROFILE: u64 = 4 * 1024 * 1024;

/// See [`super::strip`].
pub(crate) fn strip(bytes: &[u8]) -> Result<Stripped, MediaError> {
    let mut found = Stripped {
        bytes: Vec::with_capacity(bytes.len()),
        media: Type::PNG,
        width: 0,
        height: 0,
        orientation: find_orientation(bytes),
        icc: None,
        frames: 1,
        memory: 0,
    };
    found.bytes.extend_from_slice(&bytes[..8]);
    let mut at = 8;
    loop {
        let chunk = chunk_at(bytes, at)?;
        if (at == 8) != (&chunk.kind == b"IHDR") {
            return Err(damaged("its header is not its first chunk"));
        }
        at = chunk.after;
        match &chunk.kind {
            b"IHDR" => header(&mut found, &chunk)?,
            b"IEND" => {
                put(&mut found.bytes, *b"IEND", &[]);
                return Ok(found);
            }
            b"iCCP" => profile(&mut found, &chunk),
            b"acTL" => {
                found.frames = be32(chunk.data, 0).unwrap_or(1).max(1);
                found.bytes.extend_from_slice(chunk.whole);
            }
            b"PLTE" | b"IDAT" | b"tRNS" | b"cHRM" | b"gAMA" | b"sBIT" | b"sRGB" | b"cICP"
            | b"mDCV" | b"cLLI" | b"bKGD" | b"hIST" | b"pHYs" | b"sPLT" | b"fcTL" | b"fdAT" => {
                found.bytes.extend_from_slice(chunk.whole);
            }
            _ => {}
        }
    }
}

fn damaged(detail: &'static str) -> MediaError {
    MediaError::Damaged { what: WHAT, detail }
}

struct Chunk<'a> {
    kind: [u8; 4],
    data: &'a [u8],
    whole: &'a [u8],
    after: usize,
}

fn chunk_at(bytes: &[u8], at: usize) -> Result<Chunk<'_>, MediaError> {
    let len = be32(bytes, at).ok_or(CUT)? as usize;
    let after = at
        .checked_add(len)
        .and_then(|end| end.checked_add(12))
        .ok_or(CUT)?;
    let whole = bytes.get(at..after).ok_or(CUT)?;
    let kind = [whole[4], whole[5], whole[6], whole[7]];
    let data = &whole[8..8 + len];
    if be32(whole, 8 + len) != Some(checksum(&whole[4..8 + len])) {
        return Err(damaged("a chunk's checksum is wrong"));
    }
    Ok(Chunk {
        kind,
        data,
        whole,
        after,
    })
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

fn put(out: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    let start = out.len() + 4;
    out.extend_from_slice(&(data.len() as u32).to_be_bytes()); // at most a profile's size
    out.extend_from_slice(&kind);
    out.extend_from_slice(data);
    let crc = checksum(&out[start..]);
    out.extend_from_slice(&crc.to_be_bytes());
}

/// EXIF may come before or after the pixels, so it is looked for beforehand.
fn find_orientation(bytes: &[u8]) -> u8 {
    let mut at = 8;
    while let Ok(chunk) = chunk_at(bytes, at) {
        match &chunk.kind {
            b"eXIf" => return orientation(chunk.data),
            b"IEND" => break,
            _ => at = chunk.after,
        }
    }
    1
}

fn header(found: &mut Stripped, chunk: &Chunk<'_>) -> Result<(), MediaError> {
    let [.., depth, colours, _, _, _] = chunk.data else {
        return Err(damaged("its header is too short"));
    };
    found.width = be32(chunk.data, 0).ok_or(CUT)?;
    found.height = be32(chunk.data, 4).ok_or(CUT)?;
    // Palettes and transparent colours unfold to at most four bytes a pixel.
    let channels = if *colours == 0 || *colours == 4 { 2 } else { 4 };
    let depth = if *depth == 16 { 2 } else { 1 };
    found.memory = u64::from(found.width)
        .saturating_mul(u64::from(found.height))
        .saturating_mul(channels * depth);
    found.bytes.extend_from_slice(chunk.whole);
    if found.orientation != 1 {
        put(
            &mut found.bytes,
            *b"eXIf",
            &only_orientation(found.orientation),
        );
    }
    Ok(())
}

/// A profile that cannot be unpacked is dropped: the pixels are then taken for sRGB, as
/// browsers do.
fn profile(found: &mut Stripped, chunk: &Chunk<'_>) {
    let Some(name) = chunk.data.iter().take(80).position(|byte| *byte == 0) else {
        return;
    };
    let Some(packed) = chunk.data.get(name + 2..) else {
        return;
    };
    let mut icc = Vec::new();
    let mut unpack = ZlibDecoder::new(packed).take(PROFILE + 1);
    if unpack.read_to_end(&mut icc).is_err() || icc.len() as u64 > PROFILE {
        return;
    }
    anonymous(&mut icc);
    let mut packer = ZlibEncoder::new(b"icc\0\0".to_vec(), Compression::default());
    if packer.write_all(&icc).is_ok()
        && let Ok(data) = packer.finish()
    {
        put(&mut found.bytes, *b"iCCP", &data);
        found.icc = Some(icc);
    }
}
