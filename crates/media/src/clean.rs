//! The door for video and sound: finds the format, hands the file to its room.

use std::io::{Read, Seek, Write};

use crate::{
    Clean, Kind, MediaError, Type, mp4, sniff, sound,
    source::{Sink, Source},
    webm,
};

/// Copies a video or sound to `out`: the same streams, without metadata.
///
/// Coded samples stay byte for byte what they were. Gone are places, devices, dates, titles,
/// comments, cover pictures, chapters, subtitles and timed metadata; MP4 and MOV are put into
/// the order that browsers can play while loading. Memory does not grow with the file: only
/// its index is held, at most 64 MiB of it. `input` is read from its start.
///
/// # Errors
/// [`MediaError`] says what is not taken (pictures among it), damaged or cut off. `out` may
/// then hold a beginning: the caller throws it away.
pub fn clean<R: Read + Seek, W: Write>(input: R, out: &mut W) -> Result<Clean, MediaError> {
    let mut source = Source::new(input, "file")?;
    let media = sniff(&source.head(0, 8192)?)?;
    if media.kind == Kind::Picture {
        return Err(MediaError::NotTaken {
            found: "a picture in place of a video or sound",
            advice: "add it as a picture",
        });
    }
    let mut sink = Sink::new(out);
    if media == Type::MP4 || media == Type::MOV || media == Type::M4A {
        source.name("MP4 file");
        mp4::clean(&mut source, &mut sink, media)
    } else if media == Type::WEBM {
        source.name("WebM file");
        webm::clean(&mut source, &mut sink)
    } else {
        sound::clean(&mut source, &mut sink, media)
    }
}
