//! Blocks and trees of strangers.

use std::{collections::HashMap, ops::ControlFlow, str};

use ourspace_protocol::dag::{
    Block, Cid, Codec, Link,
    entries::{find, list},
    pb::PbNode,
    read::read_file,
    unixfs::UnixFs,
    update_tree,
    walk::{WalkLimits, walk},
};

/// What a target may read or visit: enough to reach every rule.
const FEW: WalkLimits = WalkLimits {
    entries: 4096,
    nodes: 4096,
};

/// A CID in bytes and in text.
pub fn cid(bytes: &[u8]) {
    if let Ok(cid) = Cid::from_bytes(bytes) {
        assert_eq!(cid.to_bytes().as_slice(), bytes, "one CID, two encodings");
    }
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    if let Ok(cid) = text.parse::<Cid>() {
        assert_eq!(cid.to_string(), text, "one CID, two texts");
    }
    // The older spelling is only ever read, and never written.
    if let Ok(cid) = Cid::parse_v0_compat(text) {
        assert!(text.starts_with("Qm") && cid.to_string().starts_with('b'));
    }
}

/// One block.
pub fn node(bytes: &[u8]) {
    if let Ok(node) = PbNode::decode(bytes) {
        assert_eq!(node.encode(), bytes, "one node, two encodings");
        if let Ok(unixfs) = UnixFs::decode(node.data) {
            assert_eq!(unixfs.encode(), node.data, "one UnixFS, two encodings");
        }
    }
}

/// A tree of several blocks: each begins with its length in two bytes, little-endian; the
/// last one is the root.
pub fn tree(bytes: &[u8]) {
    let mut blocks: HashMap<Cid, Vec<u8>> = HashMap::new();
    let mut rest = bytes;
    let mut root = None;
    while let Some((head, tail)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_le_bytes(*head)).min(tail.len());
        let (block, tail) = tail.split_at(length);
        let cid = Cid::of(Codec::DagPb, block);
        blocks.insert(cid, block.to_vec());
        blocks.insert(Cid::of(Codec::Raw, block), block.to_vec());
        root = Some(Link { cid, tsize: 1 });
        rest = tail;
    }
    let Some(root) = root else { return };
    let mut names = Vec::new();
    let listed = list(&blocks, root.cid, &mut |name, link| {
        names.push((name.to_owned(), link));
        if names.len() < 4096 {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    if listed.is_ok() {
        for (name, link) in names.iter().take(16) {
            assert_eq!(
                find(&blocks, root.cid, name).ok(),
                Some(Some(*link)),
                "listed, not found"
            );
        }
    }
    let walked = walk(&blocks, root, FEW, &mut |_| ControlFlow::Continue(()));
    drop((walked, read_file(&blocks, root.cid, 1 << 20)));
    let change = [("a/new", Some(root))];
    let mut new = HashMap::new();
    let changed = update_tree(&blocks, Some(&root), &change, &mut |block: Block| {
        new.insert(block.cid(), block.into_bytes());
    });
    if let Ok(changed) = changed {
        blocks.extend(new);
        assert!(find(&blocks, changed.cid, "a").is_ok_and(|found| found.is_some()));
    }
}
