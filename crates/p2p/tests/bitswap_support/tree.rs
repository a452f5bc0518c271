//! Trees of files: made by the profile, and read in every form that other programs write
//! (CIDv0, dag-pb leaves, shards).

use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
};

use ourspace_protocol::dag::{
    Block, BlockSink, Change, Cid, Codec, FileBuilder, Leaf, Link, update_tree,
};
use ourspace_testkit::random::Random;
use prost::Message as _;

pub(crate) type Blocks = HashMap<Cid, Vec<u8>>;
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Bytes that nothing compresses.
pub(crate) fn noise(random: &mut Random, size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        bytes.extend_from_slice(&random.number().to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// A large file at the top and a folder of small ones.
pub(crate) fn files(large: usize, small: usize) -> Files {
    let mut random = Random::new(7);
    let mut files = Files::from([("large".to_owned(), noise(&mut random, large))]);
    for n in 0..small {
        let size = 1 + random.below(6000);
        files.insert(format!("small/{n:05}"), noise(&mut random, size));
    }
    files
}

struct Sink<'a>(&'a mut Blocks);

impl BlockSink for Sink<'_> {
    type Error = Infallible;

    fn leaf(&mut self, leaf: Leaf<'_>) -> Result<(), Infallible> {
        self.0.insert(leaf.cid, leaf.bytes.to_vec());
        Ok(())
    }

    fn node(&mut self, block: Block) -> Result<(), Infallible> {
        self.0.insert(block.cid(), block.into_bytes());
        Ok(())
    }
}

/// The blocks of a tree by the profile, and its root.
pub(crate) fn build(files: &Files) -> (Blocks, Cid) {
    let mut blocks = Blocks::new();
    let mut links = Vec::new();
    for (path, bytes) in files {
        let mut builder = FileBuilder::new();
        let Ok(()) = builder.push(bytes, &mut Sink(&mut blocks));
        let Ok(dag) = builder.finish(&mut Sink(&mut blocks));
        let link = Link {
            cid: dag.cid,
            tsize: dag.tsize,
        };
        links.push((path.as_str(), Some(link)));
    }
    let changes: Vec<Change<'_>> = links;
    let none = Blocks::new();
    let root = update_tree(&none, None, &changes, &mut |block: Block| {
        blocks.insert(block.cid(), block.into_bytes());
    });
    (blocks, root.unwrap().cid)
}

#[derive(prost::Message)]
struct Node {
    #[prost(bytes = "vec", tag = "1")]
    data: Vec<u8>,
    #[prost(message, repeated, tag = "2")]
    links: Vec<NodeLink>,
}

#[derive(prost::Message)]
struct NodeLink {
    #[prost(bytes = "vec", tag = "1")]
    hash: Vec<u8>,
    #[prost(string, tag = "2")]
    name: String,
}

#[derive(prost::Message)]
struct UnixFs {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(bytes = "vec", tag = "2")]
    data: Vec<u8>,
}

const DIRECTORY: i32 = 1;
const SHARD: i32 = 5;

fn cid(bytes: &[u8]) -> Cid {
    match bytes {
        [0x12, 0x20, digest @ ..] => Cid::from_digest(Codec::DagPb, digest.try_into().unwrap()),
        _ => Cid::from_bytes(bytes).unwrap(),
    }
}

/// What a block links.
pub(crate) fn links(block: &Block) -> Vec<Cid> {
    if block.cid().codec() == Codec::Raw {
        return Vec::new();
    }
    let node = Node::decode(block.bytes()).unwrap();
    node.links.iter().map(|link| cid(&link.hash)).collect()
}

/// All files below a root.
pub(crate) fn read(blocks: &Blocks, root: Cid) -> Files {
    let mut files = Files::new();
    read_into(blocks, root, String::new(), &mut files);
    files
}

fn read_into(blocks: &Blocks, at: Cid, path: String, files: &mut Files) {
    let bytes = &blocks[&at];
    if at.codec() == Codec::Raw {
        files.insert(path, bytes.clone());
        return;
    }
    let node = Node::decode(&bytes[..]).unwrap();
    let unixfs = UnixFs::decode(&node.data[..]).unwrap();
    if unixfs.kind != DIRECTORY && unixfs.kind != SHARD {
        let mut whole = Vec::new();
        content(blocks, at, &mut whole);
        files.insert(path, whole);
        return;
    }
    for link in &node.links {
        let name = match unixfs.kind {
            SHARD => &link.name[2..],
            _ => &link.name[..],
        };
        let inside = match (path.is_empty(), name.is_empty()) {
            (_, true) => path.clone(),
            (true, _) => name.to_owned(),
            (false, _) => format!("{path}/{name}"),
        };
        read_into(blocks, cid(&link.hash), inside, files);
    }
}

fn content(blocks: &Blocks, at: Cid, out: &mut Vec<u8>) {
    let bytes = &blocks[&at];
    if at.codec() == Codec::Raw {
        return out.extend_from_slice(bytes);
    }
    let node = Node::decode(&bytes[..]).unwrap();
    out.extend_from_slice(&UnixFs::decode(&node.data[..]).unwrap().data);
    for link in &node.links {
        content(blocks, cid(&link.hash), out);
    }
}
