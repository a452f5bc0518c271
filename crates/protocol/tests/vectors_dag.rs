//! The test vectors of `spec/05-tree-dag.md`, which other tools made.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use data_encoding::HEXLOWER;
use ourspace_protocol::dag::entries::{find, list};
use ourspace_protocol::dag::walk::{WalkLimits, walk};
use ourspace_protocol::dag::{Assembler, tsize_of};
use ourspace_protocol::dag::{Block, Cid, Codec, Layout, Link, file::tsize_by, update_tree};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    cids: Pair<GoodCid, BadCid>,
    files: Vec<File>,
    trees: Vec<Tree>,
    nodes: Pair<GoodNode, BadNode>,
}

#[derive(Deserialize)]
struct Pair<G, B> {
    valid: Vec<G>,
    invalid: Vec<B>,
}

#[derive(Deserialize)]
struct GoodCid {
    text: String,
    codec: String,
    hex: String,
}

#[derive(Deserialize)]
struct BadCid {
    text: String,
    why: String,
}

#[derive(Deserialize)]
struct File {
    size: usize,
    seed: u32,
    cid: Cid,
    tsize: u64,
}

#[derive(Deserialize)]
struct Tree {
    why: String,
    count: usize,
    prefix: String,
    digits: usize,
    suffix: String,
    extra: Vec<String>,
    root: Cid,
    tsize: Option<u64>,
}

#[derive(Deserialize)]
struct GoodNode {
    why: String,
    hex: String,
    entries: Vec<String>,
}

#[derive(Deserialize)]
struct BadNode {
    why: String,
    hex: String,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../../spec/vectors/dag.json")).unwrap()
}

#[test]
fn cids() {
    let Vectors { cids, .. } = vectors();
    for good in cids.valid {
        let cid: Cid = good.text.parse().unwrap();
        assert_eq!(HEXLOWER.encode(&cid.to_bytes()), good.hex);
        assert_eq!(cid.to_string(), good.text);
        let name = match cid.codec() {
            Codec::Raw => "raw",
            Codec::DagPb => "dag-pb",
            Codec::DagCbor => "dag-cbor",
        };
        assert_eq!(name, good.codec);
    }
    for bad in cids.invalid {
        assert!(bad.text.parse::<Cid>().is_err(), "{}", bad.why);
    }
}

#[test]
fn files() {
    for file in vectors().files {
        let mut x = file.seed + 1;
        let bytes: Vec<u8> = std::iter::repeat_with(|| {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            x.to_be_bytes()[0]
        })
        .take(file.size)
        .collect();
        let layout = Layout::default();
        let mut assembler = Assembler::new(layout);
        let mut none = |_| Ok::<_, std::convert::Infallible>(());
        for piece in bytes.chunks(layout.chunk_bytes()) {
            let cid = Cid::of(Codec::Raw, piece);
            let Ok(()) = assembler.push(cid, piece.len() as u64, &mut none);
        }
        let Ok(root) = assembler.finish(&mut none);
        assert_eq!(
            (root.cid, root.tsize),
            (file.cid, file.tsize),
            "{}",
            file.size
        );
        assert_eq!(tsize_of(file.size as u64), file.tsize);
        assert_eq!(tsize_by(layout, file.size as u64), file.tsize);
    }
}

#[test]
fn trees() {
    let x = Link {
        cid: Cid::of(Codec::Raw, b"x"),
        tsize: 1,
    };
    for tree in vectors().trees {
        let Tree {
            prefix,
            digits,
            suffix,
            ..
        } = &tree;
        let mut paths: Vec<String> = (0..tree.count)
            .map(|at| format!("{prefix}{at:0digits$}{suffix}"))
            .chain(tree.extra.iter().cloned())
            .collect();
        paths.sort();
        let changes: Vec<_> = paths.iter().map(|path| (path.as_str(), Some(x))).collect();
        let none = HashMap::<Cid, Vec<u8>>::new();
        let root = update_tree(&none, None, &changes, &mut |_| {}).unwrap();
        assert_eq!(root.cid, tree.root, "{}", tree.why);
        if let Some(tsize) = tree.tsize {
            assert_eq!(root.tsize, tsize, "{}", tree.why);
        }
    }
}

#[test]
fn directory_nodes() {
    let Vectors { nodes, .. } = vectors();
    let read = |hex: &str| {
        let block = Block::new(Codec::DagPb, HEXLOWER.decode(hex.as_bytes()).unwrap());
        let root = Link {
            cid: block.cid(),
            tsize: 0,
        };
        let blocks = BTreeMap::from([(root.cid, block.into_bytes())]);
        let mut names = Vec::new();
        let listed = list(&blocks, root.cid, &mut |name, _| {
            names.push(name.to_owned());
            ControlFlow::Continue(())
        });
        let walked = walk(&blocks, root, WalkLimits::default(), &mut |_| {
            ControlFlow::Continue(())
        });
        let found = find(&blocks, root.cid, "hello");
        if listed.is_err() {
            assert!(walked.is_err() && found.is_err());
        }
        listed.map(|()| names)
    };
    for good in nodes.valid {
        match read(&good.hex) {
            Ok(names) => assert_eq!(names, good.entries, "{}", good.why),
            Err(error) => panic!("{}: {error}", good.why),
        }
    }
    for bad in nodes.invalid {
        match read(&bad.hex) {
            Ok(_) => panic!("{} was read", bad.why),
            Err(error) => println!("{}: {error}", bad.why),
        }
    }
}
