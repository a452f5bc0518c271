//! What is tried, and what comes out.

use anyhow::Result;
use ourspace_protocol::time::Millis;

use crate::{
    accounts::{Accounts, BEGIN},
    figures::Values,
    goal::{Sample, Wanted},
    keys,
    node::{Kind, Node},
    push::{Spread, Swarm},
    table::Id,
    tally::Tally,
    world::{Delay, Rules, World},
};

/// An hour.
pub const HOUR: Millis = 60 * 60 * 1000;
/// Nodes next to a row that are all hostile.
const SYBILS: u64 = 40;
/// Pieces of news after which the tree of a swarm stands.
const PIECES: usize = 12;

/// What lookups have found.
#[derive(Clone, Debug, Default)]
pub struct Lookups {
    /// How many there were.
    pub all: usize,
    /// How many found any valid record.
    pub any: usize,
    /// How many found the newest one.
    pub newest: usize,
    /// How many found it, or were connected with somebody who had it.
    pub by_any_way: usize,
    /// Milliseconds to the first valid record.
    pub first: Values,
    /// Answers that led to it.
    pub depth: Values,
    /// Questions of a lookup.
    pub questions: Values,
    /// Milliseconds until all was heard.
    pub took: Values,
}

impl Lookups {
    /// Of samples.
    #[must_use]
    pub fn of(samples: &[Sample]) -> Self {
        let mut all = Self {
            all: samples.len(),
            ..Self::default()
        };
        for sample in samples {
            let newest = sample.found.is_some_and(|found| found >= sample.wanted);
            all.any += usize::from(sample.found.is_some());
            all.newest += usize::from(newest);
            all.by_any_way += usize::from(newest || sample.member);
            all.questions.push(f64::from(sample.requests));
            all.took.push(sample.took as f64);
            if let Some(first) = sample.first {
                all.first.push(first.after as f64);
                all.depth.push(f64::from(first.depth));
            }
        }
        all
    }
}

/// A network that lives for some hours.
#[derive(Clone, Debug)]
pub struct Lived {
    /// What lookups found meanwhile.
    pub lookups: Lookups,
    /// What was counted.
    pub tally: Tally,
    /// Nodes that were there at the end.
    pub online: usize,
    /// Rows that each node keeps.
    pub rows: Values,
    /// Connections of each node.
    pub links: Values,
    /// How many hours were measured.
    pub hours: u64,
}

/// Nodes that come and go, each with an author and so many whom it follows; about `online` of
/// twice as many are there.
#[must_use]
pub fn live(online: usize, follows: usize, hours: u64, rules: Rules) -> Lived {
    let mut world = World::new((online * 2, online * 2), rules, 1);
    world.follow(follows);
    world.begin_life();
    world.run(BEGIN + HOUR);
    world.tally = Tally::default();
    world.begin_samples();
    let mut there = 0;
    for hour in 0..hours {
        there += world.nodes.iter().filter(|node| node.online).count() as u64 * HOUR;
        world.run(BEGIN + (hour + 2) * HOUR);
    }
    world.tally.online = there;
    let online: Vec<&Node> = world.nodes.iter().filter(|node| node.online).collect();
    let (mut rows, mut links) = (Values::default(), Values::default());
    for node in &online {
        rows.push(node.machines.rows.len() as f64);
        links.push(node.links.len() as f64);
    }
    Lived {
        lookups: Lookups::of(&world.samples),
        online: online.len(),
        tally: world.tally,
        rows,
        links,
        hours,
    }
}

/// A network in which nothing changes: so many honest nodes and as many authors, of whom
/// each node follows ten; each node has so many connections.
fn still(nodes: usize, links: usize, rules: Rules) -> World {
    let mut world = World::new((nodes, nodes), rules, 2);
    world.follow(10);
    for id in 0..world.nodes.len() as Id {
        world.refresh(id);
    }
    for _ in 0..links / 2 {
        for id in 0..world.nodes.len() as Id {
            let other = world.dice.below(world.nodes.len() as u64) as Id;
            world.connect(id, other);
        }
    }
    world
}

/// So many authors, from among the most followed to the least.
fn chosen(world: &World, number: usize) -> Vec<u32> {
    let all = world.accounts.authors.len();
    (0..number).map(|at| (at * all / number) as u32).collect()
}

/// Authors put their newest record, then each is looked for by so many who do not follow
/// them.
fn put_and_look(world: &mut World, authors: &[u32], readers: usize) -> Lookups {
    let mut plan: Vec<(u32, Vec<Id>)> = Vec::new();
    for author in authors.iter().copied() {
        let who: Vec<Id> = (0..=readers).filter_map(|_| world.somebody()).collect();
        plan.push((author, who));
    }
    // Everybody who acts has been there for some minutes.
    for id in plan.iter().flat_map(|(_, who)| who.clone()) {
        for _ in 0..3 {
            world.probe(id);
        }
    }
    world.run(world.now() + 60_000);
    for (author, who) in &plan {
        let now = world.now();
        world.accounts.publish(*author as usize, now);
        if let (Some(by), Some((row, _))) = (
            who.first(),
            world.accounts.authors[*author as usize].newest.clone(),
        ) {
            world.put(*by, *author, row);
        }
    }
    world.run(world.now() + 60_000);
    for (author, who) in plan {
        let newest = world.accounts.authors[author as usize].newest.as_ref();
        let wanted = newest.map_or(0, |(_, at)| *at);
        for reader in who.into_iter().skip(1) {
            if world.node(reader).follow(author).is_none() {
                world.look(reader, author, Wanted::Sample(wanted));
            }
        }
    }
    world.run(world.now() + 120_000);
    Lookups::of(&world.samples)
}

/// Lookups in a network of honest nodes that stay.
#[must_use]
pub fn honest((nodes, authors): (usize, usize), links: usize, rules: Rules) -> Lookups {
    let mut world = still(nodes, links, rules);
    let authors = chosen(&world, authors);
    put_and_look(&mut world, &authors, 10)
}

/// Lookups in a network of which a tenth is hostile, from the beginning on.
#[must_use]
pub fn tenth_hostile((nodes, authors): (usize, usize), rules: Rules) -> Lookups {
    let mut world = still(nodes, 100, rules);
    for id in (0..nodes as Id).filter(|id| id % 10 == 3) {
        world.node_mut(id).kind = Kind::Hostile;
        world.hostile.push((world.node(id).place, id));
    }
    let authors = chosen(&world, authors);
    put_and_look(&mut world, &authors, 10)
}

/// Lookups of rows next to each of which only liars stand, forty of them.
#[must_use]
pub fn crowded((nodes, authors): (usize, usize), rules: Rules) -> Lookups {
    let mut world = World::new((nodes, nodes), rules, 3);
    world.follow(10);
    let authors = chosen(&world, authors);
    for author in authors.iter().map(|author| u64::from(*author)) {
        let row = keys::of_row(&world.accounts.authors[author as usize].row);
        for number in 0..SYBILS {
            let mut key = keys::of_node(1 << 40 | author << 8 | number);
            key[..4].copy_from_slice(&row[..4]);
            let mut liar = Node::at(key, author << 8 | number, rules.replicas);
            liar.kind = Kind::Hostile;
            world.hostile.push((liar.place, world.nodes.len() as Id));
            world.nodes.push(liar);
        }
    }
    world.sort();
    for id in 0..world.nodes.len() as Id {
        world.refresh(id);
    }
    for _ in 0..50 {
        for id in 0..nodes as Id {
            let other = world.dice.below(nodes as u64) as Id;
            world.connect(id, other);
        }
    }
    put_and_look(&mut world, &authors, 200)
}

/// News in a swarm whose nodes have so many links: the last of some pieces, after the first
/// ones have made the tree, and the bytes that a node sends in a minute of silence.
///
/// # Errors
/// When a record is not believed.
pub fn news((nodes, degree): (usize, usize), delay: Delay) -> Result<(Spread, f64)> {
    let accounts = Accounts::new(1);
    let account = accounts.authors[0].account;
    let mut swarm = Swarm::new((nodes, degree), delay, account, 5);
    swarm.run(30_000);
    let before = swarm.sent().bytes;
    swarm.run(60_000);
    let idle = swarm.sent().bytes - before;
    let mut last = Spread::default();
    for piece in 0..PIECES {
        let news = accounts.news(0, BEGIN + piece as u64 + 1)?;
        last = swarm.publish(&news, 20_000, idle / 3);
    }
    Ok((last, idle as f64 / nodes as f64))
}
