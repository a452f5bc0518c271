//! Frames on a stream: an unsigned varint that gives the length (at most three bytes), and so
//! many bytes.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::{AsyncRead, AsyncWrite};
use ourspace_protocol::limits;

/// Read at once.
const CHUNK: usize = 8 * 1024;

/// Reads frames.
#[derive(Debug)]
pub(super) struct FrameReader<S> {
    stream: S,
    buffer: Vec<u8>,
    /// Bytes of the buffer that were given out already.
    used: usize,
}

impl<S: AsyncRead + Unpin> FrameReader<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
            used: 0,
        }
    }

    /// The next frame; none at the end of the stream.
    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Vec<u8>>>> {
        loop {
            if let Some(frame) = self.take()? {
                return Poll::Ready(Ok(Some(frame)));
            }
            self.buffer.drain(..self.used);
            self.used = 0;
            let filled = self.buffer.len();
            self.buffer.resize(filled + CHUNK, 0);
            let read = Pin::new(&mut self.stream).poll_read(cx, &mut self.buffer[filled..]);
            let read = match read {
                Poll::Ready(read) => read,
                Poll::Pending => {
                    self.buffer.truncate(filled);
                    return Poll::Pending;
                }
            };
            let read = match read {
                Ok(read) => read,
                Err(error) => {
                    self.buffer.truncate(filled);
                    return Poll::Ready(Err(error));
                }
            };
            self.buffer.truncate(filled + read);
            if read == 0 {
                return Poll::Ready(match filled {
                    0 => Ok(None),
                    _ => Err(io::ErrorKind::UnexpectedEof.into()),
                });
            }
        }
    }

    /// A whole frame out of the buffer.
    fn take(&mut self) -> io::Result<Option<Vec<u8>>> {
        let rest = &self.buffer[self.used..];
        let Some((len, head)) = length(rest)? else {
            return Ok(None);
        };
        let Some(frame) = rest.get(head..head + len) else {
            return Ok(None);
        };
        let frame = frame.to_vec();
        self.used += head + len;
        Ok(Some(frame))
    }
}

/// The length that `bytes` begin with, and how many bytes say it.
fn length(bytes: &[u8]) -> io::Result<Option<(usize, usize)>> {
    let mut len = 0;
    for (at, byte) in bytes.iter().take(3).enumerate() {
        len |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            let shortest = at == 0 || *byte != 0;
            return match shortest && len <= limits::FRAME_BYTES {
                true => Ok(Some((len, at + 1))),
                false => Err(io::ErrorKind::InvalidData.into()),
            };
        }
    }
    match bytes.len() < 3 {
        true => Ok(None),
        false => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Writes frames.
#[derive(Debug)]
pub(super) struct FrameWriter<S> {
    stream: S,
    buffer: Vec<u8>,
    written: usize,
    dirty: bool,
}

impl<S: AsyncWrite + Unpin> FrameWriter<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
            written: 0,
            // The name of its protocol waits to be sent.
            dirty: true,
        }
    }

    /// Puts a frame into the buffer.
    pub(super) fn push(&mut self, frame: &[u8]) {
        let mut len = frame.len();
        while len >= 0x80 {
            self.buffer.push(0x80 | (len & 0x7f) as u8);
            len >>= 7;
        }
        self.buffer.push(len as u8);
        self.buffer.extend_from_slice(frame);
    }

    /// Bytes that wait.
    pub(super) fn waiting(&self) -> usize {
        self.buffer.len() - self.written
    }

    /// Writes all of the buffer.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.buffer.len() {
            let rest = &self.buffer[self.written..];
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += written;
            self.dirty = true;
        }
        self.buffer.clear();
        self.written = 0;
        if self.dirty {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.dirty = false;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> FrameWriter<S> {
    /// Whether the other side refuses the stream, which it does by ending it: it never says
    /// anything there.
    pub(super) fn poll_refused(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.stream)
            .poll_read(cx, &mut [0])
            .map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use futures::{future::poll_fn, io::Cursor};

    use super::*;

    fn read(bytes: &[u8]) -> (Vec<Vec<u8>>, Option<io::ErrorKind>) {
        let mut reader = FrameReader::new(Cursor::new(bytes));
        let mut frames = Vec::new();
        loop {
            match futures::executor::block_on(poll_fn(|cx| reader.poll_frame(cx))) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => return (frames, None),
                Err(error) => return (frames, Some(error.kind())),
            }
        }
    }

    #[test]
    fn frames_come_back_and_longer_ones_are_refused() {
        let frames = vec![
            vec![],
            vec![1; 127],
            vec![2; 128],
            vec![3; limits::FRAME_BYTES],
        ];
        let mut writer = FrameWriter::new(Vec::new());
        for frame in &frames {
            writer.push(frame);
        }
        futures::executor::block_on(poll_fn(|cx| writer.poll_flush(cx))).unwrap();
        assert_eq!(read(&writer.stream), (frames, None));
        let mut writer = FrameWriter::new(Vec::new());
        writer.push(&vec![0; limits::FRAME_BYTES + 1]);
        futures::executor::block_on(poll_fn(|cx| writer.poll_flush(cx))).unwrap();
        let refused = Some(io::ErrorKind::InvalidData);
        assert_eq!(read(&writer.stream), (vec![], refused));
        assert_eq!(read(&[0x80, 0x00]), (vec![], refused));
        assert_eq!(read(&[0xff; 9]), (vec![], refused));
        assert_eq!(read(&[5, 1]), (vec![], Some(io::ErrorKind::UnexpectedEof)));
    }
}
