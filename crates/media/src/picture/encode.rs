//! Pixels into lossy WebP and thumbhashes.

use webp::{Encoder, WebPMemory};

use super::pixels::Pixels;
use crate::{Encoded, MediaError, Type};

/// The size that a variant should not exceed, in bytes.
const TARGET: usize = 350_000;
/// Qualities to try, best first. Photographs nearly always stay below the target with the
/// first; the last is taken whatever its size.
const QUALITIES: [f32; 5] = [78.0, 62.0, 45.0, 25.0, 8.0];

/// One still picture of a given quality (0 to 100).
pub(crate) fn still(pixels: &Pixels, quality: f32) -> Result<WebPMemory, MediaError> {
    let (width, height) = (pixels.width, pixels.height);
    let encoder = match pixels.channels {
        4 => Encoder::from_rgba(&pixels.data, width, height),
        _ => Encoder::from_rgb(&pixels.data, width, height),
    };
    encoder
        .encode_simple(false, quality)
        .map_err(|error| MediaError::Encode(format!("{error:?}")))
}

/// The picture as lossy WebP of at most [`TARGET`] bytes where a lower quality can do it.
pub(crate) fn webp(pixels: &Pixels) -> Result<Encoded, MediaError> {
    let mut made = still(pixels, QUALITIES[0])?;
    for quality in &QUALITIES[1..] {
        if made.len() <= TARGET {
            break;
        }
        made = still(pixels, *quality)?;
    }
    Ok(encoded(made.to_vec(), pixels))
}

/// A finished WebP file of these pixels.
pub(crate) fn encoded(bytes: Vec<u8>, pixels: &Pixels) -> Encoded {
    Encoded {
        bytes,
        mime: Type::WEBP.mime,
        extension: Type::WEBP.extension,
        width: pixels.width,
        height: pixels.height,
    }
}

/// The thumbhash, made from at most 100 px as its format wants.
pub(crate) fn thumbhash(pixels: &Pixels) -> Result<Vec<u8>, MediaError> {
    let tiny = pixels.clone().fit(100)?;
    let rgba: Vec<u8> = match tiny.channels {
        4 => tiny.data,
        _ => {
            let colours = tiny.data.chunks_exact(3);
            colours
                .flat_map(|rgb| [rgb[0], rgb[1], rgb[2], 255])
                .collect()
        }
    };
    Ok(thumbhash::rgba_to_thumb_hash(
        tiny.width as usize,
        tiny.height as usize,
        &rgba,
    ))
}
