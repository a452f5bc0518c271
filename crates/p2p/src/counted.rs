//! Counting what goes through relays, and over memory.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use futures::{AsyncRead, AsyncWrite};

/// Bytes in and out, of all connections that share it.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    counts: Arc<[AtomicU64; 2]>,
}

impl Meter {
    /// Bytes that came, and bytes that went.
    #[must_use]
    pub fn read(&self) -> (u64, u64) {
        let [came, went] = &*self.counts;
        (came.load(Ordering::Relaxed), went.load(Ordering::Relaxed))
    }

    fn came(&self, bytes: usize) {
        self.counts[0].fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn went(&self, bytes: usize) {
        self.counts[1].fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// A connection whose bytes are counted.
    pub fn count<C>(&self, connection: C) -> Counted<C> {
        Counted {
            connection,
            meter: self.clone(),
        }
    }
}

/// A connection whose bytes are counted.
#[derive(Debug)]
pub struct Counted<C> {
    connection: C,
    meter: Meter,
}

impl<C: AsyncRead + Unpin> AsyncRead for Counted<C> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let read = Pin::new(&mut this.connection).poll_read(cx, buffer);
        if let Poll::Ready(Ok(bytes)) = read {
            this.meter.came(bytes);
        }
        read
    }
}

impl<C: AsyncWrite + Unpin> AsyncWrite for Counted<C> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.connection).poll_write(cx, bytes);
        if let Poll::Ready(Ok(bytes)) = written {
            this.meter.went(bytes);
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().connection).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().connection).poll_close(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{AsyncReadExt as _, AsyncWriteExt as _, executor::block_on, io::Cursor};

    #[test]
    fn each_direction_has_its_count() {
        let meter = Meter::default();
        let mut all = Vec::new();
        block_on(
            meter
                .count(Cursor::new(vec![7; 1_000]))
                .read_to_end(&mut all),
        )
        .unwrap();
        block_on(meter.count(Cursor::new(Vec::new())).write_all(&[7; 30])).unwrap();
        assert_eq!(meter.read(), (1_000, 30));
    }
}
