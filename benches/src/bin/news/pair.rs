//! An author and a follower on two hosts, each with all that the program runs: from the call
//! of `publish` to the post in the follower's store, and the bytes that went over the link.

use std::{
    env,
    io::Write,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail};
use ourspace_bench::{Goal, line, median, orders, place};
use ourspace_node::{
    Home,
    follows::{Wish, follow},
    mirror::Served,
    network::{Happened, Input, Parts, Runtime},
    publish::publish,
};
use ourspace_p2p::{Config, Event, Ipfs, Node, Switches, Task};
use ourspace_protocol::{
    account::Account,
    feed::set::Changes,
    hash::sha256,
    seams::{BoxFuture, Web, WebAnswer, WebAsk, WebError},
    time::Millis,
};
use ourspace_store::NetworkStore;
use ourspace_testkit::{
    lab::{Host, Lab, Nat, Weather},
    peers::IpfsNode,
};
use serde_json::{Value, json};
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;

const DELAY: Duration = Duration::from_millis(50);
/// Posts that are measured, and those before them.
const POSTS: usize = 20;
const BEFORE: usize = 3;
/// So long is counted after a post.
const TURN: Duration = Duration::from_millis(2500);
/// So long a post may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Microseconds on the clock that both programs see.
fn micros() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64() * 1e6)
}

fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as Millis)
}

/// Nobody here follows anything on the ordinary web.
struct NoWeb;

impl Web for NoWeb {
    fn fetch<'a>(
        &'a self,
        _: WebAsk<'a>,
        _: &'a mut (dyn Write + Send),
    ) -> BoxFuture<'a, Result<WebAnswer, WebError>> {
        let text = "this node asks no web hosts".to_owned();
        Box::pin(async { Err(WebError { text, wait: None }) })
    }
}

/// When feeds have changed here, in microseconds.
type Changed = Arc<Mutex<Vec<(Account, f64)>>>;

/// A place that runs.
struct Place {
    home: Arc<Home>,
    node: Node,
    inputs: mpsc::Sender<Input>,
    changed: Changed,
    posts: place::Posts,
}

async fn start(folder: &Path, name: &str, host: &str) -> Result<(Place, String)> {
    let (made, _) = place::make_as(folder, name, now())?;
    drop(made);
    let home = Arc::new(Home::open_resident(folder)?);
    let memory = Arc::new(NetworkStore::open(folder)?);
    let (node, events, task) = Task::new(&Config {
        listen: vec![
            format!("/ip4/{host}/tcp/0"),
            format!("/ip4/{host}/udp/0/quic-v1"),
        ],
        blocks: Arc::new(Served::new(Arc::clone(&home))?),
        shelf: Some(memory),
        switches: Switches {
            relay: true,
            ipfs: Ipfs::Lan,
            ..Switches::OFF
        },
        ..Config::alone(sha256(name.as_bytes()), Arc::new(now))
    })?;
    let parts = Parts {
        home: Arc::clone(&home),
        push: Arc::new(node.clone()),
        transports: vec![Arc::new(node.clone())],
        ways: vec![Arc::new(node.swarm()), Arc::new(node.dht())],
        web: Arc::new(NoWeb),
        clock: Arc::new(now),
    };
    let (runtime, inputs, happened) = Runtime::new(parts)?;
    let changed = Changed::default();
    tokio::spawn(note(happened.subscribe(), Arc::clone(&changed)));
    tokio::spawn(task.run(CancellationToken::new()));
    tokio::spawn(pass_on(events, inputs.clone()));
    tokio::spawn(runtime.run(CancellationToken::new()));
    let address = loop {
        let listen = node.status().await?.listen;
        if listen.len() >= 2
            && let Some(quic) = listen.iter().find(|one| one.contains("quic"))
        {
            break quic.clone();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let posts = place::Posts::new()?;
    let place = Place {
        home,
        node,
        inputs,
        changed,
        posts,
    };
    Ok((place, address))
}

async fn pass_on(mut events: mpsc::Receiver<Event>, inputs: mpsc::Sender<Input>) {
    while let Some(event) = events.recv().await {
        if let Event::News { news, .. } = event
            && inputs.send(Input::News(news)).await.is_err()
        {
            return;
        }
    }
}

async fn note(mut happened: broadcast::Receiver<Happened>, changed: Changed) {
    while let Ok(happened) = happened.recv().await {
        if let Happened::Feed(account) = happened {
            let mut changed = changed.lock().unwrap_or_else(PoisonError::into_inner);
            changed.push((account, micros()));
        }
    }
}

impl Place {
    async fn obey(&mut self, order: &Value) -> Result<Value> {
        let text = |name: &str| order[name].as_str().context("an order without a word");
        match text("do")? {
            "follow" => {
                follow(
                    &self.home,
                    now(),
                    text("account")?.parse()?,
                    Wish::default(),
                )?;
                self.inputs.send(Input::Changed).await?;
                self.node.dial(text("address")?.to_owned()).await?;
                Ok(json!({}))
            }
            "post" => {
                let changes = Changes {
                    items: vec![self.posts.next_post()],
                    ..Changes::default()
                };
                let begin = micros();
                let published = publish(&self.home, now(), |_| Ok(changes))?;
                let returned = micros();
                self.inputs.send(Input::Changed).await?;
                let root = published.root.to_string();
                Ok(json!({ "begin": begin, "returned": returned, "root": root }))
            }
            "seen" => self.seen(text("account")?.parse()?, text("root")?).await,
            _ => Ok(json!({ "account": self.home.account()?.to_string() })),
        }
    }

    /// Waits until the newest tree of an account is here; since when it is.
    async fn seen(&self, account: Account, root: &str) -> Result<Value> {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            let here = self.home.store().read()?.root(account)?;
            if here.is_some_and(|here| here.cid.to_string() == root) {
                let changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
                let mut last = changed.iter().rev();
                if let Some((_, at)) = last.find(|(whose, _)| *whose == account) {
                    return Ok(json!({ "at": at }));
                }
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        bail!("the post does not come")
    }
}

/// `--place HOST NAME FOLDER`.
pub(crate) fn run(host: &str, name: &str, folder: &str) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let (mut place, address) = runtime.block_on(start(Path::new(folder), name, host))?;
    let first = json!({ "address": address, "id": name });
    orders::obey(&first, |order| runtime.block_on(place.obey(order)))
}

fn program(host: &Host, name: &str) -> Result<IpfsNode> {
    let mut command = host.command(env::current_exe()?);
    command.args(["--place", &host.address().to_string(), name]);
    IpfsNode::other(command)
}

fn number(told: &Value, name: &str) -> f64 {
    told[name].as_f64().unwrap_or(f64::NAN)
}

/// Measures, and says it.
pub(crate) fn measure() -> Result<()> {
    let mut lab = Lab::new(Weather {
        delay: DELAY,
        ..Weather::FINE
    })?;
    let (one, other) = (lab.host(Nat::Open)?, lab.host(Nat::Open)?);
    let pinged = one.ping(&other, 20)?;
    line(
        "the link, by ping, mean",
        pinged.mean,
        "ms there and back",
        None,
    );
    let (mut author, mut follower) = (program(&one, "author")?, program(&other, "follower")?);
    let account = author.order(&json!({ "do": "who" }))?["account"].clone();
    let address = author.address.clone();
    follower.order(&json!({ "do": "follow", "account": account, "address": address }))?;
    let (mut returned, mut seen) = (Vec::new(), Vec::new());
    let mut post = |n: usize| -> Result<()> {
        let told = author.order(&json!({ "do": "post" }))?;
        let root = told["root"].clone();
        let here = follower.order(&json!({ "do": "seen", "account": account, "root": root }))?;
        if n >= BEFORE {
            let begin = number(&told, "begin");
            returned.push((number(&told, "returned") - begin) / 1e3);
            seen.push((number(&here, "at") - begin) / 1e3);
        }
        Ok(())
    };
    for n in 0..BEFORE {
        post(n)?;
        thread::sleep(TURN);
    }
    // What only the first minutes bring has come.
    thread::sleep(Duration::from_secs(20));
    let turns = u32::try_from(POSTS)?;
    let begin = lab.traffic().bytes;
    thread::sleep(TURN * turns / 2);
    let idle = lab.traffic().bytes - begin;
    let begin = lab.traffic().bytes;
    let clock = Instant::now();
    for n in 0..POSTS {
        post(BEFORE + n)?;
        let due = TURN * u32::try_from(n + 1)?;
        thread::sleep(due.saturating_sub(clock.elapsed()));
    }
    let busy = lab.traffic().bytes - begin;
    let begin = lab.traffic().bytes;
    thread::sleep(TURN * turns / 2);
    let idle = idle + lab.traffic().bytes - begin;
    say(returned, seen, (busy as f64, idle as f64));
    Ok(())
}

fn say(returned: Vec<f64>, seen: Vec<f64>, (busy, idle): (f64, f64)) {
    let posts = POSTS as f64;
    line("publish returns, median", median(returned), "ms", None);
    let most = seen.iter().copied().fold(0.0, f64::max);
    line(
        "a post is in the follower's store, median",
        median(seen),
        "ms",
        Some(Goal::AtMost(95.0)),
    );
    line("the slowest", most, "ms", None);
    line(
        "IP bytes of the idle time of a post",
        idle / posts,
        "",
        None,
    );
    let cost = (busy - idle) / posts;
    line(
        "IP bytes of a post, both directions, without these",
        cost,
        "",
        Some(Goal::AtMost(2048.0)),
    );
}
