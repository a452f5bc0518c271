//! Heads: the newest record of each signer of an account, which together are its feed.
//!
//! Several devices publish without asking one another. Nobody's record is lost: a reader
//! shows the union of the heads. The result is the same in whatever order records come.

use std::collections::BTreeMap;

use crate::{account::Account, limits, record::SignedRecord, verify::Verified};

/// The heads of one account.
#[derive(Debug, Clone, Default)]
pub struct Heads {
    by_signer: BTreeMap<Account, Verified<SignedRecord>>,
}

/// What a record was to the heads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Insert {
    /// It is a head now.
    New,
    /// It was one already.
    Known,
    /// A newer record of the same signer, or a higher epoch, is known.
    Older,
    /// Eight other signers have newer records.
    Crowded,
    /// It is of another account than the heads: nothing was changed.
    AnotherAccount,
}

impl Heads {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_signer.is_empty()
    }

    /// The epoch of the heads; 0 when there are none.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.by_signer
            .values()
            .map(|head| head.record().epoch)
            .max()
            .unwrap_or(0)
    }

    /// Takes a record into account; the first one says whose heads these are.
    ///
    /// A higher epoch removes every head below it: those are revoked.
    pub fn insert(&mut self, record: Verified<SignedRecord>) -> Insert {
        let account = record.record().account;
        if self
            .by_signer
            .values()
            .any(|head| head.record().account != account)
        {
            return Insert::AnotherAccount;
        }
        let epoch = record.record().epoch;
        if epoch < self.epoch() {
            return Insert::Older;
        }
        self.by_signer
            .retain(|_, head| head.record().epoch == epoch);
        if let Some(head) = self.by_signer.get(&record.signer()) {
            if head.digest() == record.digest() {
                return Insert::Known;
            }
            if head.order() > record.order() {
                return Insert::Older;
            }
        }
        let (signer, digest) = (record.signer(), record.digest());
        self.by_signer.insert(signer, record);
        if self.by_signer.len() > limits::SIGNERS {
            let oldest = self.by_signer.values().min_by_key(|head| head.order());
            if let Some(oldest) = oldest.map(Verified::signer) {
                self.by_signer.remove(&oldest);
            }
        }
        let kept = self
            .by_signer
            .get(&signer)
            .is_some_and(|head| head.digest() == digest);
        if kept { Insert::New } else { Insert::Crowded }
    }

    /// Every head, by signer.
    pub fn iter(&self) -> impl Iterator<Item = &Verified<SignedRecord>> {
        self.by_signer.values()
    }

    /// The newest head.
    #[must_use]
    pub fn newest(&self) -> Option<&Verified<SignedRecord>> {
        self.by_signer.values().max_by_key(|head| head.order())
    }

    /// The heads that no other head names as its parent, newest first: the feeds whose
    /// union is shown. A merge leaves one.
    #[must_use]
    pub fn frontier(&self) -> Vec<&Verified<SignedRecord>> {
        let merged = |digest: [u8; 32]| {
            self.by_signer
                .values()
                .any(|head| head.record().parents.contains(&digest))
        };
        let mut heads: Vec<_> = self
            .by_signer
            .values()
            .filter(|head| !merged(head.digest()))
            .collect();
        heads.sort_by_key(|head| std::cmp::Reverse(head.order()));
        heads
    }

    /// What the next record of `signer` names as its parents, when its feed holds all that
    /// is in the feeds of the heads with the digests `included`: the signer's own head and
    /// those, at most [`limits::PARENTS`] of them (the newest), ascending.
    ///
    /// A head stays a parent of every further record as long as it is a head: else the
    /// feed that was merged once would be shown beside the merge again.
    #[must_use]
    pub fn parents(&self, signer: Account, included: &[[u8; 32]]) -> Vec<[u8; 32]> {
        let mut heads: Vec<_> = self
            .by_signer
            .values()
            .filter(|head| head.signer() == signer || included.contains(&head.digest()))
            .collect();
        heads.sort_by_key(|head| std::cmp::Reverse((head.signer() == signer, head.order())));
        let mut parents: Vec<_> = heads
            .iter()
            .take(limits::PARENTS)
            .map(|head| head.digest())
            .collect();
        parents.sort_unstable();
        parents
    }
}
