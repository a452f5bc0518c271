//! Real nodes in this process, over memory.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test binary uses a part of this; a test's helpers fail by panicking"
)]

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use ourspace_p2p::{Budget, Config, Event, Node, Switches, Task};
use ourspace_protocol::{
    announcement::Announcement,
    heads::Heads,
    record::SignedRecord,
    time::Millis,
    verify::{Context, KnownGrants, Verified, verify},
};
use ourspace_testkit::signing::{TestKey, record, sign_record};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// The time.
pub fn now() -> Millis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Millis::try_from(since.unwrap().as_millis()).unwrap()
}

/// A node that runs until it is dropped.
pub struct Running {
    pub node: Node,
    pub events: mpsc::Receiver<Event>,
    pub peer: String,
    pub address: String,
    stop: CancellationToken,
    _task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub fn config(number: u8, replicas: usize) -> Config {
    Config {
        listen: vec!["/memory/0".to_owned()],
        switches: Switches {
            relay: true,
            ..Switches::OFF
        },
        budget: Budget {
            replicas: NonZeroUsize::new(replicas).unwrap(),
            ..Budget::default()
        },
        ..Config::alone([number.wrapping_add(1); 32], Arc::new(now))
    }
}

/// Starts a node and waits until it knows where it listens.
pub async fn start(config: Config) -> Running {
    let (node, events, task) = Task::new(&config).unwrap();
    let peer = task.peer();
    let stop = CancellationToken::new();
    let task = tokio::spawn(task.run(stop.clone()));
    let address = loop {
        let status = node.status().await.unwrap();
        if let Some(address) = status.listen.first() {
            break address.clone();
        }
        tokio::task::yield_now().await;
    };
    Running {
        node,
        events,
        peer,
        address,
        stop,
        _task: task,
    }
}

/// So many nodes, each begun with the one before it and the first.
pub async fn net(number: u8, replicas: usize) -> Vec<Running> {
    let mut nodes: Vec<Running> = Vec::new();
    for at in 0..number {
        let mut config = config(at, replicas);
        if let (Some(first), Some(last)) = (nodes.first(), nodes.last()) {
            config.peers = vec![first.address.clone(), last.address.clone()];
        }
        nodes.push(start(config).await);
    }
    nodes
}

/// Waits until `what` holds; the test fails if it never does.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let waited = tokio::time::timeout(Duration::from_secs(30), async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what} did not come about");
}

/// Waits until nobody makes new connections.
pub async fn quiet(nodes: &[Running]) {
    let mut before = usize::MAX;
    loop {
        let mut connections = 0;
        for node in nodes {
            connections += node.node.status().await.unwrap().peers.len();
        }
        if connections == before {
            return;
        }
        before = connections;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

pub fn signed(author: &TestKey, at: Millis) -> SignedRecord {
    let mut record = record(author);
    record.timestamp = at;
    sign_record(record, None, author)
}

pub fn verified(author: &TestKey, at: Millis) -> Verified<SignedRecord> {
    let context = Context {
        now: now(),
        highest_epoch: 0,
    };
    verify(
        &signed(author, at).to_bytes(),
        context,
        &mut KnownGrants::new(),
    )
    .unwrap()
}

pub fn heads(author: &TestKey, at: Millis) -> Heads {
    let mut heads = Heads::new();
    heads.insert(verified(author, at));
    heads
}

pub fn news(author: &TestKey, at: Millis) -> Arc<Announcement> {
    Arc::new(Announcement::of(verified(author, at), None).unwrap())
}

/// The timestamp of the next news that a node tells of; the test fails when there is none.
pub async fn next_news(node: &mut Running) -> Millis {
    let next = async {
        loop {
            if let Event::News { news, .. } = node.events.recv().await.unwrap() {
                return news.record().record().timestamp;
            }
        }
    };
    let next = tokio::time::timeout(Duration::from_secs(60), next);
    next.await.unwrap()
}
