//! A net of real nodes in this process, over memory with a delay.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, ensure};
use ourspace_p2p::{Budget, Config, Event, Node, Status, Task};
use ourspace_protocol::{
    account::Account, announcement::Announcement, hash::sha256, heads::Heads, seams::Push as _,
    time::Millis,
};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// So long is waited for the network to be at rest, at least (the density is learnt meanwhile)
/// and at most.
const LEAST: Duration = Duration::from_secs(35);
const MOST: Duration = Duration::from_secs(90);
/// So long is waited for news, and for a connection.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
/// All may be connected with all: else those above the budget come and go, and nothing is
/// ever at rest.
const CONNECTIONS: u32 = 250;
/// How often it is measured how long a connection takes.
const DIALS: usize = 5;

/// Nodes that run until the net is stopped.
#[derive(Debug)]
pub struct Net {
    nodes: Vec<Running>,
    tasks: JoinSet<()>,
    stop: CancellationToken,
    delay: Duration,
}

#[derive(Debug)]
struct Running {
    node: Node,
    events: mpsc::Receiver<Event>,
    address: String,
}

/// The time.
pub(super) fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as Millis)
}

fn config(number: usize, peers: Vec<String>, delay: Duration) -> Config {
    let seed = sha256(&[b"sim/real".as_slice(), &number.to_le_bytes()].concat());
    Config {
        listen: vec!["/memory/0".to_owned()],
        peers,
        budget: Budget {
            connections: CONNECTIONS,
            ..Budget::default()
        },
        memory_delay: delay,
        ..Config::alone(seed, Arc::new(now))
    }
}

impl Net {
    /// So many nodes, each of which begins with some who came before; bytes take `delay` one
    /// way.
    ///
    /// # Errors
    /// When a node does not start or stops.
    pub async fn start(number: usize, delay: Duration) -> Result<Self> {
        let mut net = Self {
            nodes: Vec::new(),
            tasks: JoinSet::new(),
            stop: CancellationToken::new(),
            delay,
        };
        for at in 0..number {
            let known = [0, at / 2, at.saturating_sub(1)];
            let known = known.iter().filter_map(|at| net.nodes.get(*at));
            let known = known.map(|node| node.address.clone()).collect();
            let (node, events, task) = Task::new(&config(at, known, delay))?;
            net.tasks.spawn(task.run(net.stop.clone()));
            let address = loop {
                if let Some(address) = node.status().await?.listen.first() {
                    break address.clone();
                }
                tokio::task::yield_now().await;
            };
            net.nodes.push(Running {
                node,
                events,
                address,
            });
        }
        Ok(net)
    }

    /// A node, by its number; numbers begin anew behind the last one.
    #[must_use]
    pub fn node(&self, number: usize) -> &Node {
        &self.nodes[number % self.nodes.len()].node
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// What all of them say of themselves.
    ///
    /// # Errors
    /// When one has stopped.
    pub async fn status(&self) -> Result<Vec<Status>> {
        let mut told = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            told.push(node.node.status().await?);
        }
        Ok(told)
    }

    /// Waits until hardly anybody makes new connections, a minute and a half at most; what
    /// all say then.
    ///
    /// # Errors
    /// When a node has stopped.
    pub async fn rest(&self) -> Result<Vec<Status>> {
        let (begin, mut before) = (Instant::now(), 0.0);
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            let told = self.status().await?;
            let degree = mean(&told, |one| one.peers.len());
            let waited = begin.elapsed();
            let quiet = (degree - before).abs() < degree / 50.0;
            if waited > LEAST && quiet || waited > MOST {
                return Ok(told);
            }
            before = degree;
        }
    }

    /// How many milliseconds it takes a new node to be connected: the middle of several, each
    /// with another node.
    ///
    /// # Errors
    /// When one does not start, or is connected with nobody.
    pub async fn dial(&self) -> Result<f64> {
        let mut all = Vec::new();
        for number in 0..DIALS {
            all.push(self.dial_one(number).await?);
            // What the others do about the one that has gone again is not in the next figure.
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        all.sort_by(f64::total_cmp);
        all.get(DIALS / 2).copied().context("nobody dialled")
    }

    async fn dial_one(&self, number: usize) -> Result<f64> {
        let known = self.nodes.get(number * self.nodes.len() / DIALS);
        let known = known.map(|node| node.address.clone());
        let config = config(
            self.nodes.len() + number,
            known.into_iter().collect(),
            self.delay,
        );
        let begin = Instant::now();
        let (node, _events, task) = Task::new(&config)?;
        let stop = CancellationToken::new();
        let running = tokio::spawn(task.run(stop.clone()));
        while node.status().await?.peers.is_empty() {
            let waited = begin.elapsed();
            ensure!(waited < PATIENCE, "a new node is connected with nobody");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let took = begin.elapsed().as_secs_f64() * 1000.0;
        stop.cancel();
        running.await?;
        Ok(took)
    }

    /// All follow one account, the first one as its author; gives them time to tell each
    /// other, and to look for keepers.
    pub async fn follow(&self, account: Account) {
        for (at, node) in self.nodes.iter().enumerate() {
            node.node.join(account, Heads::new(), at == 0).await;
        }
        tokio::time::sleep(Duration::from_secs(20)).await;
    }

    /// The first node publishes; after how many milliseconds each of the others had it that
    /// had it within twenty seconds.
    ///
    /// # Errors
    /// When a node has stopped.
    pub async fn spread(&mut self, news: Arc<Announcement>) -> Result<Vec<f64>> {
        let digest = news.record().digest();
        let mut waiting = JoinSet::new();
        for node in self.nodes.iter_mut().skip(1) {
            let (_, none) = mpsc::channel(1);
            let mut events = std::mem::replace(&mut node.events, none);
            while events.try_recv().is_ok() {}
            waiting.spawn(async move {
                let got = tokio::time::timeout(PATIENCE, came(&mut events, digest)).await;
                (got.ok().flatten(), events)
            });
        }
        let begin = Instant::now();
        self.node(0).publish(news).await;
        let (mut after, mut channels) = (Vec::new(), Vec::new());
        while let Some(done) = waiting.join_next().await {
            let (got, events) = done.context("a node has stopped")?;
            after.extend(got.map(|got| (got - begin).as_secs_f64() * 1000.0));
            channels.push(events);
        }
        // It matters to nobody which node's they are.
        for (node, events) in self.nodes.iter_mut().skip(1).zip(channels) {
            node.events = events;
        }
        Ok(after)
    }

    /// Ends all of them.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

/// When a piece of news came.
async fn came(events: &mut mpsc::Receiver<Event>, digest: [u8; 32]) -> Option<Instant> {
    while let Some(event) = events.recv().await {
        if matches!(event, Event::News { news, .. } if news.record().digest() == digest) {
            return Some(Instant::now());
        }
    }
    None
}

/// A count of all of them together.
#[must_use]
pub fn total(all: &[Status], what: &str) -> u64 {
    let counts = all.iter().filter_map(|one| one.counts.get(what));
    counts.sum()
}

/// The mean of what they say.
#[must_use]
pub fn mean(all: &[Status], of: impl Fn(&Status) -> usize) -> f64 {
    let sum: usize = all.iter().map(of).sum();
    sum as f64 / all.len().max(1) as f64
}
