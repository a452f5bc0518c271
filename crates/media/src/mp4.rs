//! MP4, M4A and MOV (ISO/IEC 14496-12, QuickTime): a tree of boxes, and coded samples that
//! its tables point to.
//!
//! The copy is built anew, of nothing but what playing needs: boxes on a list, picture and
//! sound tracks, and the samples of those tracks. All else stays behind because it is never
//! copied: places, devices, dates, comments, covers, chapters, subtitles (drones write their
//! flight into them), timed metadata, and whatever lies in `mdat` between samples. The index
//! comes first, so that browsers can play while loading. A fragmented file becomes an
//! ordinary one.

mod boxes;
mod entry;
mod fragments;
mod layout;
mod movie;
mod samples;
mod times;
mod track;

use std::io::{Read, Seek, Write};

use self::{fragments::Fragment, layout::Layout, movie::Movie};
use crate::{
    Clean, MediaError, Type,
    source::{Sink, Source, be32, be64},
};

/// The largest index (`moov`, and all `moof` together) that is held in memory, in bytes:
/// some days of video.
const INDEX: u64 = 64 * 1024 * 1024;

/// The most fragments.
const FRAGMENTS: usize = 1_000_000;

/// So many bytes longer than the file its copy may be.
const GROWTH: u64 = 4096;

/// Copies the file.
pub(crate) fn clean<R: Read + Seek, W: Write>(
    source: &mut Source<R>,
    out: &mut Sink<'_, W>,
    media: Type,
) -> Result<Clean, MediaError> {
    let Found {
        brands,
        index,
        fragments,
    } = walk(source)?;
    let movie = Movie::parse(&index, &fragments)?;
    let layout = Layout::new(&movie.tracks, source.len())?;
    let quick_time = media == Type::MOV;
    // What is fragmented names brands that its copy is none of.
    let brands = if fragments.is_empty() {
        &brands
    } else {
        &[][..]
    };
    let mut header = brand_box(brands, quick_time);
    let before = header.len() as u64;
    let data_header = if layout.size + 8 > u64::from(u32::MAX) {
        16
    } else {
        8
    };
    let mut moov = movie.write(&layout, 0, false, quick_time);
    let mut start = before + moov.len() as u64 + data_header;
    let wide = start + layout.size > u64::from(u32::MAX);
    if wide {
        let len = movie.write(&layout, 0, true, quick_time).len() as u64;
        start = before + len + data_header;
    }
    moov = movie.write(&layout, start, wide, quick_time);
    header.append(&mut moov);
    // Fragments leave out what is the same for all samples; tables cannot, so a few bytes
    // could ask for millions of entries.
    let len = header.len() as u64 + layout.size;
    if !fragments.is_empty() && len > source.len() + GROWTH {
        return Err(source.damaged("its fragments name more samples than it holds"));
    }
    out.write(&header)?;
    drop(header);
    begin_data(layout.size + data_header, data_header, out)?;
    for run in layout.runs() {
        source.copy(run.start, run.end - run.start, out)?;
    }
    let pixels = movie.pixels();
    Ok(Clean {
        media: match pixels {
            None => Type::M4A,
            Some(_) if media == Type::M4A => Type::MP4,
            Some(_) => media,
        },
        size: out.written(),
        duration: movie.duration(),
        pixels,
        title: movie.title.clone(),
    })
}

/// Writes the header of `mdat`, in as many bytes as were counted for it.
fn begin_data<W: Write>(size: u64, header: u64, out: &mut Sink<'_, W>) -> Result<(), MediaError> {
    match u32::try_from(size) {
        Ok(size) if header == 8 => {
            out.write(&size.to_be_bytes())?;
            out.write(b"mdat")
        }
        _ => {
            out.write(b"\0\0\0\x01mdat")?;
            out.write(&size.to_be_bytes())
        }
    }
}

/// What of the outermost boxes is looked at.
struct Found {
    /// The contents of `ftyp`.
    brands: Vec<u8>,
    /// The contents of `moov`.
    index: Vec<u8>,
    fragments: Vec<Fragment>,
}

/// Steps over the outermost boxes.
fn walk<R: Read + Seek>(source: &mut Source<R>) -> Result<Found, MediaError> {
    let mut brands = Vec::new();
    let mut index: Option<Vec<u8>> = None;
    let mut fragments = Vec::new();
    let mut left = INDEX;
    let mut at = 0;
    while source.len().saturating_sub(at) >= 8 {
        let head = source.head(at, 16)?;
        let kind: [u8; 4] = [head[4], head[5], head[6], head[7]];
        let (header, size) = match be32(&head, 0).unwrap_or_default() {
            0 => (8, source.len() - at),
            1 => (16, be64(&head, 8).ok_or_else(|| source.cut_off())?),
            size => (8, u64::from(size)),
        };
        let fits = size >= header && source.check(at, size).is_ok();
        let ends = index.is_some() && fragments.is_empty();
        if !fits && ends && !matches!(&kind, b"mdat" | b"moof") {
            break; // something that is no box hangs at the end
        }
        if size < header {
            return Err(source.damaged("a box is shorter than its own header"));
        }
        source.check(at, size)?;
        let data = at + header;
        match &kind {
            b"ftyp" if brands.is_empty() => brands = source.part(data, size - header, 4096)?,
            b"moov" if index.is_none() => index = Some(source.part(data, size - header, INDEX)?),
            b"moov" => return Err(source.damaged("it holds two indexes")),
            b"moof" if fragments.len() >= FRAGMENTS => {
                return Err(source.damaged("it has more fragments than a film of days"));
            }
            b"moof" => {
                let data = source.part(data, size - header, left)?;
                left -= data.len() as u64;
                fragments.push(Fragment { at, data });
            }
            _ => {}
        }
        at += size;
    }
    Ok(Found {
        brands,
        index: index.ok_or_else(|| source.cut_off())?,
        fragments,
    })
}

fn brand_box(brands: &[u8], quick_time: bool) -> Vec<u8> {
    let whole = brands
        .get(..brands.len() / 4 * 4)
        .filter(|brands| brands.len() >= 8);
    let brands = match whole {
        Some(brands) => brands,
        None if quick_time => b"qt  \0\0\0\0qt  ",
        None => b"isom\0\0\x02\0isomiso2mp41",
    };
    let mut header = Vec::new();
    boxes::put(&mut header, *b"ftyp", |data| data.extend_from_slice(brands));
    header
}
