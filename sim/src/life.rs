//! What nodes do by themselves: they come and go, post, look after their routing tables and
//! after the rows of those whom they follow.

use std::sync::Arc;

use ourspace_protocol::{
    machine::{
        dice::Dice,
        upkeep::{Task, Upkeep},
    },
    time::Millis,
};

use crate::{
    churn,
    goal::Wanted,
    node::Kind,
    table::Id,
    tally::Why,
    world::{Event, World},
};

/// Keepers that a node connects to at once (the program's).
const ASKED: usize = 4;
/// Keepers of a feed that a node remembers, and for how long (the program's).
const KEEPERS: usize = 20;
const KEEPERS_LIVE: Millis = 48 * 60 * 60 * 1000;
/// How often an author posts, on average.
const POST: Millis = 12 * 60 * 60 * 1000;
/// How often somebody looks for somebody.
const SAMPLE: Millis = 1_000;

impl World {
    /// Lets everything happen until then.
    pub fn run(&mut self, until: Millis) {
        while let Some(event) = self.queue.next(until) {
            match event {
                Event::Answer(number, ask) => self.answer(number, ask),
                Event::Settle(number) => self.settle(number),
                Event::Store(id, author, row) => self.keep(id, author, &row),
                Event::Told(region, id) => self.region_told(region, id),
                Event::Toggle(id) => self.toggle(id),
                Event::Wake(id, at) => self.wake(id, at),
                Event::Refresh(id) => self.look_after_table(id),
                Event::Post(author) => self.post(author),
                Event::Sample => self.sample(),
            }
        }
    }

    /// Every node that is honest follows so many by chance, the lower numbers more often, and
    /// itself.
    pub fn follow(&mut self, each: usize) {
        let authors = self.accounts.authors.len() as u64;
        for id in 0..self.nodes.len() {
            let own = (id as u64) < authors;
            let mut follows: Vec<u32> = own.then_some(id as u32).into_iter().collect();
            for _ in 0..each {
                // Whose number is n is followed 1/n as often as the first: the logarithm of
                // it is spread evenly.
                let chance = (self.dice.roll() >> 11) as f64 / (1_u64 << 53) as f64;
                let author = (authors as f64).powf(chance) as u64 - 1;
                follows.push(author.min(authors - 1) as u32);
            }
            follows.sort_unstable();
            follows.dedup();
            for author in &follows {
                let followers = &mut self.accounts.authors[*author as usize].followers;
                followers.push(id as u32);
            }
            self.nodes[id].follows = follows.into_iter().map(|author| (author, 0)).collect();
        }
    }

    /// Begins: half of the nodes are there, all who have something to say have said it.
    pub fn begin_life(&mut self) {
        let now = self.now();
        for id in 0..self.nodes.len() as Id {
            self.node_mut(id).online = self.dice.below(2) == 0;
            let span = churn::rest(&mut self.dice);
            self.queue.at(now + span, Event::Toggle(id));
        }
        for id in 0..self.nodes.len() as Id {
            self.refresh(id);
            if self.node(id).online {
                self.come(id);
            }
        }
        for author in 0..self.accounts.authors.len() as u32 {
            let at = now + self.dice.below(POST / 12);
            self.queue.at(at, Event::Post(author));
        }
    }

    /// From now on somebody looks for somebody now and then.
    pub fn begin_samples(&mut self) {
        self.samples.clear();
        self.queue.at(self.now(), Event::Sample);
    }

    fn toggle(&mut self, id: Id) {
        let span = churn::span(&mut self.dice);
        self.queue.at(self.now() + span, Event::Toggle(id));
        if self.node(id).online {
            self.node_mut(id).online = false;
            let links: Vec<Id> = self.node(id).links.iter().map(|link| link.peer).collect();
            for peer in links {
                self.disconnect(id, peer);
            }
            return;
        }
        self.node_mut(id).online = true;
        self.come(id);
    }

    /// A node starts: it remembers its table and its rows, and begins its upkeep anew.
    fn come(&mut self, id: Id) {
        let now = self.now();
        self.look_after_table(id);
        let mut upkeep = Upkeep::new(Dice::new(self.dice.roll()));
        for (author, _) in &self.nodes[id as usize].follows {
            let account = self.accounts.authors[*author as usize].account;
            upkeep.join(account, *author == id, now);
        }
        let node = self.node_mut(id);
        node.machines.upkeep = upkeep;
        node.wake_at = None;
        self.schedule(id);
    }

    fn look_after_table(&mut self, id: Id) {
        if !self.node(id).online || self.node(id).kind == Kind::Hostile {
            return;
        }
        self.refresh(id);
        let lookups = self.node(id).table.buckets() as u64 + 1;
        self.tally.lookups[Why::Refresh as usize] += lookups;
        let now = self.now();
        if self.node_mut(id).machines.density.take_probe(now) {
            self.probe(id);
        }
        self.queue.at(now + self.rules.refresh, Event::Refresh(id));
    }

    fn wake(&mut self, id: Id, at: Millis) {
        let now = self.now();
        if self.node(id).wake_at != Some(at) || !self.node(id).online {
            return;
        }
        self.node_mut(id).wake_at = None;
        let mut upkeep = std::mem::replace(
            &mut self.node_mut(id).machines.upkeep,
            Upkeep::new(Dice::new(1)),
        );
        let members = |account| {
            let author = self.accounts.number(account);
            author.map_or(0, |author| self.members(id, author as u32))
        };
        let tasks = upkeep.awake(now, members);
        self.node_mut(id).machines.upkeep = upkeep;
        for task in tasks {
            self.task(id, task);
        }
        self.schedule(id);
    }

    fn task(&mut self, id: Id, task: Task) {
        let (Task::Put(account)
        | Task::Look(account)
        | Task::Search(account)
        | Task::Provide(account)) = task;
        let Some(author) = self.accounts.number(account).map(|author| author as u32) else {
            return;
        };
        match task {
            Task::Look(_) => self.look(id, author, Wanted::Upkeep),
            Task::Search(_) => self.search(id, author),
            Task::Provide(_) => {
                self.tally.lookups[Why::Provide as usize] += 1;
                self.provide(id, author);
            }
            Task::Put(_) => {
                let node = self.node(id);
                let had = node.follow(author).map_or(0, |at| node.follows[at].1);
                if had > 0 {
                    let row = self.row_of(author, had);
                    self.put(id, author, row);
                }
            }
        }
    }

    fn provide(&mut self, id: Id, author: u32) {
        let now = self.now();
        let keepers = self.open.keepers.entry(author).or_default();
        keepers.retain(|(keeper, at)| *keeper != id && now < at + KEEPERS_LIVE);
        keepers.push_back((id, now));
        if keepers.len() > KEEPERS {
            keepers.pop_front();
        }
    }

    /// Looks for those who keep a feed, and connects to some of them.
    fn search(&mut self, id: Id, author: u32) {
        self.tally.lookups[Why::Search as usize] += 1;
        let now = self.now();
        let keepers = self.open.keepers.get(&author).into_iter().flatten();
        let alive = keepers.filter(|(_, at)| now < at + KEEPERS_LIVE);
        let keepers: Vec<Id> = alive.map(|(keeper, _)| *keeper).collect();
        let account = self.accounts.authors[author as usize].account;
        let upkeep = &mut self.node_mut(id).machines.upkeep;
        upkeep.kept_by(account, keepers.len());
        for peer in keepers.into_iter().take(ASKED) {
            if peer != id && self.node(peer).online && !self.node(id).is_connected(peer) {
                self.tally.dials += 1;
                self.connect(id, peer);
            }
        }
    }

    /// An author posts, if they are there; followers who are connected with one another get
    /// it at once.
    fn post(&mut self, author: u32) {
        let now = self.now();
        let pause = POST / 2 + self.dice.below(POST);
        self.queue.at(now + pause, Event::Post(author));
        if !self.node(author).online && self.accounts.authors[author as usize].newest.is_some() {
            return;
        }
        self.accounts.publish(author as usize, now);
        for id in self.accounts.authors[author as usize].followers.clone() {
            let node = self.node(id);
            let Some(at) = node.follow(author) else {
                continue;
            };
            if id == author || (node.online && self.members(id, author) > 0) {
                self.node_mut(id).follows[at].1 = now;
            }
        }
        if self.node(author).online {
            let account = self.accounts.authors[author as usize].account;
            let upkeep = &mut self.node_mut(author).machines.upkeep;
            upkeep.published(account, now);
            self.schedule(author);
            return;
        }
        // Everybody has once posted, those who have gone since as well. Of the two who put it
        // in their place one may go meanwhile: then an author puts again.
        let row = self.row_of(author, now);
        for _ in 0..2 {
            if let Some(by) = self.somebody() {
                self.put(by, author, Arc::clone(&row));
            }
        }
    }

    fn sample(&mut self) {
        self.queue.at(self.now() + SAMPLE, Event::Sample);
        let author = self.dice.below(self.accounts.authors.len() as u64) as u32;
        let Some(reader) = self.somebody() else {
            return;
        };
        let newest = &self.accounts.authors[author as usize].newest;
        let Some((_, wanted)) = newest else {
            return;
        };
        // What was posted a moment ago is still on its way.
        let settled = *wanted + 60_000 < self.now();
        if settled && self.node(reader).follow(author).is_none() {
            let wanted = *wanted;
            self.look(reader, author, Wanted::Sample(wanted));
        }
    }
}
