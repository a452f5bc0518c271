//! The server without a network: what it reads and sends is done here.

use std::collections::BTreeMap;

use ourspace_protocol::dag::Codec;

use super::*;
use crate::bitswap::message::Ask;

type Blocks = BTreeMap<Cid, Vec<u8>>;

fn blocks(count: usize, size: usize) -> (Blocks, Vec<Cid>) {
    let mut blocks = Blocks::new();
    let mut cids = Vec::new();
    for n in 0..count {
        let mut bytes = vec![0; size];
        bytes[..8].copy_from_slice(&n.to_le_bytes());
        let cid = Cid::of(Codec::Raw, &bytes);
        blocks.insert(cid, bytes);
        cids.push(cid);
    }
    (blocks, cids)
}

fn entry(cid: Cid, ask: Ask) -> Entry {
    Entry {
        name: Name::new(cid),
        priority: 1,
        ask,
        send_dont_have: true,
    }
}

fn want(cids: &[Cid]) -> Vec<Entry> {
    cids.iter().map(|cid| entry(*cid, Ask::Block)).collect()
}

/// A server with its disk; messages that were sent stay under way until `drain`.
struct World {
    server: Server<u8>,
    blocks: Blocks,
    sent: Vec<(u8, Message, usize)>,
    absent: usize,
}

impl World {
    fn new(limits: Limits, blocks: Blocks) -> Self {
        Self {
            server: Server::new(limits),
            blocks,
            sent: Vec::new(),
            absent: 0,
        }
    }

    /// Gives an input and runs what it leads to, in order.
    fn give(&mut self, input: Input<u8>) {
        let mut open = VecDeque::from(self.server.handle(input));
        while let Some(effect) = open.pop_front() {
            match effect {
                Effect::Read(job) => {
                    let done = job.run(&self.blocks);
                    open.extend(self.server.handle(Input::Read(done)));
                }
                Effect::Send(peer, message, bytes) => self.sent.push((peer, message, bytes)),
                Effect::Absent(_, wants) => self.absent += wants,
            }
        }
    }

    /// What was sent to a peer leaves.
    fn drain(&mut self, peer: u8) -> Vec<Message> {
        let all = std::mem::take(&mut self.sent);
        let (its, others) = all.into_iter().partition(|(to, ..)| *to == peer);
        self.sent = others;
        let mut messages = Vec::new();
        for (_, message, bytes) in Vec::from_iter::<Vec<_>>(its) {
            messages.push(message);
            self.give(Input::Sent(peer, bytes));
        }
        messages
    }
}

#[test]
fn each_want_gets_its_answer() {
    let (mut held, cids) = blocks(2, 5000);
    let tiny = Cid::of(Codec::DagPb, b"tiny");
    held.insert(tiny, b"tiny".to_vec());
    let absent = Cid::of(Codec::Raw, b"absent");
    let other = Name::Other([1, 0x55, 0x1e, 1, 0].into());
    let mut world = World::new(Limits::default(), held);
    let mut entries = vec![
        entry(cids[0], Ask::Block),
        entry(cids[1], Ask::Have),
        entry(tiny, Ask::Have),
        entry(absent, Ask::Block),
    ];
    entries.push(Entry {
        name: other.clone(),
        ..entry(absent, Ask::Have)
    });
    entries.push(Entry {
        name: Name::new(Cid::of(Codec::Raw, b"quiet")),
        send_dont_have: false,
        ..entry(absent, Ask::Block)
    });
    world.give(Input::Wants(1, entries, false));
    let [message] = &world.drain(1)[..] else {
        panic!("one message");
    };
    assert_eq!(message.blocks.len(), 2);
    assert_eq!(message.blocks[1].data.as_ref(), b"tiny");
    let expected = [
        (Name::new(cids[1]), true),
        (Name::new(absent), false),
        (other, false),
    ];
    assert_eq!(message.presences, expected);
    assert!(world.server.peers.is_empty());
}

#[test]
fn the_spelling_of_the_asker_is_kept() {
    let bytes = b"node".to_vec();
    let cid = Cid::of(Codec::DagPb, &bytes);
    let mut world = World::new(Limits::default(), Blocks::from([(cid, bytes)]));
    let name = Name::Known { cid, v0: true };
    let entries = vec![Entry {
        name,
        ..entry(cid, Ask::Block)
    }];
    world.give(Input::Wants(1, entries, false));
    assert!(world.drain(1)[0].blocks[0].v0);
}

#[test]
fn small_blocks_travel_together() {
    let (held, cids) = blocks(1000, 4096);
    let mut world = World::new(Limits::default(), held);
    world.give(Input::Wants(1, want(&cids), false));
    let mut messages = Vec::new();
    while !world.sent.is_empty() {
        messages.extend(world.drain(1));
    }
    assert_eq!(messages.iter().map(|m| m.blocks.len()).sum::<usize>(), 1000);
    assert!(messages.len() <= 6, "{} messages", messages.len());
}

#[test]
fn who_does_not_read_gets_a_bounded_amount() {
    let (held, cids) = blocks(200, 256 * 1024);
    let mut world = World::new(Limits::default(), held);
    world.give(Input::Wants(1, want(&cids), false));
    let sent: usize = world.sent.iter().map(|(_, _, bytes)| bytes).sum();
    assert!((4 << 20..=6 << 20).contains(&sent), "{sent}");
    assert!(world.server.under_way <= 6 << 20);
    world.give(Input::Gone(1));
    assert_eq!((world.server.under_way, world.server.reads), (0, 0));
}

#[test]
fn those_beside_a_flood_are_served_in_turn() {
    let (held, cids) = blocks(400, 256 * 1024);
    let limits = Limits {
        reads: 1,
        ..Limits::default()
    };
    let mut world = World::new(limits, held);
    // The flooder is there first and wants everything, over and over.
    world.give(Input::Wants(1, want(&cids), false));
    world.give(Input::Wants(2, want(&cids[..40]), false));
    let (mut flooder, mut honest) = (0, 0);
    while honest < 40 {
        let before = (flooder, honest);
        flooder += world.drain(1).iter().map(|m| m.blocks.len()).sum::<usize>();
        world.give(Input::Wants(1, want(&cids), false));
        honest += world.drain(2).iter().map(|m| m.blocks.len()).sum::<usize>();
        assert_ne!(before, (flooder, honest), "nothing moves");
    }
    assert!(flooder <= 80, "{flooder} blocks for the flooder");
}

#[test]
fn many_slow_readers_leave_room_for_an_honest_one() {
    let (held, cids) = blocks(64, 1 << 20);
    let limits = Limits {
        bytes_to_all: 16 << 20,
        ..Limits::default()
    };
    let mut world = World::new(limits, held);
    for slow in 10..60 {
        world.give(Input::Wants(slow, want(&cids), false));
    }
    let under_way = world.server.under_way;
    assert!(under_way <= (16 << 20) + 51 * (2 << 20), "{under_way}");
    world.give(Input::Wants(1, want(&cids), false));
    let mut got = 0;
    while got < 64 {
        let more: usize = world.drain(1).iter().map(|m| m.blocks.len()).sum();
        assert!(more > 0, "stuck at {got}");
        got += more;
    }
}

#[test]
fn an_endless_list_is_cut_and_counted() {
    let cids: Vec<Cid> = (0..50_000usize)
        .map(|n| Cid::of(Codec::Raw, &n.to_le_bytes()))
        .collect();
    let mut server = Server::<u8>::new(Limits::default());
    let effects = server.handle(Input::Wants(1, want(&cids), false));
    assert_eq!(effects.len(), READS_OF_A_PEER);
    server.handle(Input::Wants(1, want(&cids), false));
    assert_eq!(server.served().left_out, 2 * (50_000 - 4096));
}

#[test]
fn a_read_that_ends_after_its_peer_is_dropped() {
    let (held, cids) = blocks(1, 10);
    let mut server = Server::<u8>::new(Limits::default());
    let mut effects = server.handle(Input::Wants(1, want(&cids), false));
    let Some(Effect::Read(job)) = effects.pop() else {
        panic!("a read");
    };
    assert!(server.handle(Input::Gone(1)).is_empty());
    // It comes back before the read ends.
    let again = server.handle(Input::Wants(1, want(&cids), false));
    assert!(server.handle(Input::Read(job.run(&held))).is_empty());
    let [Effect::Read(_)] = &again[..] else {
        panic!("another read");
    };
    assert_eq!((server.reads, server.under_way), (1, MESSAGE_FILLS));
}
