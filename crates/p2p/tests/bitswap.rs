//! Our bitswap with itself: real swarms in this process, over TCP and over memory.

mod bitswap_support;

use std::time::Instant;

use bitswap_support::{Node, Way, fetch, tree};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tree_comes_over_tcp_and_over_memory() {
    let files = tree::files(64 << 20, 3000);
    let (blocks, root) = tree::build(&files);
    for way in [Way::Tcp, Way::Memory] {
        let (from, to) = (Node::with(way, &blocks).await, Node::empty(way).await);
        let mut session = to.handle.open(std::slice::from_ref(&from.address));
        let start = Instant::now();
        let got = fetch(&mut session, root).await;
        println!("{way:?}: {:?} {:?}", start.elapsed(), session.figures());
        assert!(tree::read(&got, root) == files, "other files");
        assert_eq!(got, blocks);
        let figures = session.figures();
        assert_eq!(
            (figures.blocks, figures.duplicates),
            (blocks.len() as u64, 0)
        );
        assert_eq!(to.events(), []);
        assert_eq!(from.events(), []);
        let bytes: usize = blocks.values().map(Vec::len).sum();
        assert_eq!(from.handle.served().bytes, bytes as u64);
        let overhead = to.handle.all_traffic().received - bytes as u64;
        assert!(overhead < 200_000, "{overhead} bytes beside the blocks");
    }
}
