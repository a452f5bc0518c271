//! The real program, with stock Kubo and Helia: they find a feed in the DHT of IPFS and fetch
//! it by its CID, and who follows the account gets it back from them when its author is gone.
//!
//! Needs Kubo and Helia: `cargo xtask test` installs them and says where in
//! `OURSPACE_PEERS`.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

mod nodes;
mod schema;
mod support;

use std::{collections::BTreeMap, fs, path::Path};

use nodes::{Node, until};
use ourspace_testkit::{peers::IpfsNode, random::Random};
use support::Place;

/// Where others reach a node over TCP, which Helia has.
fn over_tcp(node: &Node) -> String {
    let status = node.place.json(&["status"]);
    let mut listen = status["listen"].as_array().unwrap().iter();
    let tcp = listen.find_map(|one| one.as_str().filter(|one| one.contains("/tcp/")));
    tcp.unwrap().to_owned()
}

/// A feed with a picture and a recording; gives its root.
fn write_feed(place: &Place) -> String {
    let file = |name: &str, bytes: &[u8]| {
        let path = place.folder().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let dot = file("dot.png", DOT);
    let noise = file("noise.wav", &recording());
    for number in 0..8 {
        place.run(&["post", &format!("post {number}")]).ok();
    }
    for (text, media) in [("a dot", dot), ("noise", noise)] {
        let words = ["post", text, "--media", &media, "--alt", text];
        place.run(&words).ok();
    }
    let status = place.json(&["status"]);
    status["root"].as_str().unwrap().to_owned()
}

/// The feed as a web host gets it, without what lies beside the tree: the record, and the
/// blocks of directories.
fn export(place: &Place) -> BTreeMap<String, Vec<u8>> {
    place.run(&["export", "site"]).ok();
    let mut files = read(&place.folder().join("site"));
    files.retain(|name, _| !name.starts_with(".well-known/ourspace/"));
    files
}

fn read(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
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

/// Fetches the tree, and compares every byte.
fn fetch(peer: &mut IpfsNode, root: &str, files: &BTreeMap<String, Vec<u8>>) {
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("tree");
    peer.fetch(root, &into).unwrap();
    let fetched = read(&into);
    let names: Vec<_> = fetched.keys().collect();
    assert_eq!(names, files.keys().collect::<Vec<_>>());
    assert!(fetched == *files, "other bytes");
}

#[test]
fn stock_nodes_find_a_feed_and_keep_it_alive() {
    // They all know one node, which has no feed of anybody else and follows nobody.
    let common = Node::new();
    // New roots are said at most every ten minutes: this one is the first.
    let place = Place::new();
    let root = write_feed(&place);
    let files = export(&place);
    let mut author = Node::of(place);
    let id = author.listen.rsplit('/').next().unwrap().to_owned();
    author.dial(&common);
    let mut kubo = IpfsNode::kubo(false).unwrap();
    let mut helia = IpfsNode::helia().unwrap();
    kubo.connect(&over_tcp(&common)).unwrap();
    helia.connect(&over_tcp(&common)).unwrap();
    until("word of the author in the DHT", || {
        let found = helia.providers(&root).unwrap();
        found.get(&id).is_some_and(|at| !at.is_empty())
    });
    fetch(&mut helia, &root, &files);
    fetch(&mut kubo, &root, &files);
    kubo.pin(&root).unwrap();
    until("word of Kubo in the DHT", || {
        helia.providers(&root).unwrap().contains_key(&kubo.id)
    });
    // What Kubo pinned is all that is left of it: the author is gone, and so is Helia.
    let media = author.place.json(&["status"])["media_bytes"].clone();
    author.kill();
    drop(helia);
    let follower = Node::new();
    follower.follow(&author.account, &common);
    until("the feed from Kubo", || {
        let one = follower.followed(&author.account);
        one["mirrored"] == true && one["media_bytes"] == media
    });
    let resolved = follower.place.json(&["resolve", &author.account]);
    assert_eq!(resolved["root"], root);
    assert_eq!(follower.texts(&author.account).len(), 10);
    let peers = follower.place.json(&["peers"]);
    let mut peers = peers.as_array().unwrap().iter();
    assert!(peers.any(|peer| peer["peer"] == kubo.id), "not from Kubo");
}

/// Two seconds of noise; of several leaves, so that it is a tree of its own.
fn recording() -> Vec<u8> {
    const BYTES: u32 = 3 << 20;
    let mut random = Random::new(7);
    let mut wav = Vec::from(*b"RIFF");
    wav.extend((BYTES + 36).to_le_bytes());
    wav.extend(*b"WAVEfmt ");
    wav.extend(16u32.to_le_bytes());
    // Samples as they are, two channels, 16 bits.
    wav.extend([1u16, 2].map(u16::to_le_bytes).concat());
    wav.extend([44_100u32, 176_400].map(u32::to_le_bytes).concat());
    wav.extend([4u16, 16].map(u16::to_le_bytes).concat());
    wav.extend(*b"data");
    wav.extend(BYTES.to_le_bytes());
    for _ in 0..BYTES / 8 {
        wav.extend(random.number().to_le_bytes());
    }
    wav
}

/// A PNG of one red pixel.
const DOT: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, 0x49, 0x48, 0x44, 0x52, 0, 0, 0,
    1, 0, 0, 0, 1, 8, 2, 0, 0, 0, 0x90, 0x77, 0x53, 0xde, 0, 0, 0, 0x0c, 0x49, 0x44, 0x41, 0x54,
    0x08, 0xd7, 0x63, 0xf8, 0xcf, 0xc0, 0, 0, 3, 1, 1, 0, 0x18, 0xdd, 0x8d, 0xb0, 0, 0, 0, 0, 0x49,
    0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];
