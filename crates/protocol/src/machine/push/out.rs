//! What comes of one input.

use std::collections::{BTreeMap, BTreeSet};

use super::Effect;
use crate::{
    account::Account,
    message::{Message, Short, Topic},
};

/// Effects that are being gathered: what goes to one peer goes in one message.
pub(super) struct Out<P> {
    pub(super) effects: Vec<Effect<P>>,
    grafts: BTreeMap<P, Vec<(Topic, Option<Short>)>>,
    prunes: BTreeMap<P, Vec<Topic>>,
    pub(super) asks: BTreeMap<P, BTreeSet<Account>>,
}

impl<P: Copy + Ord> Out<P> {
    pub(super) fn new() -> Self {
        Self {
            effects: Vec::new(),
            grafts: BTreeMap::new(),
            prunes: BTreeMap::new(),
            asks: BTreeMap::new(),
        }
    }

    pub(super) fn graft(&mut self, peer: P, topic: Topic, missing: Option<Short>) {
        self.grafts.entry(peer).or_default().push((topic, missing));
    }

    pub(super) fn prune(&mut self, peer: P, topic: Topic) {
        self.prunes.entry(peer).or_default().push(topic);
    }

    pub(super) fn finish(mut self) -> Vec<Effect<P>> {
        let grafts = self.grafts.into_iter();
        let grafts = grafts.map(|(peer, all)| Effect::Send(peer, Message::Graft(all)));
        self.effects.extend(grafts);
        let prunes = self.prunes.into_iter();
        let prunes = prunes.map(|(peer, all)| Effect::Send(peer, Message::Prune(all)));
        self.effects.extend(prunes);
        let asks = self.asks.into_iter();
        let asks = asks.map(|(peer, all)| Effect::Ask(peer, all.into_iter().collect()));
        self.effects.extend(asks);
        self.effects
    }
}
