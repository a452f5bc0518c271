//! Animations of GIF and WebP as animated WebP.
//!
//! Every frame is encoded whole, one at a time, so memory does not grow with their number;
//! a frame equal to the one before only lengthens it. What is longer or larger than the
//! limits below is shown as its first frame: a feed is not the place for a film in GIF, and
//! MP4 says the same in a tenth of the bytes.

use std::io::Cursor;

use image::{
    AnimationDecoder, Frame, ImageDecoder,
    codecs::{gif::GifDecoder, webp::WebPDecoder},
};

use super::{decode, encode, pixels::Pixels};
use crate::{Encoded, Type, source::le32, strip::Stripped};

/// Longest side of an animation, in pixels.
const SIDE: u32 = 800;
/// The most frames.
const FRAMES: u32 = 300;
/// The most pixels in all frames together, as stored.
const PIXELS: u64 = 100_000_000;
/// The largest file, in bytes.
const BYTES: usize = 8 * 1024 * 1024;
const QUALITY: f32 = 70.0;
/// Where browsers slow down animations that give no time, in milliseconds.
const FASTEST: u32 = 20;

/// The animation, or `None` when there is none or it passes a limit: the caller then shows
/// the first frame.
pub(crate) fn webp(file: &Stripped) -> Option<Encoded> {
    let pixels = u64::from(file.width) * u64::from(file.height);
    if file.frames < 2 || file.frames > FRAMES || pixels * u64::from(file.frames) > PIXELS {
        return None;
    }
    let input = Cursor::new(file.bytes.as_slice());
    if file.media == Type::GIF {
        let mut decoder = GifDecoder::new(input).ok()?;
        decoder.set_limits(decode::limits()).ok()?;
        made(file, decoder.into_frames())
    } else if file.media == Type::WEBP {
        made(file, WebPDecoder::new(input).ok()?.into_frames())
    } else {
        None
    }
}

/// One picture of the animation, encoded, and how long it stays.
struct Shown {
    data: Vec<u8>,
    alpha: bool,
    milliseconds: u32,
}

fn made(
    file: &Stripped,
    frames: impl Iterator<Item = image::ImageResult<Frame>>,
) -> Option<Encoded> {
    let mut last: Option<Pixels> = None;
    let mut shown: Vec<Shown> = Vec::new();
    let mut size = 0;
    for frame in frames {
        let frame = frame.ok()?;
        let (numerator, denominator) = frame.delay().numer_denom_ms();
        let delay = numerator / denominator.max(1);
        let milliseconds = if delay < FASTEST { 100 } else { delay };
        let (width, height) = frame.buffer().dimensions();
        let pixels = Pixels {
            width,
            height,
            channels: 4,
            data: frame.into_buffer().into_raw(),
        };
        let pixels = pixels.fit(SIDE).ok()?.finish(file).ok()?;
        if let (Some(last), Some(before)) = (&last, shown.last_mut())
            && last.data == pixels.data
        {
            before.milliseconds = before.milliseconds.saturating_add(milliseconds);
            continue;
        }
        let still = encode::still(&pixels, QUALITY).ok()?;
        let (data, alpha) = coded(&still)?;
        size += data.len();
        if size > BYTES {
            return None;
        }
        shown.push(Shown {
            data,
            alpha,
            milliseconds,
        });
        last = Some(pixels);
    }
    let canvas = last?;
    (shown.len() > 1).then(|| encode::encoded(assembled(&canvas, &shown), &canvas))
}

/// The chunks of a still WebP file that hold its pixels, and whether they have alpha.
fn coded(still: &[u8]) -> Option<(Vec<u8>, bool)> {
    let mut data = Vec::with_capacity(still.len());
    let mut alpha = false;
    let mut at = 12;
    while let Some(kind) = still.get(at..at + 4) {
        let len = le32(still, at + 4)? as usize;
        let end = at + 8 + len + len % 2;
        if matches!(kind, b"ALPH" | b"VP8 " | b"VP8L") {
            alpha |= kind == b"ALPH";
            data.extend_from_slice(still.get(at..end)?);
        }
        at = end;
    }
    Some((data, alpha))
}

/// An animated WebP file (RFC 9649 section 2.7) that repeats for ever.
fn assembled(canvas: &Pixels, shown: &[Shown]) -> Vec<u8> {
    let three = |value: u32| value.to_le_bytes().into_iter().take(3);
    let sides: Vec<u8> = three(canvas.width - 1)
        .chain(three(canvas.height - 1))
        .collect();
    let alpha = shown.iter().any(|frame| frame.alpha);
    let mut out = b"RIFF\0\0\0\0WEBPVP8X\x0A\0\0\0".to_vec();
    out.extend_from_slice(&[0x02 | if alpha { 0x10 } else { 0 }, 0, 0, 0]);
    out.extend_from_slice(&sides);
    out.extend_from_slice(b"ANIM\x06\0\0\0\0\0\0\0\0\0");
    for frame in shown {
        let len = (16 + frame.data.len()) as u32; // below the limit of all frames
        out.extend_from_slice(b"ANMF");
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&[0; 6]);
        out.extend_from_slice(&sides);
        out.extend(three(frame.milliseconds.min(0xFF_FFFF)));
        out.push(0x02); // replaces the frame before, does not blend with it
        out.extend_from_slice(&frame.data);
    }
    let len = (out.len() - 8) as u32; // below the limit of all frames
    out[4..8].copy_from_slice(&len.to_le_bytes());
    out
}
