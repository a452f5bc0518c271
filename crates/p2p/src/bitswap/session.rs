//! One session: which blocks are wanted in which order, and what is asked of whom.
//!
//! Pure: `handle` takes what happened and the time, and says what is to be done. Each want
//! is asked of one provider at a time, first wanted first asked; fast providers get more of
//! them. A want whose provider is silent, slow or has not got it goes to another one, with
//! what was asked before taken back; asking twice has a budget, so that duplicates stay few.

mod assign;
mod provider;

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use ourspace_protocol::dag::Cid;

use self::provider::{Link, Provider};
use super::limits::Limits;

/// Time since some start.
pub(super) type Time = Duration;

/// Providers of one session, at a time.
const PROVIDERS: usize = 64;
/// How often a session looks at the time while something is under way.
pub(super) const TICK: Duration = Duration::from_millis(100);
/// How often a provider whose connection was lost is dialled again.
const SECOND_CHANCES: u8 = 1;

/// What happened.
#[derive(Debug)]
pub(super) enum Input<P> {
    /// These are wanted, after all that are.
    Want(Vec<Cid>),
    /// These are wanted before all others.
    Hurry(Vec<Cid>),
    /// These are not wanted any more.
    Cancel(Vec<Cid>),
    /// These peers may have them; whether each is connected.
    Providers(Vec<(P, bool)>),
    /// The search for more has ended.
    SearchOver,
    /// A provider can be asked.
    Up(P),
    /// Its connection is lost.
    Down(P),
    /// It cannot be reached, or does not speak bitswap.
    Unusable(P),
    /// It sent what is not what was asked of it.
    Lied(P),
    /// It sent blocks of so many bytes.
    Blocks(P, Vec<(Cid, usize)>),
    /// It said of some blocks whether it has them.
    Presences(P, Vec<(Cid, bool)>),
    /// It is sending something.
    Heard(P),
    /// Time went by.
    Tick,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Effect<P> {
    /// Ask the peer for the block; sooner than others if so.
    Ask(P, Cid, bool),
    /// Take that back.
    TakeBack(P, Cid),
    /// A block that was wanted is here.
    Got(Cid),
    /// Nobody has it; it is no longer wanted.
    Missing(Cid),
    /// Nobody known has some of the blocks: look for more providers.
    Search,
    /// Connect to the peer.
    Dial(P),
    /// The peer is out of this session because it never answered.
    Silent(P),
}

/// Figures of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Blocks that were wanted and came.
    pub blocks: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Blocks that came when they were not wanted any more.
    pub duplicates: u64,
    /// Their bytes.
    pub duplicate_bytes: u64,
    /// Blocks that nobody had.
    pub missing: u64,
}

#[derive(Debug)]
struct Want<P> {
    order: i64,
    hurried: bool,
    /// Whether it was not answered once by one who answered others.
    overdue: bool,
    asked: Vec<P>,
    refused: Vec<P>,
}

/// The machine.
#[derive(Debug)]
pub(super) struct Session<P> {
    limits: Limits,
    wants: HashMap<Cid, Want<P>>,
    /// Those that are to be asked of somebody.
    queue: BTreeMap<i64, Cid>,
    /// Those that nobody known has.
    lost: BTreeMap<i64, Cid>,
    providers: BTreeMap<P, (Provider, u8)>,
    /// The first and the last place in the order so far.
    ends: (i64, i64),
    searching_since: Option<Time>,
    /// Bytes of a block, on average.
    typical: usize,
    /// How often a block was asked of two providers.
    asked_twice: u64,
    figures: Figures,
}

impl<P: Copy + Ord> Session<P> {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            wants: HashMap::new(),
            queue: BTreeMap::new(),
            lost: BTreeMap::new(),
            providers: BTreeMap::new(),
            ends: (0, 0),
            searching_since: None,
            typical: 256 * 1024,
            asked_twice: 0,
            figures: Figures::default(),
        }
    }

    pub(super) fn figures(&self) -> Figures {
        self.figures
    }

    /// A block came again that this session had asked for.
    pub(super) fn count_duplicate(&mut self, bytes: usize) {
        self.figures.duplicates += 1;
        self.figures.duplicate_bytes += bytes as u64;
    }

    pub(super) fn wants(&self, cid: &Cid) -> bool {
        self.wants.contains_key(cid)
    }

    /// Whether a block is asked of a peer and not answered.
    pub(super) fn asks(&self, peer: &P, cid: &Cid) -> bool {
        let provider = self.providers.get(peer);
        provider.is_some_and(|(provider, _)| provider.open.contains_key(cid))
    }

    /// Whether a peer is one that this session asks.
    pub(super) fn uses(&self, peer: &P) -> bool {
        let provider = self.providers.get(peer);
        provider.is_some_and(|(provider, _)| provider.is_in())
    }

    /// Whether nobody was given to it to ask.
    pub(super) fn is_alone(&self) -> bool {
        self.providers.is_empty()
    }

    /// All that are asked and not answered, for whoever ends the session.
    pub(super) fn open(&self) -> impl Iterator<Item = (P, Cid)> {
        self.providers.iter().flat_map(|(peer, (provider, _))| {
            let cids = provider.open.keys();
            cids.map(move |cid| (*peer, *cid))
        })
    }

    /// Whether time has to be told to it.
    pub(super) fn is_waiting(&self) -> bool {
        !self.wants.is_empty()
    }

    pub(super) fn handle(&mut self, input: Input<P>, now: Time) -> Vec<Effect<P>> {
        let mut effects = Vec::new();
        match input {
            Input::Want(cids) => self.want(cids),
            Input::Hurry(cids) => self.hurry(cids, &mut effects),
            Input::Cancel(cids) => cids
                .iter()
                .for_each(|cid| self.forget(cid, None, &mut effects)),
            Input::Providers(peers) => self.add_providers(peers, now, &mut effects),
            Input::SearchOver => self.give_up(&mut effects),
            Input::Up(peer) => self.link(peer, Link::Up),
            Input::Down(peer) => self.down(peer, now, &mut effects),
            Input::Unusable(peer) => self.out(peer, Link::Out, &mut effects),
            Input::Lied(peer) => self.out(peer, Link::Barred, &mut effects),
            Input::Blocks(peer, blocks) => {
                for (cid, bytes) in blocks {
                    self.block(peer, cid, (bytes, now), &mut effects);
                }
            }
            Input::Presences(peer, presences) => {
                for (cid, here) in presences {
                    self.presence(peer, cid, (here, now));
                }
            }
            Input::Heard(peer) => {
                if let Some((provider, _)) = self.providers.get_mut(&peer) {
                    provider.heard(now);
                }
            }
            Input::Tick => self.tick(now, &mut effects),
        }
        self.assign(now, &mut effects);
        if self.lost.is_empty() {
            self.searching_since = None;
        } else if self.searching_since.is_none() {
            self.searching_since = Some(now);
            effects.push(Effect::Search);
        }
        effects
    }

    fn want(&mut self, cids: Vec<Cid>) {
        for cid in cids {
            if !self.wants.contains_key(&cid) {
                self.ends.1 += 1;
                self.insert(cid, self.ends.1, false);
            }
        }
    }

    fn hurry(&mut self, cids: Vec<Cid>, effects: &mut Vec<Effect<P>>) {
        self.ends.0 -= i64::try_from(cids.len()).unwrap_or(0);
        let first = self.ends.0;
        for (cid, order) in cids.into_iter().zip(first..) {
            let Some(want) = self.wants.get_mut(&cid) else {
                self.insert(cid, order, true);
                continue;
            };
            for list in [&mut self.queue, &mut self.lost] {
                if list.remove(&want.order).is_some() {
                    list.insert(order, cid);
                }
            }
            (want.order, want.hurried) = (order, true);
            effects.extend(want.asked.iter().map(|peer| Effect::Ask(*peer, cid, true)));
        }
    }

    fn insert(&mut self, cid: Cid, order: i64, hurried: bool) {
        let want = Want {
            order,
            hurried,
            overdue: false,
            asked: Vec::new(),
            refused: Vec::new(),
        };
        self.wants.insert(cid, want);
        self.put_in_line(cid);
    }

    /// Puts a want that is asked of nobody into the queue, or among the lost.
    fn put_in_line(&mut self, cid: Cid) {
        let Some(want) = self.wants.get(&cid) else {
            return;
        };
        if !want.asked.is_empty() {
            return;
        }
        let anybody = self
            .providers
            .iter()
            .any(|(peer, (provider, _))| provider.is_in() && !want.refused.contains(peer));
        let (list, other) = if anybody {
            (&mut self.queue, &mut self.lost)
        } else {
            (&mut self.lost, &mut self.queue)
        };
        other.remove(&want.order);
        list.insert(want.order, cid);
    }

    /// A want is over: by a block of `by`, or without one.
    fn forget(&mut self, cid: &Cid, by: Option<P>, effects: &mut Vec<Effect<P>>) {
        let Some(want) = self.wants.remove(cid) else {
            return;
        };
        self.queue.remove(&want.order);
        self.lost.remove(&want.order);
        for peer in want.asked.iter().chain(&want.refused) {
            if let Some((provider, _)) = self.providers.get_mut(peer) {
                provider.open.remove(cid);
            }
            // Those who said no may keep the want until they have it: they too must hear.
            if Some(*peer) != by {
                effects.push(Effect::TakeBack(*peer, *cid));
            }
        }
    }

    fn block(
        &mut self,
        peer: P,
        cid: Cid,
        (bytes, now): (usize, Time),
        effects: &mut Vec<Effect<P>>,
    ) {
        let wanted = self.wants.contains_key(&cid);
        if let Some((provider, _)) = self.providers.get_mut(&peer) {
            provider.gave(&cid, bytes, now);
        }
        if !wanted {
            return;
        }
        self.typical = match self.figures.blocks {
            0 => bytes,
            _ => (self.typical * 7 + bytes) / 8,
        };
        self.figures.blocks += 1;
        self.figures.bytes += bytes as u64;
        self.forget(&cid, Some(peer), effects);
        effects.push(Effect::Got(cid));
    }

    fn presence(&mut self, peer: P, cid: Cid, (here, now): (bool, Time)) {
        let Some((provider, _)) = self.providers.get_mut(&peer) else {
            return;
        };
        if here {
            // Blocks are asked for at once, so this is for one that was refused before.
            provider.heard(now);
            if let Some(want) = self.wants.get_mut(&cid) {
                want.refused.retain(|refused| *refused != peer);
                self.put_in_line(cid);
            }
        } else if provider.refused(&cid, now) {
            self.refused(peer, cid);
        }
    }

    /// A peer will not give a block: another one is to be asked.
    fn refused(&mut self, peer: P, cid: Cid) {
        if let Some(want) = self.wants.get_mut(&cid) {
            want.asked.retain(|asked| *asked != peer);
            if !want.refused.contains(&peer) {
                want.refused.push(peer);
            }
            self.put_in_line(cid);
        }
    }
}

#[cfg(test)]
mod tests;
