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
}

impl Heads {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The epoch of the heads; 0 when there are none.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.by_signer.values().map(|head| head.record().epoch).max().unwrap_or(0)
    }

    /// Takes a record of this account into account.
    ///
    /// A higher epoch removes every head below it: those are revoked.
    pub fn insert(&mut self, record: Verified<SignedRecord>) -> Insert {
        let epoch = record.record().epoch;
        if epoch < self.epoch() {
            return Insert::Older;
        }
        self.by_signer.retain(|_, head| head.record().epoch == epoch);
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
        let kept = self.by_signer.get(&signer).is_some_and(|head| head.digest() == digest);
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
            self.by_signer.values().any(|head| head.record().parents.contains(&digest))
        };
        let mut heads: Vec<_> =
            self.by_signer.values().filter(|head| !merged(head.digest())).collect();
        heads.sort_by_key(|head| std::cmp::Reverse(head.order()));
        heads
    }
}
