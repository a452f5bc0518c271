//! Directories against a plain builder that knows nothing of updates.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;

use super::super::entries::{find, list, lookup};
use super::super::murmur::murmur64;
use super::super::pb::{PbLink, PbNode};
use super::super::unixfs::{Slots, UnixFs};
use super::super::walk::{Visit, WalkLimits, walk};
use super::*;

type Blocks = HashMap<Cid, Vec<u8>>;
type Files = BTreeMap<String, Link>;

fn file(seed: u64) -> Link {
    Link {
        cid: Cid::of(Codec::Raw, &seed.to_le_bytes()),
        tsize: seed % 40_000,
    }
}

/// Applies changes and keeps the new blocks.
fn apply(
    most: usize,
    blocks: &mut Blocks,
    root: Option<Link>,
    changes: &[Change<'_>],
) -> Result<Link, DagError> {
    let mut new = Vec::new();
    let link = update_by(most, (&*blocks, root.as_ref()), changes, &mut |b| {
        new.push(b)
    })?;
    blocks.extend(
        new.into_iter()
            .map(|block| (block.cid(), block.into_bytes())),
    );
    Ok(link)
}

enum Tree {
    File(Link),
    Directory(BTreeMap<String, Self>),
}

fn plain_tree(files: &Files) -> Tree {
    let mut root = BTreeMap::new();
    for (path, link) in files {
        let mut at = &mut root;
        let mut names: Vec<&str> = path.split('/').collect();
        let last = names.pop().unwrap();
        for name in names {
            let below = at
                .entry(name.to_owned())
                .or_insert_with(|| Tree::Directory(BTreeMap::new()));
            let Tree::Directory(below) = below else {
                panic!("{path} is below a file")
            };
            at = below;
        }
        at.insert(last.to_owned(), Tree::File(*link));
    }
    Tree::Directory(root)
}

fn plain_node(links: &[(String, Link)], message: &UnixFs<'_>) -> (Vec<u8>, Link) {
    let data = message.encode();
    let links: Vec<_> = links
        .iter()
        .map(|(name, link)| PbLink {
            cid: link.cid,
            name,
            tsize: link.tsize,
        })
        .collect();
    let below: u64 = links.iter().map(|link| link.tsize).sum();
    let bytes = PbNode { links, data: &data }.encode();
    let link = Link {
        cid: Cid::of(Codec::DagPb, &bytes),
        tsize: below + bytes.len() as u64,
    };
    (bytes, link)
}

fn plain_shard(entries: &[(String, Link)], level: usize) -> Link {
    let mut slots: BTreeMap<u8, Vec<(String, Link)>> = BTreeMap::new();
    for (name, link) in entries {
        let slot = murmur64(name.as_bytes()).to_be_bytes()[level];
        slots.entry(slot).or_default().push((name.clone(), *link));
    }
    let mut taken = Slots::default();
    let links: Vec<_> = slots
        .iter()
        .map(|(&slot, entries)| {
            taken.set(slot);
            match &entries[..] {
                [(name, link)] => (format!("{slot:02X}{name}"), *link),
                many => (format!("{slot:02X}"), plain_shard(many, level + 1)),
            }
        })
        .collect();
    plain_node(&links, &UnixFs::Shard(taken)).1
}

fn plain(tree: &Tree, most: usize) -> Link {
    let entries: Vec<_> = match tree {
        Tree::File(link) => return *link,
        Tree::Directory(entries) => entries
            .iter()
            .map(|(name, below)| (name.clone(), plain(below, most)))
            .collect(),
    };
    let (bytes, link) = plain_node(&entries, &UnixFs::Directory);
    if bytes.len() > most {
        plain_shard(&entries, 0)
    } else {
        link
    }
}

fn as_changes(files: &Files) -> Vec<Change<'_>> {
    files
        .iter()
        .map(|(path, link)| (path.as_str(), Some(*link)))
        .collect()
}

fn shards(blocks: &Blocks, root: Link) -> bool {
    let block = load_node(blocks, root.cid).unwrap();
    matches!(
        Directory::decode(&block, Place::ROOT).unwrap(),
        Directory::Shard(_)
    )
}

#[test]
fn the_empty_tree_is_the_known_one() {
    let root = apply(DIRECTORY_BYTES, &mut Blocks::new(), None, &[]).unwrap();
    assert_eq!(
        root.cid.to_string(),
        "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354"
    );
    assert_eq!(root.tsize, 4);
}

/// The vectors that Kubo publishes for the profile (its test `TestCIDProfiles`): 4,766
/// files of one byte, names from a ChaCha20 stream; 262,144 bytes stay one block, one
/// byte more is sharded.
#[test]
fn the_threshold_is_that_of_kubo() {
    let names = |last: usize| -> Files {
        let mut stream = ChaCha::new(b"hamt-unixfs-v1-2025");
        let alphabet = b"abcdefghijklmnopqrstuvwxyz01234567890-_";
        let x = Link {
            cid: Cid::of(Codec::Raw, b"x"),
            tsize: 1,
        };
        (0..4766)
            .map(|at| {
                let len = if at == 4765 { last } else { 11 };
                let name = (0..len)
                    .map(|_| char::from(alphabet[usize::from(stream.byte()) % alphabet.len()]))
                    .collect();
                (name, x)
            })
            .collect()
    };
    for (last, sharded, cid) in [
        (
            21,
            false,
            "bafybeic3h7rwruealwxkacabdy45jivq2crwz6bufb5ljwupn36gicplx4",
        ),
        (
            22,
            true,
            "bafybeiegvuterwurhdtkikfhbxcldohmxp566vpjdofhzmnhv6o4freidu",
        ),
    ] {
        let mut blocks = Blocks::new();
        let files = names(last);
        let root = apply(DIRECTORY_BYTES, &mut blocks, None, &as_changes(&files)).unwrap();
        assert_eq!(root.cid.to_string(), cid);
        assert_eq!(shards(&blocks, root), sharded);
    }
}

#[test]
fn a_directory_changes_form_and_back() {
    let mut blocks = Blocks::new();
    let files: Files = (0..3600u64)
        .map(|at| (format!("posts/some-longer-name-of-a-post-{at}"), file(at)))
        .collect();
    let full = apply(DIRECTORY_BYTES, &mut blocks, None, &as_changes(&files)).unwrap();
    let posts = |blocks: &Blocks, root| lookup(blocks, root, "posts").unwrap().unwrap();
    assert!(shards(&blocks, posts(&blocks, full)));
    let mut at = full;
    let mut left = files.clone();
    for step in 0..12u64 {
        let gone: Vec<String> = left.keys().skip(7).step_by(97).cloned().collect();
        let changes: Vec<Change<'_>> = gone.iter().map(|path| (path.as_str(), None)).collect();
        at = apply(DIRECTORY_BYTES, &mut blocks, Some(at), &changes).unwrap();
        left.retain(|path, _| !gone.contains(path));
        assert_eq!(at, plain(&plain_tree(&left), DIRECTORY_BYTES), "{step}");
    }
    assert!(!shards(&blocks, posts(&blocks, at)));
    let again = apply(DIRECTORY_BYTES, &mut blocks, Some(at), &as_changes(&files)).unwrap();
    assert_eq!(again, full);
    let none: Vec<Change<'_>> = files.keys().map(|path| (path.as_str(), None)).collect();
    let empty = apply(DIRECTORY_BYTES, &mut blocks, Some(full), &none).unwrap();
    assert_eq!(empty.cid, empty_directory().cid());
}

#[test]
fn only_touched_blocks_are_read_and_written() {
    struct Counted(Blocks, std::cell::Cell<usize>);
    impl BlockSource for Counted {
        fn get(&self, cid: &Cid) -> Result<Option<Vec<u8>>, super::super::SourceError> {
            self.1.set(self.1.get() + 1);
            Ok(self.0.get(cid).cloned())
        }
    }
    let mut blocks = Blocks::new();
    let files: Files = (0..20_000u64)
        .map(|at| (format!("posts/{at}/index.html"), file(at)))
        .collect();
    let root = apply(DIRECTORY_BYTES, &mut blocks, None, &as_changes(&files)).unwrap();
    let source = Counted(blocks, std::cell::Cell::new(0));
    let count = |changes: &[Change<'_>]| {
        let mut written = 0;
        source.1.set(0);
        let link = update_tree(&source, Some(&root), changes, &mut |_| written += 1).unwrap();
        (link, source.1.get(), written)
    };
    let (_, read, written) = count(&[("posts/new/index.html", Some(file(7)))]);
    assert!(read <= 5 && written <= 6, "{read} {written}");
    let (same, read, written) = count(&[("posts/77/index.html", Some(file(77)))]);
    assert_eq!((same, written), (root, 0));
    assert!(read <= 5, "{read}");
    let (same, _, written) = count(&[("nothing/here", None), ("posts/none", None)]);
    assert_eq!((same, written), (root, 0));
}

#[test]
fn changes_that_cannot_be_are_refused() {
    let mut blocks = Blocks::new();
    let root = apply(
        9000,
        &mut blocks,
        None,
        &[("a", Some(file(1))), ("d/b", Some(file(2)))],
    );
    let root = Some(root.unwrap());
    let one = Some(file(3));
    let mut refused = |changes: &[Change<'_>]| apply(9000, &mut blocks, root, changes).unwrap_err();
    for path in [
        "",
        "/",
        "a//b",
        "/a",
        "a/",
        ".",
        "x/..",
        "nul\0",
        &"n".repeat(256),
    ] {
        assert!(
            matches!(refused(&[(path, one)]), DagError::Path(_)),
            "{path}"
        );
    }
    let deep = vec!["x"; PATH_DEPTH + 1].join("/");
    assert!(matches!(refused(&[(&deep, one)]), DagError::Path(_)));
    for pair in [[("b", one), ("a", one)], [("a", one), ("a", None)]] {
        assert!(matches!(refused(&pair), DagError::Unsorted(_)));
    }
    for changes in [
        &[("a/x", one)][..],
        &[("d", one), ("d-", one), ("d/x", one)],
    ] {
        let DagError::BelowFile(path) = refused(changes) else {
            panic!("{changes:?}")
        };
        assert!(path == "a" || path == "d");
    }
    let raw = Some(file(1));
    let below = apply(9000, &mut blocks, raw, &[("x", one)]);
    assert!(matches!(below, Err(DagError::Kind(..))));
    let absent = Link {
        cid: Cid::of(Codec::DagPb, b"?"),
        tsize: 1,
    };
    let below = apply(9000, &mut blocks, Some(absent), &[("x", one)]);
    assert!(matches!(below, Err(DagError::Absent(_))));
    let huge = Some(Link {
        cid: file(1).cid,
        tsize: TSIZE,
    });
    let sum = apply(9000, &mut blocks, root, &[("big", huge), ("big2", huge)]);
    assert!(matches!(sum, Err(DagError::TooLarge)));
}

#[test]
fn a_file_and_a_directory_take_each_others_place() {
    let (one, two) = (Some(file(1)), Some(file(2)));
    let mut blocks = Blocks::new();
    let start = apply(9000, &mut blocks, None, &[("a", one), ("a-b", one)]).unwrap();
    let changes = [("a", None), ("a-b", two), ("a/x", two), ("a/y/z", one)];
    let next = apply(9000, &mut blocks, Some(start), &changes).unwrap();
    let fresh = apply(
        9000,
        &mut blocks,
        None,
        &[("a-b", two), ("a/x", two), ("a/y/z", one)],
    );
    assert_eq!(next, fresh.unwrap());
    let changes = [("a", one), ("a-b", one), ("a/x", None)];
    assert_eq!(
        apply(9000, &mut blocks, Some(next), &changes).unwrap(),
        start
    );
    let back = apply(9000, &mut blocks, Some(next), &[("a", one), ("a-b", one)]).unwrap();
    assert_eq!(back, start);
    assert_eq!(
        apply(9000, &mut blocks, Some(back), &[("a/x", None)]).unwrap(),
        start
    );
}

/// The key stream of ChaCha20 (RFC 8439), key SHA-256 of the seed, nonce zero.
struct ChaCha {
    state: [u32; 16],
    block: Vec<u8>,
}

impl ChaCha {
    fn new(seed: &[u8]) -> Self {
        let key = crate::hash::sha256(seed);
        let mut state = [0; 16];
        state[..4].copy_from_slice(&[0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574]);
        for (word, bytes) in state[4..12].iter_mut().zip(key.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        Self {
            state,
            block: Vec::new(),
        }
    }

    fn byte(&mut self) -> u8 {
        if self.block.is_empty() {
            let mut x = self.state;
            let mut quarter = |[a, b, c, d]: [usize; 4]| {
                for (add, to, with, by) in
                    [(a, d, b, 16), (c, b, d, 12), (a, d, b, 8), (c, b, d, 7)]
                {
                    x[add] = x[add].wrapping_add(x[with]);
                    x[to] = (x[to] ^ x[add]).rotate_left(by);
                }
            };
            for _ in 0..10 {
                (0..4).for_each(|i| quarter([i, 4 + i, 8 + i, 12 + i]));
                (0..4).for_each(|i| {
                    quarter([i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4]);
                });
            }
            let words = x.iter().zip(self.state).map(|(x, s)| x.wrapping_add(s));
            self.block = words.flat_map(u32::to_le_bytes).collect();
            self.block.reverse();
            self.state[12] += 1;
        }
        self.block.pop().unwrap()
    }
}

/// Paths that often share directories, and names that often share shards.
fn a_path() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => (0u16..60).prop_map(|at| format!("posts/{at}")),
        3 => (0u16..40, 0u8..3).prop_map(|(at, leaf)| format!("tree/{at}/leaf-{leaf}")),
        2 => (0u16..30).prop_map(|at| format!("tree-{at}")),
        1 => (0u8..3).prop_map(|at| format!("a/b/c/d/{at}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn every_way_to_the_same_files_ends_at_the_same_root(
        most in 150usize..1500,
        batches in prop::collection::vec(
            prop::collection::btree_map(a_path(), prop::option::weighted(0.6, any::<u16>()), 0..60),
            1..8,
        ),
    ) {
        let mut blocks = Blocks::new();
        let mut files = Files::new();
        let mut root = None;
        for batch in &batches {
            let changes: Vec<Change<'_>> = batch
                .iter()
                .map(|(path, seed)| (path.as_str(), seed.map(|seed| file(seed.into()))))
                .collect();
            for (path, link) in &changes {
                match link {
                    Some(link) => drop(files.insert((*path).to_owned(), *link)),
                    None => drop(files.remove(*path)),
                }
            }
            let link = apply(most, &mut blocks, root, &changes).unwrap();
            prop_assert_eq!(link, plain(&plain_tree(&files), most));
            root = Some(link);
        }
        let root = root.unwrap();
        let mut walked = Files::new();
        walk(&blocks, root, WalkLimits::default(), &mut |visit| {
            if let Visit::File { path, link, size } = visit {
                assert_eq!(size, link.tsize);
                walked.insert(path.to_owned(), link);
            }
            core::ops::ControlFlow::Continue(())
        }).unwrap();
        prop_assert_eq!(&walked, &files);
        for (path, link) in &files {
            prop_assert_eq!(lookup(&blocks, root, path).unwrap(), Some(*link));
        }
        for path in ["posts/x", "posts/1/x", "x", "tree-1/x"] {
            prop_assert_eq!(lookup(&blocks, root, path).unwrap(), None);
        }
        let mut names = Vec::new();
        list(&blocks, root.cid, &mut |name, link| {
            names.push((name.to_owned(), link));
            core::ops::ControlFlow::Continue(())
        }).unwrap();
        for (name, link) in names {
            prop_assert_eq!(find(&blocks, root.cid, &name).unwrap(), Some(link));
        }
    }

    #[test]
    fn large_batches_take_the_same_way(
        (before, gone, most) in (1500usize..2500, 1030usize..2500, 20_000usize..200_000),
    ) {
        let mut blocks = Blocks::new();
        let files: Files = (0..before as u64).map(|at| (format!("{at}"), file(at))).collect();
        let root = apply(most, &mut blocks, None, &as_changes(&files)).unwrap();
        let changes: BTreeMap<String, Option<Link>> = (0..gone as u64)
            .map(|at| (format!("{}", at * 2), (at % 8 == 0).then(|| file(at))))
            .collect();
        let list: Vec<Change<'_>> = changes.iter().map(|(p, l)| (p.as_str(), *l)).collect();
        let next = apply(most, &mut blocks, Some(root), &list).unwrap();
        let mut left = files;
        for (path, link) in changes {
            match link {
                Some(link) => drop(left.insert(path, link)),
                None => drop(left.remove(&path)),
            }
        }
        prop_assert_eq!(next, plain(&plain_tree(&left), most));
    }
}
