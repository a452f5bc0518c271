//! Lookups and puts, as the program does them over the model of Kademlia.

use std::sync::Arc;

use ourspace_protocol::{
    machine::{
        density::{self, Spacing},
        lookup::Lookup,
        rows::{Key, Situation, distance},
    },
    time::Millis,
};

use crate::{
    goal::{First, Goal, Looking, Purpose, Region, Sample, Wanted},
    keys,
    node::Kind,
    query::{Ask, Query},
    table::Id,
    tally::{AROUND, Why},
    world::{Event, World},
};

impl World {
    /// Looks for an author's row.
    pub fn look(&mut self, by: Id, author: u32, wanted: Wanted) {
        let found = &self.accounts.authors[author as usize];
        let row = found.row;
        let looking = Looking {
            author,
            machine: self.machine(by, author, wanted),
            wanted,
            first: None,
            empty: Vec::new(),
            begun: self.now(),
            requests: 0,
        };
        let number = self.begin(by, row, Some(row), Goal::Look(Box::new(looking)));
        let here = self.node(by).machines.rows.get(&row).map(<[u8]>::to_vec);
        if let Some(value) = here {
            self.hear(number, None, &value, 0);
        }
    }

    /// Our machine, which knows the newest record where this node has it.
    fn machine(&mut self, by: Id, author: u32, wanted: Wanted) -> Lookup<Id> {
        let account = self.accounts.authors[author as usize].account;
        let node = self.node(by);
        let had = node.follow(author).map_or(0, |at| node.follows[at].1);
        if had == 0 || wanted != Wanted::Upkeep {
            return Lookup::new(account);
        }
        let row = self.row_of(author, had);
        let now = self.now();
        let mut machine = Lookup::<Id>::new(account);
        let grants = &mut self.node_mut(by).machines.grants;
        // Its own record is believed.
        drop(machine.found(None, &row, now, grants));
        Lookup::knowing(account, machine.heads().clone(), self.rules.replicas)
    }

    /// The row that an author signed at a time.
    pub fn row_of(&self, author: u32, signed: Millis) -> Arc<[u8]> {
        match &self.accounts.authors[author as usize].newest {
            Some((row, at)) if *at == signed => Arc::clone(row),
            _ => self.accounts.row_at(author as usize, signed).into(),
        }
    }

    /// Puts an author's row.
    pub fn put(&mut self, by: Id, author: u32, row: Arc<[u8]>) {
        let key = self.accounts.authors[author as usize].row;
        self.begin(by, key, None, Goal::Put(author, row));
    }

    /// Looks up a place by chance.
    pub fn probe(&mut self, by: Id) {
        let mut key = [0; 32];
        for part in key.chunks_mut(8) {
            part.copy_from_slice(&self.dice.roll().to_le_bytes());
        }
        self.begin(by, key, None, Goal::Probe(key));
    }

    fn begin(&mut self, by: Id, key: Key, row: Option<Key>, goal: Goal) -> u64 {
        let target = keys::place(&keys::of_row(&key));
        let mut query = Query::new((by, target, row), goal, self.rules.replicas);
        let nearest = self.node(by).table.nearest(target, self.rules.replicas);
        query.begin(&nearest, self.now());
        self.open.next += 1;
        let number = self.open.next;
        self.open.queries.insert(number, query);
        self.go_on(number);
        number
    }

    /// Asks whom a lookup asks next, or ends it.
    fn go_on(&mut self, number: u64) {
        let Some(query) = self.open.queries.get_mut(&number) else {
            return;
        };
        let (by, asks) = (query.by, query.asks());
        if asks.is_empty() && query.is_over() {
            self.finish(number);
            return;
        }
        for ask in asks {
            let at = self.now() + self.trip(by, ask.id);
            self.queue.at(at, Event::Answer(number, ask));
        }
    }

    /// An answer arrives, or it is clear that there is none.
    pub fn answer(&mut self, number: u64, ask: Ask) {
        let Some(query) = self.open.queries.get_mut(&number) else {
            return;
        };
        let (by, target, row) = (query.by, query.target, query.row);
        if !self.nodes[by as usize].online {
            self.open.queries.remove(&number);
            return;
        }
        let place = self.node(ask.id).place;
        if !self.node(ask.id).online {
            self.node_mut(by).table.remove(ask.id, place);
            if let Some(query) = self.open.queries.get_mut(&number) {
                query.failed(ask);
            }
            self.go_on(number);
            return;
        }
        self.connect(by, ask.id);
        let named = self.named(ask.id, target);
        if let Some(query) = self.open.queries.get_mut(&number) {
            query.answered(ask, place, &named);
        }
        if let Some(row) = row {
            match self.told(number, ask.id, &row) {
                Some(value) => self.hear(number, Some(ask.id), &value, ask.depth),
                None => self.had_nothing(number, ask.id),
            }
        }
        self.go_on(number);
    }

    /// The nodes that a node names as nearest to a place.
    fn named(&self, id: Id, target: keys::Place) -> Vec<(keys::Place, Id)> {
        let replicas = self.rules.replicas;
        match self.node(id).kind {
            Kind::Honest => self.node(id).table.nearest(target, replicas),
            Kind::Hostile => {
                let hostile = self.hostile.iter();
                let mut all: Vec<_> = hostile.map(|(place, id)| (place ^ target, *id)).collect();
                if replicas < all.len() {
                    all.select_nth_unstable(replicas);
                    all.truncate(replicas);
                }
                all
            }
        }
    }

    /// What a node says that the row is.
    fn told(&self, number: u64, id: Id, row: &Key) -> Option<Vec<u8>> {
        let node = self.node(id);
        if node.kind == Kind::Honest {
            return node.machines.rows.get(row).map(<[u8]>::to_vec);
        }
        let author = match &self.open.queries.get(&number)?.goal {
            Goal::Look(looking) => looking.author as usize,
            _ => return None,
        };
        let old = self.accounts.authors[author].old.as_ref()?;
        self.rules.old.then(|| old.to_vec())
    }

    fn had_nothing(&mut self, number: u64, id: Id) {
        if let Some(query) = self.open.queries.get_mut(&number)
            && let Goal::Look(looking) = &mut query.goal
        {
            looking.empty.push(id);
        }
    }

    fn hear(&mut self, number: u64, from: Option<Id>, value: &[u8], depth: u32) {
        let now = self.now();
        let Some(query) = self.open.queries.get_mut(&number) else {
            return;
        };
        let Goal::Look(looking) = &mut query.goal else {
            return;
        };
        let grants = &mut self.nodes[query.by as usize].machines.grants;
        if looking.hear(from, value, now, grants) {
            let after = now - looking.begun;
            looking.first.get_or_insert(First { after, depth });
        }
        if let Some(at) = looking.machine.settles_at() {
            self.queue.at(at, Event::Settle(number));
        }
        if looking.machine.is_settled(now) {
            self.finish(number);
        }
    }

    /// A lookup may have heard enough.
    pub fn settle(&mut self, number: u64) {
        let now = self.now();
        if let Some(query) = self.open.queries.get(&number)
            && let Goal::Look(looking) = &query.goal
            && looking.machine.is_settled(now)
        {
            self.finish(number);
        }
    }

    fn finish(&mut self, number: u64) {
        let Some(query) = self.open.queries.remove(&number) else {
            return;
        };
        let (by, nearest) = (query.by, query.nearest());
        let questions = u64::from(query.requests);
        match query.goal {
            Goal::Look(mut looking) => {
                let why = match looking.wanted {
                    Wanted::Upkeep => Why::Look,
                    Wanted::Sample(_) => Why::Sample,
                };
                self.tally.lookup(why, questions);
                looking.requests = query.requests;
                looking.empty.retain(|id| nearest.contains(id));
                let answered = looking.machine.answered();
                let answered = answered.chain(looking.empty.iter().copied()).collect();
                self.widen((by, looking.author), answered, Purpose::Look(looking));
            }
            Goal::Put(author, row) => {
                self.tally.lookup(Why::Put, questions);
                self.widen((by, author), nearest, Purpose::Put(author, row));
            }
            Goal::Probe(key) => {
                self.tally.lookup(Why::Probe, questions);
                let places: Vec<Key> = nearest.iter().map(|id| self.node(*id).key).collect();
                let density = &mut self.node_mut(by).machines.density;
                density.note_probe(&keys::of_row(&key), &places);
            }
            Goal::Part(region) => {
                self.tally.lookup(Why::Part, questions);
                self.found_part(region, nearest);
            }
        }
    }

    /// Searches the region around a row, where those next to it are a crowd.
    fn widen(&mut self, (by, author): (Id, u32), nearest: Vec<Id>, purpose: Purpose) {
        let place = keys::of_row(&self.accounts.authors[author as usize].row);
        let places: Vec<Key> = nearest.iter().map(|id| self.node(*id).key).collect();
        let spacing = self.node(by).machines.density.spacing();
        let crowd = |spacing: Spacing| Some((spacing, spacing.crowd(&place, &places)?));
        let Some((spacing, far)) = spacing.filter(|_| self.rules.regions).and_then(crowd) else {
            self.done(by, purpose, nearest);
            return;
        };
        self.forget(by, &place, (spacing, far));
        let aims = spacing.aims(&place, self.rules.replicas, &mut self.dice);
        self.tally.regions += 1;
        self.open.next += 1;
        let number = self.open.next;
        let region = Region {
            by,
            place,
            spacing,
            crowd: nearest.into_iter().collect(),
            found: std::collections::BTreeSet::new(),
            open: aims.len().max(1),
            purpose,
        };
        self.open.regions.insert(number, region);
        if aims.is_empty() {
            self.found_part(number, Vec::new());
        }
        for aim in aims {
            self.begin(by, aim, None, Goal::Part(number));
        }
    }

    /// Takes those who stand nearest to a place out of the routing table, as the program does.
    fn forget(&mut self, by: Id, place: &Key, (spacing, far): (Spacing, Key)) {
        let quarter = self.rules.replicas / 4;
        let known: Vec<Id> = self.node(by).table.ids().collect();
        for id in known {
            let (key, at) = (self.node(id).key, self.node(id).place);
            if distance(&key, place) <= far || spacing.holds(quarter, &key, place) {
                self.node_mut(by).table.remove(id, at);
            }
        }
    }

    fn found_part(&mut self, number: u64, nearest: Vec<Id>) {
        let Some(region) = self.open.regions.get_mut(&number) else {
            return;
        };
        region.found.extend(nearest);
        region.open -= 1;
        if region.open > 0 {
            return;
        }
        let (by, place, spacing) = (region.by, region.place, region.spacing);
        let (nodes, replicas) = (&self.nodes, self.rules.replicas);
        region
            .found
            .retain(|id| spacing.holds(replicas, &nodes[*id as usize].key, &place));
        let others: Vec<Id> = region.found.difference(&region.crowd).copied().collect();
        if let Purpose::Look(_) = region.purpose
            && !others.is_empty()
        {
            region.open = others.len();
            for id in others {
                let at = self.now() + self.trip(by, id);
                self.queue.at(at, Event::Told(number, id));
            }
            return;
        }
        if let Some(region) = self.open.regions.remove(&number) {
            let all = region.crowd.union(&region.found).copied().collect();
            self.done(by, region.purpose, all);
        }
    }

    /// A node of a region has said what it has.
    pub fn region_told(&mut self, number: u64, id: Id) {
        let now = self.now();
        let Some(region) = self.open.regions.get_mut(&number) else {
            return;
        };
        region.open -= 1;
        let node = &self.nodes[id as usize];
        if let Purpose::Look(looking) = &mut region.purpose {
            let row = self.accounts.authors[looking.author as usize].row;
            let honest = node.online && node.kind == Kind::Honest;
            let value = node.machines.rows.get(&row).filter(|_| honest);
            if let Some(value) = value.map(<[u8]>::to_vec) {
                let grants = &mut self.nodes[region.by as usize].machines.grants;
                looking.hear(Some(id), &value, now, grants);
            }
        }
        if region.open == 0
            && let Some(region) = self.open.regions.remove(&number)
        {
            self.done(region.by, region.purpose, Vec::new());
        }
    }

    /// All is known that a lookup was for.
    fn done(&mut self, by: Id, purpose: Purpose, nodes: Vec<Id>) {
        match purpose {
            Purpose::Put(author, row) => self.store(by, (author, row), nodes),
            Purpose::Look(looking) => self.looked(by, &looking),
        }
    }

    fn store(&mut self, by: Id, (author, row): (u32, Arc<[u8]>), nodes: Vec<Id>) {
        for id in nodes {
            self.tally.stores += 1;
            self.tally.store_bytes += row.len() as u64 + 60 + 2 * AROUND;
            let at = self.now() + self.trip(by, id) / 2;
            self.queue
                .at(at, Event::Store(id, author, Arc::clone(&row)));
        }
    }

    fn looked(&mut self, by: Id, looking: &Looking) {
        let author = looking.author;
        let mut empty = looking.empty.clone();
        if let Some(spacing) = self.node(by).machines.density.spacing() {
            let place = keys::of_row(&self.accounts.authors[author as usize].row);
            let replicas = self.rules.replicas;
            empty.retain(|id| spacing.holds(replicas, &self.node(*id).key, &place));
        }
        if let Some((row, nodes)) = looking.machine.repair(empty) {
            self.store(by, (author, row.into()), nodes);
        }
        let newest = looking.machine.heads().newest();
        let newest = newest.map(|record| record.record().timestamp);
        match looking.wanted {
            Wanted::Upkeep => self.looked_for_upkeep(by, looking, newest),
            Wanted::Sample(wanted) => {
                let sample = Sample {
                    wanted,
                    found: newest,
                    first: looking.first,
                    took: self.now() - looking.begun,
                    requests: looking.requests,
                    member: self.members(by, author) > 0,
                };
                self.samples.push(sample);
            }
        }
    }

    fn looked_for_upkeep(&mut self, by: Id, looking: &Looking, newest: Option<Millis>) {
        let (now, author) = (self.now(), looking.author);
        let members = self.members(by, author);
        let wanted = self.rules.replicas.min(self.node(by).links.len());
        let node = &mut self.nodes[by as usize];
        let holders = looking.machine.holders();
        if let Some(at) = node.follow(author) {
            let had = &mut node.follows[at].1;
            *had = newest.unwrap_or(0).max(*had);
        }
        let account = looking.machine.account();
        node.machines
            .upkeep
            .looked(account, (holders, wanted), members, now);
        self.schedule(by);
    }

    /// A row arrives at a node, which keeps it or not.
    pub fn keep(&mut self, id: Id, author: u32, value: &[u8]) {
        let now = self.now();
        let node = &self.nodes[id as usize];
        if node.kind == Kind::Hostile || !node.online {
            return;
        }
        let key = self.accounts.authors[author as usize].row;
        let place = keys::of_row(&key);
        let known = node.table.ids().map(|id| self.nodes[id as usize].key);
        let known: Vec<Key> = known.collect();
        let spacing = node.machines.density.spacing();
        let situation = Situation {
            now,
            nearer: density::nearer(&node.key, &place, &known, spacing),
            followed: node.follow(author).is_some(),
        };
        let rows = &mut self.nodes[id as usize].machines.rows;
        if let Err(why) = rows.put(key, value, situation, &mut Vec::new()) {
            *self.tally.refused.entry(why.to_string()).or_default() += 1;
        }
    }

    /// Lets the upkeep of a node be woken when it wants to be.
    pub fn schedule(&mut self, id: Id) {
        let node = &mut self.nodes[id as usize];
        let Some(at) = node.machines.upkeep.wake() else {
            return;
        };
        if node.wake_at.is_none_or(|before| at < before) {
            node.wake_at = Some(at);
            self.queue.at(at, Event::Wake(id, at));
        }
    }
}
