//! Sessions on virtual time, with providers that are fast, slow, silent, lying or dying.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use ourspace_protocol::dag::Codec;

use super::*;

fn cid(n: usize) -> Cid {
    Cid::of(Codec::Raw, &n.to_le_bytes())
}

fn cids(count: usize) -> Vec<Cid> {
    (0..count).map(cid).collect()
}

/// What a simulated provider is like.
#[derive(Clone)]
struct Like {
    bytes_per_ms: usize,
    delay: u64,
    holds: fn(&Cid) -> bool,
    /// Answers nothing from then on.
    silent_from: u64,
    /// Its connection is lost then, for good.
    dies: u64,
    /// Loses every so many-th want without a word.
    loses: u64,
}

impl Default for Like {
    fn default() -> Self {
        Self {
            bytes_per_ms: 10_000,
            delay: 10,
            holds: |_| true,
            silent_from: u64::MAX,
            dies: u64::MAX,
            loses: u64::MAX,
        }
    }
}

#[derive(Default)]
struct Peer {
    like: Like,
    line: VecDeque<Cid>,
    busy: bool,
    taken_back: u64,
    given: u64,
    asked: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happens {
    Tick,
    Asked(u8, Cid, bool),
    TakenBack(u8, Cid),
    Sent(u8, Cid),
    Answer(u8, Cid, bool),
    Dies(u8),
}

/// A session, its providers and the time.
struct World {
    session: Session<u8>,
    peers: BTreeMap<u8, Peer>,
    events: BinaryHeap<Reverse<(u64, u64, Happens)>>,
    now: u64,
    number: u64,
    block: usize,
    got: Vec<(u64, Cid)>,
    missing: Vec<(u64, Cid)>,
    searches: Vec<u64>,
    silent: Vec<u8>,
}

impl World {
    fn new(peers: impl IntoIterator<Item = (u8, Like)>, block: usize) -> Self {
        let mut world = Self {
            session: Session::new(Limits::default()),
            peers: BTreeMap::new(),
            events: BinaryHeap::new(),
            now: 0,
            number: 0,
            block,
            got: Vec::new(),
            missing: Vec::new(),
            searches: Vec::new(),
            silent: Vec::new(),
        };
        for (name, like) in peers {
            world.join(name, like);
        }
        world
    }

    fn join(&mut self, name: u8, like: Like) {
        self.at(like.dies, Happens::Dies(name));
        let peer = Peer {
            like,
            ..Peer::default()
        };
        self.peers.insert(name, peer);
        self.give(Input::Providers(vec![(name, true)]));
    }

    fn at(&mut self, when: u64, what: Happens) {
        self.number += 1;
        if when != u64::MAX {
            self.events.push(Reverse((when, self.number, what)));
        }
    }

    fn give(&mut self, input: Input<u8>) {
        for effect in self.session.handle(input, Time::from_millis(self.now)) {
            match effect {
                Effect::Ask(peer, cid, urgent) => {
                    let delay = self.peers[&peer].like.delay;
                    self.at(self.now + delay, Happens::Asked(peer, cid, urgent));
                }
                Effect::TakeBack(peer, cid) => {
                    let delay = self.peers[&peer].like.delay;
                    self.at(self.now + delay, Happens::TakenBack(peer, cid));
                }
                Effect::Got(cid) => self.got.push((self.now, cid)),
                Effect::Missing(cid) => self.missing.push((self.now, cid)),
                Effect::Search => self.searches.push(self.now),
                Effect::Silent(peer) => self.silent.push(peer),
                Effect::Dial(peer) => self.give(Input::Unusable(peer)),
            }
        }
    }

    /// Until a time, or until nothing is wanted any more.
    fn run(&mut self, until: u64) {
        self.at(self.now + 100, Happens::Tick);
        while self.session.is_waiting()
            && self
                .events
                .peek()
                .is_some_and(|Reverse((when, ..))| *when <= until)
            && let Some(Reverse((when, _, what))) = self.events.pop()
        {
            self.now = when;
            self.step(what);
        }
    }

    fn step(&mut self, what: Happens) {
        match what {
            Happens::Tick => {
                self.at(self.now + 100, Happens::Tick);
                self.give(Input::Tick);
            }
            Happens::Asked(name, cid, urgent) => {
                let peer = self.peers.get_mut(&name).unwrap();
                if peer.like.dies <= self.now || peer.like.silent_from <= self.now {
                    return;
                }
                peer.asked += 1;
                if peer.asked.is_multiple_of(peer.like.loses) {
                    return;
                }
                if !(peer.like.holds)(&cid) {
                    let delay = peer.like.delay;
                    return self.at(self.now + delay, Happens::Answer(name, cid, false));
                }
                peer.line.retain(|other| *other != cid);
                if urgent {
                    peer.line.push_front(cid);
                } else {
                    peer.line.push_back(cid);
                }
                self.next_of(name);
            }
            Happens::TakenBack(name, cid) => {
                let peer = self.peers.get_mut(&name).unwrap();
                peer.line.retain(|other| *other != cid);
                peer.taken_back += 1;
            }
            Happens::Sent(name, cid) => {
                let peer = self.peers.get_mut(&name).unwrap();
                peer.busy = false;
                let delay = peer.like.delay;
                self.at(self.now + delay, Happens::Answer(name, cid, true));
                self.next_of(name);
            }
            Happens::Answer(name, cid, block) => {
                let peer = self.peers.get_mut(&name).unwrap();
                if peer.like.dies <= self.now {
                    return;
                }
                if !block {
                    return self.give(Input::Presences(name, vec![(cid, false)]));
                }
                peer.given += 1;
                if !self.session.wants(&cid) {
                    self.session.count_duplicate(self.block);
                }
                self.give(Input::Blocks(name, vec![(cid, self.block)]));
            }
            Happens::Dies(name) => self.give(Input::Down(name)),
        }
    }

    fn next_of(&mut self, name: u8) {
        let peer = self.peers.get_mut(&name).unwrap();
        if peer.busy || peer.like.silent_from <= self.now {
            return;
        }
        if let Some(cid) = peer.line.pop_front() {
            peer.busy = true;
            let took = (self.block / peer.like.bytes_per_ms) as u64;
            self.at(self.now + took, Happens::Sent(name, cid));
        }
    }

    fn fetch(&mut self, count: usize) {
        self.give(Input::Want(cids(count)));
        self.run(3_600_000);
        assert_eq!(self.got.len() + self.missing.len(), count);
    }

    fn duplicates(&self) -> f64 {
        let figures = self.session.figures();
        figures.duplicates as f64 / figures.blocks as f64
    }
}

const MIB: usize = 1 << 20;

#[test]
fn one_provider_is_kept_busy_and_order_is_kept() {
    let mut world = World::new([(1, Like::default())], MIB);
    world.fetch(200);
    // 200 MiB at 10 MB/s are 21 s: what is more is waiting for nothing.
    assert!(world.now < 22_000, "{} ms", world.now);
    let order: Vec<Cid> = world.got.iter().map(|(_, cid)| *cid).collect();
    assert_eq!(order, cids(200));
    assert_eq!(world.session.figures().duplicates, 0);
}

#[test]
fn far_away_small_blocks_come_by_the_hundred() {
    let far = Like {
        delay: 100,
        ..Like::default()
    };
    let mut world = World::new([(1, far)], 4096);
    world.fetch(10_000);
    // One by one this would take 2,000 s.
    assert!(world.now < 6_000, "{} ms", world.now);
}

#[test]
fn fast_providers_give_more() {
    let slow = Like {
        bytes_per_ms: 500,
        ..Like::default()
    };
    let mut world = World::new([(1, Like::default()), (2, Like::default()), (3, slow)], MIB);
    world.fetch(400);
    // Together 20.5 MB/s: 20.5 s.
    assert!(world.now < 23_500, "{} ms", world.now);
    let given = |name| world.peers[&name].given;
    assert!(
        given(1) > 170 && given(2) > 170,
        "{} {}",
        given(1),
        given(2)
    );
    assert!((5..25).contains(&given(3)), "{}", given(3));
    assert!(world.duplicates() <= 0.05, "{}", world.duplicates());
}

#[test]
fn a_very_slow_provider_does_not_hold_up_the_first_block() {
    let slow = Like {
        bytes_per_ms: 50,
        ..Like::default()
    };
    let mut world = World::new([(1, slow), (2, Like::default())], MIB);
    world.fetch(100);
    assert!(world.now < 14_000, "{} ms", world.now);
    let first = world
        .got
        .iter()
        .find(|(_, first)| *first == cid(0))
        .unwrap()
        .0;
    assert!(first < 1_500, "{first} ms");
    assert!(world.duplicates() <= 0.05, "{}", world.duplicates());
}

#[test]
fn a_silent_provider_costs_seconds_and_is_left() {
    let silent = Like {
        silent_from: 0,
        ..Like::default()
    };
    let mut world = World::new([(1, silent), (2, Like::default())], MIB);
    world.fetch(100);
    assert!(world.now < 16_000, "{} ms", world.now);
    assert_eq!(world.missing.len(), 0);
    assert_eq!(world.session.figures().duplicates, 0);
}

#[test]
fn one_that_falls_silent_or_dies_is_replaced() {
    for like in [
        Like {
            silent_from: 3_000,
            ..Like::default()
        },
        Like {
            dies: 3_000,
            ..Like::default()
        },
    ] {
        let mut world = World::new([(1, like), (2, Like::default())], MIB);
        world.fetch(200);
        assert!(world.now < 24_000, "{} ms", world.now);
        assert_eq!(world.missing.len(), 0);
        assert!(world.duplicates() <= 0.05, "{}", world.duplicates());
    }
}

#[test]
fn providers_with_a_part_each_make_the_whole() {
    let even = Like {
        holds: |cid| cid.digest()[0].is_multiple_of(2),
        ..Like::default()
    };
    let odd = Like {
        holds: |cid| !cid.digest()[0].is_multiple_of(2),
        ..Like::default()
    };
    let mut world = World::new([(1, even), (2, odd)], 65_536);
    world.fetch(1000);
    assert_eq!((world.got.len(), world.searches.len()), (1000, 0));
    assert_eq!(world.session.figures().duplicates, 0);
}

#[test]
fn what_nobody_has_is_searched_and_then_missing() {
    let none = Like {
        holds: |_| false,
        ..Like::default()
    };
    let mut world = World::new([(1, none)], MIB);
    world.fetch(5);
    assert_eq!(world.missing.len(), 5);
    assert_eq!(world.searches.len(), 1);
    let waited = world.missing[0].0 - world.searches[0];
    assert!((10_000..10_500).contains(&waited), "{waited} ms");
}

#[test]
fn a_search_that_finds_somebody_goes_on() {
    let mut world = World::new([], MIB);
    world.give(Input::Want(cids(3)));
    assert_eq!(world.searches, [0]);
    world.join(1, Like::default());
    world.run(60_000);
    assert_eq!((world.got.len(), world.missing.len()), (3, 0));
    // And one that ends with nothing ends the wants.
    world.give(Input::Unusable(1));
    world.give(Input::Want(vec![cid(7)]));
    world.give(Input::SearchOver);
    assert_eq!(world.missing.len(), 1);
    assert!(!world.session.is_waiting());
}

#[test]
fn the_only_provider_is_asked_again_and_then_given_up() {
    let silent = Like {
        silent_from: 0,
        ..Like::default()
    };
    let mut world = World::new([(1, silent)], MIB);
    world.fetch(10);
    assert_eq!((world.silent.clone(), world.missing.len()), (vec![1], 10));
    assert!(world.now < 25_000, "{} ms", world.now);
}

#[test]
fn what_is_hurried_comes_first() {
    let mut world = World::new([(1, Like::default())], MIB);
    world.give(Input::Want(cids(100)));
    world.run(2_000);
    world.give(Input::Hurry(vec![cid(90), cid(91), cid(500)]));
    let (since, before) = (world.now, world.got.len());
    world.run(3_600_000);
    for hurried in [90, 91, 500].map(cid) {
        let (when, _) = world.got.iter().find(|(_, got)| *got == hurried).unwrap();
        assert!(when - since < 1_000, "{} ms", when - since);
    }
    assert_eq!(world.got.len(), 101);
    assert!(before < 30);
    // What was asked already is raised where it was asked.
    world.give(Input::Want(cids(10)));
    world.give(Input::Hurry(vec![cid(3)]));
    world.run(3_600_000);
    assert_eq!(world.got[101 + 1].1, cid(3));
}

#[test]
fn cancelled_wants_are_taken_back() {
    let mut world = World::new([(1, Like::default())], MIB);
    world.give(Input::Want(cids(50)));
    world.run(1_000);
    world.give(Input::Cancel(cids(50)));
    assert!(!world.session.is_waiting());
    assert_eq!(world.session.open().count(), 0);
    world.give(Input::Want(vec![cid(99)]));
    world.run(60_000);
    assert_eq!(world.got.last().unwrap().1, cid(99));
    assert!(world.peers[&1].taken_back > 0 && world.peers[&1].line.is_empty());
}

#[test]
fn a_liar_is_out_and_its_wants_go_elsewhere() {
    let mut world = World::new([(1, Like::default()), (2, Like::default())], MIB);
    world.give(Input::Want(cids(20)));
    assert!(world.session.uses(&1));
    world.give(Input::Lied(1));
    assert!(!world.session.uses(&1));
    world.run(60_000);
    assert_eq!(world.got.len(), 20);
    // A connection that comes back does not make it honest.
    world.give(Input::Up(1));
    world.give(Input::Providers(vec![(1, true)]));
    world.give(Input::Unusable(1));
    world.give(Input::Providers(vec![(1, true)]));
    assert!(!world.session.uses(&1));
}

#[test]
fn a_want_is_asked_of_one_at_a_time() {
    let mut world = World::new((1..9).map(|name| (name, Like::default())), MIB);
    world.fetch(800);
    let given: u64 = world.peers.values().map(|peer| peer.given).sum();
    assert_eq!((given, world.got.len()), (800, 800));
    assert!(world.now < 12_000, "{} ms", world.now);
}

#[test]
fn a_want_that_the_only_provider_loses_is_asked_again() {
    let forgetful = Like {
        loses: 40,
        ..Like::default()
    };
    let mut world = World::new([(1, forgetful)], MIB);
    world.fetch(300);
    assert_eq!(world.missing.len(), 0);
    assert!(world.silent.is_empty());
}
