//! Which peers follow which of this node's topics, and how news goes to them.

use std::collections::BTreeMap;

use super::Known;
use crate::{
    account::Account,
    limits,
    machine::dice::Dice,
    message::{Short, Topic},
    record::SignedRecord,
    time::Millis,
    verify::Verified,
};

/// Topics of one peer that are remembered: of more, nothing is pushed to it.
const TOPICS_OF_A_PEER: usize = 10_240;

/// How news goes over a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// At once.
    Eager,
    /// Not at once, but by an author.
    Lazy,
    /// Not at once: the peer said so.
    Pruned,
}

#[derive(Debug)]
struct Tree<P> {
    account: Account,
    links: BTreeMap<P, Link>,
    /// The newest record of each signer that was heard of.
    newest: BTreeMap<Account, (u64, Millis, [u8; 32])>,
    asked: Option<Millis>,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Topics<P> {
    trees: BTreeMap<Topic, Tree<P>>,
    /// What each connected peer follows, sorted: this node may come to follow it too.
    peers: BTreeMap<P, Vec<Topic>>,
}

impl<P> Default for Topics<P> {
    fn default() -> Self {
        Self {
            trees: BTreeMap::new(),
            peers: BTreeMap::new(),
        }
    }
}

impl<P: Copy + Ord> Topics<P> {
    pub(super) fn join(&mut self, account: Account, known: &[Known]) {
        let topic = Topic::of(account);
        let peers = self.peers.iter();
        let peers = peers.filter(|(_, topics)| topics.binary_search(&topic).is_ok());
        let links = peers.map(|(peer, _)| (*peer, Link::Lazy)).collect();
        let tree = self.trees.entry(topic).or_insert_with(|| Tree {
            account,
            links,
            newest: BTreeMap::new(),
            asked: None,
        });
        for known in known {
            tree.note(known.signer, known.order);
        }
    }

    pub(super) fn leave(&mut self, topic: Topic) {
        self.trees.remove(&topic);
    }

    pub(super) fn all(&self) -> Vec<Topic> {
        self.trees.keys().copied().collect()
    }

    pub(super) fn connected(&mut self, peer: P) {
        self.peers.entry(peer).or_default();
    }

    /// Forgets a peer; gives the topics that have lost an eager link.
    pub(super) fn gone(&mut self, peer: P) -> Vec<Topic> {
        self.peers.remove(&peer);
        let trees = self.trees.iter_mut();
        trees
            .filter_map(|(topic, tree)| {
                (tree.links.remove(&peer) == Some(Link::Eager)).then_some(*topic)
            })
            .collect()
    }

    /// Notes what a peer follows; gives what this node follows too.
    pub(super) fn joined(&mut self, peer: P, topics: &[Topic]) -> Vec<Topic> {
        let Some(known) = self.peers.get_mut(&peer) else {
            return Vec::new();
        };
        let mut shared = Vec::new();
        for topic in topics {
            let Err(at) = known.binary_search(topic) else {
                continue;
            };
            if known.len() >= TOPICS_OF_A_PEER {
                break;
            }
            known.insert(at, *topic);
            if let Some(tree) = self.trees.get_mut(topic) {
                tree.links.entry(peer).or_insert(Link::Lazy);
                shared.push(*topic);
            }
        }
        shared
    }

    pub(super) fn left(&mut self, peer: P, topics: &[Topic]) {
        let Some(known) = self.peers.get_mut(&peer) else {
            return;
        };
        for topic in topics {
            if let Ok(at) = known.binary_search(topic) {
                known.remove(at);
            }
            if let Some(tree) = self.trees.get_mut(topic) {
                tree.links.remove(&peer);
            }
        }
    }

    pub(super) fn pruned(&mut self, peer: P, topics: &[Topic]) {
        for topic in topics {
            self.set(peer, *topic, Link::Pruned);
        }
    }

    /// No longer at once over this link, in either direction; whether there is one.
    pub(super) fn prune(&mut self, peer: P, topic: Topic) -> bool {
        match self.link(peer, topic) {
            // It has said so itself already.
            None | Some(Link::Pruned) => false,
            Some(Link::Eager | Link::Lazy) => self.set(peer, topic, Link::Lazy),
        }
    }

    /// Whether there is such a link.
    pub(super) fn make_eager(&mut self, peer: P, topic: Topic) -> bool {
        self.set(peer, topic, Link::Eager)
    }

    fn set(&mut self, peer: P, topic: Topic, link: Link) -> bool {
        let tree = self.trees.get_mut(&topic);
        let known = tree.and_then(|tree| tree.links.get_mut(&peer));
        known.map(|known| *known = link).is_some()
    }

    fn link(&self, peer: P, topic: Topic) -> Option<Link> {
        self.trees.get(&topic)?.links.get(&peer).copied()
    }

    pub(super) fn has_link(&self, peer: P, topic: Topic) -> bool {
        self.link(peer, topic).is_some()
    }

    /// Makes links eager until there are `number`; gives the new ones.
    pub(super) fn grow(&mut self, topic: Topic, number: usize, dice: &mut Dice) -> Vec<P> {
        let Some(tree) = self.trees.get_mut(&topic) else {
            return Vec::new();
        };
        let eager = tree.of(Link::Eager, None).len();
        let mut others = tree.of(Link::Lazy, None);
        if others.is_empty() && eager == 0 {
            others = tree.of(Link::Pruned, None);
        }
        let taken = dice.take(others, number.saturating_sub(eager));
        for peer in &taken {
            tree.links.insert(*peer, Link::Eager);
        }
        taken
    }

    pub(super) fn eager(&self, topic: Topic, but: Option<P>) -> Vec<P> {
        let tree = self.trees.get(&topic);
        tree.map_or_else(Vec::new, |tree| tree.of(Link::Eager, but))
    }

    pub(super) fn lazy(&self, topic: Topic, but: Option<P>) -> Vec<P> {
        let Some(tree) = self.trees.get(&topic) else {
            return Vec::new();
        };
        let mut lazy = tree.of(Link::Lazy, but);
        lazy.extend(tree.of(Link::Pruned, but));
        lazy
    }

    /// The links over which an author sends: eager ones first.
    pub(super) fn fan(&self, topic: Topic, most: usize) -> Vec<P> {
        let Some(tree) = self.trees.get(&topic) else {
            return Vec::new();
        };
        let mut fan = tree.of(Link::Eager, None);
        fan.extend(tree.of(Link::Lazy, None));
        fan.truncate(most);
        fan
    }

    pub(super) fn members(&self, topic: Topic) -> Vec<P> {
        if let Some(tree) = self.trees.get(&topic) {
            return tree.links.keys().copied().collect();
        }
        let all = self.peers.iter();
        all.filter(|(_, topics)| topics.binary_search(&topic).is_ok())
            .map(|(peer, _)| *peer)
            .collect()
    }

    pub(super) fn peers(&self) -> Vec<P> {
        self.peers.keys().copied().collect()
    }

    /// The peers that follow anything that this node follows.
    pub(super) fn linked(&self) -> Vec<P> {
        let follows = |peer: &P| {
            self.trees
                .values()
                .any(|tree| tree.links.contains_key(peer))
        };
        self.peers.keys().copied().filter(follows).collect()
    }

    /// The newest records of all that a peer follows too.
    pub(super) fn newest(&self, peer: P) -> Vec<(Topic, Short)> {
        let trees = self.trees.iter();
        let shared = trees.filter(|(_, tree)| tree.links.contains_key(&peer));
        shared
            .flat_map(|(topic, tree)| {
                let newest = tree.newest.values();
                newest.map(|order| (*topic, Short::of(&order.2)))
            })
            .collect()
    }

    /// The XOR of those.
    pub(super) fn sum(&self, peer: P) -> Short {
        let mut sum = [0; 8];
        for (_, Short(short)) in self.newest(peer) {
            for (sum, byte) in sum.iter_mut().zip(short) {
                *sum ^= byte;
            }
        }
        Short(sum)
    }

    pub(super) fn overlap(&self, peer: P) -> usize {
        let trees = self.trees.values();
        trees.filter(|tree| tree.links.contains_key(&peer)).count()
    }

    pub(super) fn account(&self, topic: Topic) -> Option<Account> {
        self.trees.get(&topic).map(|tree| tree.account)
    }

    pub(super) fn is_followed(&self, topic: Topic) -> bool {
        self.trees.contains_key(&topic)
    }

    /// Whether a record is newer than all that was heard of its signer; it is noted then.
    pub(super) fn is_fresh(&mut self, topic: Topic, record: &Verified<SignedRecord>) -> bool {
        let tree = self.trees.get_mut(&topic);
        tree.is_some_and(|tree| tree.note(record.signer(), record.order()))
    }

    /// Whether this very record is the newest that was heard of its signer.
    pub(super) fn is_known(&self, topic: Topic, record: &Verified<SignedRecord>) -> bool {
        let tree = self.trees.get(&topic);
        let newest = tree.and_then(|tree| tree.newest.get(&record.signer()));
        newest == Some(&record.order())
    }

    /// Whether a record with such a digest was heard of.
    pub(super) fn knows(&self, topic: Topic, short: Short) -> bool {
        let newest = self.trees.get(&topic).map(|tree| tree.newest.values());
        newest.is_some_and(|mut all| all.any(|order| Short::of(&order.2) == short))
    }

    /// The account of a topic that was not asked about for `pause`, or of which nothing is
    /// known; it counts as asked now.
    pub(super) fn ask(&mut self, topic: Topic, now: Millis, pause: Millis) -> Option<Account> {
        let tree = self.trees.get_mut(&topic)?;
        if tree
            .asked
            .is_some_and(|asked| asked.saturating_add(pause) > now)
        {
            return None;
        }
        tree.asked = Some(now);
        Some(tree.account)
    }

    /// Topics that were last asked about before `since`.
    pub(super) fn unasked(&self, since: Millis) -> Vec<Topic> {
        let trees = self.trees.iter();
        trees
            .filter(|(_, tree)| tree.asked.is_none_or(|asked| asked <= since))
            .map(|(topic, _)| *topic)
            .collect()
    }
}

impl<P: Copy + Ord> Tree<P> {
    fn of(&self, kind: Link, but: Option<P>) -> Vec<P> {
        let links = self.links.iter();
        links
            .filter(|(peer, link)| **link == kind && Some(**peer) != but)
            .map(|(peer, _)| *peer)
            .collect()
    }

    /// Notes a record; whether it is newer than what was known. Those of an epoch that has
    /// ended are not.
    fn note(&mut self, signer: Account, order: (u64, Millis, [u8; 32])) -> bool {
        let epoch = self.newest.values().map(|order| order.0).max().unwrap_or(0);
        if order.0 < epoch || self.newest.get(&signer).is_some_and(|old| *old >= order) {
            return false;
        }
        self.newest.retain(|_, old| old.0 >= order.0);
        self.newest.insert(signer, order);
        if self.newest.len() > limits::SIGNERS {
            let oldest = self.newest.iter().min_by_key(|(_, order)| **order);
            if let Some(oldest) = oldest.map(|(signer, _)| *signer) {
                self.newest.remove(&oldest);
                return oldest != signer;
            }
        }
        true
    }
}
