//! What happens when: a virtual clock and what waits for it.

use std::{cmp::Reverse, collections::BinaryHeap};

use ourspace_protocol::time::Millis;

/// Events by time; of one moment, in the order in which they were put in.
#[derive(Debug)]
pub struct Queue<E> {
    heap: BinaryHeap<Reverse<(Millis, u64, Slot)>>,
    events: Vec<Option<E>>,
    free: Vec<usize>,
    number: u64,
    now: Millis,
}

type Slot = usize;

impl<E> Queue<E> {
    /// None, and the clock stands at `now`.
    #[must_use]
    pub fn new(now: Millis) -> Self {
        Self {
            heap: BinaryHeap::new(),
            events: Vec::new(),
            free: Vec::new(),
            number: 0,
            now,
        }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.now
    }

    /// Lets something happen at a time, or now when that has passed.
    pub fn at(&mut self, at: Millis, event: E) {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.events[slot] = Some(event);
                slot
            }
            None => {
                self.events.push(Some(event));
                self.events.len() - 1
            }
        };
        self.number += 1;
        let entry = (at.max(self.now), self.number, slot);
        self.heap.push(Reverse(entry));
    }

    /// The next event that happens before `end`; the clock then shows its time. When there
    /// is none, it shows `end`.
    pub fn next(&mut self, end: Millis) -> Option<E> {
        match self.heap.peek() {
            Some(Reverse((at, ..))) if *at < end => {}
            _ => {
                self.now = self.now.max(end);
                return None;
            }
        }
        let Reverse((at, _, slot)) = self.heap.pop()?;
        self.now = at;
        self.free.push(slot);
        self.events[slot].take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_in_order() {
        let mut queue = Queue::new(10);
        for (at, name) in [(30, 'c'), (20, 'a'), (20, 'b'), (5, 'z')] {
            queue.at(at, name);
        }
        let all: Vec<_> = std::iter::from_fn(|| queue.next(30)).collect();
        assert_eq!(all, ['z', 'a', 'b']);
        assert_eq!(queue.now(), 30);
        assert_eq!(queue.next(31), Some('c'));
    }
}
