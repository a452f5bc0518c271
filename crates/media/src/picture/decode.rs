//! From a stripped file to pixels of 8 bits a channel.

use std::io::Cursor;

use image::{
    ColorType, ImageDecoder, Limits,
    codecs::{gif::GifDecoder, jpeg::JpegDecoder, png::PngDecoder, webp::WebPDecoder},
};

use super::pixels::Pixels;
use crate::{MediaError, Type, strip::Stripped};

/// The largest buffer that a decoder may ask for, in bytes.
pub(crate) const ALLOCATION: u64 = 256 * 1024 * 1024;

/// Decodes the picture, or the first frame of an animation.
pub(crate) fn still(file: &Stripped) -> Result<Pixels, MediaError> {
    let input = Cursor::new(file.bytes.as_slice());
    if file.media == Type::JPEG {
        read(file, JpegDecoder::new(input).map_err(failed)?)
    } else if file.media == Type::PNG {
        let decoder = PngDecoder::with_limits(input, limits()).map_err(failed)?;
        read(file, decoder)
    } else if file.media == Type::GIF {
        read(file, GifDecoder::new(input).map_err(failed)?)
    } else {
        read(file, WebPDecoder::new(input).map_err(failed)?)
    }
}

/// What decoders of other crates are held to.
pub(crate) fn limits() -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(ALLOCATION);
    limits
}

#[expect(clippy::needless_pass_by_value, reason = "handed over to `map_err`")]
fn failed(error: image::ImageError) -> MediaError {
    MediaError::Decode(error.to_string())
}

fn read(file: &Stripped, mut decoder: impl ImageDecoder) -> Result<Pixels, MediaError> {
    decoder.set_limits(limits()).map_err(failed)?;
    let (width, height) = decoder.dimensions();
    let size = decoder.total_bytes();
    if (width, height) != (file.width, file.height) || size > ALLOCATION {
        return Err(MediaError::Decode(
            "its size is told in two ways".to_owned(),
        ));
    }
    let (channels, wide) = match decoder.color_type() {
        ColorType::L8 => (1, false),
        ColorType::La8 => (2, false),
        ColorType::Rgb8 => (3, false),
        ColorType::Rgba8 => (4, false),
        ColorType::L16 => (1, true),
        ColorType::La16 => (2, true),
        ColorType::Rgb16 => (3, true),
        ColorType::Rgba16 => (4, true),
        _ => {
            return Err(MediaError::Decode(
                "its kind of colours is unknown".to_owned(),
            ));
        }
    };
    let mut data = vec![0; size as usize];
    decoder.read_image(&mut data).map_err(failed)?;
    if wide {
        narrow(&mut data);
    }
    Ok(Pixels {
        width,
        height,
        channels,
        data,
    })
}

/// 16 bits a channel become 8, in place.
fn narrow(data: &mut Vec<u8>) {
    for at in 0..data.len() / 2 {
        let wide = u16::from_ne_bytes([data[2 * at], data[2 * at + 1]]);
        data[at] = (wide >> 8) as u8;
    }
    data.truncate(data.len() / 2);
}
