//! When the samples of a fragmented track are decoded and shown, and where its time begins.

use super::boxes::{damaged, table};
use crate::{
    MediaError,
    source::{be32, be64},
};

/// Times of samples, as runs of equal ones.
#[derive(Debug, Default)]
pub(crate) struct Times {
    /// How many samples last how long.
    durations: Vec<[u32; 2]>,
    /// How many are shown how long after they are decoded.
    shifts: Vec<(u32, i32)>,
    /// When the first is decoded.
    start: Option<u64>,
    /// When the last one ends.
    end: u64,
}

impl Times {
    /// The next sample is decoded at this time: the one before it lasts until then.
    pub(crate) fn jump(&mut self, at: u64) -> Result<(), MediaError> {
        let wrong = || damaged("its fragments contradict each other about time");
        let Some([count, duration]) = self.durations.last_mut() else {
            (self.start, self.end) = (Some(at), at);
            return Ok(());
        };
        if at == self.end {
            return Ok(());
        }
        let began = self.end - u64::from(*duration);
        let lasts = at.checked_sub(began).and_then(|d| u32::try_from(d).ok());
        let lasts = lasts.ok_or_else(wrong)?;
        *count -= 1;
        if *count == 0 {
            self.durations.pop();
        }
        self.durations.push([1, lasts]);
        self.end = at;
        Ok(())
    }

    /// One more sample.
    pub(crate) fn push(&mut self, duration: u32, shift: i32) {
        self.start.get_or_insert(0);
        self.end += u64::from(duration);
        match self.durations.last_mut() {
            Some([count, last]) if *last == duration => *count += 1,
            _ => self.durations.push([1, duration]),
        }
        match self.shifts.last_mut() {
            Some((count, last)) if *last == shift => *count += 1,
            _ => self.shifts.push((1, shift)),
        }
    }

    /// When the first sample is decoded, in the track's units.
    pub(crate) fn start(&self) -> u64 {
        self.start.unwrap_or(0)
    }

    /// How long all last, in the track's units.
    pub(crate) fn duration(&self) -> u64 {
        self.end - self.start()
    }

    /// `stts`, and `ctts` where it says anything.
    pub(crate) fn tables(&self) -> Vec<([u8; 4], Vec<u8>)> {
        let durations = self.durations.as_flattened();
        let mut tables = vec![(*b"stts", table(0, durations, self.durations.len()))];
        if self.shifts.iter().any(|(_, shift)| *shift != 0) {
            let early = self.shifts.iter().any(|(_, shift)| *shift < 0);
            let words = self
                .shifts
                .iter()
                .flat_map(|(n, shift)| [*n, *shift as u32]);
            let words: Vec<u32> = words.collect();
            let entries = self.shifts.len();
            tables.push((*b"ctts", table(u8::from(early), &words, entries)));
        }
        tables
    }
}

/// What of a track is shown when (`elst`), in a fragmented file: an edit of no length lasts
/// to the track's end. `late` is how much later than the others the track begins, `whole`
/// its length, both in the movie's units; `skip` turns the track's units into the movie's.
///
/// Gives the new list, if one is needed, and how long all of it is shown.
pub(crate) fn edits(
    old: Option<&[u8]>,
    (late, whole): (u64, u64),
    skip: impl Fn(u64) -> u64,
) -> Result<(Option<Vec<u8>>, u64), MediaError> {
    let mut list = match old {
        Some(old) => entries(old)?,
        None => Vec::new(),
    };
    for (length, from, _) in &mut list {
        if let (0, Ok(from)) = (*length, u64::try_from(*from)) {
            *length = whole.saturating_sub(skip(from));
        }
    }
    if late > 0 {
        if list.is_empty() {
            list.push((whole, 0, 0x1_0000));
        }
        list.insert(0, (late, -1, 0x1_0000));
    }
    if list.is_empty() {
        return Ok((None, whole));
    }
    let mut data = table(1, &[], list.len());
    for (length, from, rate) in &list {
        data.extend(length.to_be_bytes());
        data.extend(from.to_be_bytes());
        data.extend(rate.to_be_bytes());
    }
    let lengths = list.iter().map(|(length, _, _)| *length);
    Ok((Some(data), lengths.fold(0, u64::saturating_add)))
}

/// Length, beginning and rate of each edit.
fn entries(data: &[u8]) -> Result<Vec<(u64, i64, u32)>, MediaError> {
    let short = || damaged("its list of edits is too short");
    let wide = data.first() == Some(&1);
    let count = be32(data, 4).ok_or_else(short)? as usize;
    let size = if wide { 20 } else { 12 };
    let whole = data.get(8..).unwrap_or_default();
    if whole.len() / size < count {
        return Err(short());
    }
    let read = |entry: &[u8]| match wide {
        true => Some((be64(entry, 0)?, be64(entry, 8)? as i64, be32(entry, 16)?)),
        false => {
            let from = i64::from(be32(entry, 4)? as i32);
            Some((u64::from(be32(entry, 0)?), from, be32(entry, 8)?))
        }
    };
    let entries = whole.chunks_exact(size).take(count).map(read);
    entries.collect::<Option<_>>().ok_or_else(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_lasts_until_the_next_one() {
        let mut times = Times::default();
        times.jump(100).unwrap();
        times.push(10, 0);
        times.push(10, -3);
        times.jump(125).unwrap();
        times.push(10, 0);
        assert_eq!((times.start(), times.duration()), (100, 35));
        assert_eq!(times.durations, [[1, 10], [1, 15], [1, 10]]);
        let tables = times.tables();
        assert_eq!((&tables[1].0, tables[1].1[0]), (b"ctts", 1));
        assert!(times.jump(90).is_err());
    }

    #[test]
    fn edits_end_with_the_track_and_say_what_is_late() {
        let half = |own| own / 2;
        assert_eq!(edits(None, (0, 500), half).unwrap(), (None, 500));
        let to_the_end = table(0, &[0, 40, 0x1_0000], 1);
        let (list, shown) = edits(Some(&to_the_end), (0, 500), half).unwrap();
        assert_eq!(entries(&list.unwrap()).unwrap(), [(480, 40, 0x1_0000)]);
        assert_eq!(shown, 480);
        let (list, shown) = edits(None, (70, 500), half).unwrap();
        let late = [(70, -1, 0x1_0000), (500, 0, 0x1_0000)];
        assert_eq!(
            (entries(&list.unwrap()).unwrap(), shown),
            (late.to_vec(), 570)
        );
        assert!(edits(Some(&[0, 0, 0, 0, 0, 0, 0, 9]), (0, 1), half).is_err());
    }
}
