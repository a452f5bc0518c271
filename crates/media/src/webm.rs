//! WebM: EBML elements (RFC 8794, RFC 9559), copied with everything in its place.
//!
//! Elements that are not needed to play become `Void` elements of the same length, filled
//! with zeros, so no offset in the file changes and coded blocks stay where they are.
//! Elements are kept by lists; tags, chapters, attachments, dates, names and tracks other
//! than pictures and sound are not on them.

mod element;
mod tracks;

use std::io::{Read, Seek, Write};

use self::{
    element::{Element, write_void},
    tracks::{Info, Tracks},
};
use crate::{
    Clean, MediaError, Type,
    source::{Sink, Source},
};

const EBML: u32 = 0x1A45_DFA3;
const SEGMENT: u32 = 0x1853_8067;
const SEEK_HEAD: u32 = 0x114D_9B74;
const INFO: u32 = 0x1549_A966;
const TRACKS: u32 = 0x1654_AE6B;
const CUES: u32 = 0x1C53_BB6B;
const CLUSTER: u32 = 0x1F43_B675;
const TAGS: u32 = 0x1254_C367;
const ATTACHMENTS: u32 = 0x1941_A469;
const CHAPTERS: u32 = 0x1043_A770;
const TIMESTAMP: u32 = 0xE7;
const POSITION: u32 = 0xA7;
const PREVIOUS_SIZE: u32 = 0xAB;
const SIMPLE_BLOCK: u32 = 0xA3;
const BLOCK_GROUP: u32 = 0xA0;
const BLOCK: u32 = 0xA1;

/// The largest description of tracks, in bytes.
const DESCRIPTION: u64 = 4 * 1024 * 1024;

struct Copy<'s, 'o, R, W> {
    source: &'s mut Source<R>,
    out: &'s mut Sink<'o, W>,
    info: Info,
    tracks: Option<Tracks>,
    last: i64,
}

/// Copies the file.
pub(crate) fn clean<R: Read + Seek, W: Write>(
    source: &mut Source<R>,
    out: &mut Sink<'_, W>,
) -> Result<Clean, MediaError> {
    let end = source.len();
    let header = Element::read(source, 0, end)?;
    let body = header.known(source)?;
    if header.id != EBML || body > 4096 {
        return Err(source.damaged("it does not begin with an EBML header"));
    }
    source.copy(0, header.data + body, out)?;
    let segment = Element::read(source, header.data + body, end)?;
    if segment.id != SEGMENT {
        return Err(source.damaged("no segment follows its header"));
    }
    let end = match segment.size {
        Some(size) => segment.data + size,
        None => end,
    };
    source.copy(segment.at, segment.data - segment.at, out)?;
    let mut copy = Copy {
        source,
        out,
        info: Info::default(),
        tracks: None,
        last: 0,
    };
    copy.segment(segment.data, end)?;
    let Copy {
        info, tracks, last, ..
    } = copy;
    let tracks = tracks.ok_or_else(|| source.cut_off())?;
    Ok(Clean {
        media: if tracks.pixels.is_some() {
            Type::WEBM
        } else {
            Type::WEBM_SOUND
        },
        size: out.written(),
        duration: info.duration(last),
        pixels: tracks.pixels,
        title: info.title,
    })
}

impl<R: Read + Seek, W: Write> Copy<'_, '_, R, W> {
    fn segment(&mut self, mut at: u64, end: u64) -> Result<(), MediaError> {
        while at < end {
            let element = Element::read(self.source, at, end)?;
            at = match element.id {
                CLUSTER => self.cluster(&element, end)?,
                SEEK_HEAD | CUES => self.keep(&element)?,
                INFO => {
                    let mut data = self.description(&element)?;
                    self.info = tracks::info(&mut data)?;
                    self.put(&element, &data)?
                }
                TRACKS => {
                    let mut data = self.description(&element)?;
                    if self.tracks.is_some() {
                        return Err(self.source.damaged("it describes its tracks twice"));
                    }
                    self.tracks = Some(tracks::tracks(&mut data)?);
                    self.put(&element, &data)?
                }
                _ => self.void(&element)?,
            };
        }
        Ok(())
    }

    fn description(&mut self, element: &Element) -> Result<Vec<u8>, MediaError> {
        let size = element.known(self.source)?;
        self.source.part(element.data, size, DESCRIPTION)
    }

    fn put(&mut self, element: &Element, data: &[u8]) -> Result<u64, MediaError> {
        self.source
            .copy(element.at, element.data - element.at, self.out)?;
        self.out.write(data)?;
        Ok(element.data + data.len() as u64)
    }

    fn keep(&mut self, element: &Element) -> Result<u64, MediaError> {
        let end = element.data + element.known(self.source)?;
        self.source.copy(element.at, end - element.at, self.out)?;
        Ok(end)
    }

    fn void(&mut self, element: &Element) -> Result<u64, MediaError> {
        let end = element.data + element.known(self.source)?;
        write_void(end - element.at, self.out)?;
        Ok(end)
    }

    /// A cluster of unknown size ends where the next part of the segment begins.
    fn cluster(&mut self, cluster: &Element, limit: u64) -> Result<u64, MediaError> {
        self.source
            .copy(cluster.at, cluster.data - cluster.at, self.out)?;
        let end = cluster.size.map_or(limit, |size| cluster.data + size);
        let mut base = 0;
        let mut at = cluster.data;
        while at < end {
            let element = Element::read(self.source, at, end)?;
            let top = matches!(
                element.id,
                CLUSTER | CUES | TAGS | SEEK_HEAD | INFO | TRACKS | ATTACHMENTS | CHAPTERS
            );
            if top && cluster.size.is_none() {
                break;
            }
            at = match element.id {
                TIMESTAMP => {
                    base = element.number(self.source)?;
                    self.keep(&element)?
                }
                POSITION | PREVIOUS_SIZE => self.keep(&element)?,
                SIMPLE_BLOCK => self.block(&element, Some(&element), base)?,
                BLOCK_GROUP => {
                    let block = self.block_of(&element)?;
                    self.block(&element, block.as_ref(), base)?
                }
                _ => self.void(&element)?,
            };
        }
        Ok(at)
    }

    fn block_of(&mut self, group: &Element) -> Result<Option<Element>, MediaError> {
        let end = group.data + group.known(self.source)?;
        let mut at = group.data;
        while at < end {
            let element = Element::read(self.source, at, end)?;
            if element.id == BLOCK {
                return Ok(Some(element));
            }
            at = element.data + element.known(self.source)?;
        }
        Ok(None)
    }

    /// Keeps `whole` if the block in it belongs to a track that is kept.
    fn block(
        &mut self,
        whole: &Element,
        block: Option<&Element>,
        base: u64,
    ) -> Result<u64, MediaError> {
        let Some(block) = block else {
            return self.void(whole);
        };
        let size = block.known(self.source)?;
        let head = self.source.head(block.data, size.min(10))?;
        let place = element::number(&head).and_then(|(track, used)| {
            let time = head.get(used..used + 2)?;
            Some((track, i64::from(i16::from_be_bytes([time[0], time[1]]))))
        });
        let Some((track, time)) = place else {
            return Err(self.source.damaged("a block is too short"));
        };
        let Some(tracks) = &self.tracks else {
            return Err(self
                .source
                .damaged("its tracks are not described before their blocks"));
        };
        if !tracks.kept.contains(&track) {
            return self.void(whole);
        }
        let base = i64::try_from(base).unwrap_or(i64::MAX);
        self.last = self.last.max(base.saturating_add(time));
        self.keep(whole)
    }
}
