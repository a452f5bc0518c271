//! Push: how an announcement reaches every follower who is online, at once and about once.
//!
//! For each account that this node follows publicly, the connected peers that follow it
//! too are links. News goes at once over *eager* links; whoever gets it twice answers with
//! a prune, and that link becomes *lazy*: so the eager links of a topic become a tree, along
//! the ways that were fastest. Over a few lazy links goes, some moments later, only word
//! that there is something; who does not have it by then grafts the link back. (Epidemic
//! broadcast trees: Leitão, Pereira, Rodrigues, 2007.) The author sends to all links at
//! once, so the tree is mostly one hop deep.
//!
//! A link costs nothing while nothing is said: what a node spends grows with the news of
//! those it follows, not with the size of the network. What a link that fails in silence
//! has hidden, a node finds out within minutes: now and then it tells some peer the sum of
//! what it knows of all that both follow, and where that peer knows something else it says
//! what.

mod links;
mod out;
mod recent;

use std::{collections::BTreeMap, sync::Arc};

use self::{
    links::Topics,
    out::Out,
    recent::{Recent, Wait},
};
use super::dice::Dice;
use crate::{
    account::Account,
    announcement::Announcement,
    limits,
    message::{Message, Short, Topic},
    time::Millis,
};

/// Links over which news comes at once, at the beginning.
const EAGER: usize = 3;
/// Links that are told of a piece of news without getting it.
const LAZY: usize = 2;
/// Links to which an author sends at once.
const FAN: usize = 32;
/// So long is word of news gathered before it is sent.
const GATHER: Millis = 200;
/// So long is waited for news that somebody has told of before it is asked for.
const PATIENCE: Millis = 300;
/// How often a piece of news is asked for.
const TRIES: usize = 4;
/// How often a topic is asked about, at least.
const ASK_AGAIN: Millis = 10 * 60 * 1000;
/// So long after it was met, a peer is told the sum of what is known.
const FIRST_SUM: Millis = 5_000;
/// How often some peer is told it again.
const SUM_AGAIN: Millis = 60 * 1000;
/// Missing pieces of news that are waited for at once.
const WAITS: usize = 1024;

/// What happens to a node.
#[derive(Clone, Debug)]
pub enum Input<P> {
    /// It follows an account from now on. `known` are the orders of the account's heads.
    Join {
        /// The account.
        account: Account,
        /// What it has of it.
        known: Vec<Known>,
    },
    /// It does so no longer.
    Leave(Account),
    /// A peer is connected.
    Connected(P),
    /// A peer is not any more.
    Gone(P),
    /// The peer wants to hear of these topics, and no longer of those.
    Interests {
        /// Who.
        peer: P,
        /// New ones.
        joined: Vec<Topic>,
        /// Old ones.
        left: Vec<Topic>,
    },
    /// This node has news of its own.
    Publish(Arc<Announcement>),
    /// A peer sent news; it was checked.
    News {
        /// Who.
        peer: P,
        /// What.
        news: Arc<Announcement>,
    },
    /// News that came by another way (an answer, the DHT): it was checked.
    Learnt(Arc<Announcement>),
    /// A peer has something.
    Have {
        /// Who.
        peer: P,
        /// What.
        entries: Vec<(Topic, Short)>,
    },
    /// A peer wants news at once.
    Graft {
        /// Who.
        peer: P,
        /// Of which topics, and which records it misses.
        entries: Vec<(Topic, Option<Short>)>,
    },
    /// A peer only wants to be told of news.
    Prune {
        /// Who.
        peer: P,
        /// Of which topics.
        topics: Vec<Topic>,
    },
    /// A peer says what the sum of its newest records is.
    Sum {
        /// Who.
        peer: P,
        /// The XOR of all of them that both follow.
        sum: Short,
    },
    /// The time that [`Push::wake`] named has come.
    Wake,
}

/// A record of which this node knows: who signed it, and its place in the order of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Who signed it.
    pub signer: Account,
    /// Its place.
    pub order: (u64, Millis, [u8; 32]),
}

/// What a node does then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect<P> {
    /// Sends news to a peer.
    News(P, Arc<Announcement>),
    /// Sends another message to a peer.
    Send(P, Message),
    /// Sends a peer the record of an account that it misses: it is not among the last
    /// announcements.
    Recall(P, Account, Short),
    /// Takes in news that it did not have, and says who sent it.
    Deliver(P, Arc<Announcement>),
    /// Asks a peer what is new of these accounts.
    Ask(P, Vec<Account>),
}

/// The machine.
#[derive(Debug)]
pub struct Push<P> {
    topics: Topics<P>,
    recent: Recent,
    dice: Dice,
    /// Word of news that is still to be sent, and when.
    gathered: BTreeMap<P, Vec<(Topic, Short)>>,
    gathered_until: Option<Millis>,
    waits: BTreeMap<Short, Wait<P>>,
    /// When topics are asked about next.
    ask_at: Option<Millis>,
    /// When some peer is told the sum.
    sum_at: Option<Millis>,
    /// Those that have not been told it yet, and when they are.
    first_sums: BTreeMap<P, Millis>,
    /// The last news that was published here, of each topic.
    published: BTreeMap<Topic, Short>,
}

impl<P: Copy + Ord> Push<P> {
    /// A node that follows nobody.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            topics: Topics::default(),
            recent: Recent::default(),
            dice: Dice::new(seed),
            gathered: BTreeMap::new(),
            gathered_until: None,
            waits: BTreeMap::new(),
            ask_at: None,
            sum_at: None,
            first_sums: BTreeMap::new(),
            published: BTreeMap::new(),
        }
    }

    /// When it wants to be woken.
    #[must_use]
    pub fn wake(&self) -> Option<Millis> {
        let waits = self.waits.values().map(|wait| wait.at).min();
        let first_sum = self.first_sums.values().min().copied();
        let all = [
            self.gathered_until,
            waits,
            self.ask_at,
            self.sum_at,
            first_sum,
        ];
        all.into_iter().flatten().min()
    }

    /// Every topic of this node, for a peer that was just connected.
    #[must_use]
    pub fn interests(&self) -> Vec<Topic> {
        self.topics.all()
    }

    /// The connected peers.
    #[must_use]
    pub fn peers(&self) -> Vec<P> {
        self.topics.peers()
    }

    /// How many of this node's topics a peer follows too.
    #[must_use]
    pub fn overlap(&self, peer: P) -> usize {
        self.topics.overlap(peer)
    }

    /// The connected peers that follow an account, whether this node does or not.
    #[must_use]
    pub fn members(&self, account: Account) -> Vec<P> {
        self.topics.members(Topic::of(account))
    }

    /// Takes an input and gives the effects, in order.
    pub fn handle(&mut self, input: Input<P>, now: Millis) -> Vec<Effect<P>> {
        let mut out = Out::new();
        match input {
            Input::Join { account, known } => {
                self.topics.join(account, &known);
                let topic = Topic::of(account);
                self.ask_at.get_or_insert(now + ASK_AGAIN);
                let first = self.dice.below(SUM_AGAIN);
                self.sum_at.get_or_insert(now + first);
                self.grow(topic, &mut out);
                self.ask_of(topic, now, &mut out);
            }
            Input::Leave(account) => self.topics.leave(Topic::of(account)),
            Input::Connected(peer) => self.topics.connected(peer),
            Input::Gone(peer) => {
                self.gathered.remove(&peer);
                self.first_sums.remove(&peer);
                for topic in self.topics.gone(peer) {
                    self.grow(topic, &mut out);
                }
            }
            Input::Interests { peer, joined, left } => {
                self.topics.left(peer, &left);
                let shared = self.topics.joined(peer, &joined);
                if !shared.is_empty() {
                    let at = now + FIRST_SUM + self.dice.below(FIRST_SUM);
                    self.first_sums.entry(peer).or_insert(at);
                }
                for topic in shared {
                    // It may have been published before anybody was connected.
                    if let Some(short) = self.published.get(&topic).copied() {
                        self.word(peer, (topic, short), now);
                    }
                    self.grow(topic, &mut out);
                    self.ask_peer(topic, peer, now, &mut out);
                }
            }
            Input::Publish(news) => self.publish(&news, now, &mut out),
            Input::News { peer, news } => self.news(peer, &news, now, &mut out),
            Input::Learnt(news) => self.learnt(&news, now),
            Input::Have { peer, entries } => self.have(peer, &entries, now),
            Input::Graft { peer, entries } => self.graft(peer, &entries, &mut out),
            Input::Prune { peer, topics } => self.topics.pruned(peer, &topics),
            Input::Sum { peer, sum } => self.sum(peer, sum, &mut out),
            Input::Wake => self.awake(now, &mut out),
        }
        out.finish()
    }

    /// Makes links eager until there are enough.
    fn grow(&mut self, topic: Topic, out: &mut Out<P>) {
        for peer in self.topics.grow(topic, EAGER, &mut self.dice) {
            out.graft(peer, topic, None);
        }
    }

    fn publish(&mut self, news: &Arc<Announcement>, now: Millis, out: &mut Out<P>) {
        let topic = Topic::of(news.record().record().account);
        let fresh = self.topics.is_fresh(topic, news.record());
        if !fresh && !self.topics.is_known(topic, news.record()) {
            return;
        }
        self.recent.put(news);
        let short = Short::of(&news.record().digest());
        self.published.insert(topic, short);
        if !fresh {
            // It was published while this node was off, or is announced again: whoever has it
            // already would take a second one for a link too many, and so gets word of it.
            for peer in self.topics.members(topic).into_iter().take(FAN) {
                self.word(peer, (topic, short), now);
            }
            return;
        }
        for peer in self.topics.fan(topic, FAN) {
            out.effects.push(Effect::News(peer, Arc::clone(news)));
        }
    }

    fn news(&mut self, peer: P, news: &Arc<Announcement>, now: Millis, out: &mut Out<P>) {
        let topic = Topic::of(news.record().record().account);
        let short = Short::of(&news.record().digest());
        self.waits.remove(&short);
        if !self.topics.is_followed(topic) {
            return;
        }
        if !self.topics.is_fresh(topic, news.record()) {
            // What is older than what is here may have been sent before the newer arrived.
            if self.topics.is_known(topic, news.record()) && self.topics.prune(peer, topic) {
                out.prune(peer, topic);
            }
            return;
        }
        self.topics.make_eager(peer, topic);
        out.effects.push(Effect::Deliver(peer, Arc::clone(news)));
        self.pass_on(news, (topic, Some(peer)), now, out);
    }

    /// What came by another way is passed on as well: whoever is behind the node that was
    /// asked for it may not know it either.
    fn learnt(&mut self, news: &Arc<Announcement>, now: Millis) {
        let topic = Topic::of(news.record().record().account);
        self.waits.remove(&Short::of(&news.record().digest()));
        if self.topics.is_followed(topic) && self.topics.is_fresh(topic, news.record()) {
            self.recent.put(news);
            self.tell(topic, news, (None, LAZY + EAGER), now);
        }
    }

    fn pass_on(
        &mut self,
        news: &Arc<Announcement>,
        (topic, from): (Topic, Option<P>),
        now: Millis,
        out: &mut Out<P>,
    ) {
        self.recent.put(news);
        for peer in self.topics.eager(topic, from) {
            out.effects.push(Effect::News(peer, Arc::clone(news)));
        }
        self.tell(topic, news, (from, LAZY), now);
    }

    /// Word of news for some links that do not get it.
    fn tell(
        &mut self,
        topic: Topic,
        news: &Announcement,
        (from, number): (Option<P>, usize),
        now: Millis,
    ) {
        let short = Short::of(&news.record().digest());
        let lazy = self.topics.lazy(topic, from);
        for peer in self.dice.take(lazy, number) {
            self.word(peer, (topic, short), now);
        }
    }

    /// Word of news for a peer, soon.
    fn word(&mut self, peer: P, entry: (Topic, Short), now: Millis) {
        self.gathered.entry(peer).or_default().push(entry);
        self.gathered_until.get_or_insert(now + GATHER);
    }

    fn have(&mut self, peer: P, entries: &[(Topic, Short)], now: Millis) {
        for (topic, short) in entries {
            let known = self.topics.knows(*topic, *short) || self.recent.get(*short).is_some();
            if known || !self.topics.has_link(peer, *topic) {
                continue;
            }
            if self.waits.len() >= WAITS && !self.waits.contains_key(short) {
                continue;
            }
            let wait = self.waits.entry(*short).or_insert_with(|| Wait {
                topic: *topic,
                peers: Vec::new(),
                at: now + PATIENCE,
                tries: 0,
            });
            if wait.topic == *topic && !wait.peers.contains(&peer) && wait.peers.len() < TRIES {
                wait.peers.push(peer);
            }
        }
    }

    fn graft(&mut self, peer: P, entries: &[(Topic, Option<Short>)], out: &mut Out<P>) {
        for (topic, missing) in entries {
            if !self.topics.make_eager(peer, *topic) {
                continue;
            }
            let Some(short) = *missing else {
                continue;
            };
            match (self.recent.get(short), self.topics.account(*topic)) {
                (Some(news), _) => out.effects.push(Effect::News(peer, news)),
                (None, Some(account)) => {
                    out.effects.push(Effect::Recall(peer, account, short));
                }
                (None, None) => {}
            }
        }
    }

    fn awake(&mut self, now: Millis, out: &mut Out<P>) {
        if self.gathered_until.is_some_and(|at| at <= now) {
            self.gathered_until = None;
            for (peer, entries) in std::mem::take(&mut self.gathered) {
                out.effects.push(Effect::Send(peer, Message::Have(entries)));
            }
        }
        self.ask_for_missing(now, out);
        if self.sum_at.is_some_and(|at| at <= now) {
            self.sum_at = Some(now + SUM_AGAIN / 2 + self.dice.below(SUM_AGAIN));
            for peer in self.dice.take(self.topics.linked(), 1) {
                self.tell_sum(peer, out);
            }
        }
        let first: Vec<P> = self
            .first_sums
            .iter()
            .filter(|(_, at)| **at <= now)
            .map(|(peer, _)| *peer)
            .collect();
        for peer in first {
            self.first_sums.remove(&peer);
            self.tell_sum(peer, out);
        }
        if self.ask_at.is_some_and(|at| at <= now) {
            self.ask_at = Some(now + ASK_AGAIN / 4);
            for topic in self.topics.unasked(now.saturating_sub(ASK_AGAIN)) {
                self.ask_of(topic, now, out);
            }
        }
    }

    fn tell_sum(&self, peer: P, out: &mut Out<P>) {
        let sum = self.topics.sum(peer);
        out.effects.push(Effect::Send(peer, Message::Sum(sum)));
    }

    /// A peer that knows something else is told what is known here.
    fn sum(&mut self, peer: P, sum: Short, out: &mut Out<P>) {
        if self.topics.sum(peer) == sum {
            return;
        }
        let newest = self.topics.newest(peer);
        for part in newest.chunks(limits::TOPICS_AT_ONCE) {
            out.effects
                .push(Effect::Send(peer, Message::Have(part.to_vec())));
        }
    }

    fn ask_for_missing(&mut self, now: Millis, out: &mut Out<P>) {
        let due: Vec<Short> = self
            .waits
            .iter()
            .filter(|(_, wait)| wait.at <= now)
            .map(|(short, _)| *short)
            .collect();
        for short in due {
            let Some(wait) = self.waits.get_mut(&short) else {
                continue;
            };
            if wait.tries >= TRIES || wait.peers.is_empty() {
                self.waits.remove(&short);
                continue;
            }
            let at = wait.tries % wait.peers.len();
            wait.tries += 1;
            wait.at = now + PATIENCE * 3;
            let (peer, topic) = (wait.peers[at], wait.topic);
            if self.topics.make_eager(peer, topic) {
                out.graft(peer, topic, Some(short));
            }
        }
    }

    /// Asks some link about a topic.
    fn ask_of(&mut self, topic: Topic, now: Millis, out: &mut Out<P>) {
        let members = self.topics.members(topic);
        for peer in self.dice.take(members, 1) {
            self.ask_peer(topic, peer, now, out);
        }
    }

    /// Asks this link, unless the topic was asked about a moment ago.
    fn ask_peer(&mut self, topic: Topic, peer: P, now: Millis, out: &mut Out<P>) {
        if let Some(account) = self.topics.ask(topic, now, ASK_AGAIN) {
            out.asks.entry(peer).or_default().insert(account);
        }
    }
}
