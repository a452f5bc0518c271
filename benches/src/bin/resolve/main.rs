//! How long it takes to find somebody's newest record in a DHT, and to put one there: ours
//! (k = 8, 50 nodes) and IPNS (Helia, through stock Kubo 0.22 nodes), in the same run, over
//! loopback and over a link of 50 ms one way.
//!
//! Over the link, the DHT stands on one host and whoever puts or asks on another. Whoever has
//! put the records is gone before they are looked for. Our asking node keeps few connections
//! there, so that it has to dial while it looks.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

mod ipns;
mod node;

use std::{
    env,
    net::Ipv4Addr,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use ourspace_bench::{Goal, TABLE, line, median, place, share};
use ourspace_node::publish::publish;
use ourspace_protocol::feed::set::Changes;
use ourspace_testkit::{
    lab::{Host, Lab, Nat, Weather},
    peers::IpfsNode,
};
use serde_json::{Value, json};

/// Nodes of our DHT.
const NODES: usize = 50;
/// Records that are put and looked for.
const RECORDS: u64 = 40;
/// So long a node is there before it asks.
const SETTLED: Duration = Duration::from_secs(31);
/// So long is waited for the nodes of ours to come to rest: in their first minutes they look
/// around.
const REST: Duration = Duration::from_secs(300);
/// Connections that a node of ours keeps, and where it shall have to dial for its questions.
const MANY: u32 = 150;
const FEW: u32 = 12;
const DELAY: Duration = Duration::from_millis(50);
const POSTS: usize = 60;

/// Where the DHT stands, and where those who ask it.
enum Layout {
    Loopback,
    Link(Box<Link>),
}

/// Two hosts and what is between them.
struct Link {
    lab: Lab,
    far: Host,
    near: Host,
}

impl Layout {
    fn link() -> Result<Self> {
        let mut lab = Lab::new(Weather {
            delay: DELAY,
            ..Weather::FINE
        })?;
        let (far, near) = (lab.host(Nat::Open)?, lab.host(Nat::Open)?);
        Ok(Self::Link(Box::new(Link { lab, far, near })))
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::Link(_) => "50 ms one way",
        }
    }

    /// Connections of a node.
    fn keeps(&self) -> u32 {
        match self {
            Self::Loopback => MANY,
            Self::Link(_) => FEW,
        }
    }

    fn far(&self) -> Option<&Host> {
        match self {
            Self::Loopback => None,
            Self::Link(link) => Some(&link.far),
        }
    }

    fn near(&self) -> Option<&Host> {
        match self {
            Self::Loopback => None,
            Self::Link(link) => Some(&link.near),
        }
    }
}

/// A program of ours on a host, or on this machine itself.
fn ours(host: Option<&Host>, flag: &str, rest: &[&str]) -> Result<IpfsNode> {
    let own = env::current_exe()?;
    let address = host.map_or(Ipv4Addr::LOCALHOST, Host::address);
    let mut command = host.map_or_else(|| Command::new(&own), |host| host.command(&own));
    command.arg(flag).arg(address.to_string()).args(rest);
    IpfsNode::other(command)
}

/// What was measured of one of the two.
#[derive(Debug, Default)]
struct Measured {
    put: Vec<f64>,
    found: Vec<f64>,
    lost: usize,
    /// Answers that came from a node that was dialled for the question.
    fresh: usize,
    /// Connections before each question.
    connections: Vec<f64>,
}

fn number(told: &Value, name: &str) -> f64 {
    told[name].as_f64().unwrap_or(f64::NAN)
}

fn connections(node: &mut IpfsNode) -> Result<f64> {
    Ok(number(
        &node.order(&json!({ "do": "connections" }))?,
        "connections",
    ))
}

/// The known nodes of a DHT of ours, which is at rest.
fn net(layout: &Layout) -> Result<(IpfsNode, Value)> {
    let (nodes, keeps) = (NODES.to_string(), layout.keeps().to_string());
    let mut net = ours(layout.far(), "--net", &[&nodes, &keeps])?;
    let (begin, mut before) = (Instant::now(), 0.0);
    loop {
        thread::sleep(Duration::from_secs(5));
        let now = connections(&mut net)?;
        // Each has learnt how dense the network is, and hung up on whom it met for that.
        let few = now <= f64::from(layout.keeps()) * 1.25;
        if few && now <= before * 1.02 && begin.elapsed() > SETTLED {
            break;
        }
        before = now;
        if begin.elapsed() > REST {
            println!("the nodes come to no rest: {now:.0} connections each");
            break;
        }
    }
    let known = net.order(&json!({ "do": "known" }))?["known"].clone();
    Ok((net, known))
}

fn measure_ours(layout: &Layout) -> Result<Measured> {
    let mut measured = Measured::default();
    let (mut net, known) = net(layout)?;
    let known = known.to_string();
    let mut author = ours(layout.near(), "--one", &["author", "150", &known])?;
    thread::sleep(SETTLED);
    for author_number in 0..RECORDS {
        let told = author.order(&json!({ "do": "put", "author": author_number }))?;
        measured.put.push(number(&told, "ms"));
    }
    drop(author);
    let keeps = layout.keeps().to_string();
    let mut asker = ours(layout.near(), "--one", &["asker", &keeps, &known])?;
    thread::sleep(SETTLED);
    for author in 0..RECORDS {
        match asker.order(&json!({ "do": "resolve", "author": author })) {
            Ok(told) => {
                measured.found.push(number(&told, "ms"));
                measured.connections.push(number(&told, "before"));
                measured.fresh += usize::from(told["fresh"] == true);
            }
            Err(error) => {
                println!("lost: {error:#}");
                measured.lost += 1;
            }
        }
    }
    println!(
        "{}: {NODES} nodes of ours with {:.0} connections each",
        layout.name(),
        connections(&mut net)?
    );
    Ok(measured)
}

fn report(layout: &Layout, ours: &Measured, ipns: &Measured) {
    let name = layout.name();
    let say = |what: &str, figure: f64, unit: &str, goal| {
        line(&format!("{name}: {what}"), figure, unit, goal);
    };
    let middle = |values: &[f64]| median(values.to_vec());
    let p95 = |values: &[f64]| share(values.to_vec(), 0.95);
    let (goal, late) = match layout {
        Layout::Loopback => (Goal::AtMost(5.0), None),
        Layout::Link(_) => (Goal::AtMost(250.0), Some(Goal::AtMost(600.0))),
    };
    say(
        "first valid record, median",
        middle(&ours.found),
        "ms",
        Some(goal),
    );
    say("first valid record, 95 %", p95(&ours.found), "ms", late);
    say("lookups without an answer", ours.lost as f64, "", None);
    let fresh = ours.fresh as f64 / ours.found.len() as f64 * 100.0;
    say(
        "answers of nodes dialled for the question",
        fresh,
        "%",
        None,
    );
    say("connections before it", middle(&ours.connections), "", None);
    say("IPNS, first value, median", middle(&ipns.found), "ms", None);
    say("IPNS, first value, 95 %", p95(&ipns.found), "ms", None);
    say("IPNS, without an answer", ipns.lost as f64, "", None);
    say(
        "IPNS, connections before it",
        middle(&ipns.connections),
        "",
        None,
    );
    let ratio = middle(&ours.found) / middle(&ipns.found);
    say("of IPNS", ratio, "", Some(Goal::AtMost(0.2)));
    say("in the DHT, median", middle(&ours.put), "ms", None);
    say("IPNS publish, median", middle(&ipns.put), "ms", None);
    let ratio = middle(&ours.put) / middle(&ipns.put);
    say(
        "in the DHT, of IPNS publish",
        ratio,
        "",
        Some(Goal::AtMost(0.2)),
    );
}

/// How long `publish` takes until the post is durable.
fn publishing() -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let (home, _) = place::make(folder.path())?;
    let mut posts = place::Posts::new()?;
    let mut times = Vec::new();
    for _ in 0..POSTS {
        let changes = Changes {
            items: vec![posts.next_post()],
            ..Changes::default()
        };
        let begin = Instant::now();
        publish(&home, place::NOW, |_| Ok(changes))?;
        times.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    Ok(median(times))
}

fn scenario(layout: &Layout) -> Result<()> {
    if let Layout::Link(link) = layout {
        let pinged = link.near.ping(&link.far, 20)?;
        println!(
            "the link, by ping: {:.1} ms there and back at least, {:.1} in the mean",
            pinged.least, pinged.mean
        );
    }
    let ours = measure_ours(layout).context("ours")?;
    let kubo = ipns::Network::start(layout)?;
    let ipns = kubo.measure(layout).context("IPNS")?;
    report(layout, &ours, &ipns);
    if let Layout::Link(link) = layout {
        let lost = link.lab.traffic().lost;
        println!("{lost} packets were lost");
    }
    Ok(())
}

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["--net", host, nodes, connections, ..] => {
            node::net(host, nodes.parse()?, connections.parse()?)
        }
        ["--one", host, name, connections, peers, ..] => {
            node::one(host, name, connections.parse()?, peers)
        }
        ["loopback"] => scenario(&Layout::Loopback),
        ["link"] => scenario(&Layout::link()?),
        [] => {
            println!("{TABLE}");
            let returns = publishing()?;
            line(
                "publish returns, durable, median",
                returns,
                "ms",
                Some(Goal::AtMost(10.0)),
            );
            scenario(&Layout::Loopback)?;
            scenario(&Layout::link()?)
        }
        _ => bail!("either nothing, or `loopback`, or `link`"),
    }
}
