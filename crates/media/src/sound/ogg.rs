//! OGG with one stream of sound at a time: Vorbis, Opus (RFC 7845) or FLAC.
//!
//! The header packets are read, the comments replaced by empty ones, and all laid out
//! anew; pages of sound are copied with new numbers and checksums, their packets as they
//! are. Streams one after the other ("chained") are taken, streams side by side are not. A stream must say where it ends: only so can one that
//! was cut off between two pages be told.

use std::io::{Read, Seek, Write};

use super::{
    comment,
    flac_info::Info,
    page::{FIRST, LAST, Page, pages},
};
use crate::{
    Clean, MediaError, Type,
    source::{Sink, Source, be16, le16, le32},
};

/// The largest header packet (cover pictures lie in comments), in bytes.
const PACKET: usize = 32 * 1024 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Codec {
    Vorbis,
    Opus,
    Flac,
}

struct Stream {
    codec: Codec,
    serial: u32,
    /// Positions per second, and where sound begins.
    rate: u64,
    skip: u64,
    /// Number of the next page to write.
    number: u32,
    /// Header packets as they come; `None` once the sound has begun.
    headers: Option<Headers>,
    position: u64,
    ended: bool,
}

#[derive(Default)]
struct Headers {
    packets: Vec<Vec<u8>>,
    partial: Vec<u8>,
}

/// Copies the file.
pub(crate) fn clean<R: Read + Seek, W: Write>(
    source: &mut Source<R>,
    out: &mut Sink<'_, W>,
) -> Result<Clean, MediaError> {
    let mut clean = Clean {
        media: Type::OGG,
        size: 0,
        duration: None,
        pixels: None,
        title: None,
    };
    let mut stream: Option<Stream> = None;
    let mut duration = 0;
    let mut at = 0;
    while at < source.len() {
        if stream.as_ref().is_some_and(|stream| stream.ended) && source.head(at, 4)? != b"OggS" {
            break; // a tag after the end
        }
        let (page, next) = Page::read(source, at)?;
        at = next;
        if page.flags & FIRST != 0 {
            if stream.as_ref().is_some_and(|stream| !stream.ended) {
                return Err(source.damaged("it holds several streams side by side"));
            }
            duration += stream.as_ref().map_or(0, Stream::duration);
            let begun =
                Stream::begin(page).ok_or_else(|| source.damaged("its first header is wrong"))?;
            if begun.1.codec == Codec::Opus {
                clean.media = Type::OPUS;
            }
            begun.0.write(out, 0)?;
            stream = Some(begun.1);
        } else {
            let stream = stream
                .as_mut()
                .ok_or_else(|| source.damaged("it does not begin with a stream's start"))?;
            if page.serial != stream.serial || stream.ended {
                return Err(source.damaged("a page belongs to no stream"));
            }
            stream.page(&page, out, &mut clean.title)?;
        }
    }
    match stream {
        Some(stream) if stream.headers.is_none() && stream.ended => duration += stream.duration(),
        _ => return Err(source.cut_off()),
    }
    clean.duration = Some(duration);
    clean.size = out.written();
    Ok(clean)
}

const DAMAGED: MediaError = MediaError::Damaged {
    what: "OGG file",
    detail: "its headers are wrong",
};

impl Stream {
    /// The first page holds the first header packet alone; it is returned as it is kept.
    fn begin(mut page: Page) -> Option<(Page, Self)> {
        let head = &page.body;
        let (codec, rate, skip) = if head.starts_with(b"OpusHead") {
            (Codec::Opus, 48_000, u64::from(le16(head, 10)?))
        } else if head.starts_with(b"\x01vorbis") {
            (Codec::Vorbis, u64::from(le32(head, 12)?), 0)
        } else if head.starts_with(b"\x7FFLAC") {
            be16(head, 7)?;
            let info = Info::parse(head.get(17..)?)?;
            page.body[7..9].copy_from_slice(&[0, 1]); // one more header: the empty comment
            (Codec::Flac, info.rate, 0)
        } else {
            return None;
        };
        let whole = page.lacing.iter().filter(|len| **len < 255).count() == 1
            && page.lacing.last().is_some_and(|len| *len < 255);
        let stream = Self {
            codec,
            serial: page.serial,
            rate,
            skip,
            number: 1,
            headers: Some(Headers::default()),
            position: 0,
            ended: page.flags & LAST != 0,
        };
        whole.then_some((page, stream))
    }

    fn duration(&self) -> u64 {
        let samples = u128::from(self.position.saturating_sub(self.skip));
        let milliseconds = (samples * 1000).checked_div(u128::from(self.rate));
        milliseconds
            .and_then(|value| u64::try_from(value).ok())
            .unwrap_or(0)
    }

    fn page<W: Write>(
        &mut self,
        page: &Page,
        out: &mut Sink<'_, W>,
        title: &mut Option<String>,
    ) -> Result<(), MediaError> {
        self.ended = page.flags & LAST != 0;
        if let Some(headers) = &mut self.headers {
            headers.add(page)?;
            if !headers.complete(self.codec) {
                return Ok(());
            }
            if !headers.partial.is_empty() {
                return Err(DAMAGED); // sound must begin on a page of its own
            }
            let packets = headers.emptied(self.codec, title)?;
            self.headers = None;
            for page in pages(self.serial, &packets) {
                self.put(&page, out)?;
            }
            if self.ended {
                return Err(DAMAGED);
            }
            return Ok(());
        }
        if page.position != u64::MAX {
            self.position = page.position;
        }
        self.put(page, out)
    }

    fn put<W: Write>(&mut self, page: &Page, out: &mut Sink<'_, W>) -> Result<(), MediaError> {
        page.write(out, self.number)?;
        self.number = self.number.wrapping_add(1);
        Ok(())
    }
}

impl Headers {
    fn add(&mut self, page: &Page) -> Result<(), MediaError> {
        let mut at = 0;
        for len in &page.lacing {
            let end = at + usize::from(*len);
            self.partial.extend_from_slice(&page.body[at..end]);
            at = end;
            if self.partial.len() > PACKET || self.packets.len() > 256 {
                return Err(MediaError::TooLarge {
                    what: "OGG file's header",
                    size: self.partial.len() as u64,
                    limit: PACKET as u64,
                });
            }
            if *len < 255 {
                self.packets.push(std::mem::take(&mut self.partial));
            }
        }
        Ok(())
    }

    fn complete(&self, codec: Codec) -> bool {
        match codec {
            Codec::Opus => !self.packets.is_empty(),
            Codec::Vorbis => self.packets.len() >= 2,
            Codec::Flac => self
                .packets
                .iter()
                .any(|packet| packet.first().is_some_and(|kind| kind & 0x80 != 0)),
        }
    }

    /// The packets after the first header, comments emptied.
    fn emptied(
        &mut self,
        codec: Codec,
        title: &mut Option<String>,
    ) -> Result<Vec<Vec<u8>>, MediaError> {
        let mut packets = std::mem::take(&mut self.packets);
        let (magic, empty, count): (&[u8], &[u8], usize) = match codec {
            Codec::Opus => (b"OpusTags", b"OpusTags\0\0\0\0\0\0\0\0", 1),
            Codec::Vorbis => (b"\x03vorbis", b"\x03vorbis\0\0\0\0\0\0\0\0\x01", 2),
            Codec::Flac => (b"", b"\x84\0\0\x08\0\0\0\0\0\0\0\0", packets.len()),
        };
        let first = packets.first_mut().ok_or(DAMAGED)?;
        let comments = first.strip_prefix(magic).ok_or(DAMAGED)?;
        let comments = if codec == Codec::Flac {
            comments.get(4..).ok_or(DAMAGED)?
        } else {
            comments
        };
        *title = title.take().or_else(|| comment::title(comments));
        *first = empty.to_vec();
        if packets.len() != count
            || (codec == Codec::Vorbis && !packets[1].starts_with(b"\x05vorbis"))
        {
            return Err(DAMAGED);
        }
        if codec == Codec::Flac {
            packets.truncate(1);
        }
        Ok(packets)
    }
}
