//! Our bitswap with itself: real swarms in this process, over TCP and over memory, with
//! providers that are good, lying, silent, slow or gone.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

mod bitswap_support;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use bitswap_support::{
    LIMIT, Node, Way, fetch, next, next_block,
    places::{Lying, Silent, Slow},
    tree, wants,
};
use ourspace_p2p::bitswap::{Blocks, Event, Limits, Misbehaviour};
use ourspace_protocol::{
    dag::{Block, Cid, Codec},
    seams::{Arrival, Session as _},
};

/// A file of so many MiB: its blocks and the names of its pieces, in order.
fn file(mib: usize) -> (tree::Blocks, Vec<Cid>) {
    let (blocks, root) = tree::build(&tree::files(mib << 20, 0));
    let links = |cid: &Cid| tree::links(&Block::check(*cid, blocks[cid].clone()).unwrap());
    let pieces = links(&links(&root)[0]);
    assert_eq!(pieces.len(), mib);
    (blocks, pieces)
}

async fn start(blocks: Blocks) -> Node {
    Node::start(Way::Tcp, blocks, Limits::default()).await
}

fn addresses<'a>(nodes: impl IntoIterator<Item = &'a Node>) -> Vec<String> {
    nodes.into_iter().map(|node| node.address.clone()).collect()
}

fn misbehaved(node: &Node, what: Misbehaviour) -> Event {
    let peer = node.id.to_string();
    Event::Misbehaved { peer, what }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tree_comes_over_tcp_and_over_memory() {
    let files = tree::files(64 << 20, 3000);
    let (blocks, root) = tree::build(&files);
    for way in [Way::Tcp, Way::Memory] {
        let (from, to) = (Node::with(way, &blocks).await, Node::empty(way).await);
        let mut session = to.handle.open(&addresses([&from]));
        let got = fetch(&mut session, root).await;
        assert!(tree::read(&got, root) == files, "other files");
        assert_eq!(got, blocks);
        let figures = session.figures();
        assert_eq!(
            (figures.blocks, figures.duplicates),
            (blocks.len() as u64, 0)
        );
        assert_eq!((to.events(), from.events()), (Vec::new(), Vec::new()));
        let bytes: usize = blocks.values().map(Vec::len).sum();
        assert_eq!(from.handle.served().bytes, bytes as u64);
        let overhead = to.handle.all_traffic().received - bytes as u64;
        assert!(overhead < 200_000, "{overhead} bytes beside the blocks");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_providers_the_lying_silent_and_slow_ones_hurt_nobody() {
    let (blocks, pieces) = file(96);
    let silent = Arc::new(Silent::default());
    let liar = start(Arc::new(Lying(blocks.clone()))).await;
    let quiet = start(Arc::clone(&silent) as Blocks).await;
    let slow = start(Arc::new(Slow(blocks.clone(), Duration::from_millis(700)))).await;
    let good = [
        start(Arc::new(blocks.clone())).await,
        start(Arc::new(blocks.clone())).await,
    ];
    let to = Node::empty(Way::Tcp).await;
    let providers = addresses([&liar, &quiet, &slow].into_iter().chain(&good));
    let mut session = to.handle.open(&providers);
    let start = Instant::now();
    session.want(wants(pieces.iter().copied()));
    let mut order = Vec::new();
    for _ in &pieces {
        order.push(next_block(&mut session).await.cid());
    }
    let took = start.elapsed();
    silent.let_go();
    let figures = session.figures();
    // Patience with the silent one, and the time that the others need on busy machines.
    assert!(took < Duration::from_secs(60), "{took:?}");
    assert!(figures.duplicates * 20 <= figures.blocks, "{figures:?}");
    assert_eq!(order.len(), pieces.len());
    let events = to.events();
    assert!(
        events.contains(&misbehaved(&liar, Misbehaviour::WrongBlock)),
        "{events:?}"
    );
    for node in good.iter().chain([&slow]) {
        let peer = node.id.to_string();
        let accused =
            |event: &Event| matches!(event, Event::Misbehaved { peer: one, .. } if *one == peer);
        assert!(!events.iter().any(accused), "{events:?}");
    }
    for node in &good {
        assert!(
            node.handle.served().blocks > 20,
            "{:?}",
            node.handle.served()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_dies_in_the_middle_is_replaced() {
    let (blocks, pieces) = file(128);
    let pace = Duration::from_millis(5);
    let first = start(Arc::new(Slow(blocks.clone(), pace))).await;
    let second = start(Arc::new(Slow(blocks.clone(), pace))).await;
    let to = Node::empty(Way::Tcp).await;
    let mut session = to.handle.open(&addresses([&first, &second]));
    session.want(wants(pieces.iter().copied()));
    let mut first = Some(first);
    for at in 0..pieces.len() {
        next_block(&mut session).await;
        if at == 20 {
            first = None;
        }
    }
    assert!(first.is_none());
    let figures = session.figures();
    assert_eq!(figures.missing, 0);
    assert!(figures.duplicates * 20 <= figures.blocks, "{figures:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_blocks_do_not_come_and_hurried_ones_come_first() {
    let (blocks, pieces) = file(64);
    let pace = Duration::from_millis(20);
    let from = start(Arc::new(Slow(blocks.clone(), pace))).await;
    let to = Node::empty(Way::Tcp).await;
    let mut session = to.handle.open(&addresses([&from]));
    session.want(wants(pieces.iter().copied()));
    let mut got = vec![next_block(&mut session).await.cid()];
    session.cancel(&pieces[32..]);
    session.hurry(wants([pieces[31]]));
    for _ in 1..32 {
        got.push(next_block(&mut session).await.cid());
    }
    let hurried = got.iter().position(|cid| *cid == pieces[31]);
    assert!(hurried.is_some_and(|at| at < 16), "{hurried:?}");
    let beyond = tokio::time::timeout(Duration::from_millis(500), session.next()).await;
    assert!(beyond.is_err(), "{beyond:?}");
    assert!(got.iter().all(|cid| pieces[..32].contains(cid)));
    // Most of what was taken back was never sent.
    let sent = from.handle.served().blocks;
    assert!(sent < 48, "{sent}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_has_is_searched_for_and_then_missing() {
    let (blocks, pieces) = file(4);
    let nobody = Node::empty(Way::Tcp).await;
    let somebody = start(Arc::new(blocks.clone())).await;
    let to = Node::empty(Way::Tcp).await;
    let mut session = to.handle.open(&addresses([&nobody]));
    let absent = Cid::of(Codec::Raw, b"nobody has this");
    session.want(wants([pieces[0], absent]));
    let wanted = Event::ProvidersWanted {
        session: session.id(),
        alone: false,
    };
    let start = Instant::now();
    while !to.events().contains(&wanted) {
        assert!(start.elapsed() < LIMIT, "nobody is searched for");
        tokio::task::yield_now().await;
    }
    assert_eq!(session.add_providers(&["neither".to_owned()]), 0);
    assert_eq!(session.add_providers(&addresses([&somebody])), 1);
    assert_eq!(next_block(&mut session).await.cid(), pieces[0]);
    to.handle.search_is_over(session.id());
    assert_eq!(next(&mut session).await, Arrival::Missing(absent));
    assert_eq!(session.figures().missing, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_share_a_provider_and_end_by_being_dropped() {
    let (blocks, pieces) = file(32);
    let pace = Duration::from_millis(10);
    let from = start(Arc::new(Slow(blocks.clone(), pace))).await;
    let to = Node::empty(Way::Tcp).await;
    let mut one = to.handle.open(&addresses([&from]));
    let mut other = to.handle.open(&addresses([&from]));
    one.want(wants(pieces[..16].iter().copied()));
    other.want(wants(pieces[8..].iter().copied()));
    let mut got = HashMap::new();
    for _ in 0..16 {
        let block = next_block(&mut one).await;
        got.insert(block.cid(), block.into_bytes());
    }
    drop(one);
    for _ in 8..32 {
        let block = next_block(&mut other).await;
        got.insert(block.cid(), block.into_bytes());
    }
    assert!(pieces.iter().all(|cid| got[cid] == blocks[cid]));
    // What both wanted came once.
    assert_eq!(from.handle.served().blocks, 32);
    assert_eq!(to.events(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_whose_node_is_gone_says_so() {
    let to = Node::empty(Way::Memory).await;
    let mut session = to.handle.open(&[]);
    let absent = Cid::of(Codec::Raw, b"x");
    session.want(wants([absent]));
    drop(to);
    assert_eq!(next(&mut session).await, Arrival::Missing(absent));
}
