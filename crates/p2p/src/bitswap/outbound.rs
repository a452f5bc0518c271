//! Our one stream towards a peer, and what waits to be written to it.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::AsyncWrite;
use prost::bytes::Bytes;

use super::message::{Message, Version};

/// A message that is to be sent, and how many bytes of blocks it carries.
pub(super) type Outgoing = (Message, usize);

/// What has left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Left {
    /// Bytes of blocks.
    pub(super) blocks: usize,
    /// Bytes of messages.
    pub(super) wire: usize,
}

/// A stream, and how far the first message in the queue is written to it.
#[derive(Debug)]
pub(super) struct Writer<W> {
    stream: W,
    version: Version,
    pieces: VecDeque<Bytes>,
    wire: usize,
    flushed: bool,
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    pub(super) fn new(stream: W, version: Version) -> Self {
        Self {
            stream,
            version,
            pieces: VecDeque::new(),
            wire: 0,
            flushed: true,
        }
    }

    /// Writes until one message of the queue has left, which then is no longer in it.
    /// Pending when the queue is empty and all is flushed. A message stays in the queue until
    /// it has left whole, so that it can be sent again on another stream.
    pub(super) fn poll(
        &mut self,
        queue: &mut VecDeque<Outgoing>,
        progress: &mut bool,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Left>> {
        if self.pieces.is_empty()
            && let Some((message, _)) = queue.front()
        {
            self.pieces.extend(message.encode(self.version));
            self.wire = self.pieces.iter().map(Bytes::len).sum();
        }
        while let Some(piece) = self.pieces.front_mut() {
            if !piece.is_empty() {
                self.flushed = false;
                let written = ready!(Pin::new(&mut self.stream).poll_write(cx, piece))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                *progress = true;
                piece.advance_by(written);
            }
            if piece.is_empty() {
                self.pieces.pop_front();
            }
            if self.pieces.is_empty() {
                let (_, blocks) = queue.pop_front().unwrap_or_default();
                let wire = self.wire;
                return Poll::Ready(Ok(Left { blocks, wire }));
            }
        }
        if !self.flushed {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.flushed = true;
        }
        Poll::Pending
    }
}

/// Cutting off what is written.
trait Advance {
    fn advance_by(&mut self, count: usize);
}

impl Advance for Bytes {
    fn advance_by(&mut self, count: usize) {
        drop(self.split_to(count));
    }
}
