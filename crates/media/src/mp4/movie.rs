//! The index (`moov`): read, and written anew.

use super::{
    boxes::{MIXED, Part, children, damaged, find, need, put},
    fragments::{self, Fragment},
    layout::Layout,
    track::{Track, timeless},
};
use crate::{
    MediaError,
    source::{be16, be32},
    title,
};

/// The most tracks that are looked at.
const TRACKS: usize = 256;

/// What of the index is kept.
#[derive(Debug)]
pub(crate) struct Movie<'a> {
    /// Its tracks of pictures and sound.
    pub(crate) tracks: Vec<Track<'a>>,
    /// Its title; not kept.
    pub(crate) title: Option<String>,
    header: Vec<u8>,
    units: u32,
}

impl<'a> Movie<'a> {
    /// Reads the contents of `moov`, and the fragments that it announces.
    pub(crate) fn parse(index: &'a [u8], fragments: &[Fragment]) -> Result<Self, MediaError> {
        let parts = children(index)?;
        if find(&parts, b"cmov").is_some() {
            return Err(damaged("its index is compressed"));
        }
        let mut header = timeless(need(&parts, b"mvhd")?, 100)?;
        let wide = header[0] == 1;
        let units = be32(&header, if wide { 20 } else { 12 }).unwrap_or_default();
        let mut tracks = Vec::new();
        for part in parts
            .iter()
            .filter(|part| &part.kind == b"trak")
            .take(TRACKS)
        {
            tracks.extend(Track::parse(part.data)?);
        }
        if !fragments.is_empty() {
            fill(&mut tracks, &parts, fragments, units)?;
        }
        if tracks.iter().all(|track| track.chunks.is_empty()) {
            return Err(damaged("it holds neither pictures nor sound"));
        }
        let duration = tracks.iter().map(Track::duration).max().unwrap_or(0);
        if wide {
            header[24..32].copy_from_slice(&duration.to_be_bytes());
        } else {
            let duration = u32::try_from(duration).unwrap_or(u32::MAX);
            header[16..20].copy_from_slice(&duration.to_be_bytes());
        }
        Ok(Self {
            tracks,
            title: name(&parts),
            header,
            units,
        })
    }

    /// Length in milliseconds.
    pub(crate) fn duration(&self) -> Option<u64> {
        let longest = self
            .tracks
            .iter()
            .map(Track::duration)
            .max()
            .filter(|length| *length > 0)?;
        let milliseconds = (u128::from(longest) * 1000).checked_div(u128::from(self.units))?;
        u64::try_from(milliseconds).ok()
    }

    /// Width and height of the first track of pictures.
    pub(crate) fn pixels(&self) -> Option<(u32, u32)> {
        self.tracks
            .iter()
            .find(|track| track.picture)
            .map(Track::pixels)
    }

    /// The box `moov` for samples that begin at `start`.
    pub(crate) fn write(
        &self,
        layout: &Layout,
        start: u64,
        wide: bool,
        quick_time: bool,
    ) -> Vec<u8> {
        let mut out = Vec::new();
        let offsets = layout.offsets(start);
        put(&mut out, *b"moov", |out| {
            put(out, *b"mvhd", |out| out.extend_from_slice(&self.header));
            for (track, offsets) in self.tracks.iter().zip(&offsets) {
                track.write(out, offsets, wide, quick_time);
            }
        });
        out
    }
}

/// Gives the tracks the samples that fragments name. All begin together, as the first of
/// them does, but for what one is later than another.
fn fill(
    tracks: &mut [Track<'_>],
    parts: &[Part<'_>],
    fragments: &[Fragment],
    units: u32,
) -> Result<(), MediaError> {
    if tracks.iter().any(|track| !track.chunks.is_empty()) {
        return Err(MIXED);
    }
    let mut found = fragments::read(need(parts, b"mvex")?, fragments)?;
    let starts = tracks.iter().filter_map(|track| {
        let samples = found.get(&track.number());
        let samples = samples.filter(|samples| !samples.chunks.is_empty())?;
        Some(track.start(samples, units))
    });
    let first = starts.min().unwrap_or(0);
    for track in tracks {
        let samples = found.remove(&track.number()).unwrap_or_default();
        let late = track.start(&samples, units).saturating_sub(first);
        track.fill(samples, (late, units))?;
    }
    Ok(())
}

/// The title, as iTunes writes it or QuickTime did.
fn name(parts: &[Part<'_>]) -> Option<String> {
    const NAME: &[u8; 4] = b"\xA9nam";
    let user = children(find(parts, b"udta")?).ok()?;
    if let Some(meta) = find(&user, b"meta") {
        let inner = if meta.get(4..8) == Some(b"hdlr") {
            meta
        } else {
            meta.get(4..)?
        };
        let items = children(find(&children(inner).ok()?, b"ilst")?).ok()?;
        let value = children(find(&items, NAME)?).ok()?;
        return title::from_utf8(find(&value, b"data")?.get(8..)?);
    }
    let text = find(&user, NAME)?;
    let len = usize::from(be16(text, 0)?);
    title::from_utf8(text.get(4..4 + len)?)
}
