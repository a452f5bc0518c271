//! Pictures for a feed: upright WebP variants in sRGB, a thumbhash, the bare original.
//!
//! The order of work keeps bombs out: the kind by content, the walk over the file without
//! any decoder ([`crate::strip`]), the header's dimensions and the memory that decoding them
//! takes, and only then a decoder, one picture at a time in the whole process.

mod animate;
mod decode;
mod encode;
mod pixels;

use std::sync::{Mutex, PoisonError};

use self::encode::webp;
use crate::{
    Encoded, Kind, MediaError, Picture, Type,
    limits::{PICTURE_BYTES, PICTURE_PIXELS, PICTURE_SIDE},
    sniff,
    strip::{self, Stripped},
};

/// Longest side of the wide variant, in pixels.
const WIDE: u32 = 1600;
/// Longest side of the small variant and side of an avatar, in pixels.
const SMALL: u32 = 480;
/// Memory that one picture may take while it is decoded, its file included, in bytes.
/// Resizing and encoding come on top; together they stay below 400 MB.
const MEMORY: u64 = 330_000_000;

/// Decoders need most of the memory that a node uses, so only one runs at a time.
static DECODER: Mutex<()> = Mutex::new(());

/// Makes what a feed shows of a picture.
///
/// `bytes` is a JPEG, PNG, GIF or WebP of at most [`PICTURE_BYTES`] and [`PICTURE_PIXELS`].
/// Variants are upright (EXIF orientation applied), converted to sRGB, lossy WebP with
/// alpha, without any metadata. An animation stays one in `wide` as long as it is small
/// enough, else its first frame is shown; `small` is always still. A banner is a picture
/// too: `wide` is what a profile shows.
///
/// With `keep_original`, the file's own coded pixels are kept as well, without metadata but
/// for the orientation and an anonymous colour profile.
///
/// # Errors
/// [`MediaError`] names what is not taken, damaged, cut off or too large.
pub fn picture(bytes: &[u8], keep_original: bool) -> Result<Picture, MediaError> {
    let _one_at_a_time = DECODER.lock().unwrap_or_else(PoisonError::into_inner);
    let stripped = open(bytes)?;
    let wide = decode::still(&stripped)?.fit(WIDE)?.finish(&stripped)?;
    let small = match wide.width.max(wide.height) > SMALL {
        true => Some(wide.clone().fit(SMALL)?),
        false => None,
    };
    let thumbhash = encode::thumbhash(&wide)?;
    let moving = animate::webp(&stripped);
    Ok(Picture {
        wide: match moving {
            Some(animation) => animation,
            None => webp(&wide)?,
        },
        small: small.as_ref().map(webp).transpose()?,
        thumbhash,
        original: keep_original.then(|| original(stripped)),
    })
}

/// Makes an avatar: the centred square of a picture, at most 480 px, never enlarged.
///
/// `wide` is the square; `small` and `original` are `None`.
///
/// # Errors
/// As [`picture`].
pub fn avatar(bytes: &[u8]) -> Result<Picture, MediaError> {
    let _one_at_a_time = DECODER.lock().unwrap_or_else(PoisonError::into_inner);
    let stripped = open(bytes)?;
    let square = decode::still(&stripped)?.square(SMALL)?.finish(&stripped)?;
    Ok(Picture {
        wide: webp(&square)?,
        small: None,
        thumbhash: encode::thumbhash(&square)?,
        original: None,
    })
}

/// Everything that can be known without decoding, refused where it must be.
fn open(bytes: &[u8]) -> Result<Stripped, MediaError> {
    let size = bytes.len() as u64;
    if size > PICTURE_BYTES {
        return Err(MediaError::TooLarge {
            what: "picture",
            size,
            limit: PICTURE_BYTES,
        });
    }
    let media = sniff(bytes.get(..8192).unwrap_or(bytes))?;
    if media.kind != Kind::Picture {
        return Err(MediaError::NotTaken {
            found: "a video or sound in place of a picture",
            advice: "choose a JPEG, PNG, GIF or WebP file",
        });
    }
    let stripped = strip::strip(bytes, media)?;
    let (width, height) = (stripped.width, stripped.height);
    if width == 0 || height == 0 {
        return Err(MediaError::Decode(
            "it has no width or no height".to_owned(),
        ));
    }
    let pixels = u64::from(width) * u64::from(height);
    if pixels > PICTURE_PIXELS || width.max(height) > PICTURE_SIDE {
        return Err(MediaError::TooManyPixels { width, height });
    }
    let needed = stripped.memory + size + stripped.bytes.len() as u64;
    if needed > MEMORY {
        return Err(MediaError::TooMuchMemory {
            needed: needed / 1_000_000,
            limit: MEMORY / 1_000_000,
            advice: advice(media),
        });
    }
    Ok(stripped)
}

fn advice(media: Type) -> &'static str {
    if media == Type::JPEG {
        "export it as a baseline (not progressive) JPEG, or make it smaller"
    } else if media == Type::PNG {
        "export it with 8 bits a channel, or make it smaller"
    } else {
        "make it smaller"
    }
}

fn original(stripped: Stripped) -> Encoded {
    let turned = stripped.orientation >= 5;
    Encoded {
        mime: stripped.media.mime,
        extension: stripped.media.extension,
        width: if turned {
            stripped.height
        } else {
            stripped.width
        },
        height: if turned {
            stripped.width
        } else {
            stripped.height
        },
        bytes: stripped.bytes,
    }
}
