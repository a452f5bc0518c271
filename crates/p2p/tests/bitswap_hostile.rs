//! What strangers do to a node that serves: floods, endless lists, garbage, streams without
//! end, and not reading. Those beside them keep their speed.

mod bitswap_support;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bitswap_support::{
    LIMIT, Node, Way, fetch,
    stranger::{Stranger, put, take},
    tree,
};
use futures::AsyncWriteExt as _;
use ourspace_p2p::bitswap::{
    Event, Limits, Misbehaviour, Wrong,
    message::{Ask, Entry, Message, MessageError, Name},
};
use ourspace_protocol::dag::{Cid, Codec};

const V1_2: &str = "/ipfs/bitswap/1.2.0";

fn want(cids: impl IntoIterator<Item = Cid>, v0: bool) -> Message {
    let entry = |cid| Entry {
        name: Name::Known { cid, v0 },
        priority: 1,
        ask: Ask::Block,
        send_dont_have: true,
    };
    Message {
        entries: cids.into_iter().map(entry).collect(),
        ..Message::default()
    }
}

/// Waits until the node tells of this.
async fn told(node: &Node, what: impl Fn(&Wrong) -> bool) {
    let start = Instant::now();
    let is_it = |event: &Event| matches!(event, Event::Misbehaved { what: Misbehaviour::Connection(wrong), .. } if what(wrong));
    while !node.events().iter().any(is_it) {
        assert!(start.elapsed() < LIMIT, "{:?}", node.events());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_and_slow_readers_leave_others_their_speed() {
    let (blocks, root) = tree::build(&tree::files(48 << 20, 500));
    let node = Node::with(Way::Tcp, &blocks).await;
    let time = async |node: &Node| {
        let to = Node::empty(Way::Tcp).await;
        let mut session = to.handle.open(std::slice::from_ref(&node.address));
        let start = Instant::now();
        let got = fetch(&mut session, root).await;
        assert_eq!(got.len(), blocks.len());
        start.elapsed()
    };
    let alone = time(&node).await;
    // Four strangers ask for everything, again and again, and read nothing; a fifth asks
    // for what nobody has, tens of thousands at a time.
    let mut strangers = Vec::new();
    for n in 0..5usize {
        let mut stranger = Stranger::dial(&node.address).await;
        let mut stream = stranger.open(V1_2).await;
        let message = match n {
            4 => want(
                (0..20_000usize).map(|n| Cid::of(Codec::Raw, &n.to_le_bytes())),
                false,
            ),
            _ => want(blocks.keys().copied(), false),
        };
        strangers.push(tokio::spawn(async move {
            while put(&mut stream, &message).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            drop(stranger);
        }));
    }
    let start = Instant::now();
    while node.handle.served().left_out == 0 {
        assert!(start.elapsed() < LIMIT, "{:?}", node.handle.served());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let beside = time(&node).await;
    strangers.iter().for_each(|task| task.abort());
    let alone = alone.max(time(&node).await);
    // The strangers' own work is on the same cores; this is to see that nobody waits for
    // them. What is fair to a byte, the server's own tests hold.
    let most = alone * 8 + Duration::from_secs(2);
    assert!(beside < most, "{beside:?}, alone {alone:?}");
    // Who does not read gets what is under way to one peer, and no more.
    let own: usize = blocks.values().map(Vec::len).sum();
    let strangers = node.handle.served().bytes - 3 * own as u64;
    assert!(
        strangers <= 4 * (7 << 20),
        "{strangers} bytes for the strangers"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_is_told_of_and_loses_what_waits() {
    let (blocks, _) = tree::build(&tree::files(32 << 20, 0));
    let limits = Limits {
        slow_reader: Duration::from_millis(500),
        ..Limits::default()
    };
    let node = Node::start(Way::Tcp, Arc::new(blocks.clone()), limits).await;
    let mut stranger = Stranger::dial(&node.address).await;
    let mut stream = stranger.open(V1_2).await;
    put(&mut stream, &want(blocks.keys().copied(), false))
        .await
        .unwrap();
    // The stream for the answers is taken, and nothing is read from it.
    let _answers = stranger.accept(V1_2).await;
    told(&node, |wrong| *wrong == Wrong::Slow).await;
    let served = node.handle.served().bytes;
    assert!(served < 8 << 20, "{served} bytes were read for it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_and_too_many_streams_are_told_of() {
    let node = Node::empty(Way::Tcp).await;
    let mut stranger = Stranger::dial(&node.address).await;
    let mut stream = stranger.open(V1_2).await;
    stream.write_all(&[3, 0xff, 0xff, 0xff]).await.unwrap();
    stream.flush().await.unwrap();
    told(&node, |wrong| {
        *wrong == Wrong::Message(MessageError::Malformed)
    })
    .await;
    let mut stream = stranger.open(V1_2).await;
    stream.write_all(&[0xff, 0xff, 0xff, 0x7f]).await.unwrap();
    stream.flush().await.unwrap();
    told(&node, |wrong| {
        matches!(wrong, Wrong::Message(MessageError::TooLong(_)))
    })
    .await;
    let mut streams = Vec::new();
    for _ in 0..Limits::default().streams + 8 {
        streams.push(stranger.open(V1_2).await);
    }
    told(&node, |wrong| *wrong == Wrong::Streams).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn older_versions_are_answered() {
    let bytes = b"an old block".to_vec();
    let cid = Cid::of(Codec::DagPb, &bytes);
    let absent = Cid::of(Codec::DagPb, b"absent");
    let node = Node::with(Way::Tcp, &tree::Blocks::from([(cid, bytes.clone())])).await;
    for version in ["/ipfs/bitswap/1.0.0", "/ipfs/bitswap/1.1.0", V1_2] {
        let mut stranger = Stranger::dial(&node.address).await;
        let mut stream = stranger.open(version).await;
        put(&mut stream, &want([absent, cid], true)).await.unwrap();
        let mut answers = stranger.accept(version).await;
        let message = take(&mut answers).await;
        assert_eq!(message.blocks[0].data.as_ref(), bytes, "{version}");
        assert!(message.blocks[0].v0, "{version}");
        assert_eq!(message.presences.len(), usize::from(version == V1_2));
    }
}
