//! A node of ours that takes the same orders as the peers: bitswap over TCP, and nothing
//! else. What it fetches it writes to a file of blocks, flushed to the disk at the end.

use std::{
    collections::{HashSet, VecDeque},
    io::{BufRead as _, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use futures::StreamExt as _;
use libp2p::{noise, swarm::SwarmEvent, tcp};
use ourspace_bench::{memory, process_cpu};
use ourspace_p2p::bitswap::{Behaviour, BitswapSession, Handle, Limits, muxer};
use ourspace_protocol::{
    dag::{Block, BlockSource, Cid, Codec, SourceError},
    seams::{Arrival, Session as _, Want},
};
use serde_json::{Value, json};

use crate::pack::{self, Pack, Writer};

/// Bytes that are wanted at a time, about: what more is known stays in a list.
const OPEN: usize = 32 * 1024 * 1024;

/// What is served: nothing before something is added.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<Option<Arc<Pack>>>>);

impl Shelf {
    fn pack(&self) -> Option<Arc<Pack>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl BlockSource for Shelf {
    fn get(&self, cid: &Cid) -> Result<Option<Vec<u8>>, SourceError> {
        self.pack().map_or(Ok(None), |pack| pack.get(cid))
    }

    fn length(&self, cid: &Cid) -> Result<Option<usize>, SourceError> {
        self.pack().map_or(Ok(None), |pack| pack.length(cid))
    }
}

/// The node.
struct Node {
    handle: Handle,
    shelf: Shelf,
    folder: PathBuf,
    providers: Vec<String>,
}

/// Runs until the input ends.
pub(crate) fn run(folder: &Path) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let shelf = Shelf::default();
    let behaviour = Behaviour::new(Arc::new(shelf.clone()), Limits::default());
    let handle = behaviour.handle();
    let address = runtime.block_on(start(behaviour))?;
    let id = address.rsplit('/').next().unwrap_or_default().to_owned();
    say(&json!({ "address": address, "id": id }))?;
    let mut node = Node {
        handle,
        shelf,
        folder: folder.to_owned(),
        providers: Vec::new(),
    };
    for line in std::io::stdin().lock().lines() {
        let order: Value = serde_json::from_str(&line?)?;
        let answer = runtime.block_on(node.obey(&order));
        say(&answer.unwrap_or_else(|error| json!({ "error": format!("{error:#}") })))?;
    }
    Ok(())
}

fn say(answer: &Value) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{answer}")?;
    Ok(out.flush()?)
}

/// Starts the swarm, which then runs by itself.
async fn start(behaviour: Behaviour) -> Result<String> {
    let mut swarm = libp2p::SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(
            tcp::Config::default().nodelay(true),
            noise::Config::new,
            muxer,
        )?
        .with_behaviour(|_| behaviour)?
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(600)))
        .build();
    swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse()?)?;
    let own = *swarm.local_peer_id();
    let address = loop {
        if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
            break format!("{address}/p2p/{own}");
        }
    };
    tokio::spawn(async move {
        loop {
            swarm.select_next_some().await;
        }
    });
    Ok(address)
}

impl Node {
    async fn obey(&mut self, order: &Value) -> Result<Value> {
        let text = |name: &str| order[name].as_str().context("an order without a word");
        match text("do")? {
            "connect" => {
                self.providers.push(text("address")?.to_owned());
                Ok(json!({}))
            }
            "add" => {
                let (pack, root) = pack::add(Path::new(text("path")?), &self.folder.join("own"))?;
                let shelf = self.shelf.0.lock();
                *shelf.unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(pack));
                Ok(json!({ "cid": root.to_string() }))
            }
            "fetch" => {
                let cid = text("cid")?;
                let root = cid.parse().or_else(|_| Cid::parse_v0_compat(cid))?;
                self.fetch(root, Path::new(text("path")?)).await
            }
            _ => Ok(json!({ "cpu": process_cpu().as_secs_f64(), "peak": memory().1 })),
        }
    }

    async fn fetch(&self, root: Cid, into: &Path) -> Result<Value> {
        let mut session = self.handle.open(&self.providers);
        let mut writer = Writer::create(into)?;
        let before = self.handle.all_traffic();
        fetch(&mut session, root, &mut writer).await?;
        writer.finish()?;
        let figures = session.figures();
        let traffic = self.handle.all_traffic();
        Ok(json!({
            "blocks": figures.blocks,
            "bytes": figures.bytes,
            "duplicates": figures.duplicates,
            "wire": traffic.received - before.received + traffic.sent - before.sent,
        }))
    }
}

/// The blocks of a tree, written as they come.
async fn fetch(session: &mut BitswapSession, root: Cid, writer: &mut Writer) -> Result<()> {
    let mut known = HashSet::from([root]);
    let mut waiting = VecDeque::from([root]);
    let (mut open, mut blocks, mut bytes) = (0, 1, 256 * 1024);
    while open > 0 || !waiting.is_empty() {
        let most = (OPEN * blocks / bytes).clamp(32, 2048);
        let free = most.min(waiting.len() + open).saturating_sub(open);
        if free > most / 4 || open == 0 {
            let next: Vec<Want> = waiting.drain(..free).map(Want::block).collect();
            open += next.len();
            session.want(next);
        }
        let Arrival::Block(block) = session.next().await else {
            bail!("a block is missing");
        };
        (open, blocks, bytes) = (open - 1, blocks + 1, bytes + block.bytes().len());
        writer.put(block.cid(), block.bytes())?;
        waiting.extend(links(&block)?.into_iter().filter(|cid| known.insert(*cid)));
    }
    Ok(())
}

/// What a dag-pb block links, also in the forms that only other programs write.
fn links(block: &Block) -> Result<Vec<Cid>> {
    let mut links = Vec::new();
    if block.cid().codec() == Codec::Raw {
        return Ok(links);
    }
    for (tag, link) in fields(block.bytes())? {
        if tag == 2 {
            let hash = fields(link)?.into_iter().find(|(tag, _)| *tag == 1);
            links.push(match hash.context("a link without a hash")?.1 {
                [0x12, 0x20, digest @ ..] => Cid::from_digest(Codec::DagPb, digest.try_into()?),
                cid => Cid::from_bytes(cid)?,
            });
        }
    }
    Ok(links)
}

/// The fields of a protobuf message that have a length or are numbers.
fn fields(mut bytes: &[u8]) -> Result<Vec<(u64, &[u8])>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = number(&mut bytes)?;
        let value = number(&mut bytes)?;
        let length = if key & 7 == 2 {
            usize::try_from(value)?
        } else {
            0
        };
        let (body, rest) = bytes.split_at_checked(length).context("a cut field")?;
        fields.push((key >> 3, body));
        bytes = rest;
    }
    Ok(fields)
}

fn number(bytes: &mut &[u8]) -> Result<u64> {
    let mut value = 0;
    for shift in (0..63).step_by(7) {
        let (first, rest) = bytes.split_first().context("a cut number")?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Ok(value);
        }
    }
    bail!("a number without an end")
}
