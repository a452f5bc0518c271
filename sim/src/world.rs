//! The network: nodes, how long bytes take between them, and who is connected with whom.

use std::collections::{BTreeMap, HashMap, VecDeque};

use ourspace_protocol::{machine::dice::Dice, time::Millis};

use crate::{
    accounts::{Accounts, BEGIN},
    goal::{Goal, Region, Sample},
    keys::Place,
    node::{Kind, Link, Node},
    query::{Ask, Query},
    queue::Queue,
    table::Id,
    tally::Tally,
};

/// Connections that a node keeps (the program's budget).
pub const CONNECTIONS: usize = 150;
/// How often bytes go there and back, as it was measured at real nodes ([`crate::real`]).
#[derive(Clone, Copy, Debug)]
pub struct Trips {
    /// Before the first question on a new connection: one for TCP, the rest for noise and for
    /// agreeing on protocols.
    pub dial: f64,
    /// For a question: one, and what the machine takes.
    pub ask: f64,
}

impl Trips {
    /// What real nodes took when they were last measured.
    pub const USUAL: Self = Self {
        dial: 3.0,
        ask: 1.1,
    };
}

/// A node that is gone without a word is given up after this (libp2p's Kademlia).
const SILENCE: Millis = 10_000;

/// How long bytes take, one way.
#[derive(Clone, Copy, Debug)]
pub enum Delay {
    /// Always so long.
    Fixed(Millis),
    /// Between these, for each pair of nodes another time, all alike likely.
    Between(Millis, Millis),
}

/// How the network is.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Nodes that keep a row (Kademlia's k).
    pub replicas: usize,
    /// How long bytes take.
    pub delay: Delay,
    /// How often they go there and back.
    pub trips: Trips,
    /// Between two refreshes of a routing table.
    pub refresh: Millis,
    /// Whether crowded regions are searched, as the program does.
    pub regions: bool,
    /// Whether hostile nodes tell the old; else they tell that there is nothing.
    pub old: bool,
}

impl Rules {
    /// As the program has them, with links of 10 to 90 ms.
    #[must_use]
    pub fn real() -> Self {
        Self {
            replicas: 20,
            delay: Delay::Between(10, 90),
            trips: Trips::USUAL,
            refresh: 60 * 60 * 1000,
            regions: true,
            old: false,
        }
    }
}

/// What happens.
#[derive(Debug)]
pub enum Event {
    /// An answer, or none.
    Answer(u64, Ask),
    /// A lookup may have heard enough.
    Settle(u64),
    /// A row arrives at a node.
    Store(Id, u32, std::sync::Arc<[u8]>),
    /// A node of a region says what it has.
    Told(u64, Id),
    /// A node comes or goes.
    Toggle(Id),
    /// The upkeep of a node is woken, if that is still when it wants to be.
    Wake(Id, Millis),
    /// A node looks after its routing table.
    Refresh(Id),
    /// An author posts, if they are there.
    Post(u32),
    /// Somebody by chance looks for somebody by chance.
    Sample,
}

/// Work that goes on.
#[derive(Debug, Default)]
pub struct Open {
    /// Lookups.
    pub queries: HashMap<u64, Query<Goal>>,
    /// Regions that are searched.
    pub regions: HashMap<u64, Region>,
    /// The next number.
    pub next: u64,
    /// Who says that they keep a feed, and when they said so, by author.
    pub keepers: BTreeMap<u32, VecDeque<(Id, Millis)>>,
}

/// The network.
#[derive(Debug)]
pub struct World {
    /// The nodes, by number. The author of the same number lives at an honest one.
    pub nodes: Vec<Node>,
    /// By place.
    pub sorted: Vec<(Place, Id)>,
    /// Those that are hostile.
    pub hostile: Vec<(Place, Id)>,
    /// Authors.
    pub accounts: Accounts,
    /// What will happen.
    pub queue: Queue<Event>,
    /// What goes on.
    pub open: Open,
    /// What was counted.
    pub tally: Tally,
    /// What samples have found.
    pub samples: Vec<Sample>,
    /// Chance.
    pub dice: Dice,
    /// How it is.
    pub rules: Rules,
}

impl World {
    /// So many nodes and authors, and nothing has happened.
    #[must_use]
    pub fn new((nodes, authors): (usize, usize), rules: Rules, seed: u64) -> Self {
        let number = |at: usize| at as u64 + seed * 1_000_000;
        let nodes = (0..nodes).map(|at| Node::new(number(at), rules.replicas));
        let mut world = Self {
            nodes: nodes.collect(),
            sorted: Vec::new(),
            hostile: Vec::new(),
            accounts: Accounts::new(authors),
            queue: Queue::new(BEGIN),
            open: Open::default(),
            tally: Tally::default(),
            samples: Vec::new(),
            dice: Dice::new(seed * 31 + 7),
            rules,
        };
        world.sort();
        world
    }

    /// Sorts the nodes by place, after new ones were added.
    pub fn sort(&mut self) {
        let nodes = self.nodes.iter().enumerate();
        self.sorted = nodes.map(|(id, node)| (node.place, id as Id)).collect();
        self.sorted.sort_unstable();
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.queue.now()
    }

    /// A node.
    #[must_use]
    pub fn node(&self, id: Id) -> &Node {
        &self.nodes[id as usize]
    }

    /// A node.
    pub fn node_mut(&mut self, id: Id) -> &mut Node {
        &mut self.nodes[id as usize]
    }

    /// A node by chance that is honest and there, if one is found.
    pub fn somebody(&mut self) -> Option<Id> {
        (0..1_000).find_map(|_| {
            let id = self.dice.below(self.nodes.len() as u64) as Id;
            let node = self.node(id);
            (node.online && node.kind == Kind::Honest).then_some(id)
        })
    }

    /// How long bytes take from one to the other.
    #[must_use]
    pub fn delay(&self, a: Id, b: Id) -> Millis {
        match self.rules.delay {
            Delay::Fixed(delay) => delay,
            Delay::Between(least, most) => {
                let (a, b) = (u64::from(a.min(b)), u64::from(a.max(b)));
                let pair = Dice::new((a << 32 | b) * 2 + 1).roll();
                least + pair % (most - least + 1)
            }
        }
    }

    /// How long it takes from a question of `a` to the answer of `b`, with connecting.
    pub fn trip(&mut self, a: Id, b: Id) -> Millis {
        let trip = self.delay(a, b) * 2;
        if !self.node(b).online {
            // Every other host is still there and refuses; the others are silent.
            let silent = (a ^ b) & 1 == 0;
            return if silent { SILENCE } else { trip };
        }
        if self.node(a).is_connected(b) {
            return times(trip, self.rules.trips.ask);
        }
        self.tally.dials += 1;
        times(trip, self.rules.trips.dial + self.rules.trips.ask)
    }

    /// Connects two nodes that are there.
    pub fn connect(&mut self, a: Id, b: Id) {
        if a == b || self.node(a).is_connected(b) {
            return;
        }
        let overlap = self.meet(a, b);
        let since = self.now();
        for (one, other) in [(a, b), (b, a)] {
            let place = self.node(other).place;
            let node = self.node_mut(one);
            node.table.insert(other, place);
            node.links.push(Link {
                peer: other,
                overlap,
                since,
            });
        }
        for one in [a, b] {
            while self.node(one).links.len() > CONNECTIONS {
                let links = self.node(one).links.iter();
                let least = links.min_by_key(|link| (link.overlap, link.since));
                match least.map(|link| link.peer) {
                    Some(peer) => self.disconnect(one, peer),
                    None => break,
                }
            }
        }
    }

    /// Two nodes tell each other what they have of those whom both follow. Gives how many
    /// these are.
    fn meet(&mut self, a: Id, b: Id) -> u16 {
        let theirs = self.node(b).follows.clone();
        let mut overlap = 0;
        for (at_b, (author, had)) in theirs.into_iter().enumerate() {
            let Some(at_a) = self.node(a).follow(author) else {
                continue;
            };
            overlap += 1;
            let newest = had.max(self.node(a).follows[at_a].1);
            self.node_mut(a).follows[at_a].1 = newest;
            self.node_mut(b).follows[at_b].1 = newest;
        }
        overlap
    }

    /// Ends a connection.
    pub fn disconnect(&mut self, a: Id, b: Id) {
        for (one, other) in [(a, b), (b, a)] {
            let place = self.node(other).place;
            let node = self.node_mut(one);
            node.links.retain(|link| link.peer != other);
            node.table.disconnected(other, place);
        }
    }

    /// How many connected nodes follow an author.
    #[must_use]
    pub fn members(&self, id: Id, author: u32) -> usize {
        let links = self.node(id).links.iter().filter(|link| link.overlap > 0);
        links
            .filter(|link| self.node(link.peer).follow(author).is_some())
            .count()
    }

    /// Fills the free places of a node's table with nodes that are there, and forgets those
    /// that are not: what the lookups of a refresh come to.
    pub fn refresh(&mut self, id: Id) {
        let (own, nodes) = (self.node(id).place, &self.nodes);
        let mut table = self.node(id).table.clone();
        table.retain(|id| nodes[id as usize].online);
        let (mut begin, mut end) = (0, self.sorted.len());
        for bit in 0..127 {
            if end - begin <= 1 {
                break;
            }
            // Of the nodes that share the first bits, those with the next one different.
            let mask = 1_u128 << (127 - bit);
            let middle = {
                let split = (own >> (127 - bit) | 1) << (127 - bit);
                begin + self.sorted[begin..end].partition_point(|(place, _)| *place < split)
            };
            let other = if own & mask == 0 {
                middle..end
            } else {
                begin..middle
            };
            (begin, end) = if own & mask == 0 {
                (begin, middle)
            } else {
                (middle, end)
            };
            let room = table.room(bit);
            for at in picks(&mut self.dice, other, room) {
                let (place, id) = self.sorted[at];
                if self.nodes[id as usize].online {
                    table.hear(id, place);
                }
            }
        }
        let known: Vec<_> = table.ids().map(|id| self.node(id).key).collect();
        let node = self.node_mut(id);
        node.table = table;
        let key = node.key;
        node.machines.density.note_known(&key, &known);
    }
}

fn times(trip: Millis, number: f64) -> Millis {
    (trip as f64 * number).round() as Millis
}

/// Some of a range, enough that `room` of them are there.
fn picks(dice: &mut Dice, range: std::ops::Range<usize>, room: usize) -> Vec<usize> {
    let all = range.len();
    match room {
        0 => Vec::new(),
        _ if all <= room * 8 => dice.take(range.collect(), all),
        _ => (0..room * 4)
            .map(|_| range.start + dice.below(all as u64) as usize)
            .collect(),
    }
}
