//! What an honest peer still gets while strangers flood the node that serves it.
//!
//! The program and its honest peer share one core; the flood is made on the other one, so that
//! what it takes from them is only what the program spends on it. It comes from another address,
//! all of it from one: whoever floods from a thousand is not tried here. The peer fetches a feed
//! over and over, and asks for its newest record. Rounds with and without the flood take turns.
//! All of it happens on a host of its own; needs root, as the lab does.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

mod hostile;

use std::{
    env,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, Result, ensure};
use ourspace_bench::{
    Goal, TABLE, line, median,
    place::{Posts, make_at},
    program::{self, Running},
};
use ourspace_node::{Home, mirror::Served, publish::publish};
use ourspace_p2p::{Budget, Config, Ipfs, Node, Switches, Task};
use ourspace_protocol::{
    account::Account,
    dag::{Cid, walk},
    feed::set::Changes,
    heads::Heads,
    seams::{Arrival, Push as _, Resolver as _, Transport as _, Want},
    time::Millis,
};
use ourspace_testkit::lab::{Lab, Nat, Weather};
use rustix::thread::{CpuSet, sched_setaffinity};
use tokio_util::sync::CancellationToken;

/// The core of the program and its peer, and that of the flood.
const HONEST: usize = 0;
const HOSTILE: usize = 1;
/// Posts in the feed.
const POSTS: usize = 5_000;
/// A round of each.
const ROUND: Duration = Duration::from_secs(2);
/// A flood has so long to swell.
const SWELL: Duration = Duration::from_secs(1);
const ROUNDS: usize = 7;
/// Nothing takes longer.
const LIMIT: Duration = Duration::from_secs(60);
/// Blocks that are wanted at a time.
const OPEN: usize = 64;

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().collect();
    if let [_, flag, kind, address, account] = &arguments[..]
        && flag == "--flood"
    {
        stay_on(HOSTILE)?;
        return hostile::flood(kind, address, account.parse()?);
    }
    let program = program::build()?;
    let [_, flag, outside] = &arguments[..] else {
        return inside(&program);
    };
    ensure!(flag == "--inside", "what is {flag}?");
    stay_on(HONEST)?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("home");
    let account = make_home(&path)?;
    let alone = ["--no-mdns", "--no-upnp", "--no-rendezvous"];
    let running = Running::start(Command::new(program), &path, &alone)?;
    let id = running
        .listen
        .first()
        .and_then(|one| one.rsplit('/').next());
    let id = id.context("it listens nowhere")?;
    let at = |host: &str| format!("/ip4/{host}/tcp/4011/p2p/{id}");
    let (address, flooded) = (at("127.0.0.1"), at(outside));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let peer = Peer::new(&path, account, &address)?;
    runtime.block_on(measure(&running, &peer, &flooded))?;
    running.stop()
}

/// Runs all of it on a host of its own, where two addresses lead to the program, and whoever dials
/// one comes from it.
fn inside(program: &Path) -> Result<()> {
    let mut lab = Lab::new(Weather::FINE)?;
    let host = lab.host(Nat::Open)?;
    let mut own = host.command(env::current_exe()?);
    own.arg("--inside").arg(host.address().to_string());
    let ended = own.env("OURSPACE_PROGRAM", program).status()?;
    ensure!(ended.success(), "it ended with {ended}");
    Ok(())
}

/// All threads that this process will start run on one core, and its children.
fn stay_on(core: usize) -> Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    Ok(sched_setaffinity(None, &cores)?)
}

fn now() -> Millis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let millis = since.map_or(0, |since| since.as_millis());
    Millis::try_from(millis).unwrap_or(Millis::MAX)
}

fn make_home(path: &Path) -> Result<Account> {
    let (home, account) = make_at(path, now() - 10_000)?;
    let mut posts = Posts::new()?;
    let items = (0..POSTS).map(|_| posts.next_post()).collect();
    let changes = Changes {
        items,
        ..Changes::default()
    };
    publish(&home, now() - 5_000, |_| Ok(changes))?;
    Ok(account)
}

/// The honest peer, and what it wants.
struct Peer {
    account: Account,
    wants: Vec<Cid>,
    address: String,
}

impl Peer {
    fn new(home: &Path, account: Account, address: &str) -> Result<Self> {
        let home = Arc::new(Home::open_reader(home)?);
        let root = home.store().read()?.root(account)?.context("no feed")?;
        let mut wants = Vec::new();
        let served = Served::new(home)?;
        walk::walk(&served, root, walk::WalkLimits::default(), &mut |visit| {
            match visit {
                // Pages are rendered when they are asked for: that would hide what the flood costs.
                walk::Visit::File { path, link, .. } if path.ends_with(".json") => {
                    wants.push(link.cid);
                }
                walk::Visit::Node(block) => wants.push(block.cid()),
                _ => {}
            }
            std::ops::ControlFlow::Continue(())
        })?;
        Ok(Self {
            account,
            wants,
            address: address.to_owned(),
        })
    }

    async fn start(&self) -> Result<Node> {
        let config = Config {
            seed: [9; 32],
            listen: vec!["/ip4/127.0.0.1/tcp/0".to_owned()],
            peers: vec![self.address.clone()],
            clock: Arc::new(now),
            blocks: Arc::new(std::collections::HashMap::<Cid, Vec<u8>>::new()),
            shelf: None,
            switches: Switches {
                ipfs: Ipfs::Off,
                ..Switches::OFF
            },
            budget: Budget::default(),
            memory_delay: Duration::ZERO,
        };
        let (node, mut events, task) = Task::new(&config)?;
        tokio::spawn(task.run(CancellationToken::new()));
        tokio::spawn(async move { while events.recv().await.is_some() {} });
        node.join(self.account, Heads::new(), false).await;
        let begin = Instant::now();
        while self.ask(&node).await?.is_none() {
            ensure!(begin.elapsed() < LIMIT, "the peer finds no record");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(node)
    }

    /// Asks for the newest record; gives how long that took.
    async fn ask(&self, node: &Node) -> Result<Option<Duration>> {
        let begin = Instant::now();
        let mut lookup = node.swarm().resolve(self.account, &[]);
        let found = tokio::time::timeout(LIMIT, lookup.next()).await?;
        Ok(found.map(|_| begin.elapsed()))
    }

    /// Fetches the feed once; gives its bytes.
    async fn fetch(&self, node: &Node) -> Result<usize> {
        let mut session = node.open(Some(self.account), &[]);
        let (mut open, mut bytes) = (0, 0);
        let mut waiting = self.wants.iter().copied().map(Want::block);
        loop {
            if open < OPEN / 2 {
                let next: Vec<Want> = waiting.by_ref().take(OPEN - open).collect();
                open += next.len();
                session.want(next);
            }
            if open == 0 {
                return Ok(bytes);
            }
            match tokio::time::timeout(LIMIT, session.next()).await? {
                Arrival::Block(block) => bytes += block.bytes().len(),
                Arrival::Missing(cid) => anyhow::bail!("{cid} is missing"),
            }
            open -= 1;
        }
    }

    /// Megabytes a second, and milliseconds for the newest record.
    async fn round(&self, node: &Node) -> Result<(f64, f64)> {
        let (begin, mut bytes, mut asked) = (Instant::now(), 0, Vec::new());
        while begin.elapsed() < ROUND {
            bytes += self.fetch(node).await?;
            let took = self.ask(node).await?.context("no record")?;
            asked.push(took.as_secs_f64() * 1e3);
        }
        Ok((
            bytes as f64 / 1e6 / begin.elapsed().as_secs_f64(),
            median(asked),
        ))
    }
}

async fn measure(running: &Running, peer: &Peer, address: &str) -> Result<()> {
    let node = peer.start().await?;
    peer.round(&node).await?;
    println!("{TABLE}");
    for kind in hostile::KINDS {
        let (mut kept, mut waits, mut costs) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let nothing = Flood::start(hostile::NOTHING, address, peer.account)?;
            let (alone, _) = peer.round(&node).await?;
            drop(nothing);
            let flood = Flood::start(kind, address, peer.account)?;
            tokio::time::sleep(SWELL).await;
            let (begin, before) = (Instant::now(), running.cpu()?);
            tokio::time::sleep(ROUND).await;
            let cpu = running.cpu()? - before;
            costs.push(cpu / begin.elapsed().as_secs_f64() * 100.0);
            let (beside, waited) = peer.round(&node).await?;
            drop(flood);
            kept.push(beside / alone * 100.0);
            waits.push(waited);
        }
        report(kind, kept, waits, costs);
    }
    counted(running)
}

fn report(kind: &str, kept: Vec<f64>, waits: Vec<f64>, costs: Vec<f64>) {
    let say = |what: &str, figure: f64, unit: &str, goal| {
        line(&format!("{kind}: {what}"), figure, unit, goal);
    };
    let least = Some(Goal::AtLeast(90.0));
    say("speed that honest work keeps", median(kept), "%", least);
    say("the newest record", median(waits), "ms", None);
    // The same without the noise of two cores that share a cache and more.
    let most = Some(Goal::AtMost(10.0));
    say("of a core, for the flood alone", median(costs), "%", most);
}

/// What the program has counted of it.
fn counted(running: &Running) -> Result<()> {
    let network = running.network()?;
    for (name, count) in network["counts"].as_object().into_iter().flatten() {
        println!("{name}: {count}");
    }
    Ok(())
}

/// A flood; it ends with the value.
struct Flood(Child);

impl Flood {
    fn start(kind: &str, address: &str, account: Account) -> Result<Self> {
        let mut own = Command::new(env::current_exe()?);
        own.args(["--flood", kind, address, &account.to_string()])
            .stdin(Stdio::null());
        Ok(Self(own.spawn()?))
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        if self.0.kill().is_ok() {
            drop(self.0.wait());
        }
    }
}
