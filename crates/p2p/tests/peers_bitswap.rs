//! Bitswap with stock Kubo and Helia, both ways: trees of large and small files, compared
//! byte by byte.
//!
//! Needs Kubo and Helia: `cargo xtask test` installs them and says where in
//! `OURSPACE_PEERS`.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

mod bitswap_support;

use std::{fs, path::Path};

use bitswap_support::{
    Node, Way, fetch,
    tree::{self, Files},
};
use ourspace_protocol::dag::Cid;
use ourspace_testkit::peers::IpfsNode;

/// Large enough for several layers and many messages; Helia's own speed bounds the folder.
const LARGE: usize = 64 << 20;

fn write(folder: &Path, files: &Files) {
    for (name, bytes) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

fn read(folder: &Path) -> Files {
    let mut files = Files::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap();
                files.insert(name.to_str().unwrap().to_owned(), fs::read(path).unwrap());
            }
        }
    }
    files
}

fn cid(text: &str) -> Cid {
    text.parse()
        .or_else(|_| Cid::parse_v0_compat(text))
        .unwrap()
}

/// The peer fetches a tree of ours.
async fn from_us(mut peer: IpfsNode, small: usize) {
    let files = tree::files(LARGE, small);
    let (blocks, root) = tree::build(&files);
    let node = Node::with(Way::Tcp, &blocks).await;
    let address = node.address.clone();
    let got = tokio::task::spawn_blocking(move || {
        let folder = tempfile::tempdir().unwrap();
        let into = folder.path().join("tree");
        peer.connect(&address).unwrap();
        peer.fetch(&root.to_string(), &into).unwrap();
        read(&into)
    });
    let got = got.await.unwrap();
    assert!(got == files, "other files");
    assert_eq!(node.events(), []);
}

/// We fetch a tree of the peer.
async fn from_them(mut peer: IpfsNode, small: usize) {
    let files = tree::files(LARGE, small);
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &files);
    let (peer, root) = tokio::task::spawn_blocking(move || {
        let root = peer.add(folder.path()).unwrap();
        (peer, root)
    })
    .await
    .unwrap();
    let node = Node::empty(Way::Tcp).await;
    let mut session = node.handle.open(std::slice::from_ref(&peer.address));
    let blocks = fetch(&mut session, cid(&root)).await;
    assert!(tree::read(&blocks, cid(&root)) == files, "other files");
    let figures = session.figures();
    assert_eq!(figures.blocks, blocks.len() as u64);
    assert!(figures.duplicates * 20 <= figures.blocks, "{figures:?}");
    assert_eq!(node.events(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubo_fetches_a_tree_from_us() {
    from_us(IpfsNode::kubo(false).unwrap(), 10_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn we_fetch_a_tree_from_kubo() {
    // So many that Kubo, which keeps 1,024 wants of a peer, would lose some.
    from_them(IpfsNode::kubo(false).unwrap(), 10_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn helia_fetches_a_tree_from_us() {
    from_us(IpfsNode::helia().unwrap(), 2000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn we_fetch_a_tree_from_helia() {
    from_them(IpfsNode::helia().unwrap(), 2000).await;
}
