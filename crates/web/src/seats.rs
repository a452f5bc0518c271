//! How many connections are open, and which of them has been idle for longest.

use std::{
    collections::BTreeMap,
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::body::{Body, Bytes};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::Notify,
};

/// All seats.
#[derive(Debug)]
pub(crate) struct Seats {
    most: usize,
    table: Mutex<Table>,
    /// Somebody left, or an answer came to its end.
    changed: Notify,
}

/// Who sits where.
#[derive(Debug, Default)]
struct Table {
    /// Numbers the moments at which a connection became idle.
    moment: u64,
    taken: usize,
    /// Idle connections, the one that has been so for longest first.
    idle: BTreeMap<u64, Arc<Guest>>,
}

/// A connection, for those who want it to leave.
#[derive(Debug, Default)]
struct Guest {
    leave: Notify,
    asked: AtomicBool,
    at: Mutex<At>,
}

/// What a connection is doing.
#[derive(Debug, Default)]
struct At {
    /// Answers under way.
    answers: usize,
    /// Something of the last one may not be sent yet.
    unsent: bool,
    /// Since which moment it has been idle.
    since: Option<u64>,
    /// It no longer counts.
    gone: bool,
}

impl Seats {
    /// Room for `most` connections.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            table: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// A seat; where all are taken, the one of the connection that has been idle for
    /// longest, and while none is idle, the first that becomes so.
    pub(crate) async fn take(self: &Arc<Self>) -> Seat {
        loop {
            // Listened for before looking, so that no change is missed.
            let changed = self.changed.notified();
            if self.has_room() {
                return Seat::new(Arc::clone(self));
            }
            changed.await;
        }
    }

    /// Takes a seat where one is free or can be made free.
    fn has_room(&self) -> bool {
        let mut table = locked(&self.table);
        if table.taken >= self.most {
            let Some((_, longest)) = table.idle.pop_first() else {
                return false;
            };
            let mut at = locked(&longest.at);
            (at.since, at.gone) = (None, true);
            longest.leave.notify_one();
            table.taken -= 1;
        }
        table.taken += 1;
        true
    }

    /// Waits until nobody sits here.
    pub(crate) async fn empty(&self) {
        loop {
            let changed = self.changed.notified();
            if locked(&self.table).taken == 0 {
                return;
            }
            changed.await;
        }
    }

    /// Notes what a connection does now.
    fn note(&self, guest: &Arc<Guest>, change: impl FnOnce(&mut At)) {
        let mut table = locked(&self.table);
        let mut at = locked(&guest.at);
        let was_gone = at.gone;
        change(&mut at);
        if let Some(since) = at.since.take() {
            table.idle.remove(&since);
        }
        if was_gone {
            return;
        }
        if at.gone {
            table.taken -= 1;
        } else if at.answers == 0 && !at.unsent {
            table.moment += 1;
            let moment = table.moment;
            at.since = Some(moment);
            table.idle.insert(moment, Arc::clone(guest));
        }
        drop((at, table));
        self.changed.notify_waiters();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The seat of one connection; free when it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Arc<Seats>,
    guest: Arc<Guest>,
}

impl Seat {
    fn new(seats: Arc<Seats>) -> Self {
        let guest = Arc::default();
        seats.note(&guest, |_| {});
        Self { seats, guest }
    }

    /// An answer begins; it lasts until what is given back is dropped.
    pub(crate) fn turn(&self) -> Turn {
        self.guest.asked.store(true, Ordering::Relaxed);
        self.seats.note(&self.guest, |at| at.answers += 1);
        Turn {
            seats: Arc::clone(&self.seats),
            guest: Arc::clone(&self.guest),
        }
    }

    /// The connection's stream, which tells when all of an answer is sent.
    pub(crate) fn stream<S>(&self, stream: S) -> Told<S> {
        Told {
            stream,
            seats: Arc::clone(&self.seats),
            guest: Arc::clone(&self.guest),
        }
    }

    /// Whether anything was ever asked.
    pub(crate) fn has_asked(&self) -> bool {
        self.guest.asked.load(Ordering::Relaxed)
    }

    /// Waits until this seat is wanted by somebody else.
    pub(crate) async fn asked_to_leave(&self) {
        self.guest.leave.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.note(&self.guest, |at| at.gone = true);
    }
}

/// An answer under way.
#[derive(Debug)]
pub(crate) struct Turn {
    seats: Arc<Seats>,
    guest: Arc<Guest>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.seats.note(&self.guest, |at| {
            at.answers -= 1;
            at.unsent = true;
        });
    }
}

/// A stream that is flushed when all that was to be written is written.
#[derive(Debug)]
pub(crate) struct Told<S> {
    stream: S,
    seats: Arc<Seats>,
    guest: Arc<Guest>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Told<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Told<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    // hyper flushes only when it holds nothing back any more.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if flushed.is_ready() && locked(&self.guest.at).unsent {
            self.seats.note(&self.guest, |at| at.unsent = false);
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// A body that is an answer under way until hyper has all of it.
#[derive(Debug)]
pub(crate) struct Answered {
    body: Body,
    _turn: Turn,
}

impl Answered {
    pub(crate) fn new(body: Body, turn: Turn) -> Self {
        Self { body, _turn: turn }
    }
}

impl HttpBody for Answered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
