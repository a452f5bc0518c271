//! Addresses as they are found.

use std::{
    net::{SocketAddr, SocketAddrV4},
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
    time::Duration,
};

use futures::{
    Stream, StreamExt as _,
    stream::{self, SelectAll},
};
use mainline::{Id, async_dht::AsyncDht};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    task::JoinHandle,
    time,
};

use crate::{
    counts::{Counters, add},
    keys::Key,
    running::Client,
    sieve::Sieve,
};

/// How long a lookup takes at most.
const LONGEST: Duration = Duration::from_secs(20);
/// Times that the DHT is asked when there is a crowd: each node names a few of those that
/// it knows, others each time.
const ROUNDS: usize = 4;
/// From so many addresses on it is a crowd.
const CROWD: u64 = 50;
/// Addresses that wait to be taken.
const WAITING: usize = 64;

/// Addresses at which somebody may listen, each as soon as it is found. Dropping this ends
/// the lookup. They are strangers' words: whoever dials them does so a few at a time, and
/// asks for something that can be checked.
#[derive(Debug)]
pub struct Peers {
    found: Receiver<SocketAddr>,
    task: JoinHandle<()>,
}

impl Stream for Peers {
    type Item = SocketAddr;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<SocketAddr>> {
        self.found.poll_recv(context)
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a lookup needs.
#[derive(Clone)]
pub(crate) struct Lookup {
    pub(crate) client: Arc<Client>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) private: bool,
}

impl Lookup {
    /// Looks under these keys at once. Needs a runtime of tokio.
    pub(crate) fn begin(self, keys: Vec<Key>) -> Peers {
        let (tell, found) = mpsc::channel(WAITING);
        let task = tokio::spawn(async move {
            let _turn = self.client.turn().await;
            let mut sieve = Sieve::new(self.private);
            let looked = time::timeout(LONGEST, self.look(&keys, &mut sieve, &tell)).await;
            if looked.is_err() {
                tracing::debug!("a lookup in the DHT took too long and was ended");
            }
            add(&self.counters.refused, sieve.refused());
        });
        Peers { found, task }
    }

    async fn look(&self, keys: &[Key], sieve: &mut Sieve, tell: &Sender<SocketAddr>) {
        if !self.client.is_on() {
            return;
        }
        let dht = match self.client.dht().await {
            Ok(dht) => dht,
            Err(error) => {
                tracing::warn!(%error, "the DHT cannot be asked");
                return;
            }
        };
        add(&self.counters.lookups, 1);
        for _ in 0..ROUNDS {
            let mut named = named(&dht, keys);
            while let Some(addresses) = named.next().await {
                for address in addresses {
                    if sieve.admits(address) && self.tell(tell, address).await.is_err() {
                        return;
                    }
                }
            }
            if sieve.seen() < CROWD {
                break;
            }
        }
        while let Some(address) = sieve.late() {
            if self.tell(tell, address).await.is_err() {
                return;
            }
        }
    }

    async fn tell(&self, tell: &Sender<SocketAddr>, address: SocketAddrV4) -> Result<(), ()> {
        self.counters.found.fetch_add(1, Ordering::Relaxed);
        tell.send(address.into()).await.map_err(drop)
    }
}

/// What the DHT names under some keys.
pub(crate) fn named(
    dht: &AsyncDht,
    keys: &[Key],
) -> SelectAll<stream::BoxStream<'static, Vec<SocketAddrV4>>> {
    let asked = keys.iter().map(|key| dht.get_peers(Id::from(*key)).boxed());
    stream::select_all(asked)
}
