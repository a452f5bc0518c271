//! The bytes of a source as text: decoded by what they say of themselves, counted, and
//! never more of them for one post than a limit.

use std::{
    cell::Cell,
    io::{self, BufRead, Read},
};

use encoding_rs::{Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// Bytes of one post in a source, markup and all. The text of an item has a far smaller
/// limit: what is above it is cut; what is above this is no post.
pub(super) const POST_BYTES: u64 = 32 * 1024 * 1024;

/// How much has been read, for a reader that is buried in a parser.
#[derive(Debug, Default)]
pub(super) struct Meter {
    since: Cell<u64>,
    total: Cell<u64>,
}

impl Meter {
    /// A post is complete: the limit begins anew.
    pub(super) fn next_post(&self) {
        self.since.set(0);
    }

    /// Bytes of the source so far.
    pub(super) fn total(&self) -> u64 {
        self.total.get()
    }

    fn count(&self, bytes: usize) {
        let bytes = bytes as u64;
        self.since.set(self.since.get() + bytes);
        self.total.set(self.total.get() + bytes);
    }

    fn check(&self) -> io::Result<()> {
        if self.since.get() <= POST_BYTES {
            return Ok(());
        }
        let text = format!(
            "a single post in it is larger than {} MiB",
            POST_BYTES >> 20
        );
        Err(io::Error::new(io::ErrorKind::FileTooLarge, text))
    }
}

/// A source as UTF-8, whatever it is written in. What is wrong in its encoding becomes
/// U+FFFD.
pub(super) struct Decoded<'m, R> {
    inner: R,
    meter: &'m Meter,
    decoder: Decoder,
    raw: Box<[u8]>,
    raw_at: usize,
    raw_end: usize,
    ended: bool,
    finished: bool,
    out: Box<[u8]>,
    out_at: usize,
    out_end: usize,
}

const BUFFER: usize = 64 * 1024;

impl<'m, R: Read> Decoded<'m, R> {
    /// Looks at the beginning of `inner` and decodes what follows.
    ///
    /// # Errors
    /// What `inner` says.
    pub(super) fn new(inner: R, meter: &'m Meter) -> io::Result<Self> {
        let mut decoded = Self {
            inner,
            meter,
            decoder: UTF_8.new_decoder(),
            raw: vec![0; BUFFER].into_boxed_slice(),
            raw_at: 0,
            raw_end: 0,
            ended: false,
            finished: false,
            out: vec![0; 2 * BUFFER].into_boxed_slice(),
            out_at: 0,
            out_end: 0,
        };
        decoded.read_more()?;
        let head = decoded.raw.get(..decoded.raw_end).unwrap_or_default();
        decoded.decoder = encoding(head).new_decoder();
        Ok(decoded)
    }

    /// Fills the raw buffer when it is empty.
    fn read_more(&mut self) -> io::Result<()> {
        self.raw_at = 0;
        self.raw_end = 0;
        while !self.ended && self.raw_end < self.raw.len() {
            let room = self.raw.get_mut(self.raw_end..).unwrap_or_default();
            match self.inner.read(room) {
                Ok(0) => self.ended = true,
                Ok(read) => self.raw_end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.meter.count(self.raw_end);
        Ok(())
    }

    fn decode_more(&mut self) -> io::Result<()> {
        while self.out_at == self.out_end && !self.finished {
            if self.raw_at == self.raw_end {
                self.read_more()?;
                self.meter.check()?;
            }
            let raw = self.raw.get(self.raw_at..self.raw_end).unwrap_or_default();
            let (result, read, written, _) =
                self.decoder.decode_to_utf8(raw, &mut self.out, self.ended);
            self.raw_at += read;
            self.out_at = 0;
            self.out_end = written;
            self.finished = self.ended
                && self.raw_at == self.raw_end
                && result == encoding_rs::CoderResult::InputEmpty;
        }
        Ok(())
    }
}

impl<R: Read> BufRead for Decoded<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.decode_more()?;
        Ok(self.out.get(self.out_at..self.out_end).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.out_at = (self.out_at + amount).min(self.out_end);
    }
}

impl<R: Read> Read for Decoded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let size = ready.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..size), ready.get(..size)) {
            to.copy_from_slice(from);
        }
        self.consume(size);
        Ok(size)
    }
}

/// What a text is written in: its byte order mark says it, or its XML declaration, or how
/// its first character looks; else UTF-8.
pub(super) fn encoding(head: &[u8]) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(head) {
        return encoding;
    }
    match head {
        [b'<' | b'{' | b'[', 0, ..] => return UTF_16LE,
        [0, b'<' | b'{' | b'[', ..] => return UTF_16BE,
        _ => {}
    }
    let declared = declared(head.get(..head.len().min(1024)).unwrap_or_default());
    match declared.and_then(Encoding::for_label) {
        // These bytes are readable as they stand, so they are not UTF-16.
        Some(encoding) if encoding != UTF_16LE && encoding != UTF_16BE => encoding,
        _ => UTF_8,
    }
}

/// The value of `encoding` in an XML declaration.
fn declared(head: &[u8]) -> Option<&[u8]> {
    let start = head.windows(5).position(|five| five == b"<?xml")?;
    let rest = head.get(start..)?;
    let end = rest.windows(2).position(|two| two == b"?>")?;
    let declaration = rest.get(..end)?;
    let at = declaration
        .windows(8)
        .position(|name| name == b"encoding")?;
    let mut values = declaration
        .get(at + 8..)?
        .split(|b| matches!(b, b'"' | b'\''));
    let equals = values.next()?;
    equals
        .iter()
        .all(|b| b.is_ascii_whitespace() || *b == b'=')
        .then(|| values.next())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> String {
        let meter = Meter::default();
        let mut text = String::new();
        let mut reader = Decoded::new(bytes, &meter).unwrap();
        reader.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn encodings() {
        assert_eq!(
            decoded(b"<?xml version='1.0'?>\xc3\xa4"),
            "<?xml version='1.0'?>ä"
        );
        let latin = b"<?xml version='1.0' encoding=\"windows-1252\"?>\xe4\x80";
        assert!(decoded(latin).ends_with("?>ä€"));
        let lying = b"<?xml version='1.0' encoding='utf-16'?>\xc3\xa4";
        assert!(decoded(lying).ends_with('ä'));
        assert_eq!(decoded(b"\xff\xfe<\0a\0>\0"), "<a>");
        assert_eq!(decoded(b"\0<\0a\0>"), "<a>");
        assert_eq!(decoded(b"\xef\xbb\xbf{}"), "{}");
        assert_eq!(decoded(b"<a>\xff</a>"), "<a>\u{fffd}</a>");
        assert_eq!(decoded(b""), "");
        assert_eq!(decoded("ä".repeat(100_000).as_bytes()).len(), 200_000);
    }

    #[test]
    fn one_post_has_a_limit() {
        let meter = Meter::default();
        let endless = io::repeat(b'x').take(POST_BYTES + 200_000);
        let read = io::copy(&mut Decoded::new(endless, &meter).unwrap(), &mut io::sink());
        assert!(read.unwrap_err().to_string().contains("larger than 32 MiB"));
        meter.next_post();
        let fine = io::repeat(b'x').take(POST_BYTES - 200_000);
        let read = io::copy(&mut Decoded::new(fine, &meter).unwrap(), &mut io::sink());
        assert_eq!(read.unwrap(), POST_BYTES - 200_000);
    }
}
