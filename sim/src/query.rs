//! Lookups, as libp2p's Kademlia does them: eight paths that share no node, each of which
//! asks the nearest node that it knows and has not asked, until it has heard of the k
//! nearest. A path that gets no nearer asks several at once.

use std::collections::{BTreeMap, HashMap};

use ourspace_protocol::{machine::rows::Key, time::Millis};

use crate::{keys::Place, table::Id};

/// Paths.
pub const PATHS: usize = 8;

/// What became of a node that was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It has not answered yet.
    Waiting,
    /// It has.
    Answered,
    /// It could not be reached.
    Failed,
}

/// A node of which a path has heard.
#[derive(Clone, Copy, Debug)]
struct Heard {
    id: Id,
    /// How many nodes had to answer before it was heard of.
    depth: u32,
}

#[derive(Debug, Default)]
struct Path {
    heard: BTreeMap<Place, Heard>,
    waiting: usize,
    stalled: bool,
}

/// A node that is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Which path asks it.
    pub path: usize,
    /// Whom.
    pub id: Id,
    /// How many answers led to it.
    pub depth: u32,
}

/// A lookup.
#[derive(Debug)]
pub struct Query<G> {
    /// Who looks.
    pub by: Id,
    /// For what place.
    pub target: Place,
    /// For which row, if it is for one.
    pub row: Option<Key>,
    /// What for.
    pub goal: G,
    /// When it began.
    pub begun: Millis,
    /// Questions so far.
    pub requests: u32,
    replicas: usize,
    paths: Vec<Path>,
    asked: HashMap<Id, (Place, Asked)>,
}

impl<G> Query<G> {
    /// One that begins with the nearest nodes that its node knows.
    #[must_use]
    pub fn new((by, target, row): (Id, Place, Option<Key>), goal: G, replicas: usize) -> Self {
        Self {
            by,
            target,
            row,
            goal,
            begun: 0,
            requests: 0,
            replicas,
            paths: Vec::new(),
            asked: HashMap::new(),
        }
    }

    /// Begins it.
    pub fn begin(&mut self, nearest: &[(Place, Id)], now: Millis) {
        self.begun = now;
        let paths = PATHS.min(self.replicas);
        self.paths.resize_with(paths, Path::default);
        for (at, (far, id)) in nearest.iter().enumerate() {
            let heard = Heard { id: *id, depth: 1 };
            self.paths[at % paths].heard.insert(*far, heard);
        }
    }

    /// Whom to ask now.
    pub fn asks(&mut self) -> Vec<Ask> {
        let mut asks = Vec::new();
        for at in 0..self.paths.len() {
            while let Some(ask) = self.next_of(at) {
                self.asked.insert(ask.id, (0, Asked::Waiting));
                self.paths[at].waiting += 1;
                self.requests += 1;
                asks.push(ask);
            }
        }
        asks
    }

    fn next_of(&self, at: usize) -> Option<Ask> {
        let path = &self.paths[at];
        let most = if path.stalled { self.replicas } else { 1 };
        if path.waiting >= most {
            return None;
        }
        let mut there = 0;
        for heard in path.heard.values() {
            match self.asked.get(&heard.id) {
                Some((_, Asked::Failed)) => {}
                // One that another path has asked counts for this one as well.
                Some(_) => there += 1,
                None => {
                    return Some(Ask {
                        path: at,
                        id: heard.id,
                        depth: heard.depth,
                    });
                }
            }
            if there >= self.replicas {
                return None;
            }
        }
        None
    }

    /// A node has answered with those that it knows.
    pub fn answered(&mut self, ask: Ask, place: Place, named: &[(Place, Id)]) {
        self.asked
            .insert(ask.id, (place ^ self.target, Asked::Answered));
        let by = self.by;
        let path = &mut self.paths[ask.path];
        path.waiting -= 1;
        let before = path.heard.keys().next().copied();
        for (far, id) in named.iter().filter(|(_, id)| *id != by) {
            let depth = ask.depth + 1;
            path.heard.entry(*far).or_insert(Heard { id: *id, depth });
        }
        path.stalled = path.heard.keys().next().copied() == before;
    }

    /// A node could not be reached.
    pub fn failed(&mut self, ask: Ask) {
        self.asked.insert(ask.id, (0, Asked::Failed));
        self.paths[ask.path].waiting -= 1;
    }

    /// Whether nobody is waited for.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.paths.iter().all(|path| path.waiting == 0)
    }

    /// The nodes that have answered, the nearest first, at most k.
    #[must_use]
    pub fn nearest(&self) -> Vec<Id> {
        let answered = self.asked.iter();
        let mut all: Vec<(Place, Id)> = answered
            .filter(|(_, (_, what))| *what == Asked::Answered)
            .map(|(id, (far, _))| (*far, *id))
            .collect();
        all.sort_unstable();
        all.truncate(self.replicas);
        all.into_iter().map(|(_, id)| id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All nodes know all: the k nearest are found, and nobody is asked twice.
    #[test]
    fn the_nearest_are_found() {
        let places: Vec<(Place, Id)> = (1..200_u32)
            .map(|id| (Place::from(id) * 7919, id))
            .collect();
        let named: Vec<(Place, Id)> = places.iter().take(20).copied().collect();
        let mut query = Query::new((0, 0, None), (), 20);
        let far: Vec<(Place, Id)> = places.iter().rev().take(20).copied().collect();
        query.begin(&far, 5);
        let mut asked = Vec::new();
        loop {
            let asks = query.asks();
            if asks.is_empty() && query.is_over() {
                break;
            }
            for ask in asks {
                asked.push(ask.id);
                if ask.id == 3 {
                    query.failed(ask);
                } else {
                    query.answered(ask, Place::from(ask.id) * 7919, &named);
                }
            }
        }
        let once = asked
            .iter()
            .collect::<std::collections::BTreeSet<_>>()
            .len();
        assert_eq!(asked.len(), once);
        let nearest = query.nearest();
        assert_eq!(nearest[..4], [1, 2, 4, 5]);
        assert_eq!(nearest.len(), 20);
    }
}
