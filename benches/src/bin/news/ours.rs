//! A swarm of real nodes of ours in this process.

use std::{sync::Arc, time::Instant};

use anyhow::{Context as _, Result};
use ourspace_p2p::Status;
use ourspace_protocol::announcement::Announcement;
use ourspace_sim::real::{Net, mean, total};

use super::{DELAY, Spread, WORD};

/// Spreads all the news.
pub(crate) async fn measure(nodes: usize, all: &[Arc<Announcement>]) -> Result<Spread> {
    let first = all.first().context("no news")?;
    let mut net = Net::start(nodes, DELAY).await?;
    let links = mean(&net.rest().await?, |one| one.peers.len());
    net.follow(first.record().record().account).await;
    let mut pieces = Vec::new();
    for news in all {
        pieces.push(piece(&mut net, Arc::clone(news)).await?);
    }
    net.stop().await;
    Ok(Spread {
        links,
        ..Spread::of(&pieces)
    })
}

/// Spreads one piece, after as long a silence.
async fn piece(net: &mut Net, news: Arc<Announcement>) -> Result<Spread> {
    let idle = net.status().await?;
    tokio::time::sleep(WORD).await;
    let before = net.status().await?;
    let begin = Instant::now();
    let after = net.spread(news).await?;
    // Word of it goes on for a moment; idle bytes were counted for as long.
    tokio::time::sleep(WORD.saturating_sub(begin.elapsed())).await;
    let told = net.status().await?;
    let grown = |from: &[Status], to: &[Status], what| (total(to, what) - total(from, what)) as f64;
    let silent = grown(&idle, &before, "memory_bytes_in");
    let came = grown(&before, &told, "memory_bytes_in");
    let nodes = net.len() as f64;
    Ok(Spread {
        after,
        copies: grown(&before, &told, "news_received") / (nodes - 1.0),
        bytes: (came - silent) / nodes,
        idle: silent / nodes,
        links: 0.0,
    })
}
