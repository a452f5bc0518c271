//! Streams of frames that have no container: MP3 and AAC.
//!
//! Frames are found by their headers and copied; whatever is between or after them (APE,
//! ID3v1, Lyrics3 tags, padding) is not.

use std::io::{Read, Seek, Write};

use crate::{
    Clean, MediaError, Type,
    source::{Sink, Source},
};

/// Bytes that a header takes at most.
pub(crate) const HEADER: usize = 8;

/// One frame of coded sound, as its header tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Bytes, header included.
    pub(crate) len: usize,
    /// Samples per channel.
    pub(crate) samples: u32,
    /// Samples per second.
    pub(crate) rate: u32,
    /// What all frames of one stream have in common.
    pub(crate) stream: u32,
}

/// Reads a frame's header.
pub(crate) type Parse = fn(&[u8]) -> Option<Frame>;

/// What was copied.
#[derive(Debug, Default)]
pub(crate) struct Copied {
    /// Whole frames.
    pub(crate) frames: u64,
    /// Their samples per channel.
    pub(crate) samples: u64,
    /// Where the first began.
    pub(crate) start: u64,
    /// The first.
    pub(crate) first: Option<Frame>,
}

impl Copied {
    /// What is known of the stream; `extra` samples are not sound.
    pub(crate) fn clean(&self, media: Type, size: u64, extra: u64) -> Clean {
        let rate = self.first.map_or(0, |frame| u64::from(frame.rate));
        let samples = self.samples.saturating_sub(extra);
        Clean {
            media,
            size,
            duration: (samples * 1000).checked_div(rate),
            pixels: None,
            title: None,
        }
    }
}

/// True when a frame begins here and another like it follows, or nothing does.
pub(crate) fn two(bytes: &[u8], parse: Parse) -> Option<Frame> {
    let frame = parse(bytes)?;
    let next = bytes.get(frame.len..)?;
    let follows =
        next.len() < HEADER || parse(next).is_some_and(|second| second.stream == frame.stream);
    follows.then_some(frame)
}

/// Copies every frame from `at` on.
pub(crate) fn copy<R: Read + Seek, W: Write>(
    source: &mut Source<R>,
    out: &mut Sink<'_, W>,
    at: u64,
    parse: Parse,
) -> Result<Copied, MediaError> {
    let mut copied = Copied::default();
    let mut at = at;
    let mut run = at..at;
    while at < source.len() {
        let head = source.head(at, HEADER as u64)?;
        let stream = copied.first.map(|first| first.stream);
        let frame = parse(&head).filter(|frame| stream.is_none_or(|stream| stream == frame.stream));
        let whole = frame.filter(|frame| at + frame.len as u64 <= source.len());
        if let Some(frame) = whole
            && (run.end == at && copied.first.is_some() || followed(source, at, frame, parse)?)
        {
            if copied.first.is_none() {
                copied.start = at;
                copied.first = Some(frame);
            }
            if run.end != at {
                source.copy(run.start, run.end - run.start, out)?;
                run = at..at;
            }
            copied.frames += 1;
            copied.samples += u64::from(frame.samples);
            at += frame.len as u64;
            run.end = at;
        } else {
            at += 1;
        }
    }
    if copied.first.is_none() {
        return Err(source.damaged("no sound was found in it"));
    }
    source.copy(run.start, run.end - run.start, out)?;
    Ok(copied)
}

/// After a gap, a header alone may be chance: another frame must follow.
fn followed<R: Read + Seek>(
    source: &mut Source<R>,
    at: u64,
    frame: Frame,
    parse: Parse,
) -> Result<bool, MediaError> {
    let next = at + frame.len as u64;
    if next == source.len() {
        return Ok(true);
    }
    let head = source.head(next, HEADER as u64)?;
    Ok(
        parse(&head).is_some_and(|second| second.stream == frame.stream)
            || head.starts_with(b"TAG"),
    )
}
