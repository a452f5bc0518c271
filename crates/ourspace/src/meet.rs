//! Meeting the first node: when nobody is connected and nobody is known, the Mainline DHT is
//! asked who else is there; and whoever can be reached says so there, for others.
//!
//! It is the last way that is tried. Its own first nodes are those of the last run, those
//! that a person names, and at the very last hosts that everybody knows, which is said.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures::StreamExt as _;
use ourspace_node::Home;
use ourspace_p2p::{Node, Status};
use ourspace_protocol::account::Account;
use ourspace_store::{NetworkStore, StoreError};
use ourspace_torrent::{Rendezvous, Settings};
use tokio_util::sync::CancellationToken;

use crate::clock::now;

/// Hosts of the Mainline DHT that have been there for many years; nobody of ours.
const WELL_KNOWN: [&str; 3] = [
    "router.bittorrent.com:6881",
    "dht.transmissionbt.com:6881",
    "router.utorrent.com:6881",
];
/// So long the other ways are tried alone.
const FIRST: Duration = Duration::from_secs(10);
/// So long a search for one account waits for the other ways.
const LAST: Duration = Duration::from_secs(5);
/// And so often it is done, later each time: whoever has the feed may come online.
const TRIES: u32 = 12;
/// Accounts that are looked for in one search.
const SOUGHT: usize = 32;
/// Between two tries, at most.
const AGAIN: Duration = Duration::from_secs(5 * 60);
/// How large the network is taken to be: too small a number only means that more nodes say
/// that they are there.
const KNOWN: u64 = 1_000;
/// Nodes that are dialled in one try.
const DIALS: usize = 24;

/// What a person says of it.
#[derive(Clone, Debug)]
pub(crate) struct MeetingWishes {
    /// Whether it is done at all.
    pub(crate) on: bool,
    /// Nodes of the Mainline DHT to begin with, `host:port`.
    pub(crate) dht_nodes: Vec<String>,
    /// Whether well-known hosts may be asked at the very last.
    pub(crate) well_known: bool,
    /// Whether addresses in private networks count.
    pub(crate) private: bool,
}

/// What meets others.
#[derive(Clone)]
pub(crate) struct Meeting {
    node: Node,
    rendezvous: Rendezvous,
    own: Account,
    memory: Arc<NetworkStore>,
}

impl Meeting {
    /// Nothing is opened or sent yet.
    ///
    /// # Errors
    /// [`StoreError`] when what the last run knew cannot be read.
    pub(crate) fn new(
        node: Node,
        own: Account,
        wishes: &MeetingWishes,
        memory: Arc<NetworkStore>,
    ) -> Result<Self, StoreError> {
        let known = memory.mainline()?;
        let mut bootstrap = wishes.dht_nodes.clone();
        if wishes.well_known {
            bootstrap.extend(WELL_KNOWN.map(str::to_owned));
        }
        let settings = Settings {
            on: wishes.on && !(bootstrap.is_empty() && known.is_empty()),
            bootstrap,
            known,
            private: wishes.private,
            ..Settings::default()
        };
        Ok(Self {
            node,
            rendezvous: Rendezvous::new(settings),
            own,
            memory,
        })
    }

    /// Meets others until it is told to stop.
    pub(crate) async fn run(self, home: Arc<Home>, stop: CancellationToken) {
        if self.rendezvous.is_on() {
            tokio::join!(
                self.clone().find_the_missing(home, stop.clone()),
                self.meet(stop)
            );
        }
    }

    async fn meet(&self, stop: CancellationToken) {
        let mut wait = FIRST;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
            wait = AGAIN;
            let Ok(status) = self.node.status().await else {
                return;
            };
            if !status.peers.iter().any(|peer| peer.speaks) {
                self.join().await;
            }
            if let Some(port) = reached_at(&status) {
                self.announce(port).await;
            }
            self.remember().await;
        }
    }

    /// Notes the nodes of the Mainline DHT that answered: the next run begins with them.
    async fn remember(&self) {
        let known = self.rendezvous.nodes().await;
        if known.is_empty() {
            return;
        }
        if let Err(error) = self.memory.put_mainline(&known) {
            tracing::warn!(%error, "nodes of the Mainline DHT are not remembered");
        }
    }

    async fn join(&self) {
        tracing::warn!(
            "no other node is known yet, so the Mainline DHT of BitTorrent is asked for one"
        );
        let found = self.rendezvous.join(now()).take(DIALS);
        found.for_each(|address| self.dial(address)).await;
    }

    /// Connects to those who say that they hold an account's newest record.
    async fn find(&self, account: Account) {
        let found = self.rendezvous.find(account, now()).take(DIALS);
        found.for_each(|address| self.dial(address)).await;
        self.remember().await;
    }

    /// The same for several, after the other ways have had their time and found nothing.
    pub(crate) async fn find_at_last(self, home: Arc<Home>, mut accounts: Vec<Account>) {
        let mut wait = LAST;
        for _ in 0..TRIES {
            tokio::time::sleep(wait).await;
            accounts.retain(|account| is_missing(&home, *account));
            if accounts.is_empty() {
                return;
            }
            // One after the other: sixteen at once lose each other's answers.
            for account in &accounts {
                self.find(*account).await;
            }
            wait = AGAIN.min(wait * 2);
        }
    }

    /// Looks for those whom the home follows in public and of whom nothing was ever found, the
    /// latest first.
    async fn find_the_missing(self, home: Arc<Home>, stop: CancellationToken) {
        let mut follows = match home.store().read().and_then(|reader| reader.follows()) {
            Ok(follows) => follows,
            Err(error) => {
                tracing::warn!(%error, "whom the home follows cannot be read");
                return;
            }
        };
        follows.retain(|follow| !follow.quiet && is_missing(&home, follow.account));
        follows.sort_by_key(|follow| std::cmp::Reverse(follow.since));
        let accounts = follows.into_iter().map(|follow| follow.account);
        let search = self.find_at_last(home, accounts.take(SOUGHT).collect());
        stop.run_until_cancelled(search).await;
    }

    async fn dial(&self, address: SocketAddr) {
        let host = match address {
            SocketAddr::V4(v4) => format!("/ip4/{}", v4.ip()),
            SocketAddr::V6(v6) => format!("/ip6/{}", v6.ip()),
        };
        let port = address.port();
        for way in [format!("udp/{port}/quic-v1"), format!("tcp/{port}")] {
            if let Err(error) = self.node.dial(format!("{host}/{way}")).await {
                tracing::debug!(%address, %error, "not dialled");
            }
        }
    }

    async fn announce(&self, port: u16) {
        for done in [
            self.rendezvous.announce_here(port, KNOWN, now()).await,
            self.rendezvous.announce(self.own, port, now()).await,
        ] {
            if let Err(error) = done {
                tracing::debug!(%error, "not announced on the Mainline DHT");
            }
        }
    }
}

/// Whether no record of an account was ever found.
fn is_missing(home: &Home, account: Account) -> bool {
    let heads = home.store().read();
    let heads = heads.and_then(|reader| reader.heads(account));
    heads.is_ok_and(|heads| heads.is_empty())
}

/// The port at which others have reached this node. Where there is nobody who could have
/// tried, the one that it listens at: else the first two nodes would never meet.
fn reached_at(status: &Status) -> Option<u16> {
    let alone = !status.peers.iter().any(|peer| peer.speaks);
    let untried = status.listen.first().filter(|_| alone);
    let address = status.confirmed.first().or(untried)?;
    let mut parts = address.split('/');
    parts.find(|part| matches!(*part, "udp" | "tcp"))?;
    parts.next()?.parse().ok()
}
