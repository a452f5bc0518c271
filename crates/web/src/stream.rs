//! A kept file as the body of an answer: read in pieces by a thread that may block, a few
//! pieces ahead of whoever takes them.

use std::{
    io::{self, Read, Seek as _, SeekFrom},
    ops::Range,
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::{Body, Bytes};
use http_body::Frame;
use ourspace_store::KeptFile;
use tokio::sync::mpsc;

/// Bytes that are sent at once.
const PIECE: usize = 256 * 1024;
/// Pieces that are read ahead.
const AHEAD: usize = 2;

/// The bytes of `range` of a kept file.
pub(crate) fn body(mut file: KeptFile, range: Range<u64>) -> Body {
    let (sender, receiver) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = send(&mut file, range, &sender) {
            tracing::error!(%error, cid = %file.cid(), "a kept file cannot be read");
            // The length was promised: the connection has to break.
            sender.blocking_send(Err(error)).ok();
        }
    });
    Body::new(Pieces(receiver))
}

fn send(
    file: &mut KeptFile,
    range: Range<u64>,
    to: &mpsc::Sender<io::Result<Bytes>>,
) -> io::Result<()> {
    file.seek(SeekFrom::Start(range.start))?;
    let mut rest = range.end - range.start;
    while rest > 0 {
        let length = usize::try_from(rest).unwrap_or(PIECE).min(PIECE);
        let mut piece = vec![0; length];
        file.read_exact(&mut piece)?;
        rest -= length as u64;
        if to.blocking_send(Ok(Bytes::from(piece))).is_err() {
            // Whoever asked has gone.
            return Ok(());
        }
    }
    Ok(())
}

struct Pieces(mpsc::Receiver<io::Result<Bytes>>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let piece = self.0.poll_recv(context);
        piece.map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
