//! Real nodes in this process, over memory with a delay: what the model is held against.

mod net;

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use ourspace_p2p::Node;
use ourspace_protocol::{
    account::Account,
    seams::{Push as _, Resolver as _},
};
use tokio::task::JoinSet;

pub use self::net::{Net, mean, total};
use crate::{accounts::Accounts, figures::Values};

/// Lookups, each of another account by another node.
const LOOKUPS: usize = 60;
/// Those of them that go on at once.
const TOGETHER: usize = 6;
/// Pieces of news; the first ones make the tree.
const PIECES: u64 = 12;

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

/// Runs so many nodes, and measures lookups and news.
///
/// # Errors
/// When a node does not start or stops.
pub async fn measure(nodes: usize, delay: Duration) -> Result<Measured> {
    let mut net = Net::start(nodes, delay).await?;
    let told = net.rest().await?;
    let mut measured = Measured {
        degree: mean(&told, |one| one.peers.len()),
        routing: mean(&told, |one| one.routing),
        dial: net.dial().await?,
        ..Measured::default()
    };
    lookups(&net, &mut measured).await?;
    news(&mut net, &mut measured).await?;
    net.stop().await;
    Ok(measured)
}

/// Authors put rows; nodes that have nothing to do with them look for these, some at a time.
async fn lookups(net: &Net, measured: &mut Measured) -> Result<()> {
    let accounts = Accounts::new(LOOKUPS + 1);
    let signed = net::now();
    for author in 1..=LOOKUPS {
        let node = net.node(author * 7);
        let account = accounts.authors[author].account;
        node.join(account, accounts.heads(author, signed)?, true)
            .await;
        let stored = node.put(account).await?;
        ensure!(stored.holders > 0, "a row was put nowhere");
        node.leave(account).await;
    }
    // Nothing else is under way.
    tokio::time::sleep(Duration::from_secs(8)).await;
    let before = net.status().await?;
    let mut looking = JoinSet::new();
    for author in 1..=LOOKUPS {
        let reader = net.node(author * 7 + net.len() / 2 + 1).clone();
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
    let after = net.status().await?;
    let [lookups, questions] =
        ["queries", "queries_requests"].map(|what| total(&after, what) - total(&before, what));
    measured.questions = questions as f64 / lookups.max(1) as f64;
    Ok(())
}

/// Looks for an account until there is no more to be heard; when the first record came.
async fn look(reader: Node, account: Account) -> Option<Duration> {
    let begin = Instant::now();
    let mut lookup = reader.dht().resolve(account, &[]);
    let mut first = None;
    while let Ok(Some(_)) = tokio::time::timeout(net::PATIENCE, lookup.next()).await {
        first.get_or_insert(begin.elapsed());
    }
    first
}

/// All follow one account; its author publishes some times.
async fn news(net: &mut Net, measured: &mut Measured) -> Result<()> {
    let accounts = Accounts::new(1);
    net.follow(accounts.authors[0].account).await;
    for piece in 0..PIECES {
        let before = net.status().await?;
        let after = net.spread(accounts.news(0, net::now())?).await?;
        // Word of it goes on for a moment.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let told = net.status().await?;
        if piece + 1 == PIECES {
            measured.reached = after.len();
            measured.after = after.into_iter().collect();
            measured.copies = total(&told, "news_received") - total(&before, "news_received");
            let bytes = total(&told, "bytes_talked") - total(&before, "bytes_talked");
            measured.bytes = bytes as f64 / net.len() as f64;
        }
    }
    Ok(())
}
