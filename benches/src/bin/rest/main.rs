//! What a home of 500 follows costs: at rest, and after others have published while it was
//! away.
//!
//! The program runs as people run it, on a host of a small internet of its own. The authors live
//! on 49 other nodes (the same code, several accounts each, in one process on another host), so
//! every byte between the two hosts is the program's: it is counted on the link, with IP headers.
//! Nobody but its author and the program follows an account, so that the program has to look
//! after each. Needs root, as the lab does.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

mod feeds;
mod net;

use std::{
    collections::BTreeSet,
    env,
    path::Path,
    thread,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, Result, ensure};
use ourspace_bench::{
    Goal, TABLE, line,
    place::make_at,
    program::{self, Running},
};
use ourspace_node::{Home, follows::reconcile, publish::publish};
use ourspace_protocol::{
    feed::{
        model::{Follow, Followee, Stamped},
        set::Changes,
    },
    time::Millis,
};
use ourspace_testkit::{
    lab::{Host, Lab, Nat, Weather},
    peers::Lines,
};
use serde_json::{Value, json};

/// Nodes beside the program.
const NODES: usize = 49;
/// Whom the program follows.
const AUTHORS: usize = 500;
/// Posts of each in the beginning, and those that come.
const POSTS: usize = 20;
/// After the first fetch the program is left alone for so long: in its first minutes a node
/// learns how dense the network is, which it does once an hour afterwards.
const SETTLING: Duration = Duration::from_secs(240);
/// Then it is measured for so long.
const REST: Duration = Duration::from_secs(300);
/// Nothing takes longer.
const LIMIT: Duration = Duration::from_secs(180);

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().collect();
    if let [_, flag, host] = &arguments[..]
        && flag == "--net"
    {
        return net::run(host);
    }
    let program = program::build()?;
    let folder = tempfile::tempdir()?;
    let home = folder.path().join("home");
    make_home(&home)?;
    let mut lab = Lab::new(Weather::FINE)?;
    let (own, others) = (lab.host(Nat::Open)?, lab.host(Nat::Open)?);
    let mut net = start_net(&others)?;
    let told = net.next(LIMIT)?;
    let known = told["address"].as_str().context("no address")?;
    let running = start(&program, &home, &own, known)?;
    println!("{TABLE}");
    first_fetch(&lab, &running, &home)?;
    at_rest(&lab, &running)?;
    running.stop()?;
    let published = net.order(&json!({ "do": "publish" }), LIMIT)?;
    let running = start(&program, &home, &own, known)?;
    catch_up(&lab, &running, &home, (&published, &told))?;
    running.stop()
}

fn make_home(folder: &Path) -> Result<()> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let now = Millis::try_from(since.as_millis())?;
    let (home, _) = make_at(folder, now - 1_000)?;
    let follows = (0..AUTHORS).map(|author| {
        let value = Follow {
            following: true,
            title: None,
        };
        let written = now;
        let who = Followee::Account(feeds::account(author));
        (who, Stamped { value, written })
    });
    let changes = Changes {
        follows: follows.collect(),
        ..Changes::default()
    };
    publish(&home, now, |_| Ok(changes))?;
    ensure!(reconcile(&home)?, "nobody is followed");
    Ok(())
}

fn start(program: &Path, home: &Path, host: &Host, known: &str) -> Result<Running> {
    let alone = ["--no-mdns", "--no-upnp", "--no-rendezvous"];
    let more = [&["--node-port", "4011", "--peer", known], &alone[..]].concat();
    Running::start(host.command(program), home, &more)
}

fn start_net(host: &Host) -> Result<Lines> {
    let mut own = host.command(env::current_exe()?);
    own.arg("--net").arg(host.address().to_string());
    Lines::start(own)
}

/// The newest roots of all followed feeds that are here.
fn roots(home: &Home) -> Result<BTreeSet<String>> {
    let reader = home.store().read()?;
    let mut roots = BTreeSet::new();
    for author in 0..AUTHORS {
        let root = reader.root(feeds::account(author))?;
        roots.extend(root.map(|root| root.cid.to_string()));
    }
    Ok(roots)
}

/// Waits until something is so of the roots that are here.
fn until(home: &Path, what: &str, holds: impl Fn(&BTreeSet<String>) -> bool) -> Result<()> {
    let home = Home::open_reader(home)?;
    let begin = Instant::now();
    while !holds(&roots(&home)?) {
        let here = roots(&home)?.len();
        ensure!(
            begin.elapsed() < LIMIT,
            "{what} did not come about ({here} feeds are here)"
        );
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn first_fetch(lab: &Lab, running: &Running, home: &Path) -> Result<()> {
    let fetched = until(home, "the first fetch", |roots| roots.len() == AUTHORS);
    fetched.with_context(|| format!("{:#}", running.network().unwrap_or_default()["counts"]))?;
    let took = running.began.elapsed().as_secs_f64();
    let what = "first fetch of 500 feeds of 20 posts";
    line(what, running.cpu()?, "s CPU", None);
    line(what, took, "s wall", None);
    line(what, lab.traffic().bytes as f64 / 1e6, "MB", None);
    Ok(())
}

fn at_rest(lab: &Lab, running: &Running) -> Result<()> {
    thread::sleep(SETTLING);
    let before = (
        Instant::now(),
        running.cpu()?,
        lab.traffic(),
        running.network()?,
    );
    thread::sleep(REST);
    let (cpu, traffic) = (running.cpu()?, lab.traffic());
    let took = before.0.elapsed().as_secs_f64();
    let network = running.network()?;
    let peers = network["peers"].as_array().map_or(0, Vec::len);
    let bytes = (traffic.bytes - before.2.bytes) as f64;
    let packets = (traffic.carried - before.2.carried) as f64;
    let share = 100.0 * (cpu - before.1) / took;
    let (resident, anonymous, most) = running.memory()?;
    let rest = |what: &str, figure: f64, unit: &str, goal: Option<Goal>| {
        line(&format!("at rest: {what}"), figure, unit, goal);
    };
    rest("nodes connected", peers as f64, "", None);
    rest("of a core", share, "%", Some(Goal::AtMost(1.0)));
    rest("memory", resident / 1e6, "MB", Some(Goal::AtMost(100.0)));
    rest("of it anonymous", anonymous / 1e6, "MB", None);
    rest("memory, at most until then", most / 1e6, "MB", None);
    let goal = Some(Goal::AtMost(2_000.0));
    rest("IP bytes in and out", bytes / took, "B/s", goal);
    rest("packets", packets / took, "a second", None);
    counted(&before.3, &network);
    Ok(())
}

/// What the program itself has counted meanwhile.
fn counted(before: &Value, after: &Value) {
    let empty = serde_json::Map::new();
    let counts = after["counts"].as_object().unwrap_or(&empty);
    for (name, count) in counts {
        let was = before["counts"][name].as_u64().unwrap_or(0);
        let more = count.as_u64().unwrap_or(0).saturating_sub(was);
        if more > 0 {
            line(&format!("counted: {name}"), more as f64, "", None);
        }
    }
}

fn catch_up(
    lab: &Lab,
    running: &Running,
    home: &Path,
    (published, told): (&Value, &Value),
) -> Result<()> {
    let before = lab.traffic().bytes;
    let new = published["roots"].as_array().context("no roots")?;
    let new: BTreeSet<String> = new
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    ensure!(new.len() == AUTHORS, "{} feeds were published", new.len());
    until(home, "catching up", |roots| *roots == new)?;
    let (cpu, took) = (running.cpu()?, running.began.elapsed().as_secs_f64());
    let bytes = (lab.traffic().bytes - before) as f64;
    let blocks = told["bytes"][1].as_f64().context("no size")?;
    let reader = Home::open_reader(home)?;
    let own = reader.account()?;
    let all = reader.store().read()?.home_timeline(own, None, 1_000_000)?;
    let expected = AUTHORS * POSTS * 2;
    ensure!(
        all.hits.len() == expected,
        "{} posts are here",
        all.hits.len()
    );
    let what = "catching up 500 follows with 20 new posts each";
    line(what, cpu, "s CPU", Some(Goal::AtMost(5.0)));
    line(what, took, "s wall", None);
    line("the new blocks", blocks / 1e6, "MB", None);
    line(
        "IP bytes for each byte of them",
        bytes / blocks,
        "",
        Some(Goal::AtMost(1.2)),
    );
    counted(&Value::Null, &running.network()?);
    let (_, _, most) = running.memory()?;
    line(
        "memory, at most",
        most / 1e6,
        "MB",
        Some(Goal::AtMost(100.0)),
    );
    Ok(())
}
