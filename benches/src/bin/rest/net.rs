//! The rest of the net: nodes of ours that keep some authors' feeds each, in one process, which
//! takes orders.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, Write as _},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use ourspace_bench::place::Posts;
use ourspace_p2p::{Budget, Config, Ipfs, Node, Switches, Task};
use ourspace_protocol::{
    announcement::Announcement, dag::Cid, heads::Heads, record::SignedRecord, seams::Push as _,
    time::Millis, verify::Verified,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    AUTHORS, NODES, POSTS,
    feeds::{Author, news, posts},
};

/// A node and the authors that live there.
struct Home {
    node: Node,
    /// What they will publish.
    next: Vec<Arc<Announcement>>,
}

fn now() -> Millis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let millis = since.map_or(0, |since| since.as_millis());
    Millis::try_from(millis).unwrap_or(Millis::MAX)
}

/// The authors of one node, with what they have published and will.
#[derive(Default)]
struct Share {
    /// The blocks of both versions of their feeds.
    blocks: BTreeMap<Cid, Vec<u8>>,
    first: Vec<Verified<SignedRecord>>,
    next: Vec<Arc<Announcement>>,
    /// Bytes of the blocks that a mirror has to fetch, of the first version and the next.
    bytes: [u64; 2],
}

impl Share {
    fn new(number: usize, texts: &mut Posts) -> Result<Self> {
        let mut share = Self::default();
        for author in (0..AUTHORS).filter(|author| author % NODES == number) {
            let mut author = Author::new(author);
            let now = now();
            let before = now - 3_600_000;
            let blocks = &mut share.blocks;
            let one = author.publish(posts(texts, POSTS, before), before, blocks)?;
            let two = author.publish(posts(texts, POSTS, now), now, blocks)?;
            share.bytes[0] += one.new_bytes;
            share.bytes[1] += two.new_bytes;
            share.first.push(one.record);
            share.next.push(news(two.record)?);
        }
        Ok(share)
    }
}

/// Runs until the input ends. The nodes listen at an address of this host.
pub(crate) fn run(host: &str) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let mut texts = Posts::new()?;
    let shares = (0..NODES).map(|number| Share::new(number, &mut texts));
    let shares: Vec<Share> = shares.collect::<Result<_>>()?;
    let mut new_bytes = [0, 0];
    let (mut homes, mut first) = (Vec::new(), None);
    for (number, share) in shares.into_iter().enumerate() {
        new_bytes[0] += share.bytes[0];
        new_bytes[1] += share.bytes[1];
        let known: Vec<String> = first.iter().cloned().collect();
        let (home, address) = runtime.block_on(start((number, host), known, share))?;
        first.get_or_insert(address);
        homes.push(home);
    }
    runtime.block_on(met(&homes))?;
    say(&json!({ "address": first, "bytes": new_bytes }))?;
    for line in std::io::stdin().lock().lines() {
        let order: Value = serde_json::from_str(&line?)?;
        let answer = runtime.block_on(obey(&homes, &order));
        say(&answer.unwrap_or_else(|error| json!({ "error": format!("{error:#}") })))?;
    }
    Ok(())
}

/// Waits until the nodes know each other, and hardly make new connections.
async fn met(homes: &[Home]) -> Result<()> {
    let mut before: usize = 0;
    for _ in 0..30 {
        tokio::time::sleep(Duration::from_secs(4)).await;
        let mut all = 0;
        for home in homes {
            all += home.node.status().await?.peers.len();
        }
        if all.abs_diff(before) * 50 < all && all > homes.len() * homes.len() / 2 {
            return Ok(());
        }
        before = all;
    }
    Ok(())
}

fn say(answer: &Value) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{answer}")?;
    Ok(out.flush()?)
}

async fn obey(homes: &[Home], order: &Value) -> Result<Value> {
    match order["do"].as_str().context("an order without a word")? {
        "publish" => {
            let mut roots = Vec::new();
            for home in homes {
                for news in &home.next {
                    roots.push(news.record().record().root.to_string());
                    home.node.publish(Arc::clone(news)).await;
                }
            }
            Ok(json!({ "roots": roots }))
        }
        other => bail!("what is {other}?"),
    }
}

/// Starts a node with its share of the authors: the first version of their feeds is announced.
async fn start(
    (number, host): (usize, &str),
    known: Vec<String>,
    share: Share,
) -> Result<(Home, String)> {
    let mut seed = [7; 32];
    seed[0] = u8::try_from(number)?;
    // All in one place: with TCP besides, each pair of nodes has several connections.
    let listen = vec![format!("/ip4/{host}/udp/0/quic-v1")];
    let config = Config {
        seed,
        listen,
        peers: known,
        clock: Arc::new(now),
        blocks: Arc::new(share.blocks),
        shelf: None,
        switches: Switches {
            mdns: false,
            upnp: false,
            relay: true,
            ipfs: Ipfs::Public,
        },
        budget: Budget::default(),
        memory_delay: Duration::ZERO,
    };
    let (node, mut events, task) = Task::new(&config)?;
    tokio::spawn(task.run(CancellationToken::new()));
    tokio::spawn(async move { while events.recv().await.is_some() {} });
    for record in share.first {
        let account = record.record().account;
        let mut heads = Heads::new();
        heads.insert(record);
        node.join(account, heads, true).await;
    }
    let address = loop {
        let listen = node.status().await?.listen;
        if let Some(address) = listen.into_iter().find(|one| one.contains("/udp/")) {
            break address;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let next = share.next;
    Ok((Home { node, next }, address))
}
