//! One track of pictures or sound: what of it is kept.

use std::borrow::Cow;

use super::{
    boxes::{Part, children, damaged, find, need, put},
    entry::{self, Entries},
    fragments::Samples,
    samples::{self, Chunk},
    times,
};
use crate::{
    MediaError,
    source::{be32, be64},
};

/// Tables that are copied as they are: times, order and kinds of samples.
const TABLES: [&[u8; 4]; 12] = [
    b"stts", b"ctts", b"cslg", b"stsc", b"stsz", b"stz2", b"stss", b"stps", b"sdtp", b"sbgp",
    b"sgpd", b"stsh",
];

/// A track that is kept.
#[derive(Debug)]
pub(crate) struct Track<'a> {
    /// Pictures, else sound.
    pub(crate) picture: bool,
    /// Where its samples lie.
    pub(crate) chunks: Vec<Chunk>,
    header: Vec<u8>,
    edits: Option<Cow<'a, [u8]>>,
    media_header: Vec<u8>,
    description: Entries,
    tables: Vec<([u8; 4], Cow<'a, [u8]>)>,
}

/// Sets the two times that begin a header box to zero.
pub(crate) fn timeless(data: &[u8], least: usize) -> Result<Vec<u8>, MediaError> {
    let mut data = data.to_vec();
    let (wide, more) = if data.first() == Some(&1) {
        (20, 12)
    } else {
        (12, 0)
    };
    if data.len() < least + more {
        return Err(damaged("a header in its index is too short"));
    }
    data[4..wide].fill(0);
    Ok(data)
}

impl<'a> Track<'a> {
    /// Reads a `trak`; `None` for tracks that are neither pictures nor sound.
    pub(crate) fn parse(data: &'a [u8]) -> Result<Option<Self>, MediaError> {
        let parts = children(data)?;
        let media = children(need(&parts, b"mdia")?)?;
        let handler = need(&media, b"hdlr")?.get(8..12);
        let picture = match handler {
            Some(b"vide") => true,
            Some(b"soun") => false,
            _ => return Ok(None),
        };
        let information = children(need(&media, b"minf")?)?;
        inside(&information)?;
        let tables = children(need(&information, b"stbl")?)?;
        let description = entry::clean(need(&tables, b"stsd")?, picture)?;
        let edits = match find(&parts, b"edts") {
            Some(edits) => find(&children(edits)?, b"elst").map(Cow::Borrowed),
            None => None,
        };
        Ok(Some(Self {
            picture,
            chunks: samples::chunks(&tables, description.frame)?,
            header: timeless(need(&parts, b"tkhd")?, 84)?,
            edits,
            media_header: timeless(need(&media, b"mdhd")?, 24)?,
            description,
            tables: tables
                .into_iter()
                .filter(|part| TABLES.contains(&&part.kind))
                .map(|part| (part.kind, Cow::Borrowed(part.data)))
                .collect(),
        }))
    }

    /// The number by which fragments name it.
    pub(crate) fn number(&self) -> u32 {
        let at = if self.wide_header() { 20 } else { 12 };
        be32(&self.header, at).unwrap_or_default()
    }

    /// When its first sample is decoded, of those that fragments name, in units of which
    /// there are `units` in a second.
    pub(crate) fn start(&self, samples: &Samples, units: u32) -> u64 {
        scaled(samples.times.start(), self.units(), units)
    }

    /// Takes the samples that fragments name as those of an ordinary track, which begins
    /// `late` units of the movie after the others.
    pub(crate) fn fill(
        &mut self,
        samples: Samples,
        (late, units): (u64, u32),
    ) -> Result<(), MediaError> {
        let own = self.units();
        let duration = samples.times.duration();
        let whole = length(duration, own, units);
        let skip = |from| scaled(from, own, units);
        let (edits, shown) = times::edits(self.edits.as_deref(), (late, whole), skip)?;
        self.edits = edits.map(Cow::Owned);
        let tables = samples.tables().into_iter();
        self.tables = tables
            .map(|(kind, data)| (kind, Cow::Owned(data)))
            .collect();
        self.chunks = samples.chunks;
        let (wide, narrow) = if self.wide_header() { (28, 0) } else { (0, 20) };
        put_duration(&mut self.header, (wide, narrow), shown);
        let (wide, narrow) = match self.media_header.first() {
            Some(1) => (24, 0),
            _ => (0, 16),
        };
        put_duration(&mut self.media_header, (wide, narrow), duration);
        Ok(())
    }

    /// Its units of time in a second.
    fn units(&self) -> u32 {
        let wide = self.media_header.first() == Some(&1);
        be32(&self.media_header, if wide { 20 } else { 12 }).unwrap_or_default()
    }

    fn wide_header(&self) -> bool {
        self.header[0] == 1
    }

    /// Length in the movie's units.
    pub(crate) fn duration(&self) -> u64 {
        if self.wide_header() {
            be64(&self.header, 28)
                .filter(|length| *length != u64::MAX)
                .unwrap_or(0)
        } else {
            let length = be32(&self.header, 20).filter(|length| *length != u32::MAX);
            length.map_or(0, u64::from)
        }
    }

    /// Width and height as shown: turned when the track's matrix turns it.
    pub(crate) fn pixels(&self) -> (u32, u32) {
        let shift = if self.wide_header() { 12 } else { 0 };
        let whole = |at: usize| be32(&self.header, at + shift).unwrap_or_default();
        let shown = (whole(76) >> 16, whole(80) >> 16);
        let (width, height) = match (shown, self.description.pixels) {
            ((0, _) | (_, 0), Some(coded)) => coded,
            _ => shown,
        };
        let turned = whole(40) == 0 && whole(56) == 0 && whole(44) != 0;
        if turned {
            (height, width)
        } else {
            (width, height)
        }
    }

    /// Appends the track; `offsets` are its chunks' new places.
    pub(crate) fn write(&self, out: &mut Vec<u8>, offsets: &[u64], wide: bool, quick_time: bool) {
        put(out, *b"trak", |out| {
            put(out, *b"tkhd", |out| out.extend_from_slice(&self.header));
            if let Some(edits) = &self.edits {
                put(out, *b"edts", |out| {
                    put(out, *b"elst", |out| out.extend_from_slice(edits))
                });
            }
            put(out, *b"mdia", |out| {
                put(out, *b"mdhd", |out| {
                    out.extend_from_slice(&self.media_header)
                });
                put(out, *b"hdlr", |out| self.handler(out, quick_time));
                put(out, *b"minf", |out| self.information(out, offsets, wide));
            });
        });
    }

    /// The handler's name, where cameras put theirs, is left empty.
    fn handler(&self, out: &mut Vec<u8>, quick_time: bool) {
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(if quick_time { b"mhlr" } else { &[0; 4] });
        out.extend_from_slice(if self.picture { b"vide" } else { b"soun" });
        out.extend_from_slice(&[0; 13]);
    }

    fn information(&self, out: &mut Vec<u8>, offsets: &[u64], wide: bool) {
        if self.picture {
            put(out, *b"vmhd", |out| {
                out.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
            });
        } else {
            put(out, *b"smhd", |out| out.extend_from_slice(&[0; 8]));
        }
        let references = self.description.references.max(1);
        put(out, *b"dinf", |out| {
            put(out, *b"dref", |out| {
                out.extend_from_slice(&[0; 4]);
                out.extend_from_slice(&u32::from(references).to_be_bytes());
                for _ in 0..references {
                    put(out, *b"url ", |out| out.extend_from_slice(&[0, 0, 0, 1]));
                }
            });
        });
        put(out, *b"stbl", |out| {
            put(out, *b"stsd", |out| {
                out.extend_from_slice(&self.description.data)
            });
            for (kind, data) in &self.tables {
                put(out, *kind, |out| out.extend_from_slice(data));
            }
            put(out, if wide { *b"co64" } else { *b"stco" }, |out| {
                out.extend_from_slice(&[0; 4]);
                out.extend_from_slice(&(offsets.len() as u32).to_be_bytes()); // read as 32 bits
                for offset in offsets {
                    let bytes = offset.to_be_bytes();
                    out.extend_from_slice(if wide { &bytes } else { &bytes[4..] });
                }
            });
        });
    }
}

/// A time in other units, rounded down.
fn scaled(time: u64, from: u32, to: u32) -> u64 {
    let scaled = u128::from(time) * u128::from(to);
    let scaled = scaled.checked_div(u128::from(from)).unwrap_or(0);
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

/// A length in other units, rounded up: nothing of the track's end may be cut off.
fn length(time: u64, from: u32, to: u32) -> u64 {
    let down = scaled(time, from, to);
    let exact = u128::from(down) * u128::from(from) == u128::from(time) * u128::from(to);
    down.saturating_add(u64::from(!exact))
}

/// Writes a length where a header has it: at `wide` in 64 bits, or at `narrow` in 32, where
/// one that does not fit is unknown.
fn put_duration(header: &mut [u8], (wide, narrow): (usize, usize), duration: u64) {
    if wide > 0 {
        header[wide..wide + 8].copy_from_slice(&duration.to_be_bytes());
    } else {
        let duration = u32::try_from(duration).unwrap_or(u32::MAX);
        header[narrow..narrow + 4].copy_from_slice(&duration.to_be_bytes());
    }
}

/// Refuses samples that lie in another file.
fn inside(information: &[Part<'_>]) -> Result<(), MediaError> {
    let Some(dinf) = find(information, b"dinf") else {
        return Ok(());
    };
    let Some(references) = find(&children(dinf)?, b"dref").and_then(|data| data.get(8..)) else {
        return Ok(());
    };
    let references = children(references)?;
    if references.len() > 64 {
        return Err(damaged("it refers to too many files"));
    }
    let within = |part: &Part<'_>| part.data.get(3).is_some_and(|flags| flags & 1 == 1);
    if references.iter().all(within) {
        Ok(())
    } else {
        Err(MediaError::NotTaken {
            found: "a film whose pictures or sound lie in another file",
            advice: "export it as one self-contained file",
        })
    }
}
