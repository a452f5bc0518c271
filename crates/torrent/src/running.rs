//! The client of the DHT: it runs while it is used and a little longer.
//!
//! It costs a thread that wakes up twenty times a second, and after a quarter of an hour
//! it would begin to answer others, in a way that much of the DHT does not understand
//! (transaction ids of four bytes only). A rendezvous is needed now and then, so it ends
//! in between and begins again from the nodes that it knew.

use std::{
    io,
    net::{Ipv4Addr, SocketAddrV4},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use mainline::{Dht, async_dht::AsyncDht};
use tokio::{
    sync::{Mutex as AsyncMutex, Semaphore, SemaphorePermit},
    time::{self, Instant},
};

/// How long the client stays when nothing is asked.
const IDLE: Duration = Duration::from_secs(60);
/// How long it stays at most: before it would serve.
const LONGEST: Duration = Duration::from_secs(10 * 60);
/// How long a node of the DHT may take to answer.
const PATIENCE: Duration = Duration::from_millis(1000);
/// Nodes that are remembered for the next time.
const KNOWN: usize = 64;

/// Questions at once. Of sixteen that begin together mainline loses the answers: it takes
/// in one datagram between two looks at all that it has asked.
const AT_ONCE: usize = 4;

/// How the client begins.
#[derive(Clone, Debug, Default)]
pub(crate) struct Start {
    /// Nodes to begin with, `host:port`.
    pub(crate) bootstrap: Vec<String>,
    /// The address of this machine to use.
    pub(crate) bind: Option<Ipv4Addr>,
}

struct Running {
    dht: AsyncDht,
    since: Instant,
    used: Instant,
}

/// A client that is there when it is needed.
pub(crate) struct Client {
    start: Start,
    on: AtomicBool,
    known: Mutex<Vec<SocketAddrV4>>,
    turns: Semaphore,
    running: AsyncMutex<Option<Running>>,
}

impl Client {
    pub(crate) fn new(start: Start, known: Vec<SocketAddrV4>, on: bool) -> Arc<Self> {
        Arc::new(Self {
            start,
            on: AtomicBool::new(on),
            known: Mutex::new(known),
            turns: Semaphore::new(AT_ONCE),
            running: AsyncMutex::new(None),
        })
    }

    pub(crate) fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// Waits for its turn, which lasts for as long as this is kept. Turns never end, so
    /// there is always one.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.acquire().await.ok()
    }

    /// Switches on or off. What is under way when it is switched off comes to its end.
    pub(crate) async fn switch(&self, on: bool) {
        self.on.store(on, Ordering::Relaxed);
        if !on {
            *self.running.lock().await = None;
        }
    }

    /// Nodes of the DHT that answered lately.
    pub(crate) async fn known(&self) -> Vec<SocketAddrV4> {
        let running = self.running.lock().await;
        if let Some(running) = running.as_ref() {
            self.remember(&running.dht).await;
        }
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<SocketAddrV4>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn remember(&self, dht: &AsyncDht) {
        let nodes = dht.to_bootstrap().await;
        let nodes = nodes.iter().filter_map(|node| node.parse().ok());
        let nodes: Vec<_> = nodes.take(KNOWN).collect();
        if !nodes.is_empty() {
            *self.lock() = nodes;
        }
    }

    /// The client, begun if it does not run.
    pub(crate) async fn dht(self: &Arc<Self>) -> io::Result<AsyncDht> {
        let mut running = self.running.lock().await;
        let now = Instant::now();
        if let Some(running) = running.as_mut()
            && now < running.since + LONGEST
        {
            running.used = now;
            return Ok(running.dht.clone());
        }
        if let Some(old) = running.take() {
            self.remember(&old.dht).await;
        }
        let (start, known) = (self.start.clone(), self.lock().clone());
        let began = tokio::task::spawn_blocking(move || begin(&start, &known));
        let dht = began.await.map_err(io::Error::other)??;
        *running = Some(Running {
            dht: dht.clone(),
            since: now,
            used: now,
        });
        drop(running);
        let client = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                time::sleep(IDLE / 4).await;
                let Some(client) = client.upgrade() else {
                    return;
                };
                if client.end_if_idle(now).await {
                    return;
                }
            }
        });
        Ok(dht)
    }

    /// Ends the client that began at `since` if it is idle or old; says whether it is gone.
    async fn end_if_idle(&self, since: Instant) -> bool {
        let mut running = self.running.lock().await;
        let Some(it) = running.as_ref().filter(|it| it.since == since) else {
            return true;
        };
        let now = Instant::now();
        if now < it.used + IDLE && now < it.since + LONGEST {
            return false;
        }
        self.remember(&it.dht).await;
        *running = None;
        true
    }
}

/// Looks names up and opens the socket: both may take a moment.
fn begin(start: &Start, known: &[SocketAddrV4]) -> io::Result<AsyncDht> {
    let mut builder = Dht::builder();
    builder.request_timeout(PATIENCE).no_bootstrap();
    builder
        .extra_bootstrap(known)
        .extra_bootstrap(&start.bootstrap);
    if let Some(bind) = start.bind {
        builder.bind_address(bind);
    }
    Ok(builder.build()?.as_async())
}
