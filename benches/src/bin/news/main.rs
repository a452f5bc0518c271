//! How news spreads: from an author to a follower over a link of 50 ms one way, and in a swarm
//! of 200 real nodes, beside libp2p's gossipsub with as many nodes over the same transport.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

mod gossip;
mod ours;
mod pair;

use std::{
    env,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Result, bail};
use ourspace_bench::{Goal, TABLE, line, median, place, share};
use ourspace_node::publish::publish;
use ourspace_protocol::{announcement::Announcement, feed::set::Changes, time::Millis};
use tokio::runtime::Runtime;

/// Nodes of the swarm.
const NODES: usize = 200;
/// One way, between any two of them.
const DELAY: Duration = Duration::from_millis(50);
/// Pieces of news; the first ones make the tree, and these last ones are measured.
const PIECES: usize = 12;
const MEASURED: usize = 7;
/// So long word of a piece goes on, and so long idle bytes are counted.
const WORD: Duration = Duration::from_secs(3);
/// So long a piece may take to reach everybody.
const PATIENCE: Duration = Duration::from_secs(20);

/// How a piece of news has spread.
#[derive(Debug, Default)]
struct Spread {
    /// Milliseconds until each had it.
    after: Vec<f64>,
    /// Copies of it that each received.
    copies: f64,
    /// Bytes that each received for it, encrypted, without the idle ones.
    bytes: f64,
    /// Bytes that each received in as long a silence.
    idle: f64,
    /// Connections of each.
    links: f64,
}

impl Spread {
    /// The middle of the last pieces; the times of all of these.
    fn of(pieces: &[Self]) -> Self {
        let last = &pieces[pieces.len().saturating_sub(MEASURED)..];
        let middle = |of: fn(&Self) -> f64| median(last.iter().map(of).collect());
        Self {
            after: last.iter().flat_map(|one| one.after.clone()).collect(),
            copies: middle(|one| one.copies),
            bytes: middle(|one| one.bytes),
            idle: middle(|one| one.idle),
            links: middle(|one| one.links),
        }
    }
}

fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as Millis)
}

/// Announcements of an account's posts, one after the other.
fn announcements() -> Result<Vec<Arc<Announcement>>> {
    let folder = tempfile::tempdir()?;
    let (home, _) = place::make_as(folder.path(), "author", now())?;
    let mut posts = place::Posts::new()?;
    for _ in 0..PIECES {
        let changes = Changes {
            items: vec![posts.next_post()],
            ..Changes::default()
        };
        publish(&home, now(), |_| Ok(changes))?;
    }
    let outbox = home.store().read()?.outbox(PIECES + 1)?;
    // The first one came with the account.
    let posts = outbox.into_iter().skip(1);
    let news = posts.map(|one| Ok(Arc::new(Announcement::of(one.record, one.delta)?)));
    news.collect()
}

fn say(name: &str, spread: &Spread, goal: Option<Goal>) {
    let say = |what: &str, figure: f64, unit: &str, goal| {
        line(&format!("{name}: {what}"), figure, unit, goal);
    };
    say("connections of each", spread.links, "", None);
    let reached = spread.after.len() as f64 / MEASURED as f64;
    say("reached by a piece", reached, "", None);
    say("50 % after", share(spread.after.clone(), 0.5), "ms", None);
    say("99 % after", share(spread.after.clone(), 0.99), "ms", goal);
    say("copies for each", spread.copies, "", None);
    say("bytes for each, encrypted", spread.bytes, "", None);
    say("bytes of as long a silence", spread.idle, "", None);
}

fn swarm(nodes: usize) -> Result<()> {
    let news = announcements()?;
    let size = news.iter().map(|news| news.size()).sum::<usize>() / news.len();
    println!("{nodes} nodes; record and delta have {size} bytes in the mean");
    let runtime = Runtime::new()?;
    let spread = runtime.block_on(ours::measure(nodes, &news))?;
    say("ours", &spread, Some(Goal::AtMost(500.0)));
    let spread = runtime.block_on(gossip::measure(nodes, 20, &news))?;
    say("gossipsub", &spread, None);
    Ok(())
}

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["--place", host, name, folder] => return pair::run(host, name, folder),
        [] | ["pair"] | ["swarm", _] => println!("{TABLE}"),
        _ => bail!("either nothing, or `pair`, or `swarm NODES`"),
    }
    match words[..] {
        ["swarm", nodes] => swarm(nodes.parse()?),
        ["pair"] => pair::measure(),
        _ => {
            pair::measure()?;
            swarm(NODES)
        }
    }
}
