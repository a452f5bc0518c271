//! Where a track's samples lie: its tables of chunks and sizes.

use super::boxes::{Part, damaged, find, need};
use crate::{
    MediaError,
    source::{be16, be32, be64},
};

/// A run of samples that lie together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) at: u64,
    pub(crate) len: u64,
}

/// The most chunks of one track: fifty days of one a second.
const CHUNKS: usize = 4_000_000;

enum Sizes<'a> {
    Same {
        size: u64,
        left: u64,
    },
    Each {
        bits: usize,
        table: &'a [u8],
        next: usize,
        count: usize,
    },
}

impl Sizes<'_> {
    /// Bytes of the next `samples` samples, or of what is left of them.
    fn take(&mut self, samples: u64) -> Result<u64, MediaError> {
        match self {
            Self::Same { size, left } => {
                let now = samples.min(*left);
                *left -= now;
                now.checked_mul(*size)
                    .ok_or_else(|| damaged("a chunk is impossibly large"))
            }
            Self::Each {
                bits,
                table,
                next,
                count,
            } => {
                let end = (*next as u64).saturating_add(samples).min(*count as u64) as usize;
                let size = |index| match *bits {
                    32 => be32(table, index * 4).map(u64::from),
                    16 => be16(table, index * 2).map(u64::from),
                    8 => table.get(index).map(|size| u64::from(*size)),
                    _ => table
                        .get(index / 2)
                        .map(|pair| u64::from(if index % 2 == 0 { pair >> 4 } else { pair & 15 })),
                };
                let total = (*next..end).map(size).sum::<Option<u64>>();
                *next = end;
                total.ok_or_else(|| damaged("its table of sizes is too short"))
            }
        }
    }
}

/// The chunks of a track. `frame` is the size of a frame of raw sound, whose sizes
/// QuickTime tells as 1.
pub(crate) fn chunks(table: &[Part<'_>], frame: Option<u64>) -> Result<Vec<Chunk>, MediaError> {
    let mut sizes = sizes(table, frame)?;
    let (offsets, wide) = match find(table, b"stco") {
        Some(offsets) => (offsets, false),
        None => (need(table, b"co64")?, true),
    };
    let width = if wide { 8 } else { 4 };
    let count = be32(offsets, 4).ok_or_else(|| damaged("a table is empty"))? as usize;
    let places = offsets.get(8..).unwrap_or_default();
    if count > CHUNKS || places.len() / width < count {
        return Err(damaged("its table of chunks is too long or too short"));
    }
    let runs = need(table, b"stsc")?;
    let entries = be32(runs, 4).unwrap_or_default() as usize;
    let runs = runs.get(8..).filter(|runs| runs.len() / 12 >= entries);
    let runs = runs.ok_or_else(|| damaged("its table of runs is too short"))?;
    let run = |index: usize| (index < entries).then(|| be32(runs, index * 12)).flatten();
    let mut current = 0;
    let mut chunks = Vec::with_capacity(count);
    for index in 0..count {
        while run(current + 1).is_some_and(|first| first as usize <= index + 1) {
            current += 1;
        }
        let samples = be32(runs, current * 12 + 4).unwrap_or_default();
        let at = if wide {
            be64(places, index * 8)
        } else {
            be32(places, index * 4).map(u64::from)
        };
        let len = sizes.take(u64::from(samples))?;
        chunks.push(Chunk {
            at: at.unwrap_or_default(),
            len,
        });
    }
    Ok(chunks)
}

fn sizes<'a>(table: &[Part<'a>], frame: Option<u64>) -> Result<Sizes<'a>, MediaError> {
    let short = || damaged("its table of sizes is too short");
    let (data, compact) = match find(table, b"stsz") {
        Some(data) => (data, false),
        None => (need(table, b"stz2")?, true),
    };
    let size = be32(data, 4).ok_or_else(short)?;
    let count = be32(data, 8).ok_or_else(short)? as usize;
    if !compact && size != 0 {
        let size = match frame {
            Some(frame) if size == 1 => frame,
            _ => u64::from(size),
        };
        return Ok(Sizes::Same {
            size,
            left: count as u64,
        });
    }
    let bits = match (compact, size & 0xFF) {
        (false, _) => 32,
        (true, bits @ (4 | 8 | 16)) => bits as usize,
        _ => return Err(damaged("its table of sizes is unknown here")),
    };
    let table = data.get(12..).unwrap_or_default();
    if table.len() < (count * bits).div_ceil(8) {
        return Err(short());
    }
    Ok(Sizes::Each {
        bits,
        table,
        next: 0,
        count,
    })
}
