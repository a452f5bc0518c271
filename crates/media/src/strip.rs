//! A picture file without everything that is not picture.
//!
//! Each format's own walk over its segments, chunks or blocks copies what decides the
//! pixels, their colours and (as the only thing of EXIF) their orientation; whatever else
//! the file holds stays behind, known or not, and so does what lies after its end. The
//! coded pixels are copied byte for byte. The walk needs the format's end marker, so a file
//! that was cut off is found here, before a decoder would fill the rest with grey.
//!
//! Decoders are given these bytes only, so that no decoder ever parses a stranger's
//! metadata.

mod gif;
mod jpeg;
mod parts;
mod png;
mod webp;

pub(crate) use self::parts::Stripped;
use crate::{MediaError, Type};

/// Strips a picture whose kind is known.
pub(crate) fn strip(bytes: &[u8], media: Type) -> Result<Stripped, MediaError> {
    if media == Type::JPEG {
        jpeg::strip(bytes)
    } else if media == Type::PNG {
        png::strip(bytes)
    } else if media == Type::GIF {
        gif::strip(bytes)
    } else {
        webp::strip(bytes)
    }
}
