//! Two dozen real nodes: rows in the DHT, and news. (Fifty and two hundred are benches.)

mod support;

use std::time::{Duration, Instant};

use ourspace_protocol::{
    heads::Heads,
    seams::{Push as _, Resolver as _},
};
use ourspace_testkit::signing::TestKey;
use support::{config, heads, net, news, next_news, now, quiet, signed, start, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_puts_any_other_finds() {
    let nodes = net(24, 8).await;
    quiet(&nodes).await;
    let author = TestKey::named("author");
    let at = now();
    nodes[3]
        .node
        .join(author.address(), heads(&author, at), true)
        .await;
    let begin = Instant::now();
    let stored = nodes[3].node.put(author.address()).await.unwrap();
    println!("{stored:?} in {:?}", begin.elapsed());
    assert!(stored.holders >= 7, "{stored:?}");
    let mut times = Vec::new();
    for reader in &nodes[10..] {
        let begin = Instant::now();
        let mut lookup = reader.node.dht().resolve(author.address(), &[]);
        let found = lookup.next().await.expect("it is found");
        times.push(begin.elapsed());
        assert_eq!(found.bytes, signed(&author, at).to_bytes());
    }
    times.sort_unstable();
    println!(
        "first valid record: median {:?}, slowest {:?}",
        times[7], times[13]
    );
    // Of an account that nobody has put, nothing is found, and that is said.
    let stranger = TestKey::named("stranger");
    let mut lookup = nodes[9].node.dht().resolve(stranger.address(), &[]);
    let nothing = tokio::time::timeout(Duration::from_secs(20), lookup.next()).await;
    assert_eq!(nothing.expect("the lookup ends"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn news_reaches_followers_and_nobody_else() {
    let mut nodes = net(16, 8).await;
    quiet(&nodes).await;
    let author = TestKey::named("author");
    let account = author.address();
    let at = now();
    nodes[0].node.join(account, heads(&author, at), true).await;
    for follower in &mut nodes[1..10] {
        follower.node.join(account, Heads::new(), false).await;
    }
    // They find one another as keepers of the feed, and learn what is there already.
    for follower in &mut nodes[1..10] {
        assert_eq!(next_news(follower).await, at);
    }
    let begin = Instant::now();
    nodes[0].node.publish(news(&author, at + 1)).await;
    for follower in &mut nodes[1..10] {
        assert_eq!(next_news(follower).await, at + 1);
    }
    println!("all after {:?}", begin.elapsed());
    for bystander in &mut nodes[10..] {
        assert!(bystander.events.try_recv().is_err());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_started_anew_hears_news_although_the_old_connection_seems_to_be_there() {
    let author = TestKey::named("author");
    let (account, at) = (author.address(), now());
    let first = start(config(1, 8)).await;
    let mut follower = start(config(2, 8)).await;
    first.node.join(account, heads(&author, at), true).await;
    follower.node.join(account, Heads::new(), false).await;
    follower.node.dial(first.address.clone()).await.unwrap();
    assert_eq!(next_news(&mut follower).await, at);
    // The same node once more, while the follower holds the connection to the first.
    let second = start(config(1, 8)).await;
    second.node.join(account, heads(&author, at), true).await;
    second.node.dial(follower.address.clone()).await.unwrap();
    until("the old connection is ended", async || {
        first.node.status().await.unwrap().peers.is_empty()
    })
    .await;
    until("the follower is a member", async || {
        use ourspace_protocol::seams::Mailer as _;
        !second.node.members(account).await.is_empty()
    })
    .await;
    second.node.publish(news(&author, at + 1)).await;
    assert_eq!(next_news(&mut follower).await, at + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_many_have_dialled_can_still_dial_for_a_question() {
    let mut few = config(100, 8);
    few.budget.connections = 0;
    let asked = start(few).await;
    let mut others = Vec::new();
    for number in 0..12 {
        let mut config = config(number, 8);
        config.peers = vec![asked.address.clone()];
        others.push(start(config).await);
    }
    let connected = async || asked.node.status().await.unwrap().peers;
    until("there is no room for more", async || {
        connected().await.len() >= 8
    })
    .await;
    let stranger = start(config(101, 8)).await;
    asked.node.dial(stranger.address.clone()).await.unwrap();
    until("the stranger is met", async || {
        let peers = connected().await;
        peers.iter().any(|peer| peer.peer == stranger.peer)
    })
    .await;
}
