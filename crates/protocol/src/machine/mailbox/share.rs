//! A part of a mailbox that groups share: when it is full, the group that has most of it
//! loses one.

use std::collections::{BTreeMap, BTreeSet};

use super::Key;

/// Its notices by group, and in each the one that is lost next as the last.
#[derive(Clone, Debug)]
pub(super) struct Share<G, O> {
    room: usize,
    held: usize,
    groups: BTreeMap<G, BTreeSet<(O, Key)>>,
    /// The groups, the one that loses next as the last.
    ranks: BTreeSet<(usize, (O, Key), G)>,
    /// A group of which so many do not count.
    favoured: Option<(G, usize)>,
}

impl<G: Ord + Copy, O: Ord + Copy> Share<G, O> {
    /// With room for so many.
    pub(super) fn new(room: usize) -> Self {
        Self {
            room,
            held: 0,
            groups: BTreeMap::new(),
            ranks: BTreeSet::new(),
            favoured: None,
        }
    }

    /// So many of a group do not count.
    pub(super) fn favour(&mut self, group: G, number: usize) {
        let (rank, favoured) = (self.rank(group), Some((group, number)));
        if self.favoured != favoured {
            self.favoured = favoured;
            self.place(group, rank);
        }
    }

    /// Takes one in; which one has to go for it, maybe itself.
    pub(super) fn insert(&mut self, group: G, order: O, key: Key) -> Option<Key> {
        let rank = self.rank(group);
        let theirs = self.groups.entry(group).or_default();
        self.held += usize::from(theirs.insert((order, key)));
        self.place(group, rank);
        if self.held <= self.room {
            return None;
        }
        let (_, (order, key), group) = *self.ranks.last()?;
        self.remove(group, order, key);
        Some(key)
    }

    /// Gives one up.
    pub(super) fn remove(&mut self, group: G, order: O, key: Key) {
        let rank = self.rank(group);
        let Some(theirs) = self.groups.get_mut(&group) else {
            return;
        };
        self.held -= usize::from(theirs.remove(&(order, key)));
        if theirs.is_empty() {
            self.groups.remove(&group);
        }
        self.place(group, rank);
    }

    fn rank(&self, group: G) -> Option<(usize, (O, Key), G)> {
        let theirs = self.groups.get(&group)?;
        let free = self.favoured.filter(|(favoured, _)| *favoured == group);
        let counted = theirs
            .len()
            .saturating_sub(free.map_or(0, |(_, free)| free));
        Some((counted, *theirs.last()?, group))
    }

    /// Puts a group where it belongs now; before, it was at `rank`.
    fn place(&mut self, group: G, rank: Option<(usize, (O, Key), G)>) {
        if let Some(rank) = rank {
            self.ranks.remove(&rank);
        }
        self.ranks.extend(self.rank(group));
    }
}
