//! Lookup: what comes of asking the DHT for an account's records.
//!
//! Every answer is verified as it comes, and what is new is passed on at once: nobody waits
//! for a quorum. Whoever knows the newest record already and only wants to see that it is
//! there has heard enough when half of the nodes that should have it do. Whoever knows
//! nothing goes on: those who agree first may be liars who agree on something old. In the
//! end the nodes that had something older or nothing are given the newest.

use std::collections::BTreeMap;

use super::rows::{self, RowRefusal};
use crate::{
    account::Account,
    heads::{Heads, Insert},
    message::Short,
    record::SignedRecord,
    time::Millis,
    verify::{Context, KnownGrants, Verified, verify},
};

/// After the last row that came, so long is waited for others: liars are quick, and an honest
/// node may first have to be dialled.
const SETTLE: Millis = 2_000;
/// But not longer than this after the first record.
const LONGEST: Millis = 12_000;

/// One lookup. `P` is what a node is known by.
#[derive(Debug)]
pub struct Lookup<P> {
    account: Account,
    heads: Heads,
    /// What each node had.
    answers: BTreeMap<P, Short>,
    first: Option<Millis>,
    /// When the last row came.
    last: Millis,
    /// So many nodes that have the newest are enough.
    enough: Option<usize>,
}

impl<P: Copy + Ord> Lookup<P> {
    /// Of an account, of which nothing is known.
    #[must_use]
    pub fn new(account: Account) -> Self {
        Self {
            account,
            heads: Heads::new(),
            answers: BTreeMap::new(),
            first: None,
            last: 0,
            enough: None,
        }
    }

    /// Of an account whose newest records are known here, as far as anybody knows: whether
    /// half of the `replicas` nodes that should have them do.
    #[must_use]
    pub fn knowing(account: Account, heads: Heads, replicas: usize) -> Self {
        Self {
            heads,
            enough: Some(replicas.div_ceil(2)),
            ..Self::new(account)
        }
    }

    /// Whose.
    #[must_use]
    pub fn account(&self) -> Account {
        self.account
    }

    /// The newest records so far.
    #[must_use]
    pub fn heads(&self) -> &Heads {
        &self.heads
    }

    /// Takes a row that a node gave (none, when it is this node's own) and gives what is
    /// new in it.
    ///
    /// # Errors
    /// [`RowRefusal`] when the row is not believed.
    pub fn found(
        &mut self,
        peer: Option<P>,
        value: &[u8],
        now: Millis,
        known: &mut KnownGrants,
    ) -> Result<Vec<Verified<SignedRecord>>, RowRefusal> {
        let mut theirs = Heads::new();
        let mut new = Vec::new();
        for bytes in rows::decode(value)? {
            // Most nodes have the same: it is checked once.
            let here = self
                .heads
                .iter()
                .find(|head| head.get().to_bytes() == bytes);
            if let Some(here) = here {
                theirs.insert(here.clone());
                continue;
            }
            let context = Context {
                now,
                highest_epoch: 0,
            };
            let record = verify(bytes, context, known)?;
            if record.record().account != self.account {
                return Err(RowRefusal::AnotherAccount);
            }
            theirs.insert(record.clone());
            if self.heads.insert(record.clone()) == Insert::New {
                new.push(record);
            }
        }
        if let Some(peer) = peer {
            self.answers.insert(peer, Short::of_heads(&theirs));
        }
        if !new.is_empty() {
            self.first.get_or_insert(now);
        }
        self.last = self.last.max(now);
        Ok(new)
    }

    /// Whether enough was heard.
    #[must_use]
    pub fn is_settled(&self, now: Millis) -> bool {
        let enough = self.enough.is_some_and(|enough| self.holders() >= enough);
        enough || self.settles_at().is_some_and(|at| now >= at)
    }

    /// When it settles by itself, if no other row comes until then.
    #[must_use]
    pub fn settles_at(&self) -> Option<Millis> {
        let longest = self.first?.saturating_add(LONGEST);
        Some(self.last.saturating_add(SETTLE).min(longest))
    }

    /// The nodes that had something.
    pub fn answered(&self) -> impl Iterator<Item = P> {
        self.answers.keys().copied()
    }

    /// How many nodes had the newest.
    #[must_use]
    pub fn holders(&self) -> usize {
        let newest = Short::of_heads(&self.heads);
        self.answers.values().filter(|had| **had == newest).count()
    }

    /// The newest row, and who should be given it: those who had something older, and
    /// `empty`, who had nothing.
    #[must_use]
    pub fn repair(&self, empty: Vec<P>) -> Option<(Vec<u8>, Vec<P>)> {
        self.heads.newest()?;
        let newest = Short::of_heads(&self.heads);
        let stale = self.answers.iter().filter(|(_, had)| **had != newest);
        let mut peers: Vec<P> = stale.map(|(peer, _)| *peer).chain(empty).collect();
        peers.sort_unstable();
        peers.dedup();
        (!peers.is_empty()).then(|| (rows::encode(&self.heads), peers))
    }
}
