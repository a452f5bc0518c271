//! Density: how close together the nodes of the DHT stand, and whether somebody has crowded
//! a place of it.
//!
//! Whoever makes peer ids until enough of them lie next to a row is all that a lookup finds
//! there. But honest nodes stand everywhere alike: how far the twentieth of them is from any
//! place can be told from how far it is from places that nobody could choose, and where
//! many more stand, some are not there by chance. Then a row is put to, and looked for in,
//! the whole region in which the honest nodes must be (Cholez and others, 2011; SR-DHT-Store,
//! arXiv 2505.01139), which costs whoever hides it the whole region.
//!
//! Nothing here is exact: all figures are shares of the space of keys as `f64`.

use std::collections::VecDeque;

use super::{
    dice::Dice,
    rows::{Key, distance},
};
use crate::{hash::sha256, time::Millis};

/// Where so many stand, twice as many as expected are no chance; of fewer, four times.
const MANY: usize = 20;
/// Fewer say nothing.
const FEWEST: usize = 6;
/// Estimates that are remembered.
const SAMPLES: usize = 15;
/// Between two probes, once there are [`EARLY`] of them, and before.
const PROBE_AGAIN: Millis = 60 * 60 * 1000;
const PROBE_SOON: Millis = 60 * 1000;
const EARLY: usize = 3;
/// Lookups beside the first one that show a region.
const AIMS: usize = 4;
/// Hashes that may be tried for one aim: about a tenth of a second.
const TRIES: u64 = 1 << 20;

/// How far apart nodes stand: the share of the space of keys that one node has to itself.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Spacing(f64);

impl Spacing {
    /// As it is when the `number` nearest to `place` of these nodes are all that stand there.
    /// None of fewer than six.
    #[must_use]
    pub fn of(place: &Key, nearest: &[Key], number: usize) -> Option<Self> {
        let mut far: Vec<f64> = nearest.iter().map(|node| share(node, place)).collect();
        far.sort_unstable_by(f64::total_cmp);
        far.truncate(number);
        let last = far.last().filter(|_| far.len() >= FEWEST)?;
        Some(Self(last / far.len() as f64))
    }

    /// How many nodes the network has.
    #[must_use]
    pub fn nodes(self) -> f64 {
        1.0 / self.0
    }

    /// How many nodes should stand at most so far from a place.
    #[must_use]
    pub fn expected(self, distance: &Key) -> f64 {
        fraction(distance) / self.0
    }

    /// Whether a node stands in the region around a place that should hold `wanted` nodes.
    #[must_use]
    pub fn holds(self, wanted: usize, node: &Key, place: &Key) -> bool {
        self.expected(&distance(node, place)) <= wanted as f64
    }

    /// Whether more nodes stand next to a place than chance allows, and how far from it the
    /// last of these stands. About one place in a hundred looks so for no reason, which costs
    /// some lookups.
    #[must_use]
    pub fn crowd(self, place: &Key, nearest: &[Key]) -> Option<Key> {
        let mut far: Vec<Key> = nearest.iter().map(|node| distance(node, place)).collect();
        far.sort_unstable();
        let crowded = |(at, far): &(usize, &Key)| {
            let (there, expected) = (at + 1, self.expected(far));
            let few = there >= FEWEST && expected * 4.0 < there as f64;
            few || (there >= MANY && expected * 2.0 < there as f64)
        };
        let last = far.iter().enumerate().rfind(crowded);
        last.map(|(_, far)| *far)
    }

    /// What to look up, beside the place itself, so that all of the region that should hold
    /// `wanted` nodes is seen: keys whose hashes lie in its parts. The nodes of a crowd
    /// next to the place are the farthest of all from those.
    ///
    /// Kademlia takes keys, not places, so a fitting key is found by trying. That ends where
    /// the network has some millions of nodes: then the smaller parts are left out.
    #[must_use]
    pub fn aims(self, place: &Key, wanted: usize, dice: &mut Dice) -> Vec<Key> {
        let region = self.0 * wanted as f64;
        // The smallest subtree that holds the region.
        let begin = (-region.log2()).floor().max(0.0) as usize;
        let parts = begin..(begin + AIMS).min(64);
        parts
            .filter_map(|bit| {
                let mut part = *place;
                part[bit / 8] ^= 0x80 >> (bit % 8);
                key_within(&part, bit + 1, dice.roll())
            })
            .collect()
    }
}

/// How many of the `known` nodes are nearer to a place than the one at `own`. Of a crowd
/// only so many count as should stand there: else it would keep a row away from all honest
/// nodes.
#[must_use]
pub fn nearer(own: &Key, place: &Key, known: &[Key], spacing: Option<Spacing>) -> usize {
    let own = distance(own, place);
    let known = known.iter().filter(|known| distance(known, place) < own);
    let known = known.count();
    match spacing {
        Some(spacing) => known.min(spacing.expected(&own) as usize),
        None => known,
    }
}

/// A key whose hash has the first `bits` of `part`, and that nobody could foresee.
fn key_within(part: &Key, bits: usize, seed: u64) -> Option<Key> {
    let mut key = sha256(&[part.as_slice(), &seed.to_le_bytes()].concat());
    for number in 0..TRIES {
        key[..8].copy_from_slice(&number.to_le_bytes());
        if same_bits(&sha256(&key), part) >= bits {
            return Some(key);
        }
    }
    None
}

/// How many bits two places begin with alike.
fn same_bits(a: &Key, b: &Key) -> usize {
    let far = distance(a, b);
    let zeros = far.iter().take_while(|byte| **byte == 0).count();
    let rest = far.get(zeros).map_or(0, |byte| byte.leading_zeros());
    zeros * 8 + rest as usize
}

/// A distance as a share of the space of keys. Fifty bits are enough.
fn fraction(distance: &Key) -> f64 {
    let mut first = [0; 8];
    first.copy_from_slice(&distance[..8]);
    (u64::from_be_bytes(first) as f64 + 1.0) / 2_f64.powi(64)
}

fn share(node: &Key, place: &Key) -> f64 {
    fraction(&distance(node, place))
}

/// What a node has learnt about it: from the nodes nearest to itself, and from lookups of
/// places that it took by chance, so that nobody could have crowded them.
#[derive(Debug)]
pub struct Density {
    /// Nodes whose distance one estimate is made of.
    number: usize,
    home: Option<Spacing>,
    probes: VecDeque<Spacing>,
    probe_at: Option<Millis>,
}

impl Density {
    /// Nothing is known. In a network whose nodes know at most `replicas` of each part of
    /// it (Kademlia's k), so many of the nearest are known for sure.
    #[must_use]
    pub fn new(replicas: usize) -> Self {
        Self {
            number: replicas,
            home: None,
            probes: VecDeque::new(),
            probe_at: None,
        }
    }

    /// These nodes are known, here at `own`.
    pub fn note_known(&mut self, own: &Key, known: &[Key]) {
        self.home = Spacing::of(own, known, self.number);
    }

    /// A lookup of a place that was taken by chance has found these to be the nearest.
    pub fn note_probe(&mut self, place: &Key, nearest: &[Key]) {
        if let Some(spacing) = Spacing::of(place, nearest, self.number) {
            self.probes.push_back(spacing);
            if self.probes.len() > SAMPLES {
                self.probes.pop_front();
            }
        }
    }

    /// When a place should be looked up by chance next; the first one soon after the start.
    #[must_use]
    pub fn probe_at(&self) -> Option<Millis> {
        self.probe_at
    }

    /// Whether it should be done now; it counts as done then.
    pub fn take_probe(&mut self, now: Millis) -> bool {
        let due = *self.probe_at.get_or_insert(now + PROBE_SOON / 2);
        if due > now {
            return false;
        }
        let pause = match self.probes.len() {
            0..EARLY => PROBE_SOON,
            _ => PROBE_AGAIN,
        };
        self.probe_at = Some(now + pause);
        true
    }

    /// The median of all that was learnt. None before anything was.
    #[must_use]
    pub fn spacing(&self) -> Option<Spacing> {
        let mut all: Vec<f64> = self
            .probes
            .iter()
            .chain(&self.home)
            .map(|one| one.0)
            .collect();
        all.sort_unstable_by(f64::total_cmp);
        let middle = all.get(all.len() / 2).or(all.last());
        middle.map(|share| Spacing(*share))
    }
}
