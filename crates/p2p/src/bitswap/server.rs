//! Whom of those who want something we serve next, and with how much.
//!
//! Peers take turns. Each has bounded wants, bounded bytes under way and few reads at a
//! time, so one that floods, wants without end or reads slowly costs a bounded amount and
//! holds up nobody else. The bytes of a block are not hashed before they are sent: whoever
//! receives them does that.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
};

use ourspace_protocol::dag::{BlockSource, Cid};

use super::{
    ledger::{Ledger, Wanted},
    limits::Limits,
    message::{Entry, Message, Name, Payload},
};

/// Blocks up to this size are sent to whoever asks only whether they are there, as Kubo
/// does: the question costs as much as the answer.
const SENT_AT_ONCE: usize = 1024;
/// Wants that one read looks at, at most.
const WANTS_OF_A_READ: usize = 512;
/// Bytes after which a read stops and a message is sent.
const MESSAGE_FILLS: usize = 1024 * 1024;
/// Reads for one peer at the same time: one is read while the other is sent.
const READS_OF_A_PEER: usize = 2;

/// What happened.
#[derive(Debug)]
pub(super) enum Input<P> {
    /// A peer said what it wants.
    Wants(P, Vec<Entry>, bool),
    /// A read is done.
    Read(Done<P>),
    /// So many bytes of blocks have left for the peer.
    Sent(P, usize),
    /// The peer is gone.
    Gone(P),
}

/// Wants to be looked up, in a thread that may wait for the disk.
#[derive(Debug)]
pub(super) struct Job<P> {
    peer: P,
    /// Which time the peer is here: it may have gone and come in the meantime.
    visit: u64,
    wants: Vec<Wanted>,
    /// Bytes after which it stops.
    fill: usize,
}

/// What a job found.
#[derive(Debug)]
pub(super) struct Done<P> {
    peer: P,
    visit: u64,
    answer: Message,
    bytes: usize,
    wants: Vec<Wanted>,
    looked_up: usize,
    absent: usize,
    failures: u64,
}

impl<P> Job<P> {
    /// Looks the wants up until the message is full. A source that fails has not got it.
    pub(super) fn run(self, source: &dyn BlockSource) -> Done<P> {
        let mut done = Done {
            peer: self.peer,
            visit: self.visit,
            answer: Message::default(),
            bytes: 0,
            wants: self.wants,
            looked_up: 0,
            absent: 0,
            failures: 0,
        };
        for wanted in &done.wants {
            if done.bytes >= self.fill {
                break;
            }
            done.looked_up += 1;
            let found = find(source, wanted).unwrap_or_else(|_| {
                done.failures += 1;
                Found::Absent
            });
            done.absent += usize::from(matches!(found, Found::Absent));
            let name = wanted.name.clone();
            match (found, &name) {
                (Found::Bytes(data), Name::Known { cid, v0 }) => {
                    done.bytes += data.len();
                    done.answer.blocks.push(Payload {
                        codec: cid.codec(),
                        v0: *v0,
                        data: data.into(),
                    });
                }
                (Found::Here, _) => done.answer.presences.push((name, true)),
                (Found::Absent, _) if wanted.say_no => {
                    done.answer.presences.push((name, false));
                }
                _ => {}
            }
        }
        done
    }
}

enum Found {
    Bytes(Vec<u8>),
    Here,
    Absent,
}

fn find(
    source: &dyn BlockSource,
    wanted: &Wanted,
) -> Result<Found, ourspace_protocol::dag::SourceError> {
    let Name::Known { cid, .. } = &wanted.name else {
        return Ok(Found::Absent);
    };
    let bytes = |cid: &Cid| Ok(source.get(cid)?.map_or(Found::Absent, Found::Bytes));
    if wanted.bytes {
        return bytes(cid);
    }
    match source.length(cid)? {
        None => Ok(Found::Absent),
        Some(length) if length <= SENT_AT_ONCE => bytes(cid),
        Some(_) => Ok(Found::Here),
    }
}

/// What is to be done.
#[derive(Debug)]
pub(super) enum Effect<P> {
    /// Run this and hand back what it found.
    Read(Job<P>),
    /// Send this, and say when so many bytes of it have left.
    Send(P, Message, usize),
    /// So many wants of a peer were looked up for nothing.
    Absent(P, usize),
}

/// Counts for people who look after a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// Blocks sent.
    pub blocks: u64,
    /// Bytes of blocks sent.
    pub bytes: u64,
    /// Wants that were left out because the peer had too many.
    pub left_out: u64,
    /// Reads that the block source failed at.
    pub failures: u64,
}

#[derive(Debug, Default)]
struct Peer {
    ledger: Ledger,
    /// Bytes read or reserved to be read, and not yet sent.
    under_way: usize,
    reads: usize,
    /// Whether it stands in line.
    in_line: bool,
    visit: u64,
    /// About how many wants fill a message.
    wants_of_a_read: usize,
}

/// All whom we serve.
#[derive(Debug)]
pub(super) struct Server<P> {
    limits: Limits,
    peers: HashMap<P, Peer>,
    line: VecDeque<P>,
    reads: usize,
    under_way: usize,
    visits: u64,
    served: Served,
}

impl<P: Copy + Eq + Hash> Server<P> {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            peers: HashMap::new(),
            line: VecDeque::new(),
            reads: 0,
            under_way: 0,
            visits: 0,
            served: Served::default(),
        }
    }

    pub(super) fn served(&self) -> Served {
        self.served
    }

    /// Wants did not even get here.
    pub(super) fn count_left_out(&mut self, wants: usize) {
        self.served.left_out += wants as u64;
    }

    pub(super) fn handle(&mut self, input: Input<P>) -> Vec<Effect<P>> {
        let mut effects = Vec::new();
        match input {
            Input::Wants(peer, entries, full) => {
                let most = self.limits.wants_of_a_peer;
                let visits = &mut self.visits;
                let state = self.peers.entry(peer).or_insert_with(|| {
                    *visits += 1;
                    Peer {
                        visit: *visits,
                        wants_of_a_read: 16,
                        ..Peer::default()
                    }
                });
                self.served.left_out += state.ledger.take_in(entries, full, most);
                self.line_up(peer);
            }
            Input::Read(done) => self.read(done, &mut effects),
            Input::Sent(peer, bytes) => self.sent(peer, bytes),
            Input::Gone(peer) => {
                if let Some(gone) = self.peers.remove(&peer) {
                    self.under_way -= gone.under_way;
                }
            }
        }
        self.start_reads(&mut effects);
        effects
    }

    fn read(&mut self, done: Done<P>, effects: &mut Vec<Effect<P>>) {
        self.reads -= 1;
        self.served.failures += done.failures;
        let there = self.peers.get_mut(&done.peer);
        let Some(peer) = there.filter(|peer| peer.visit == done.visit) else {
            return;
        };
        peer.reads -= 1;
        let reserved = MESSAGE_FILLS;
        peer.under_way = peer.under_way + done.bytes - reserved;
        self.under_way = self.under_way + done.bytes - reserved;
        let fill = MESSAGE_FILLS.saturating_mul(done.looked_up);
        if let Some(wants) = fill.checked_div(done.bytes) {
            peer.wants_of_a_read = wants.clamp(1, WANTS_OF_A_READ);
        }
        peer.ledger.give_back(done.wants, done.looked_up);
        self.served.blocks += done.answer.blocks.len() as u64;
        self.served.bytes += done.bytes as u64;
        if done.absent > 0 {
            effects.push(Effect::Absent(done.peer, done.absent));
        }
        if !done.answer.is_empty() {
            effects.push(Effect::Send(done.peer, done.answer, done.bytes));
        }
        self.line_up(done.peer);
    }

    fn sent(&mut self, peer: P, bytes: usize) {
        if let Some(state) = self.peers.get_mut(&peer) {
            let bytes = bytes.min(state.under_way);
            state.under_way -= bytes;
            self.under_way -= bytes;
            self.line_up(peer);
        }
    }

    /// Puts a peer in line if it wants something and may have it.
    fn line_up(&mut self, peer: P) {
        let Some(state) = self.peers.get_mut(&peer) else {
            return;
        };
        if state.ledger.is_empty() && state.reads == 0 && state.under_way == 0 {
            self.peers.remove(&peer);
            return;
        }
        let may = state.reads < READS_OF_A_PEER && state.under_way < self.limits.bytes_to_a_peer;
        if may && !state.in_line && !state.ledger.is_empty() {
            state.in_line = true;
            self.line.push_back(peer);
        }
    }

    fn start_reads(&mut self, effects: &mut Vec<Effect<P>>) {
        let mut passed_over = 0;
        while self.reads < self.limits.reads && passed_over < self.line.len() {
            let Some(peer) = self.line.pop_front() else {
                return;
            };
            let Some(state) = self.peers.get_mut(&peer) else {
                continue;
            };
            // When much is under way to many, those with nothing under way still get theirs.
            let full = self.under_way >= self.limits.bytes_to_all;
            if full && state.under_way > 0 {
                self.line.push_back(peer);
                passed_over += 1;
                continue;
            }
            state.in_line = false;
            let wants = state.ledger.take_out(state.wants_of_a_read);
            if wants.is_empty() {
                continue;
            }
            state.reads += 1;
            state.under_way += MESSAGE_FILLS;
            self.reads += 1;
            self.under_way += MESSAGE_FILLS;
            let fill = if full { 1 } else { MESSAGE_FILLS };
            effects.push(Effect::Read(Job {
                peer,
                visit: state.visit,
                wants,
                fill,
            }));
            self.line_up(peer);
        }
    }
}

#[cfg(test)]
mod tests;
