//! Real nodes in this process, over memory with a delay: what the model is held against.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, ensure};
use ourspace_p2p::{Budget, Config, Event, Ipfs, Node, Status, Switches, Task};
use ourspace_protocol::{
    account::Account,
    announcement::Announcement,
    dag::Cid,
    hash::sha256,
    heads::Heads,
    seams::{Push as _, Resolver as _},
    time::Millis,
};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{accounts::Accounts, figures::Values};

/// Lookups, each of another account by another node.
const LOOKUPS: usize = 60;
/// Those of them that go on at once.
const TOGETHER: usize = 6;
/// Pieces of news; the first ones make the tree.
const PIECES: u64 = 12;
/// So long is waited for the network to be at rest, at least (the density is learnt meanwhile)
/// and at most, and for news.
const LEAST: Duration = Duration::from_secs(35);
const MOST: Duration = Duration::from_secs(90);
const NEWS: Duration = Duration::from_secs(20);

/// What was measured.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Connections of a node.
    pub degree: f64,
    /// Nodes in its routing table.
    pub routing: f64,
    /// Milliseconds until a new node is connected with the first one.
    pub dial: f64,
    /// Milliseconds to the first valid record.
    pub first: Values,
    /// Questions of a lookup.
    pub questions: f64,
    /// Lookups that found nothing.
    pub lost: usize,
    /// Nodes that got the last piece of news, without the author.
    pub reached: usize,
    /// Milliseconds until each had it.
    pub after: Values,
    /// Copies of it that were received.
    pub copies: u64,
    /// Bytes of messages that a node sent for it.
    pub bytes: f64,
}

struct Running {
    node: Node,
    events: mpsc::Receiver<Event>,
    address: String,
}

/// The time.
fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as Millis)
}

fn config(number: usize, peers: Vec<String>, delay: Duration) -> Config {
    Config {
        seed: sha256(&[b"sim/real".as_slice(), &number.to_le_bytes()].concat()),
        listen: vec!["/memory/0".to_owned()],
        peers,
        clock: Arc::new(now),
        blocks: Arc::new(BTreeMap::<Cid, Vec<u8>>::new()),
        shelf: None,
        switches: Switches {
            mdns: false,
            upnp: false,
            relay: false,
            ipfs: Ipfs::Off,
        },
        budget: Budget {
            // All may be connected with all: else those above the budget come and go, and
            // nothing is ever at rest.
            connections: 250,
            replicas: NonZeroUsize::MIN.saturating_add(19),
            ..Budget::default()
        },
        memory_delay: delay,
    }
}

/// Runs so many nodes, and measures lookups and news.
///
/// # Errors
/// When a node does not start or stops, or the network comes to no rest.
pub async fn measure(nodes: usize, delay: Duration) -> Result<Measured> {
    let (mut tasks, stop) = (JoinSet::new(), CancellationToken::new());
    let mut all: Vec<Running> = Vec::new();
    for at in 0..nodes {
        // Everybody begins with some who came before.
        let known = [0, at / 2, at.saturating_sub(1)];
        let known = known.iter().filter_map(|at| all.get(*at));
        let known = known.map(|node| node.address.clone()).collect();
        let (node, events, task) = Task::new(&config(at, known, delay))?;
        tasks.spawn(task.run(stop.clone()));
        let address = loop {
            if let Some(address) = node.status().await?.listen.first() {
                break address.clone();
            }
            tokio::task::yield_now().await;
        };
        all.push(Running {
            node,
            events,
            address,
        });
    }
    let mut measured = rest(&all).await?;
    measured.dial = dial(&all, delay).await?;
    lookups(&all, &mut measured).await?;
    news(&mut all, &mut measured).await?;
    stop.cancel();
    while tasks.join_next().await.is_some() {}
    Ok(measured)
}

/// How long it takes a new node to be connected.
async fn dial(all: &[Running], delay: Duration) -> Result<f64> {
    let known = all.first().map(|node| node.address.clone());
    let begin = Instant::now();
    let (node, _events, task) = Task::new(&config(all.len(), known.into_iter().collect(), delay))?;
    let stop = CancellationToken::new();
    let running = tokio::spawn(task.run(stop.clone()));
    while node.status().await?.peers.is_empty() {
        ensure!(
            begin.elapsed() < NEWS,
            "a new node is connected with nobody"
        );
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let took = begin.elapsed().as_secs_f64() * 1000.0;
    stop.cancel();
    running.await?;
    Ok(took)
}

async fn status(all: &[Running]) -> Result<Vec<Status>> {
    let mut told = Vec::with_capacity(all.len());
    for node in all {
        told.push(node.node.status().await?);
    }
    Ok(told)
}

fn sum(all: &[Status], what: &str) -> u64 {
    all.iter()
        .map(|one| one.counts.get(what).copied().unwrap_or(0))
        .sum()
}

/// Waits until hardly anybody makes new connections.
async fn rest(all: &[Running]) -> Result<Measured> {
    let (begin, mut before) = (Instant::now(), 0.0);
    loop {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let told = status(all).await?;
        let number = told.len() as f64;
        let degree = told.iter().map(|one| one.peers.len() as f64).sum::<f64>() / number;
        let routing = told.iter().map(|one| one.routing as f64).sum::<f64>() / number;
        let waited = begin.elapsed();
        let quiet = (degree - before).abs() < degree / 50.0;
        if waited > LEAST && quiet || waited > MOST {
            return Ok(Measured {
                degree,
                routing,
                ..Measured::default()
            });
        }
        before = degree;
    }
}

/// Authors put rows; nodes that have nothing to do with them look for these, one after the
/// other.
async fn lookups(all: &[Running], measured: &mut Measured) -> Result<()> {
    let accounts = Accounts::new(LOOKUPS + 1);
    let (signed, number) = (now(), all.len());
    for author in 1..=LOOKUPS {
        let node = &all[author * 7 % number].node;
        let account = accounts.authors[author].account;
        node.join(account, accounts.heads(author, signed)?, true)
            .await;
        let stored = node.put(account).await?;
        ensure!(stored.holders > 0, "a row was put nowhere");
        node.leave(account).await;
    }
    // Nothing else is under way.
    tokio::time::sleep(Duration::from_secs(8)).await;
    let before = status(all).await?;
    let mut looking = JoinSet::new();
    for author in 1..=LOOKUPS {
        let reader = all[(author * 7 + number / 2 + 1) % number].node.clone();
        looking.spawn(look(reader, accounts.authors[author].account));
        // A few at a time, so that they do not wait for each other's curves.
        if author % TOGETHER == 0 || author == LOOKUPS {
            while let Some(first) = looking.join_next().await {
                match first? {
                    Some(first) => measured.first.push(first.as_secs_f64() * 1000.0),
                    None => measured.lost += 1,
                }
            }
        }
    }
    let after = status(all).await?;
    let [lookups, questions] =
        ["queries", "queries_requests"].map(|what| sum(&after, what) - sum(&before, what));
    measured.questions = questions as f64 / lookups.max(1) as f64;
    Ok(())
}

/// Looks for an account until there is no more to be heard; when the first record came.
async fn look(reader: Node, account: Account) -> Option<Duration> {
    let begin = Instant::now();
    let mut lookup = reader.dht().resolve(account, &[]);
    let mut first = None;
    while let Ok(Some(_)) = tokio::time::timeout(NEWS, lookup.next()).await {
        first.get_or_insert(begin.elapsed());
    }
    first
}

/// All follow one account; its author publishes some times.
async fn news(all: &mut [Running], measured: &mut Measured) -> Result<()> {
    let accounts = Accounts::new(1);
    let account = accounts.authors[0].account;
    for (at, node) in all.iter().enumerate() {
        node.node.join(account, Heads::new(), at == 0).await;
    }
    // They tell each other whom they follow, and look for keepers.
    tokio::time::sleep(Duration::from_secs(20)).await;
    for piece in 0..PIECES {
        let before = status(all).await?;
        let after = spread(all, accounts.news(0, now())?).await?;
        // Word of it goes on for a moment.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let told = status(all).await?;
        if piece + 1 == PIECES {
            measured.reached = after.len();
            measured.after = after;
            measured.copies = sum(&told, "news_received") - sum(&before, "news_received");
            let bytes = sum(&told, "bytes_talked") - sum(&before, "bytes_talked");
            measured.bytes = bytes as f64 / all.len() as f64;
        }
    }
    Ok(())
}

/// The first node publishes; after how many milliseconds the others have it.
async fn spread(all: &mut [Running], news: Arc<Announcement>) -> Result<Values> {
    let digest = news.record().digest();
    let mut waiting = JoinSet::new();
    for node in all.iter_mut().skip(1) {
        let (_, none) = mpsc::channel(1);
        let mut events = std::mem::replace(&mut node.events, none);
        while events.try_recv().is_ok() {}
        waiting.spawn(async move {
            let got = tokio::time::timeout(NEWS, async {
                while let Some(event) = events.recv().await {
                    if matches!(event, Event::News { news, .. } if news.record().digest() == digest)
                    {
                        return Some(Instant::now());
                    }
                }
                None
            });
            (got.await.ok().flatten(), events)
        });
    }
    let begin = Instant::now();
    all[0].node.publish(news).await;
    let (mut after, mut channels) = (Values::default(), Vec::new());
    while let Some(done) = waiting.join_next().await {
        let (got, events) = done.context("a node has stopped")?;
        if let Some(got) = got {
            after.push((got - begin).as_secs_f64() * 1000.0);
        }
        channels.push(events);
    }
    // It matters to nobody which node's they are.
    for (node, events) in all.iter_mut().skip(1).zip(channels) {
        node.events = events;
    }
    Ok(after)
}
