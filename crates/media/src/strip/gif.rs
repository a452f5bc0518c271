//! GIF89a: a screen, colour tables and blocks, each cut into sub-blocks.
//!
//! Kept: pictures, their timing, and the loop count. Dropped: comments,
//! XMP, other applications' extensions, plain text (which nothing has drawn for decades)
//! and what follows the trailer.

use super::parts::Stripped;
use crate::{MediaError, Type, source::le16};

const WHAT: &str = "GIF picture";
const CUT: MediaError = MediaError::CutOff { what: WHAT };

/// See [`super::strip`].
pub(crate) fn strip(bytes: &[u8]) -> Result<Stripped, MediaError> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 13 + table(*bytes.get(10).ok_or(CUT)?);
    out.extend_from_slice(bytes.get(..at).ok_or(CUT)?);
    let screen = (side(bytes, 6)?, side(bytes, 8)?);
    let mut largest = u64::from(screen.0) * u64::from(screen.1);
    let mut frames = 0_u32;
    loop {
        let start = at;
        match *bytes.get(at).ok_or(CUT)? {
            0x3B => {
                out.push(0x3B);
                break;
            }
            0x2C => {
                let local = table(*bytes.get(at + 9).ok_or(CUT)?);
                largest =
                    largest.max(u64::from(side(bytes, at + 5)?) * u64::from(side(bytes, at + 7)?));
                at = blocks(bytes, at + 11 + local)?;
                out.extend_from_slice(&bytes[start..at]);
                frames = frames.saturating_add(1);
            }
            0x21 => {
                at = blocks(bytes, at + 2)?;
                if kept(&bytes[start..at]) {
                    out.extend_from_slice(&bytes[start..at]);
                }
            }
            _ => {
                return Err(MediaError::Damaged {
                    what: WHAT,
                    detail: "an unknown block",
                });
            }
        }
    }
    if frames == 0 {
        return Err(MediaError::Damaged {
            what: WHAT,
            detail: "it holds no picture",
        });
    }
    Ok(Stripped {
        bytes: out,
        media: Type::GIF,
        width: screen.0,
        height: screen.1,
        orientation: 1,
        icc: None,
        frames,
        // The screen, and a frame that does not fill it.
        memory: largest * 8,
    })
}

fn side(bytes: &[u8], at: usize) -> Result<u32, MediaError> {
    le16(bytes, at).map(u32::from).ok_or(CUT)
}

/// Bytes of the colour table that a flags byte announces.
fn table(flags: u8) -> usize {
    if flags & 0x80 == 0 {
        0
    } else {
        3 << ((flags & 7) + 1)
    }
}

/// Steps over sub-blocks, past the empty one that ends them.
fn blocks(bytes: &[u8], mut at: usize) -> Result<usize, MediaError> {
    loop {
        let len = usize::from(*bytes.get(at).ok_or(CUT)?);
        at += 1 + len;
        if len == 0 {
            return Ok(at);
        }
    }
}

fn kept(extension: &[u8]) -> bool {
    let application = extension.get(3..14).unwrap_or_default();
    match extension[1] {
        0xF9 => true,
        0xFF => {
            let looping = application == b"NETSCAPE2.0" || application == b"ANIMEXTS1.0";
            // The loop count is five bytes in one sub-block; more would be smuggled.
            looping && extension.len() <= 19
        }
        _ => false,
    }
}
