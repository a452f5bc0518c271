//! Nodes of ours: many in one process, or one that puts and one that asks.

use std::{
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, ensure};
use ourspace_bench::orders;
use ourspace_p2p::{Budget, Config, Node, Task};
use ourspace_protocol::{
    hash::sha256,
    heads::Heads,
    seams::{Push as _, Resolver as _},
    time::Millis,
    verify::{Context, KnownGrants, verify},
};
use ourspace_testkit::signing::{TestKey, record, sign_record};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// Nodes that a row is kept at.
const REPLICAS: usize = 8;
/// So long is looked for an account.
const PATIENCE: Duration = Duration::from_secs(20);

fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as Millis)
}

fn author(number: u64) -> TestKey {
    TestKey::named(&format!("author {number}"))
}

fn config(seed: &str, host: &str, connections: u32, peers: Vec<String>) -> Result<Config> {
    let replicas = NonZeroUsize::new(REPLICAS).context("no replicas")?;
    Ok(Config {
        listen: vec![
            format!("/ip4/{host}/tcp/0"),
            format!("/ip4/{host}/udp/0/quic-v1"),
        ],
        peers,
        budget: Budget {
            connections,
            replicas,
            ..Budget::default()
        },
        ..Config::alone(sha256(seed.as_bytes()), Arc::new(now))
    })
}

/// Starts a node; where it listens, as others dial it.
async fn start(config: &Config) -> Result<(Node, Vec<String>)> {
    let (node, mut events, task) = Task::new(config)?;
    tokio::spawn(task.run(CancellationToken::new()));
    tokio::spawn(async move { while events.recv().await.is_some() {} });
    let listen = loop {
        let listen = node.status().await?.listen;
        if listen.len() >= 2 {
            break listen;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    };
    Ok((node, listen))
}

/// `--net HOST NODES CONNECTIONS`: a DHT.
pub(crate) fn net(host: &str, nodes: usize, connections: u32) -> Result<()> {
    let runtime = Runtime::new()?;
    let mut all: Vec<(Node, Vec<String>)> = Vec::new();
    for at in 0..nodes {
        let known = [0, at / 2, at.saturating_sub(1)];
        let known = known.iter().filter_map(|at| all.get(*at));
        let known = known.flat_map(|(_, listen)| listen.clone()).collect();
        let config = config(&format!("net {at}"), host, connections, known)?;
        all.push(runtime.block_on(start(&config))?);
    }
    let known: Vec<&Vec<String>> = all.iter().step_by(17).map(|(_, listen)| listen).collect();
    let (address, id) = (&all[0].1[0], "net");
    let known: Vec<String> = known.into_iter().flatten().cloned().collect();
    let first = json!({ "address": address, "id": id });
    orders::obey(&first, |order| {
        if order["do"] == "known" {
            return Ok(json!({ "known": known }));
        }
        let mut peers = 0;
        for (node, _) in &all {
            peers += runtime.block_on(node.status())?.peers.len();
        }
        Ok(json!({ "connections": peers as f64 / all.len() as f64 }))
    })
}

/// `--one HOST NAME CONNECTIONS PEERS`: a node that puts rows, or looks for them.
pub(crate) fn one(host: &str, name: &str, connections: u32, peers: &str) -> Result<()> {
    let runtime = Runtime::new()?;
    let peers: Vec<String> = serde_json::from_str(peers)?;
    let config = config(name, host, connections, peers)?;
    let (node, listen) = runtime.block_on(start(&config))?;
    let first = json!({ "address": listen[0], "id": name });
    orders::obey(&first, |order| {
        let number = order["author"].as_u64();
        runtime.block_on(async {
            match (order["do"].as_str(), number) {
                (Some("put"), Some(number)) => put(&node, number).await,
                (Some("resolve"), Some(number)) => resolve(&node, number).await,
                _ => Ok(json!({ "connections": node.status().await?.peers.len() })),
            }
        })
    })
}

async fn put(node: &Node, number: u64) -> Result<Value> {
    let author = author(number);
    let mut draft = record(&author);
    draft.timestamp = now();
    let bytes = sign_record(draft, None, &author).to_bytes();
    let context = Context {
        now: now(),
        highest_epoch: 0,
    };
    let mut heads = Heads::new();
    heads.insert(verify(&bytes, context, &mut KnownGrants::new())?);
    let account = author.address();
    node.join(account, heads, true).await;
    let begin = Instant::now();
    let stored = node.put(account).await?;
    let ms = begin.elapsed().as_secs_f64() * 1e3;
    node.leave(account).await;
    ensure!(stored.holders > 0, "the row was put nowhere");
    Ok(json!({ "ms": ms, "holders": stored.holders, "asked": stored.asked }))
}

async fn resolve(node: &Node, number: u64) -> Result<Value> {
    let account = author(number).address();
    let before = node.status().await?.peers;
    let begin = Instant::now();
    let mut lookup = node.dht().resolve(account, &[]);
    let found = tokio::time::timeout(PATIENCE, lookup.next()).await;
    let ms = begin.elapsed().as_secs_f64() * 1e3;
    drop(lookup);
    let found = found.ok().flatten().context("nothing was found")?;
    // Who gave the first record may not have been connected when the question was asked.
    let fresh = before.iter().all(|peer| peer.peer != found.from);
    // What else was dialled for it comes to its end.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let after = node.status().await?.peers.len();
    Ok(json!({ "ms": ms, "before": before.len(), "after": after, "fresh": fresh }))
}
