//! Two dozen real nodes: rows in the DHT, and news. (Fifty and two hundred are benches.)

mod support;

use std::time::{Duration, Instant};

use ourspace_p2p::Event;
use ourspace_protocol::{
    heads::Heads,
    seams::{Push as _, Resolver as _},
};
use ourspace_testkit::signing::TestKey;
use support::{heads, net, news, now, quiet, signed};

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
        let told = tokio::time::timeout(Duration::from_secs(60), follower.events.recv());
        match told.await.expect("a follower hears of the record") {
            Some(Event::News { news, .. }) => assert_eq!(news.record().record().timestamp, at),
            None => panic!("the node has stopped"),
        }
    }
    let begin = Instant::now();
    nodes[0].node.publish(news(&author, at + 1)).await;
    for follower in &mut nodes[1..10] {
        let told = tokio::time::timeout(Duration::from_secs(10), follower.events.recv());
        match told.await.expect("a follower gets the news") {
            Some(Event::News { news, .. }) => {
                assert_eq!(news.record().record().timestamp, at + 1);
            }
            None => panic!("the node has stopped"),
        }
    }
    println!("all after {:?}", begin.elapsed());
    for bystander in &mut nodes[10..] {
        assert!(bystander.events.try_recv().is_err());
    }
}
