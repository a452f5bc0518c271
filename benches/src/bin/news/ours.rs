//! A swarm of real nodes of ours in this process.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result};
use ourspace_p2p::{Budget, Config, Event, Ipfs, Node, Status, Switches, Task};
use ourspace_protocol::{
    account::Account, announcement::Announcement, dag::Cid, hash::sha256, heads::Heads,
    seams::Push as _, time::Millis,
};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{DELAY, PATIENCE, Spread};

/// The network is waited for to be at rest so long at least, and at most.
const LEAST: Duration = Duration::from_secs(35);
const MOST: Duration = Duration::from_secs(90);

struct Running {
    node: Node,
    events: mpsc::Receiver<Event>,
    address: String,
}

fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as Millis)
}

fn config(number: usize, peers: Vec<String>) -> Config {
    Config {
        seed: sha256(&[b"news".as_slice(), &number.to_le_bytes()].concat()),
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
        // All may be connected with all: those above the budget would come and go.
        budget: Budget {
            connections: 250,
            ..Budget::default()
        },
        memory_delay: DELAY,
    }
}

/// Spreads all the news.
pub(crate) async fn measure(nodes: usize, all_news: &[Arc<Announcement>]) -> Result<Spread> {
    let (mut tasks, stop) = (JoinSet::new(), CancellationToken::new());
    let mut all: Vec<Running> = Vec::new();
    for at in 0..nodes {
        let known = [0, at / 2, at.saturating_sub(1)];
        let known = known.iter().filter_map(|at| all.get(*at));
        let known = known.map(|node| node.address.clone()).collect();
        let (node, events, task) = Task::new(&config(at, known))?;
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
    let links = rest(&all).await?;
    let account = all_news
        .first()
        .context("no news")?
        .record()
        .record()
        .account;
    let mut spread = news(&mut all, account, all_news).await?;
    spread.links = links;
    stop.cancel();
    while tasks.join_next().await.is_some() {}
    Ok(spread)
}

async fn status(all: &[Running]) -> Result<Vec<Status>> {
    let mut told = Vec::with_capacity(all.len());
    for node in all {
        told.push(node.node.status().await?);
    }
    Ok(told)
}

fn sum(all: &[Status], what: &str) -> f64 {
    let counts = all.iter().map(|one| one.counts.get(what).copied());
    counts.flatten().sum::<u64>() as f64
}

/// Waits until hardly anybody makes new connections; how many each has.
async fn rest(all: &[Running]) -> Result<f64> {
    let (begin, mut before) = (Instant::now(), 0.0);
    loop {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let peers = status(all).await?.into_iter().map(|one| one.peers.len());
        let links = peers.sum::<usize>() as f64 / all.len() as f64;
        let quiet = (links - before).abs() < links / 50.0;
        if begin.elapsed() > LEAST && quiet || begin.elapsed() > MOST {
            return Ok(links);
        }
        before = links;
    }
}

async fn news(
    all: &mut [Running],
    account: Account,
    all_news: &[Arc<Announcement>],
) -> Result<Spread> {
    for (at, node) in all.iter().enumerate() {
        node.node.join(account, Heads::new(), at == 0).await;
    }
    // They tell each other whom they follow, and look for keepers.
    tokio::time::sleep(Duration::from_secs(20)).await;
    let mut pieces = Vec::new();
    for news in all_news {
        let idle = status(all).await?;
        tokio::time::sleep(super::WORD).await;
        let before = status(all).await?;
        let begin = Instant::now();
        let after = piece(all, Arc::clone(news)).await?;
        // Word of it goes on for a moment; idle bytes were counted for as long.
        tokio::time::sleep(super::WORD.saturating_sub(begin.elapsed())).await;
        let told = status(all).await?;
        let grown = |what: &str| sum(&told, what) - sum(&before, what);
        let silent = sum(&before, "memory_bytes_in") - sum(&idle, "memory_bytes_in");
        let nodes = all.len() as f64;
        pieces.push(Spread {
            after,
            copies: grown("news_received") / (nodes - 1.0),
            bytes: (grown("memory_bytes_in") - silent) / nodes,
            idle: silent / nodes,
            links: 0.0,
        });
    }
    Ok(Spread::of(&pieces))
}

/// The first node publishes; after how many milliseconds the others have it.
async fn piece(all: &mut [Running], news: Arc<Announcement>) -> Result<Vec<f64>> {
    let digest = news.record().digest();
    let mut waiting = JoinSet::new();
    for node in all.iter_mut().skip(1) {
        let (_, none) = mpsc::channel(1);
        let mut events = std::mem::replace(&mut node.events, none);
        while events.try_recv().is_ok() {}
        waiting.spawn(async move {
            let got = tokio::time::timeout(PATIENCE, async {
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
    let (mut after, mut channels) = (Vec::new(), Vec::new());
    while let Some(done) = waiting.join_next().await {
        let (got, events) = done.context("a node has stopped")?;
        after.extend(got.map(|got| (got - begin).as_secs_f64() * 1e3));
        channels.push(events);
    }
    // It matters to nobody which node's they are.
    for (node, events) in all.iter_mut().skip(1).zip(channels) {
        node.events = events;
    }
    Ok(after)
}
