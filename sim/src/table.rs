//! A node's routing table, as libp2p's Kademlia keeps it: buckets of k nodes by the length
//! of the prefix that they share with it.

use crate::keys::Place;

/// A node's number.
pub type Id = u32;

/// What a table knows of a node.
#[derive(Clone, Copy, Debug)]
struct Entry {
    place: Place,
    id: Id,
    connected: bool,
}

/// The buckets, one after the other, the farthest first.
#[derive(Clone, Debug)]
pub struct Table {
    own: Place,
    size: usize,
    buckets: Vec<Vec<Entry>>,
}

impl Table {
    /// Nobody is known. A bucket holds `size` nodes.
    #[must_use]
    pub fn new(own: Place, size: usize) -> Self {
        Self {
            own,
            size,
            buckets: Vec::new(),
        }
    }

    fn bucket(&self, place: Place) -> usize {
        (place ^ self.own).leading_zeros() as usize
    }

    /// Notes a connected node. A full bucket takes it in place of one that is not connected,
    /// if there is any.
    pub fn insert(&mut self, id: Id, place: Place) {
        self.note(id, place, true);
    }

    /// Notes a node that was heard of, where there is room.
    pub fn hear(&mut self, id: Id, place: Place) {
        self.note(id, place, false);
    }

    fn note(&mut self, id: Id, place: Place, connected: bool) {
        if place == self.own {
            return;
        }
        let at = self.bucket(place);
        if at >= self.buckets.len() {
            self.buckets.resize_with(at + 1, Vec::new);
        }
        let size = self.size;
        let bucket = &mut self.buckets[at];
        let entry = Entry {
            place,
            id,
            connected,
        };
        if let Some(known) = bucket.iter_mut().find(|known| known.id == id) {
            known.connected |= connected;
        } else if bucket.len() < size {
            bucket.push(entry);
        } else if connected && let Some(idle) = bucket.iter_mut().find(|known| !known.connected) {
            *idle = entry;
        }
    }

    /// The connection to a node has ended.
    pub fn disconnected(&mut self, id: Id, place: Place) {
        let at = self.bucket(place);
        let bucket = self.buckets.get_mut(at).into_iter().flatten();
        for entry in bucket.filter(|entry| entry.id == id) {
            entry.connected = false;
        }
    }

    /// A node could not be reached.
    pub fn remove(&mut self, id: Id, place: Place) {
        let at = self.bucket(place);
        if let Some(bucket) = self.buckets.get_mut(at) {
            bucket.retain(|entry| entry.id != id);
        }
    }

    /// The known nodes that are nearest to a place, at most so many, the nearest first.
    #[must_use]
    pub fn nearest(&self, to: Place, number: usize) -> Vec<(Place, Id)> {
        let all = self.buckets.iter().flatten();
        let mut all: Vec<(Place, Id)> = all.map(|entry| (entry.place ^ to, entry.id)).collect();
        if number < all.len() {
            all.select_nth_unstable(number);
            all.truncate(number);
        }
        all.sort_unstable();
        all
    }

    /// All known nodes.
    pub fn ids(&self) -> impl Iterator<Item = Id> {
        self.buckets.iter().flatten().map(|entry| entry.id)
    }

    /// How many buckets there are that hold anybody.
    #[must_use]
    pub fn buckets(&self) -> usize {
        self.buckets.iter().filter(|all| !all.is_empty()).count()
    }

    /// How many nodes a bucket could still take.
    #[must_use]
    pub fn room(&self, bucket: usize) -> usize {
        let there = self.buckets.get(bucket).map_or(0, Vec::len);
        self.size - there
    }

    /// Forgets the nodes for which this does not hold.
    pub fn retain(&mut self, keep: impl Fn(Id) -> bool) {
        for bucket in &mut self.buckets {
            bucket.retain(|entry| keep(entry.id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_bounded_and_prefer_who_is_connected() {
        let mut table = Table::new(0, 2);
        let far = 1_u128 << 127;
        for id in 1..=3 {
            table.insert(id, far + u128::from(id));
        }
        assert_eq!(table.ids().collect::<Vec<_>>(), [1, 2]);
        table.disconnected(1, far + 1);
        table.insert(3, far + 3);
        assert_eq!(table.ids().collect::<Vec<_>>(), [3, 2]);
        table.insert(9, 5);
        assert_eq!(table.nearest(0, 2), [(5, 9), (far + 2, 2)]);
        assert_eq!((table.room(0), table.room(1)), (0, 2));
        table.hear(4, far + 4);
        assert_eq!(table.nearest(far, 9).len(), 3);
        table.remove(3, far + 3);
        assert_eq!(table.buckets(), 2);
    }
}
