//! WAV: a RIFF file of chunks. Kept: `fmt `, `fact` and `data`.

use std::io::{Read, Seek, Write};

use crate::{
    Clean, MediaError, Type,
    source::{Sink, Source, le32},
    title,
};

/// Recorders that cannot seek back leave this as a length.
const UNKNOWN: u32 = u32::MAX;

#[derive(Default)]
struct Chunks {
    format: Option<Vec<u8>>,
    fact: Option<Vec<u8>>,
    data: Option<(u64, u64)>,
    title: Option<String>,
}

/// Copies the file.
pub(crate) fn clean<R: Read + Seek, W: Write>(
    source: &mut Source<R>,
    out: &mut Sink<'_, W>,
) -> Result<Clean, MediaError> {
    let chunks = walk(source)?;
    let format = chunks
        .format
        .ok_or_else(|| source.damaged("it does not say its format"))?;
    let (at, len) = chunks.data.ok_or_else(|| source.cut_off())?;
    let fact = chunks.fact.unwrap_or_default();
    let parts = [(b"fmt ", &format), (b"fact", &fact)];
    let heads: u64 = parts.iter().map(|(_, part)| framed(part)).sum();
    let size = 4 + heads + 8 + len + len % 2;
    let size = u32::try_from(size).map_err(|_| source.damaged("it is over 4 GiB"))?;
    out.write(b"RIFF")?;
    out.write(&size.to_le_bytes())?;
    out.write(b"WAVE")?;
    for (name, part) in parts.iter().filter(|(_, part)| !part.is_empty()) {
        out.write(*name)?;
        out.write(&(part.len() as u32).to_le_bytes())?; // at most a few bytes
        out.write(part)?;
    }
    out.write(b"data")?;
    out.write(&(len as u32).to_le_bytes())?; // smaller than `size`
    source.copy(at, len, out)?;
    if len % 2 == 1 {
        out.write(&[0])?;
    }
    let rate = le32(&format, 8).map_or(0, u64::from);
    Ok(Clean {
        media: Type::WAV,
        size: out.written(),
        duration: (len * 1000).checked_div(rate),
        pixels: None,
        title: chunks.title,
    })
}

/// Bytes of a chunk with its header; none for an absent one. Kept chunks are even.
fn framed(part: &[u8]) -> u64 {
    if part.is_empty() {
        0
    } else {
        8 + part.len() as u64
    }
}

fn walk<R: Read + Seek>(source: &mut Source<R>) -> Result<Chunks, MediaError> {
    let mut chunks = Chunks::default();
    let mut at = 12;
    while at + 8 <= source.len() {
        let head: [u8; 8] = source.array(at)?;
        let len = le32(&head, 4).unwrap_or_default();
        let start = at + 8;
        let len = match &head[..4] {
            b"data" if len == UNKNOWN => source.len() - start,
            _ => u64::from(len),
        };
        match &head[..4] {
            b"data" => {
                source.check(start, len)?;
                chunks.data.get_or_insert((start, len));
            }
            // PCM's 16 bytes, with an extension at most 40; some codecs have some more.
            b"fmt " if (16..=64).contains(&len) && len % 2 == 0 => {
                chunks.format = Some(source.part(start, len, 64)?);
            }
            b"fmt " => return Err(source.damaged("its format is told in a way unknown here")),
            b"fact" if len >= 4 => chunks.fact = Some(source.part(start, 4, 4)?),
            b"LIST" if chunks.title.is_none() => {
                chunks.title = name(&source.head(start, len.min(64 * 1024))?);
            }
            _ => {}
        }
        at = start + len + len % 2;
    }
    if chunks.data.is_none() && at > source.len() {
        return Err(source.cut_off());
    }
    Ok(chunks)
}

/// The INFO list's INAM.
fn name(list: &[u8]) -> Option<String> {
    let mut rest = list.strip_prefix(b"INFO")?;
    loop {
        let len = le32(rest, 4)? as usize;
        let value = rest.get(8..8_usize.checked_add(len)?)?;
        if rest.starts_with(b"INAM") {
            return title::from_utf8(value);
        }
        rest = rest.get(8 + len + len % 2..)?;
    }
}
