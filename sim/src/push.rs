//! News in a swarm: the push machine of each node as it is, over links that take their time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use ourspace_protocol::{
    account::Account,
    announcement::Announcement,
    machine::{
        dice::Dice,
        push::{Effect, Input, Push},
    },
    message::{Message, Topic},
    time::Millis,
};

use crate::{
    accounts::BEGIN, figures::Values, queue::Queue, table::Id, tally::AROUND, world::Delay,
};

/// Bytes of the delta of a short post.
pub const DELTA: u64 = 450;

/// Nodes that follow one account.
#[derive(Debug)]
pub struct Swarm {
    nodes: Vec<Push<Id>>,
    wake_at: Vec<Option<Millis>>,
    links: BTreeSet<(Id, Id)>,
    queue: Queue<(Id, Input<Id>)>,
    delay: Delay,
    account: Account,
    sent: Sent,
    /// When a node got the news that is being spread, and over how many links it came.
    got: BTreeMap<Id, (Millis, u32)>,
}

/// What was sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sent {
    /// Copies of news.
    pub copies: u64,
    /// Other messages.
    pub words: u64,
    /// Bytes of all of it, as IP packets.
    pub bytes: u64,
}

/// How a piece of news has spread.
#[derive(Clone, Debug, Default)]
pub struct Spread {
    /// Nodes that have it, without the author.
    pub reached: usize,
    /// After how many milliseconds each had it.
    pub after: Values,
    /// Over how many links it came to each.
    pub hops: Values,
    /// What was sent for it.
    pub sent: Sent,
}

impl Swarm {
    /// So many nodes; each is connected with `degree` others on average.
    #[must_use]
    pub fn new((nodes, degree): (usize, usize), delay: Delay, account: Account, seed: u64) -> Self {
        let mut swarm = Self {
            nodes: (0..nodes as u64)
                .map(|at| Push::new(at * 77 + seed))
                .collect(),
            wake_at: vec![None; nodes],
            links: BTreeSet::new(),
            queue: Queue::new(BEGIN),
            delay,
            account,
            sent: Sent::default(),
            got: BTreeMap::new(),
        };
        for id in 0..nodes as Id {
            let known = Vec::new();
            swarm.input(id, Input::Join { account, known });
        }
        let mut dice = Dice::new(seed * 13 + 9);
        for id in 0..nodes as Id {
            // Nobody is alone.
            swarm.connect(id, (id + 1) % nodes as Id);
            for _ in 1..degree / 2 {
                swarm.connect(id, dice.below(nodes as u64) as Id);
            }
        }
        swarm
    }

    fn connect(&mut self, a: Id, b: Id) {
        if a == b || !self.links.insert((a.min(b), a.max(b))) {
            return;
        }
        for (one, peer) in [(a, b), (b, a)] {
            self.input(one, Input::Connected(peer));
            let joined = vec![Topic::of(self.account)];
            let left = Vec::new();
            self.later(peer, one, Input::Interests { peer, joined, left });
        }
    }

    fn later(&mut self, from: Id, to: Id, input: Input<Id>) {
        let delay = match self.delay {
            Delay::Fixed(delay) => delay,
            Delay::Between(least, most) => {
                let (a, b) = (u64::from(from.min(to)), u64::from(from.max(to)));
                least + Dice::new((a << 32 | b) * 2 + 1).roll() % (most - least + 1)
            }
        };
        self.queue.at(self.queue.now() + delay, (to, input));
    }

    fn input(&mut self, id: Id, input: Input<Id>) {
        let now = self.queue.now();
        for effect in self.nodes[id as usize].handle(input, now) {
            self.effect(id, effect);
        }
        let wake = self.nodes[id as usize].wake();
        let planned = &mut self.wake_at[id as usize];
        if let Some(at) = wake.filter(|at| planned.is_none_or(|planned| *at < planned)) {
            *planned = Some(at);
            self.queue.at(at, (id, Input::Wake));
        }
    }

    fn effect(&mut self, id: Id, effect: Effect<Id>) {
        match effect {
            Effect::News(to, news) => {
                self.sent.copies += 1;
                let (record, delta) = (news.record().get().to_bytes(), None);
                let size = Message::News { record, delta }.to_bytes().len() as u64;
                self.sent.bytes += size + DELTA + AROUND;
                self.later(id, to, Input::News { peer: id, news });
            }
            Effect::Send(to, message) => {
                self.sent.words += 1;
                self.sent.bytes += message.to_bytes().len() as u64 + AROUND;
                let peer = id;
                let input = match message {
                    Message::Have(entries) => Input::Have { peer, entries },
                    Message::Graft(entries) => Input::Graft { peer, entries },
                    Message::Prune(topics) => Input::Prune { peer, topics },
                    Message::Sum(sum) => Input::Sum { peer, sum },
                    _ => return,
                };
                self.later(id, to, input);
            }
            Effect::Deliver(from, _) => {
                let now = self.queue.now();
                let hops = self.got.get(&from).map_or(0, |(_, hops)| *hops);
                self.got.entry(id).or_insert((now, hops + 1));
            }
            Effect::Recall(..) | Effect::Ask(..) => {}
        }
    }

    /// Lets everything happen for so long.
    pub fn run(&mut self, time: Millis) {
        let until = self.queue.now() + time;
        while let Some((id, input)) = self.queue.next(until) {
            if matches!(input, Input::Wake) {
                let planned = &mut self.wake_at[id as usize];
                if *planned != Some(self.queue.now()) {
                    continue;
                }
                *planned = None;
            }
            self.input(id, input);
        }
    }

    /// What was sent so far.
    #[must_use]
    pub fn sent(&self) -> Sent {
        self.sent
    }

    /// How many links a node has on average.
    #[must_use]
    pub fn degree(&self) -> f64 {
        self.links.len() as f64 * 2.0 / self.nodes.len() as f64
    }

    /// The first node publishes; what was sent meanwhile for other reasons (`idle` bytes in
    /// the same time) is not counted.
    pub fn publish(&mut self, news: &Arc<Announcement>, time: Millis, idle: u64) -> Spread {
        let (begin, before) = (self.queue.now(), self.sent);
        self.got.clear();
        self.got.insert(0, (begin, 0));
        self.input(0, Input::Publish(Arc::clone(news)));
        self.run(time);
        let mut spread = Spread {
            reached: self.got.len() - 1,
            sent: Sent {
                copies: self.sent.copies - before.copies,
                words: self.sent.words - before.words,
                bytes: (self.sent.bytes - before.bytes).saturating_sub(idle),
            },
            ..Spread::default()
        };
        for (at, hops) in self.got.values().filter(|(_, hops)| *hops > 0) {
            spread.after.push((at - begin) as f64);
            spread.hops.push(f64::from(*hops));
        }
        spread
    }
}
