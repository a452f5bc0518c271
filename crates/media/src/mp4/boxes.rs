//! Boxes inside the index, all held in memory.

use crate::{
    MediaError,
    source::{be32, be64},
};

/// A file of which only the rest is in fragments.
pub(crate) const MIXED: MediaError = MediaError::NotTaken {
    found: "an MP4 that is fragmented from its middle on",
    advice: "export it as an ordinary MP4 (\"ffmpeg -i in.mp4 -c copy out.mp4\") or as WebM",
};

/// The most boxes side by side. Real files have a few dozen.
const PARTS: usize = 10_000;

/// A box's kind and contents.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(crate) kind: [u8; 4],
    pub(crate) data: &'a [u8],
}

/// What is said of an index that contradicts itself.
pub(crate) fn damaged(detail: &'static str) -> MediaError {
    MediaError::Damaged {
        what: "MP4 file",
        detail,
    }
}

/// The boxes in `data`, one after the other. QuickTime ends some lists with a zero.
pub(crate) fn children(data: &[u8]) -> Result<Vec<Part<'_>>, MediaError> {
    let mut parts = Vec::new();
    let mut rest = data;
    while rest.len() >= 8 {
        if parts.len() >= PARTS {
            return Err(damaged(
                "a part of its index has more boxes than any real one",
            ));
        }
        let kind = [rest[4], rest[5], rest[6], rest[7]];
        let (header, size) = match be32(rest, 0).unwrap_or_default() {
            0 if kind == [0; 4] => break,
            0 => (8, rest.len()),
            1 => {
                let size = be64(rest, 8).and_then(|size| usize::try_from(size).ok());
                (
                    16,
                    size.ok_or_else(|| damaged("a box in the index has no size"))?,
                )
            }
            size => (8, size as usize),
        };
        let Some(data) = rest.get(header..size) else {
            return Err(damaged("a box in the index is larger than what holds it"));
        };
        parts.push(Part { kind, data });
        rest = &rest[size..];
    }
    Ok(parts)
}

/// The contents of the first box of a kind.
pub(crate) fn find<'a>(parts: &[Part<'a>], kind: &[u8; 4]) -> Option<&'a [u8]> {
    parts
        .iter()
        .find(|part| &part.kind == kind)
        .map(|part| part.data)
}

/// The contents of a box that must be there.
pub(crate) fn need<'a>(parts: &[Part<'a>], kind: &[u8; 4]) -> Result<&'a [u8], MediaError> {
    find(parts, kind).ok_or_else(|| damaged("its index lacks a box that must be there"))
}

/// Appends a box; `fill` writes its contents.
pub(crate) fn put(out: &mut Vec<u8>, kind: [u8; 4], fill: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&kind);
    fill(out);
    let size = (out.len() - start) as u32; // an index is at most some 64 MiB
    out[start..start + 4].copy_from_slice(&size.to_be_bytes());
}

/// A table: its version, the number of its entries, their words.
pub(crate) fn table(version: u8, words: &[u32], entries: usize) -> Vec<u8> {
    let mut data = vec![version, 0, 0, 0];
    data.extend((entries as u32).to_be_bytes()); // an index is at most some 64 MiB
    data.extend(words.iter().flat_map(|word| word.to_be_bytes()));
    data
}
