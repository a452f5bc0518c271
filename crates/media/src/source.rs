//! Reading strangers' files at checked places, and writing while counting.
//!
//! A [`Source`] knows the file's length and refuses every range outside of it before
//! anything is allocated for it. A small window makes many small reads cheap.

use std::io::{Read, Seek, SeekFrom, Write};

use crate::MediaError;

/// Bytes kept in memory around the last read.
const WINDOW: usize = 64 * 1024;

/// A file to read from, at any place.
pub(crate) struct Source<R> {
    input: R,
    len: u64,
    what: &'static str,
    window: Vec<u8>,
    start: u64,
}

impl<R: Read + Seek> Source<R> {
    /// `what` names the kind of file in errors.
    pub(crate) fn new(mut input: R, what: &'static str) -> Result<Self, MediaError> {
        let len = input.seek(SeekFrom::End(0)).map_err(MediaError::Read)?;
        Ok(Self {
            input,
            len,
            what,
            window: Vec::new(),
            start: 0,
        })
    }

    /// The file's length in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Names the kind of file once it is known.
    pub(crate) fn name(&mut self, what: &'static str) {
        self.what = what;
    }

    pub(crate) fn cut_off(&self) -> MediaError {
        MediaError::CutOff { what: self.what }
    }

    pub(crate) fn damaged(&self, detail: &'static str) -> MediaError {
        MediaError::Damaged {
            what: self.what,
            detail,
        }
    }

    /// Refuses a range that does not lie in the file.
    pub(crate) fn check(&self, at: u64, len: u64) -> Result<(), MediaError> {
        match at.checked_add(len) {
            Some(end) if end <= self.len => Ok(()),
            _ => Err(self.cut_off()),
        }
    }

    /// Fills `to` from the place `at`.
    pub(crate) fn read(&mut self, at: u64, to: &mut [u8]) -> Result<(), MediaError> {
        self.check(at, to.len() as u64)?;
        if to.len() > WINDOW {
            self.input
                .seek(SeekFrom::Start(at))
                .map_err(MediaError::Read)?;
            return self.input.read_exact(to).map_err(MediaError::Read);
        }
        let inside =
            at >= self.start && at + to.len() as u64 <= self.start + self.window.len() as u64;
        if !inside {
            let fill = (self.len - at).min(WINDOW as u64);
            self.window.clear();
            self.input
                .seek(SeekFrom::Start(at))
                .map_err(MediaError::Read)?;
            self.input
                .by_ref()
                .take(fill)
                .read_to_end(&mut self.window)
                .map_err(MediaError::Read)?;
            self.start = at;
        }
        let from = (at - self.start) as usize;
        match self.window.get(from..from + to.len()) {
            Some(bytes) => to.copy_from_slice(bytes),
            None => return Err(self.cut_off()), // the file shrank while it was read
        }
        Ok(())
    }

    /// Reads `N` bytes at `at`.
    pub(crate) fn array<const N: usize>(&mut self, at: u64) -> Result<[u8; N], MediaError> {
        let mut bytes = [0; N];
        self.read(at, &mut bytes)?;
        Ok(bytes)
    }

    /// Up to `len` bytes at `at`: fewer where the file ends.
    pub(crate) fn head(&mut self, at: u64, len: u64) -> Result<Vec<u8>, MediaError> {
        let len = len.min(self.len.saturating_sub(at));
        let mut bytes = vec![0; len as usize];
        self.read(at, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads a part into memory, at most `limit` bytes of it.
    pub(crate) fn part(&mut self, at: u64, len: u64, limit: u64) -> Result<Vec<u8>, MediaError> {
        self.check(at, len)?;
        if len > limit {
            return Err(MediaError::TooLarge {
                what: "file's index",
                size: len,
                limit,
            });
        }
        let mut bytes = vec![0; len as usize];
        self.read(at, &mut bytes)?;
        Ok(bytes)
    }

    /// Copies a range to `out`, unchanged.
    pub(crate) fn copy<W: Write>(
        &mut self,
        at: u64,
        len: u64,
        out: &mut Sink<'_, W>,
    ) -> Result<(), MediaError> {
        self.check(at, len)?;
        let mut buffer = vec![0; len.min(4 * WINDOW as u64) as usize];
        let mut done = 0;
        while done < len {
            let now = (len - done).min(buffer.len() as u64) as usize;
            let part = &mut buffer[..now];
            self.read(at + done, part)?;
            out.write(part)?;
            done += now as u64;
        }
        Ok(())
    }
}

/// Where a copy goes; counts what was written.
pub(crate) struct Sink<'a, W> {
    out: &'a mut W,
    written: u64,
}

impl<'a, W: Write> Sink<'a, W> {
    pub(crate) fn new(out: &'a mut W) -> Self {
        Self { out, written: 0 }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), MediaError> {
        self.out.write_all(bytes).map_err(MediaError::Write)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Bytes written so far.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }
}

/// Reads big-endian numbers out of a slice, `None` where it ends.
pub(crate) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    let part = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes(part.try_into().ok()?))
}

/// See [`be16`].
pub(crate) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    let part = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(part.try_into().ok()?))
}

/// See [`be16`].
pub(crate) fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    let part = bytes.get(at..at.checked_add(8)?)?;
    Some(u64::from_be_bytes(part.try_into().ok()?))
}

/// Reads a little-endian number out of a slice.
pub(crate) fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    be16(bytes, at).map(u16::swap_bytes)
}

/// See [`le16`].
pub(crate) fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    be32(bytes, at).map(u32::swap_bytes)
}
