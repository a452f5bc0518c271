//! Sound files: MP3, AAC, OGG (Vorbis, Opus, FLAC), FLAC and WAV.
//!
//! Each room knows how its format frames coded sound and copies the frames alone, so tags
//! of whatever kind, before, between or after them, stay behind. M4A is an MP4 file and
//! lives there.

pub(crate) mod adts;
mod comment;
mod flac;
mod flac_end;
mod flac_info;
pub(crate) mod frames;
pub(crate) mod id3;
pub(crate) mod mpeg;
mod ogg;
mod page;
mod wav;

use std::io::{Read, Seek, Write};

use crate::{
    Clean, MediaError, Type,
    source::{Sink, Source},
};

/// Copies a sound file; `media` is what its head promised.
pub(crate) fn clean<R: Read + Seek, W: Write>(
    source: &mut Source<R>,
    out: &mut Sink<'_, W>,
    media: Type,
) -> Result<Clean, MediaError> {
    if media == Type::WAV {
        source.name("WAV file");
        return wav::clean(source, out);
    }
    if media == Type::OGG || media == Type::OPUS {
        source.name("OGG file");
        return ogg::clean(source, out);
    }
    source.name("sound file");
    let tag = id3::skip(source)?;
    let head = source.head(tag.end, 8)?;
    let mut clean = if head.starts_with(b"fLaC") {
        source.name("FLAC file");
        flac::clean(source, out, tag.end)?
    } else if adts::parse(&head).is_some() {
        source.name("AAC file");
        adts::clean(source, out, tag.end)?
    } else {
        source.name("MP3 file");
        mpeg::clean(source, out, tag.end)?
    };
    clean.title = clean.title.or(tag.title);
    Ok(clean)
}
