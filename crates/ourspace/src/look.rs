//! Looking somebody up: by the node that runs, or, where none does, by one that is there for
//! this question only.

use std::{path::Path, sync::Arc, time::Duration};

use ourspace_node::{
    Home,
    network::{Input, Way, resolve},
};
use ourspace_p2p::{Config, Node, Switches, Task};
use ourspace_protocol::{
    account::Account,
    announcement::Announcement,
    heads::Heads,
    seams::{BoxFuture, Candidate, Lookup, Resolver},
};
use ourspace_store::{NetworkStore, StoreError};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::now,
    failure::Failure,
    view::WayView,
    wire::{REMEMBERED, web},
};

/// After the first record, so long is waited for newer ones.
const SETTLE: Duration = Duration::from_millis(1_500);
/// The longest that a lookup may take.
const LONGEST: Duration = Duration::from_secs(20);
/// So long a visitor waits for the first node that answers.
const MEETING: Duration = Duration::from_secs(8);

/// A lookup that goes on; dropping it ends it.
pub(crate) struct Looking {
    told: mpsc::Receiver<Way>,
    until: Instant,
    /// Whether the account is followed here, and who takes in what is found of it.
    followed: bool,
    inputs: Option<mpsc::Sender<Input>>,
}

impl Looking {
    /// Asks all ways, beginning with what the home knows of where the feed is.
    ///
    /// # Errors
    /// [`StoreError`] when the home cannot be read.
    pub(crate) fn begin(
        home: &Home,
        ways: &[Arc<dyn Resolver>],
        (account, mut locations): (Account, Vec<String>),
    ) -> Result<Self, StoreError> {
        let reader = home.store().read()?;
        let heads = reader.heads(account)?;
        let newest = heads.newest().map(|head| head.record().locations.clone());
        let named = reader.locations()?.remove(&account);
        locations.extend(named.into_iter().flat_map(|named| named.urls));
        locations.extend(newest.unwrap_or_default());
        let followed = reader.follow(account)?.is_some();
        let mut all: Vec<Arc<dyn Resolver>> = vec![Arc::new(Here(heads))];
        all.extend(ways.iter().cloned());
        Ok(Self {
            told: resolve(&all, account, (Heads::new(), locations), now()),
            until: Instant::now() + LONGEST,
            followed,
            inputs: None,
        })
    }

    /// What is found of somebody who is followed here is taken in by the node that runs.
    pub(crate) fn pass_on(&mut self, inputs: mpsc::Sender<Input>) {
        self.inputs = Some(inputs).filter(|_| self.followed);
    }

    /// The next step; none when there is nothing more to say, or enough was found.
    pub(crate) async fn next(&mut self) -> Option<WayView> {
        let way = timeout_at(self.until, self.told.recv()).await.ok()??;
        if let Way::Found(found) = &way {
            self.until = self.until.min(Instant::now() + SETTLE);
            if let (Some(inputs), Ok(news)) =
                (&self.inputs, Announcement::of(found.record.clone(), None))
                && inputs.try_send(Input::News(Arc::new(news))).is_err()
            {
                tracing::debug!("a record that was found is not taken in now");
            }
        }
        Some(WayView::new(&way))
    }
}

/// What this home has itself: the first way to look.
struct Here(Heads);

impl Resolver for Here {
    fn name(&self) -> &'static str {
        "local"
    }

    fn resolve(&self, _: Account, _: &[String]) -> Box<dyn Lookup> {
        let records = self.0.iter().map(|head| head.get().to_bytes());
        Box::new(Told(records.collect()))
    }
}

struct Told(Vec<Vec<u8>>);

impl Lookup for Told {
    fn next(&mut self) -> BoxFuture<'_, Option<Candidate>> {
        let next = self.0.pop().map(|bytes| Candidate {
            bytes,
            from: "this home".to_owned(),
        });
        Box::pin(async { next })
    }
}

/// A node for the time of one question: it has a name of its own, follows nobody, keeps nothing
/// and passes nothing on.
pub(crate) struct Visitor {
    pub(crate) ways: Vec<Arc<dyn Resolver>>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Visitor {
    /// Enters the network by the nodes of the last run and those that are named; waits some
    /// seconds for one that answers.
    ///
    /// # Errors
    /// [`Failure`] when no socket can be opened.
    pub(crate) async fn enter(home: &Path, named: &[String], local: bool) -> Result<Self, Failure> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| Failure::refused(error.to_string()))?;
        let mut peers = named.to_vec();
        // What was remembered helps, and is not needed.
        if let Ok(memory) = NetworkStore::open(home) {
            peers.extend(memory.nodes(REMEMBERED).unwrap_or_default());
        }
        let host = if local { "127.0.0.1" } else { "0.0.0.0" };
        let config = Config {
            listen: vec![
                format!("/ip4/{host}/tcp/0"),
                format!("/ip4/{host}/udp/0/quic-v1"),
            ],
            peers,
            switches: Switches {
                mdns: !local,
                ..Switches::OFF
            },
            ..Config::alone(seed, Arc::new(now))
        };
        let (node, mut events, task) = Task::new(&config)?;
        let (_, sites) = web(local)?;
        let stop = CancellationToken::new();
        let running = tokio::spawn(task.run(stop.clone()));
        // It follows nobody, so there is nothing that it could tell.
        tokio::spawn(async move { while events.recv().await.is_some() {} });
        meet(&node).await;
        let ways: Vec<Arc<dyn Resolver>> =
            vec![Arc::new(node.swarm()), Arc::new(node.dht()), sites];
        Ok(Self {
            ways,
            stop,
            task: running,
        })
    }

    /// Leaves.
    pub(crate) async fn leave(self) {
        self.stop.cancel();
        // It has ended, or panicked, which was told then.
        drop(self.task.await);
    }
}

/// Waits for a node that is in the DHT; whoever meets none asks the web hosts all the same.
async fn meet(node: &Node) {
    let until = Instant::now() + MEETING;
    while Instant::now() < until {
        match node.status().await {
            Ok(status) if status.routing > 0 && status.peers.iter().any(|peer| peer.speaks) => {
                return;
            }
            Ok(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(_) => return,
        }
    }
}
