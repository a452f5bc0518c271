//! Where samples lie in the file and where they come to lie in the copy.

use std::ops::Range;

use super::{boxes::damaged, track::Track};
use crate::MediaError;

/// The most chunks of all tracks.
const CHUNKS: usize = 4_000_000;

#[derive(Debug, Clone, Copy)]
struct Place {
    at: u64,
    len: u64,
    track: u32,
    index: u32,
}

/// The order of all kept chunks, which is that of the file.
#[derive(Debug)]
pub(crate) struct Layout {
    /// Bytes of all samples.
    pub(crate) size: u64,
    places: Vec<Place>,
    counts: Vec<usize>,
}

impl Layout {
    /// Checks that chunks lie in the file of `len` bytes and do not overlap, which also
    /// keeps the copy from being larger than the file.
    pub(crate) fn new(tracks: &[Track<'_>], len: u64) -> Result<Self, MediaError> {
        let counts: Vec<usize> = tracks.iter().map(|track| track.chunks.len()).collect();
        if counts.iter().sum::<usize>() > CHUNKS {
            return Err(damaged("it has more chunks than a film of days"));
        }
        let mut places = Vec::with_capacity(counts.iter().sum());
        for (track, number) in tracks.iter().zip(0..) {
            for (chunk, index) in track.chunks.iter().zip(0..) {
                let end = chunk.at.checked_add(chunk.len);
                if end.is_none_or(|end| end > len) {
                    return Err(MediaError::CutOff { what: "MP4 file" });
                }
                places.push(Place {
                    at: chunk.at,
                    len: chunk.len,
                    track: number,
                    index,
                });
            }
        }
        places.sort_unstable_by_key(|place| (place.at, place.len));
        if places
            .windows(2)
            .any(|pair| pair[0].at + pair[0].len > pair[1].at)
        {
            return Err(damaged("its samples overlap"));
        }
        Ok(Self {
            size: places.iter().map(|place| place.len).sum(),
            places,
            counts,
        })
    }

    /// Each track's chunks' places in a copy whose samples begin at `start`.
    pub(crate) fn offsets(&self, start: u64) -> Vec<Vec<u64>> {
        let mut offsets: Vec<Vec<u64>> = self.counts.iter().map(|count| vec![0; *count]).collect();
        let mut at = start;
        for place in &self.places {
            offsets[place.track as usize][place.index as usize] = at;
            at += place.len;
        }
        offsets
    }

    /// The file's ranges to copy, neighbours joined.
    pub(crate) fn runs(&self) -> impl Iterator<Item = Range<u64>> {
        let mut places = self.places.iter().peekable();
        std::iter::from_fn(move || {
            let first = places.next()?;
            let mut run = first.at..first.at + first.len;
            while let Some(next) = places.next_if(|next| next.at == run.end) {
                run.end += next.len;
            }
            Some(run)
        })
    }
}
