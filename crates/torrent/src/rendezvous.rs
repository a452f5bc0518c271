//! Being found, and finding.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddrV4},
    sync::Arc,
    time::Duration,
};

use futures::StreamExt as _;
use mainline::{Id, async_dht::AsyncDht};
use ourspace_protocol::{account::Account, time::Millis};
use tokio::time;

use crate::{
    counts::{Counters, Counts, add},
    draw,
    keys::{self, Key},
    pace,
    peers::{Lookup, Peers, named},
    running::{Client, Start},
    sieve::Sieve,
};

/// How long is counted who else is there, and how long an announcement may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How the DHT is used.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Whether it is used at all.
    pub on: bool,
    /// Nodes of the DHT to begin with, `host:port`, IPv4. Their names are looked up by the
    /// system.
    pub bootstrap: Vec<String>,
    /// Nodes of the DHT that were known last time ([`Rendezvous::nodes`]).
    pub known: Vec<SocketAddrV4>,
    /// The address of this machine to use; any if none.
    pub bind: Option<Ipv4Addr>,
    /// Whether addresses in private networks and on this machine are passed on: for
    /// networks of one's own.
    pub private: bool,
}

/// What became of an announcement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announced {
    /// Whether it was made; if not, enough others are there.
    pub made: bool,
    /// Others that were seen there.
    pub others: u64,
    /// When to come again.
    pub again: Duration,
}

/// Why nothing was announced.
#[derive(Debug, thiserror::Error)]
pub enum RendezvousError {
    /// The DHT is switched off.
    #[error("rendezvous on the Mainline DHT is switched off")]
    Off,
    /// The client could not begin.
    #[error("the Mainline DHT cannot be asked: {0}")]
    Start(#[from] std::io::Error),
    /// No node of the DHT took the announcement.
    #[error("no node of the Mainline DHT took the announcement: {0}")]
    NotTaken(String),
}

/// Rendezvous on the Mainline DHT.
#[derive(Clone)]
pub struct Rendezvous {
    lookup: Lookup,
}

impl fmt::Debug for Rendezvous {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.counts();
        f.debug_struct("Rendezvous")
            .field("counts", &counts)
            .finish()
    }
}

impl Rendezvous {
    /// Nothing is opened or sent before something is asked.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let start = Start {
            bootstrap: settings.bootstrap,
            bind: settings.bind,
        };
        Self {
            lookup: Lookup {
                client: Client::new(start, settings.known, settings.on),
                counters: Arc::new(Counters::default()),
                private: settings.private,
            },
        }
    }

    /// Switches on or off.
    pub async fn switch(&self, on: bool) {
        self.lookup.client.switch(on).await;
    }

    /// Whether it is on.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.lookup.client.is_on()
    }

    /// What was asked and told so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.lookup.counters.counts()
    }

    /// Nodes of the DHT that answered lately: with them the next run needs nobody's
    /// well-known server.
    pub async fn nodes(&self) -> Vec<SocketAddrV4> {
        self.lookup.client.known().await
    }

    /// Announces that whoever listens at `port` of this machine holds an account's newest
    /// record, unless enough others do already. For reachable nodes only, for the own feed
    /// and for mirrors whose owner agreed: it shows this machine's address.
    ///
    /// # Errors
    /// [`RendezvousError`].
    pub async fn announce(
        &self,
        account: Account,
        port: u16,
        now: Millis,
    ) -> Result<Announced, RendezvousError> {
        let dht = self.dht().await?;
        let _turn = self.lookup.client.turn().await;
        let key = keys::of_account(account, keys::week(now));
        let others = self.count(&dht, key).await;
        let made = pace::holder_announces(others, draw::number());
        self.put(&dht, key, port, made).await?;
        Ok(announced(made, others))
    }

    /// Looks for holders of an account's feed. Needs a runtime of tokio.
    #[must_use]
    pub fn find(&self, account: Account, now: Millis) -> Peers {
        let weeks = keys::weeks(now).into_iter();
        let keys = weeks.map(|week| keys::of_account(account, week));
        self.lookup.clone().begin(keys.collect())
    }

    /// Announces that a node of the network listens at `port` of this machine, with the
    /// probability that suits a network of about `nodes`.
    ///
    /// # Errors
    /// [`RendezvousError`].
    pub async fn announce_here(
        &self,
        port: u16,
        nodes: u64,
        now: Millis,
    ) -> Result<Announced, RendezvousError> {
        let dht = self.dht().await?;
        let _turn = self.lookup.client.turn().await;
        let [shard, _] = draw::shards();
        let key = keys::of_shard(shard, keys::hour(now));
        let made = pace::node_announces(nodes, draw::number());
        self.put(&dht, key, port, made).await?;
        Ok(announced(made, 0))
    }

    /// Looks for any nodes of the network, in two shards. Needs a runtime of tokio.
    #[must_use]
    pub fn join(&self, now: Millis) -> Peers {
        let shards = draw::shards();
        let hours = keys::hours(now);
        let each = |hour: u64| shards.map(|shard| keys::of_shard(shard, hour));
        self.lookup
            .clone()
            .begin(hours.into_iter().flat_map(each).collect())
    }

    async fn dht(&self) -> Result<AsyncDht, RendezvousError> {
        if !self.is_on() {
            return Err(RendezvousError::Off);
        }
        Ok(self.lookup.client.dht().await?)
    }

    /// How many others are there: rather too few than too many, as nodes name a part of
    /// those that they know, and neighbours count as one, or a single stranger could keep
    /// all holders from announcing.
    async fn count(&self, dht: &AsyncDht, key: Key) -> u64 {
        let mut sieve = Sieve::new(self.lookup.private);
        let counted = async {
            let mut named = named(dht, &[key]);
            while let Some(addresses) = named.next().await {
                for address in addresses {
                    sieve.admits(address);
                }
            }
        };
        if time::timeout(PATIENCE, counted).await.is_err() {
            tracing::debug!("counting who else announces took too long");
        }
        sieve.strangers()
    }

    async fn put(
        &self,
        dht: &AsyncDht,
        key: Key,
        port: u16,
        made: bool,
    ) -> Result<(), RendezvousError> {
        let counters = &self.lookup.counters;
        if !made {
            add(&counters.held_back, 1);
            return Ok(());
        }
        let put = time::timeout(PATIENCE, dht.announce_peer(Id::from(key), Some(port))).await;
        let failed = match put {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("it took too long".to_owned()),
        };
        match failed {
            None => add(&counters.announced, 1),
            Some(why) => {
                add(&counters.failed, 1);
                return Err(RendezvousError::NotTaken(why));
            }
        }
        Ok(())
    }
}

fn announced(made: bool, others: u64) -> Announced {
    Announced {
        made,
        others,
        again: pace::pause(draw::number()),
    }
}
