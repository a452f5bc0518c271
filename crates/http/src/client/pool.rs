//! What is known of each host: its seats, its idle connections, its failures.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{self, Instant},
};

use super::{backoff::Backoff, connect::Connection, origin::Origin};

/// How long a connection is kept that nothing is asked of.
const IDLE: Duration = Duration::from_secs(30);
/// Hosts that are remembered.
const HOSTS: usize = 1024;

/// What a host did with a question.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deed {
    Answered,
    Failed,
    /// It asked to be left alone, perhaps for so long.
    Refused(Option<Duration>),
}

#[derive(Debug)]
struct Host {
    seats: Arc<Semaphore>,
    idle: Vec<(Connection, Instant)>,
    backoff: Backoff,
    used: Instant,
}

#[derive(Debug, Default)]
struct Hosts {
    known: HashMap<Origin, Host>,
    swept: bool,
}

/// All hosts.
#[derive(Debug)]
pub(super) struct Pool {
    seats: usize,
    hosts: Mutex<Hosts>,
}

impl Pool {
    /// With so many connections to a host at once.
    pub(super) fn new(seats: usize) -> Arc<Self> {
        Arc::new(Self {
            seats: seats.max(1),
            hosts: Mutex::default(),
        })
    }

    /// Nothing in here panics while it holds the lock, and if it did the worst would be a
    /// connection less.
    fn hosts(&self) -> MutexGuard<'_, Hosts> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The seats of a host, one of which has to be taken; or how long it is to be left
    /// alone.
    pub(super) fn seats(&self, origin: &Origin, now: Instant) -> Result<Arc<Semaphore>, Duration> {
        let mut hosts = self.hosts();
        if hosts.known.len() >= HOSTS && !hosts.known.contains_key(origin) {
            hosts.forget_one(self.seats);
        }
        let fresh = || Host {
            seats: Arc::new(Semaphore::new(self.seats)),
            idle: Vec::new(),
            backoff: Backoff::default(),
            used: now,
        };
        let host = hosts.known.entry(origin.clone()).or_insert_with(fresh);
        host.used = now;
        match host.backoff.wait(now) {
            Some(wait) => Err(wait),
            None => Ok(Arc::clone(&host.seats)),
        }
    }

    /// A connection that is open and idle.
    pub(super) fn idle(&self, origin: &Origin) -> Option<Connection> {
        let mut hosts = self.hosts();
        let host = hosts.known.get_mut(origin)?;
        while let Some((connection, _)) = host.idle.pop() {
            if connection.is_open() {
                return Some(connection);
            }
        }
        None
    }

    /// Remembers what a host did.
    pub(super) fn note(&self, origin: &Origin, deed: Deed, now: Instant) {
        if let Some(host) = self.hosts().known.get_mut(origin) {
            match deed {
                Deed::Answered => host.backoff.answered(),
                Deed::Failed => host.backoff.failed(now),
                Deed::Refused(wait) => host.backoff.asked(now, wait),
            }
        }
    }

    /// Keeps a connection for the next question, for a while.
    fn keep(self: &Arc<Self>, origin: &Origin, connection: Connection) {
        let mut hosts = self.hosts();
        let Some(host) = hosts.known.get_mut(origin) else {
            return;
        };
        host.idle.push((connection, Instant::now()));
        if std::mem::replace(&mut hosts.swept, true) {
            return;
        }
        let pool = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                time::sleep(IDLE).await;
                let Some(pool) = pool.upgrade() else { return };
                if !pool.hosts().sweep(Instant::now()) {
                    return;
                }
            }
        });
    }
}

impl Hosts {
    /// Closes what has been idle for too long; says whether anything idle is left.
    fn sweep(&mut self, now: Instant) -> bool {
        for host in self.known.values_mut() {
            host.idle
                .retain(|(connection, since)| connection.is_open() && now < *since + IDLE);
        }
        self.swept = self.known.values().any(|host| !host.idle.is_empty());
        self.swept
    }

    /// Forgets the host that was not asked for longest. One that is being asked stays, or
    /// it would get more connections than it should.
    fn forget_one(&mut self, seats: usize) {
        let at_rest = |host: &Host| host.seats.available_permits() == seats;
        let oldest = self.known.iter().filter(|(_, host)| at_rest(host));
        let oldest = oldest.min_by_key(|(_, host)| host.used);
        if let Some(origin) = oldest.map(|(origin, _)| origin.clone()) {
            self.known.remove(&origin);
        }
    }
}

/// A connection in use, and the seat that it takes.
pub(super) struct Lease {
    pub(super) pool: Arc<Pool>,
    pub(super) origin: Origin,
    pub(super) connection: Connection,
    pub(super) seat: OwnedSemaphorePermit,
}

impl Lease {
    /// The answer has come to its end, so the connection may serve again.
    pub(super) fn end(self) {
        if self.connection.is_open() {
            self.pool.keep(&self.origin, self.connection);
        }
        drop(self.seat);
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lease").field(&self.origin).finish()
    }
}
