//! What one peer wants of us, in the order in which it is to be answered.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

use super::message::{Ask, Entry, Name};

/// Where a want stands: the higher priority first, then the earlier one.
type Place = (Reverse<i32>, u64);

/// One want that is not answered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The block, as the peer spells it.
    pub(super) name: Name,
    /// Whether its bytes are wanted, or only whether it is there.
    pub(super) bytes: bool,
    /// Whether the peer wants to hear that it is not.
    pub(super) say_no: bool,
    place: Place,
}

/// A peer's wants, bounded.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Of all wants, also those that were taken out and are being looked up.
    places: HashMap<Name, Place>,
    queue: BTreeMap<Place, Wanted>,
    next: u64,
}

impl Ledger {
    /// Takes what the peer said. Wants beyond `most` are left out and counted: a peer that
    /// wants more asks again when it has got something.
    pub(super) fn take_in(&mut self, entries: Vec<Entry>, full: bool, most: usize) -> u64 {
        let mut left_out = 0;
        if full {
            self.queue.clear();
            self.places.clear();
        }
        for entry in entries {
            match entry.ask {
                Ask::Cancel => self.remove(&entry.name),
                Ask::Block | Ask::Have => left_out += u64::from(!self.add(entry, most)),
            }
        }
        left_out
    }

    fn add(&mut self, entry: Entry, most: usize) -> bool {
        let mut bytes = entry.ask == Ask::Block;
        if let Some(place) = self.places.get(&entry.name).copied() {
            let old = self.queue.remove(&place);
            bytes |= old.is_some_and(|old| old.bytes);
        } else if self.places.len() >= most {
            return false;
        }
        let place = (Reverse(entry.priority), self.next);
        self.next += 1;
        self.put(Wanted {
            name: entry.name,
            bytes,
            say_no: entry.send_dont_have,
            place,
        });
        true
    }

    fn put(&mut self, wanted: Wanted) {
        self.places.insert(wanted.name.clone(), wanted.place);
        self.queue.insert(wanted.place, wanted);
    }

    fn remove(&mut self, name: &Name) {
        if let Some(place) = self.places.remove(name) {
            self.queue.remove(&place);
        }
    }

    /// The next wants, to be looked up.
    pub(super) fn take_out(&mut self, most: usize) -> Vec<Wanted> {
        let most = most.min(self.queue.len());
        let next = || self.queue.pop_first().map(|(_, wanted)| wanted);
        std::iter::from_fn(next).take(most).collect()
    }

    /// Of wants that were taken out the first `looked_up` are done with. The others go back
    /// to their places, unless they were cancelled or asked again in the meantime.
    pub(super) fn give_back(&mut self, wants: Vec<Wanted>, looked_up: usize) {
        for (at, wanted) in wants.into_iter().enumerate() {
            if self.places.get(&wanted.name) != Some(&wanted.place) {
                continue;
            }
            if at < looked_up {
                self.places.remove(&wanted.name);
            } else {
                self.queue.insert(wanted.place, wanted);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use ourspace_protocol::dag::{Cid, Codec};

    use super::*;

    fn name(seed: usize) -> Name {
        Name::new(Cid::of(Codec::Raw, &seed.to_le_bytes()))
    }

    fn entry(seed: usize, ask: Ask, priority: i32) -> Entry {
        Entry {
            name: name(seed),
            priority,
            ask,
            send_dont_have: true,
        }
    }

    fn names(wants: &[Wanted]) -> Vec<Name> {
        wants.iter().map(|wanted| wanted.name.clone()).collect()
    }

    #[test]
    fn wants_come_by_priority_and_then_in_order() {
        let mut ledger = Ledger::default();
        let wants = [(1, 5), (2, 5), (3, 9), (4, i32::MIN)];
        let entries = wants.map(|(seed, priority)| entry(seed, Ask::Block, priority));
        assert_eq!(ledger.take_in(entries.into(), false, 10), 0);
        assert_eq!(names(&ledger.take_out(2)), [name(3), name(1)]);
        assert_eq!(names(&ledger.take_out(9)), [name(2), name(4)]);
        assert!(ledger.is_empty());
    }

    #[test]
    fn what_was_not_looked_at_goes_back_to_its_place() {
        let mut ledger = Ledger::default();
        ledger.take_in(
            vec![entry(1, Ask::Block, 1), entry(2, Ask::Block, 1)],
            false,
            10,
        );
        let taken = ledger.take_out(2);
        ledger.take_in(vec![entry(3, Ask::Block, 1)], false, 10);
        ledger.give_back(taken, 1);
        assert_eq!(names(&ledger.take_out(9)), [name(2), name(3)]);
    }

    #[test]
    fn what_is_cancelled_while_it_is_looked_up_does_not_come_back() {
        let mut ledger = Ledger::default();
        let wants = (0..4).map(|n| entry(n, Ask::Block, 1));
        ledger.take_in(wants.collect(), false, 10);
        let taken = ledger.take_out(4);
        let changes = vec![entry(1, Ask::Cancel, 0), entry(3, Ask::Block, 9)];
        ledger.take_in(changes, false, 10);
        ledger.give_back(taken, 1);
        assert_eq!(names(&ledger.take_out(9)), [name(3), name(2)]);
    }

    #[test]
    fn a_want_is_raised_and_never_lowered() {
        let mut ledger = Ledger::default();
        ledger.take_in(
            vec![entry(1, Ask::Have, 1), entry(2, Ask::Block, 1)],
            false,
            10,
        );
        ledger.take_in(
            vec![entry(1, Ask::Block, 3), entry(2, Ask::Have, 2)],
            false,
            10,
        );
        let taken = ledger.take_out(9);
        assert_eq!(names(&taken), [name(1), name(2)]);
        assert!(taken.iter().all(|wanted| wanted.bytes));
    }

    #[test]
    fn cancels_and_full_lists_take_away() {
        let mut ledger = Ledger::default();
        ledger.take_in((0..5).map(|n| entry(n, Ask::Block, 1)).collect(), false, 10);
        ledger.take_in(
            vec![entry(1, Ask::Cancel, 0), entry(99, Ask::Cancel, 0)],
            false,
            10,
        );
        assert_eq!(ledger.queue.len(), 4);
        ledger.take_in(vec![entry(7, Ask::Have, 1)], true, 10);
        assert_eq!(names(&ledger.take_out(9)), [name(7)]);
        ledger.take_in(Vec::new(), true, 10);
        assert!(ledger.is_empty());
    }

    #[test]
    fn an_endless_list_is_cut() {
        let mut ledger = Ledger::default();
        let entries: Vec<_> = (0..1000).map(|n| entry(n, Ask::Block, 1)).collect();
        assert_eq!(ledger.take_in(entries.clone(), false, 100), 900);
        assert_eq!(ledger.take_in(entries, false, 100), 900);
        assert_eq!((ledger.queue.len(), ledger.places.len()), (100, 100));
    }
}
