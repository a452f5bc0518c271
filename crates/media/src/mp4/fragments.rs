//! Fragments (`moof`), as live streams and recorders that may lose power write them: each
//! has a part of the index. They are read into what one index of the whole would say, so
//! the copy is an ordinary file.

use std::collections::BTreeMap;

use super::{
    boxes::{children, damaged, find, need, table},
    samples::Chunk,
    times::Times,
};
use crate::{
    MediaError,
    source::{be32, be64},
};

/// The most samples of all tracks: half a day of pictures and sound.
const SAMPLES: usize = 4_000_000;
/// The flag of a sample that cannot be decoded by itself.
const NOT_SYNC: u32 = 0x1_0000;

/// A `moof`: where it begins, and its contents.
#[derive(Debug)]
pub(crate) struct Fragment {
    pub(crate) at: u64,
    pub(crate) data: Vec<u8>,
}

/// What a sample is where its fragment does not say it (`trex`, `tfhd`).
#[derive(Debug, Default, Clone, Copy)]
struct Defaults {
    description: u32,
    duration: u32,
    size: u32,
    flags: u32,
}

/// All samples of one track, in their order.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    /// Where they lie.
    pub(crate) chunks: Vec<Chunk>,
    /// Of each chunk: how many samples, and which description they have.
    pub(crate) runs: Vec<(u32, u32)>,
    pub(crate) sizes: Vec<u32>,
    /// Numbers, from 1, of those that can be decoded by themselves.
    pub(crate) sync: Vec<u32>,
    pub(crate) times: Times,
    defaults: Defaults,
}

/// The samples of every track that `mvex` announces, by the track's number.
///
/// # Errors
/// [`MediaError::Damaged`].
pub(crate) fn read(
    mvex: &[u8],
    fragments: &[Fragment],
) -> Result<BTreeMap<u32, Samples>, MediaError> {
    let mut tracks = BTreeMap::new();
    for part in children(mvex)?.iter().filter(|part| &part.kind == b"trex") {
        let word = |index: usize| be32(part.data, 4 + index * 4).ok_or_else(short);
        let samples = Samples {
            defaults: Defaults {
                description: word(1)?,
                duration: word(2)?,
                size: word(3)?,
                flags: word(4)?,
            },
            ..Samples::default()
        };
        tracks.insert(word(0)?, samples);
    }
    let mut left = SAMPLES;
    for fragment in fragments {
        // Where the data of a track begins if its fragment does not say it.
        let mut next = fragment.at;
        for part in children(&fragment.data)? {
            if &part.kind == b"traf" {
                next = of_track(part.data, (fragment.at, next), &mut tracks, &mut left)?;
            }
        }
    }
    Ok(tracks)
}

fn short() -> MediaError {
    damaged("a fragment is too short")
}

/// The samples of one track in one fragment; gives where they end.
fn of_track(
    data: &[u8],
    (moof, next): (u64, u64),
    tracks: &mut BTreeMap<u32, Samples>,
    left: &mut usize,
) -> Result<u64, MediaError> {
    let parts = children(data)?;
    let header = need(&parts, b"tfhd")?;
    let mut fields = Fields {
        data: header,
        at: 0,
    };
    let flags = fields.word()?;
    let track = tracks.get_mut(&fields.word()?);
    let track = track.ok_or_else(|| damaged("a fragment is of an unknown track"))?;
    let base = match (flags & 1 != 0, flags & 0x2_0000 != 0) {
        (true, _) => fields.long()?,
        (false, true) => moof,
        (false, false) => next,
    };
    let mut defaults = track.defaults;
    for (bit, value) in [
        (0x2, &mut defaults.description),
        (0x8, &mut defaults.duration),
        (0x10, &mut defaults.size),
        (0x20, &mut defaults.flags),
    ] {
        if flags & bit != 0 {
            *value = fields.word()?;
        }
    }
    if let Some(time) = find(&parts, b"tfdt") {
        let at = match time.first() {
            Some(1) => be64(time, 4),
            _ => be32(time, 4).map(u64::from),
        };
        track.times.jump(at.ok_or_else(short)?)?;
    }
    let mut end = base;
    for part in parts.iter().filter(|part| &part.kind == b"trun") {
        end = run(part.data, (base, end), (defaults, track), left)?;
    }
    Ok(end)
}

/// One run of samples that lie together; gives where they end.
fn run(
    data: &[u8],
    (base, next): (u64, u64),
    (defaults, track): (Defaults, &mut Samples),
    left: &mut usize,
) -> Result<u64, MediaError> {
    let mut fields = Fields { data, at: 0 };
    let flags = fields.word()?;
    let count = fields.word()?;
    let enough = left.checked_sub(count as usize);
    *left = enough.ok_or_else(|| damaged("it has more samples than a film of hours"))?;
    let at = match flags & 1 != 0 {
        true => base.checked_add_signed(i64::from(fields.signed()?)),
        false => Some(next),
    };
    let at = at.ok_or_else(|| damaged("a fragment's data lies before the file"))?;
    let first = match flags & 4 != 0 {
        true => Some(fields.word()?),
        false => None,
    };
    let mut len = 0_u64;
    for index in 0..count {
        let mut given = |bit: u32, otherwise: u32| match flags & bit != 0 {
            true => fields.word(),
            false => Ok(otherwise),
        };
        let duration = given(0x100, defaults.duration)?;
        let size = given(0x200, defaults.size)?;
        let otherwise = first.filter(|_| index == 0).unwrap_or(defaults.flags);
        let sample = given(0x400, otherwise)?;
        let shift = given(0x800, 0)? as i32;
        if flags >> 24 == 0 && shift < 0 {
            return Err(damaged("a sample is shown impossibly late"));
        }
        len += u64::from(size);
        track.sizes.push(size);
        track.times.push(duration, shift);
        if sample & NOT_SYNC == 0 {
            track.sync.push(track.sizes.len() as u32); // at most `SAMPLES`
        }
    }
    if count > 0 {
        track.chunks.push(Chunk { at, len });
        track.runs.push((count, defaults.description.max(1)));
    }
    at.checked_add(len).ok_or_else(short)
}

/// Fields one after the other.
struct Fields<'f> {
    data: &'f [u8],
    at: usize,
}

impl Fields<'_> {
    fn word(&mut self) -> Result<u32, MediaError> {
        let word = be32(self.data, self.at).ok_or_else(short)?;
        self.at += 4;
        Ok(word)
    }

    fn signed(&mut self) -> Result<i32, MediaError> {
        Ok(self.word()? as i32)
    }

    fn long(&mut self) -> Result<u64, MediaError> {
        let long = be64(self.data, self.at).ok_or_else(short)?;
        self.at += 8;
        Ok(long)
    }
}

impl Samples {
    /// The tables of an ordinary index that say the same.
    pub(crate) fn tables(&self) -> Vec<([u8; 4], Vec<u8>)> {
        let mut tables = self.times.tables();
        let mut runs: Vec<[u32; 3]> = Vec::new();
        for (index, (count, description)) in (1_u32..).zip(&self.runs) {
            let same = |last: &[u32; 3]| last[1] == *count && last[2] == *description;
            if !runs.last().is_some_and(same) {
                runs.push([index, *count, *description]);
            }
        }
        tables.push((*b"stsc", table(0, runs.as_flattened(), runs.len())));
        let first = self.sizes.first().copied().unwrap_or(0);
        let same = self.sizes.iter().all(|size| *size == first);
        let mut sizes = vec![0; 4];
        sizes.extend(if same { first } else { 0 }.to_be_bytes());
        sizes.extend((self.sizes.len() as u32).to_be_bytes()); // at most `SAMPLES`
        if !same || first == 0 {
            sizes.extend(self.sizes.iter().flat_map(|size| size.to_be_bytes()));
        }
        tables.push((*b"stsz", sizes));
        if self.sync.len() < self.sizes.len() {
            tables.push((*b"stss", table(0, &self.sync, self.sync.len())));
        }
        tables
    }
}
