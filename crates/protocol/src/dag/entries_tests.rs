//! Directories that strangers could give.

use std::collections::HashMap;

use proptest::prelude::*;

use super::super::dir::update_tree;
use super::super::pb::{put_data, put_link};
use super::super::walk::{Visit, WalkLimits, walk};
use super::*;

type Blocks = HashMap<Cid, Vec<u8>>;

fn raw(seed: u8) -> Link {
    Link {
        cid: Cid::of(Codec::Raw, &[seed]),
        tsize: 1,
    }
}

fn put(blocks: &mut Blocks, links: &[(&str, Link)], message: &UnixFs<'_>) -> Link {
    let mut bytes = Vec::new();
    for (name, link) in links {
        put_link(&mut bytes, link.cid, ["", name], link.tsize);
    }
    put_data(&mut bytes, &message.encode());
    let block = Block::new(Codec::DagPb, bytes);
    let tsize = block.bytes().len() as u64;
    let cid = block.cid();
    blocks.insert(cid, block.into_bytes());
    Link { cid, tsize }
}

fn shard(blocks: &mut Blocks, links: &[(&str, Link)], taken: &[u8]) -> Link {
    let mut slots = Slots::default();
    taken.iter().for_each(|&slot| slots.set(slot));
    put(blocks, links, &UnixFs::Shard(slots))
}

/// Reads a directory in every way that there is; all must agree whether it can be read.
fn read(blocks: &Blocks, root: Link) -> Result<Vec<String>, DagError> {
    let mut names = Vec::new();
    let mut only_files = true;
    let listed = list(blocks, root.cid, &mut |name, link| {
        names.push(name.to_owned());
        only_files &= link.cid.codec() == Codec::Raw;
        ControlFlow::Continue(())
    });
    let walked = walk(blocks, root, WalkLimits::default(), &mut |_| {
        ControlFlow::Continue(())
    });
    // A walk goes on into what is listed: damage can make another kind of a link.
    if only_files {
        assert_eq!(listed.is_ok(), walked.is_ok());
    }
    listed.map(|()| names)
}

fn slot_of(name: &str) -> u8 {
    Place::ROOT.slot_of(murmur64(name.as_bytes()))
}

#[test]
fn a_shard_is_read_as_it_must_be() {
    let mut blocks = Blocks::new();
    let slot = slot_of("hello");
    assert_eq!(slot, 0xcb);
    let good = shard(&mut blocks, &[("CBhello", raw(1))], &[slot]);
    assert_eq!(read(&blocks, good).unwrap(), ["hello"]);
    assert_eq!(find(&blocks, good.cid, "hello").unwrap(), Some(raw(1)));
    assert_eq!(find(&blocks, good.cid, "other").unwrap(), None);
    assert_eq!(kind(&blocks, good.cid).unwrap(), Kind::Directory);
}

#[test]
fn shards_that_lie_are_refused() {
    let mut blocks = Blocks::new();
    let bad: &[(&[&str], &[u8])] = &[
        (&["cbhello"], &[0xcb]),
        (&["CChello"], &[0xcc]),
        (&["CBhello"], &[0xcc]),
        (&["CBhello"], &[0xcb, 0xcc]),
        (&["CBhello", "CBhello"], &[0xcb]),
        (&["CBhello", "CBhello"], &[0xcb, 0xcc]),
        (&["C"], &[0xc]),
        (&[""], &[0]),
        (&["Ü"], &[0]),
        (&["CB.."], &[0xcb]),
        (&["CBa/b"], &[0xcb]),
    ];
    for (names, taken) in bad {
        let links: Vec<_> = names.iter().map(|name| (*name, raw(1))).collect();
        let root = shard(&mut blocks, &links, taken);
        assert!(
            matches!(read(&blocks, root), Err(DagError::Shape { .. })),
            "{names:?}"
        );
        assert!(find(&blocks, root.cid, "hello").is_err());
    }
}

#[test]
fn shards_below_shards_are_held_to_their_place() {
    let mut blocks = Blocks::new();
    let hash = murmur64(b"hello").to_be_bytes();
    // At the last level an entry is the only thing that can be; walk up from there.
    let mut link = shard(
        &mut blocks,
        &[(&format!("{:02X}hello", hash[7]), raw(1))],
        &[hash[7]],
    );
    for level in (0..7).rev() {
        link = shard(
            &mut blocks,
            &[(&format!("{:02X}", hash[level]), link)],
            &[hash[level]],
        );
    }
    assert_eq!(read(&blocks, link).unwrap(), ["hello"]);
    assert_eq!(find(&blocks, link.cid, "hello").unwrap(), Some(raw(1)));
    let deeper = shard(&mut blocks, &[("00", link)], &[0]);
    assert!(matches!(read(&blocks, deeper), Err(DagError::Shape { .. })));
    let basic = put(&mut blocks, &[("hello", raw(1))], &UnixFs::Directory);
    let mixed = shard(&mut blocks, &[("CB", basic)], &[0xcb]);
    assert!(matches!(read(&blocks, mixed), Err(DagError::Shape { .. })));
    let leaf = shard(&mut blocks, &[("CB", raw(1))], &[0xcb]);
    assert!(matches!(read(&blocks, leaf), Err(DagError::Kind(..))));
}

#[test]
fn a_bomb_of_shards_ends_at_once() {
    struct Counted(Blocks, std::cell::Cell<usize>);
    impl BlockSource for Counted {
        fn get(&self, cid: &Cid) -> Result<Option<Vec<u8>>, super::super::SourceError> {
            self.1.set(self.1.get() + 1);
            Ok(self.0.get(cid).cloned())
        }
    }
    let mut blocks = Blocks::new();
    let slots: Vec<u8> = (0..=255).collect();
    let digits: Vec<String> = slots.iter().map(|slot| format!("{slot:02X}")).collect();
    let hash = murmur64(b"hello").to_be_bytes();
    let mut link = shard(
        &mut blocks,
        &[(&format!("{:02X}hello", hash[7]), raw(1))],
        &[hash[7]],
    );
    for _ in 0..7 {
        let links: Vec<_> = digits.iter().map(|slot| (slot.as_str(), link)).collect();
        link = shard(&mut blocks, &links, &slots);
    }
    let source = Counted(blocks, std::cell::Cell::new(0));
    assert!(list(&source, link.cid, &mut |_, _| ControlFlow::Continue(())).is_err());
    assert!(entries_within(&source, link.cid, 1 << 20).is_ok_and(|found| found.is_none()));
    let changes = [("hello", None), ("other", Some(raw(2)))];
    let updated = update_tree(&source, Some(&link), &changes, &mut |_| {});
    assert!(matches!(updated, Err(DagError::Shape { .. })));
    assert!(source.1.get() < 1000, "{}", source.1.get());
}

#[test]
fn directories_that_lie_are_refused() {
    let mut blocks = Blocks::new();
    let bad: &[&[&str]] = &[&["a", "a"], &["b", "a"], &[""], &[".."], &["a/b"], &["a\0"]];
    for names in bad {
        let links: Vec<_> = names.iter().map(|name| (*name, raw(1))).collect();
        let root = put(&mut blocks, &links, &UnixFs::Directory);
        assert!(read(&blocks, root).is_err(), "{names:?}");
        let changes = [("x", Some(raw(2)))];
        assert!(update_tree(&blocks, Some(&root), &changes, &mut |_| {}).is_err());
    }
    let file = raw(1);
    assert!(matches!(
        list(&blocks, file.cid, &mut |_, _| ControlFlow::Continue(())),
        Err(DagError::Kind(..))
    ));
}

#[test]
fn a_bomb_of_directories_is_stopped() {
    let mut blocks = Blocks::new();
    let names: Vec<String> = (0..100).map(|at| format!("{at:02}")).collect();
    let mut root = raw(1);
    for _ in 0..PATH_DEPTH + 1 {
        let links: Vec<_> = names.iter().map(|name| (name.as_str(), root)).collect();
        root = put(&mut blocks, &links, &UnixFs::Directory);
    }
    let mut seen = 0;
    let limits = WalkLimits {
        entries: 10_000,
        nodes: 1000,
    };
    let walked = walk(&blocks, root, limits, &mut |_| {
        seen += 1;
        ControlFlow::Continue(())
    });
    assert!(matches!(walked, Err(DagError::Limit(..))));
    assert!(seen < 20_000);
    let deep = ["00"; PATH_DEPTH].join("/");
    assert!(lookup(&blocks, root, &deep).unwrap().is_some());
    let deeper = format!("{deep}/00");
    assert!(matches!(
        lookup(&blocks, root, &deeper),
        Err(DagError::Path(_))
    ));
}

/// Two names whose whole 64-bit hashes are equal; anybody can make such pairs.
const TWINS: [&str; 2] = [
    "first-name-of-two-with-same-hash",
    "other-sg7xx9r_ss({%[z~8!(AS-*KN9",
];

#[test]
fn names_that_collide_are_refused_only_in_shards() {
    assert_eq!(murmur64(TWINS[0].as_bytes()), murmur64(TWINS[1].as_bytes()));
    let mut blocks = Blocks::new();
    let mut keep = |block: Block| drop(blocks.insert(block.cid(), block.into_bytes()));
    let twins = TWINS.map(|name| (name, Some(raw(1))));
    let small = update_tree(&Blocks::new(), None, &twins, &mut keep).unwrap();
    let mut names: Vec<String> = (0..6000).map(|at| format!("{at:020}")).collect();
    names.push(TWINS[0].to_owned());
    let many: Vec<_> = names.iter().map(|name| (&**name, Some(raw(1)))).collect();
    let one = update_tree(&Blocks::new(), None, &many, &mut keep).unwrap();
    assert_eq!(find(&blocks, small.cid, TWINS[1]).unwrap(), Some(raw(1)));
    assert_eq!(find(&blocks, one.cid, TWINS[1]).unwrap(), None);
    let second = [(TWINS[1], Some(raw(2)))];
    let both = update_tree(&blocks, Some(&one), &second, &mut |_| {});
    assert!(matches!(both, Err(DagError::Collision(_))));
    let gone = [(TWINS[1], None)];
    let same = update_tree(&blocks, Some(&one), &gone, &mut |_| {}).unwrap();
    assert_eq!(same, one);
    let swap = [twins[0].0, TWINS[1]];
    let swap = [(swap[0], None), (swap[1], Some(raw(2)))];
    let swapped = update_tree(&blocks, Some(&one), &swap, &mut |_| {});
    assert!(swapped.is_ok());
}

#[test]
fn listing_can_end_early() {
    let mut blocks = Blocks::new();
    let links: Vec<(String, Link)> = (0..50).map(|at| (format!("{at:02}"), raw(at))).collect();
    let list_of: Vec<_> = links.iter().map(|(name, link)| (&**name, *link)).collect();
    let root = put(&mut blocks, &list_of, &UnixFs::Directory);
    let mut count = 0;
    list(&blocks, root.cid, &mut |_, _| {
        count += 1;
        if count == 7 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
    .unwrap();
    assert_eq!(count, 7);
    let mut files = 0;
    walk(&blocks, root, WalkLimits::default(), &mut |visit| {
        files += usize::from(matches!(visit, Visit::File { .. }));
        if files == 9 {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(files, 9);
}

proptest! {
    #[test]
    fn damaged_directories_never_panic(at in any::<prop::sample::Index>(), flip: u8, cut: bool) {
        let mut blocks = Blocks::new();
        let names: Vec<String> = (0..40).map(|at| format!("name-{at}")).collect();
        let mut links: Vec<_> = names
            .iter()
            .map(|name| (format!("{:02X}{name}", slot_of(name)), raw(1)))
            .collect();
        links.sort();
        links.dedup_by_key(|link| link.0[..2].to_owned());
        let taken: Vec<u8> = names.iter().map(|name| slot_of(name)).collect();
        let list_of: Vec<_> = links.iter().map(|(name, link)| (&**name, *link)).collect();
        let root = shard(&mut blocks, &list_of, &taken);
        prop_assert!(read(&blocks, root).is_ok());
        let mut bytes = blocks[&root.cid].clone();
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] ^= flip }
        let block = Block::new(Codec::DagPb, bytes);
        let damaged = Link { cid: block.cid(), tsize: 1 };
        blocks.insert(block.cid(), block.into_bytes());
        drop(read(&blocks, damaged));
        let changes = [("name-1", None), ("new", Some(raw(2)))];
        drop(update_tree(&blocks, Some(&damaged), &changes, &mut |_| {}));
    }
}
