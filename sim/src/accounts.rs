//! Accounts of the simulation: real keys, real records, real signatures.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::Result;
use ourspace_protocol::{
    account::Account,
    announcement::Announcement,
    heads::Heads,
    machine::rows::{self, Key},
    record::SignedRecord,
    time::Millis,
    verify::{Context, KnownGrants, Verified, verify},
};
use ourspace_testkit::signing::{DAY, NOW, TestKey, record, sign_record};

use crate::keys::{self, Place};

/// When the simulation begins.
pub const BEGIN: Millis = NOW;

/// An author.
#[derive(Debug)]
pub struct Author {
    key: TestKey,
    /// Whose.
    pub account: Account,
    /// The key of the row.
    pub row: Key,
    /// Where the row stands.
    pub place: Place,
    /// The newest row, and when it was signed.
    pub newest: Option<(Arc<[u8]>, Millis)>,
    /// A row of a day before the first one: what liars tell.
    pub old: Option<Arc<[u8]>>,
    /// The nodes that follow them.
    pub followers: Vec<u32>,
}

/// All authors.
#[derive(Debug, Default)]
pub struct Accounts {
    /// By number.
    pub authors: Vec<Author>,
    numbers: BTreeMap<Account, usize>,
}

impl Accounts {
    /// So many.
    #[must_use]
    pub fn new(number: usize) -> Self {
        let mut all = Self::default();
        for at in 0..number {
            let key = TestKey::named(&format!("author {at}"));
            let account = key.address();
            let row = rows::key_of(account);
            all.numbers.insert(account, at);
            all.authors.push(Author {
                key,
                account,
                row,
                place: keys::place(&keys::of_row(&row)),
                newest: None,
                old: None,
                followers: Vec::new(),
            });
        }
        all
    }

    /// The author of an account.
    #[must_use]
    pub fn number(&self, account: Account) -> Option<usize> {
        self.numbers.get(&account).copied()
    }

    /// Signs a newer record of an author; its row becomes the newest.
    pub fn publish(&mut self, author: usize, now: Millis) {
        let row = self.row_at(author, now);
        if self.authors[author].newest.is_none() {
            let old = self.row_at(author, now.saturating_sub(DAY));
            self.authors[author].old = Some(old.into());
        }
        self.authors[author].newest = Some((row.into(), now));
    }

    /// The row that an author would have signed at a time.
    #[must_use]
    pub fn row_at(&self, author: usize, now: Millis) -> Vec<u8> {
        let signed = self.signed(author, now).to_bytes();
        let mut writer = ourspace_protocol::cbor::Writer::new();
        writer.array(1);
        writer.bytes(&signed);
        writer.finish()
    }

    fn signed(&self, author: usize, now: Millis) -> SignedRecord {
        let key = &self.authors[author].key;
        let mut draft = record(key);
        draft.timestamp = now;
        draft.locations = vec!["https://example.org/blog/".to_owned()];
        sign_record(draft, None, key)
    }

    /// The announcement of a record, without a delta.
    ///
    /// # Errors
    /// When the record is not believed.
    pub fn news(&self, author: usize, now: Millis) -> Result<Arc<Announcement>> {
        let record = self.verified(author, now)?;
        Ok(Arc::new(Announcement::of(record, None)?))
    }

    /// The heads of an account that signed at a time.
    ///
    /// # Errors
    /// When the record is not believed.
    pub fn heads(&self, author: usize, now: Millis) -> Result<Heads> {
        let mut heads = Heads::new();
        heads.insert(self.verified(author, now)?);
        Ok(heads)
    }

    fn verified(&self, author: usize, now: Millis) -> Result<Verified<SignedRecord>> {
        let context = Context {
            now,
            highest_epoch: 0,
        };
        let bytes = self.signed(author, now).to_bytes();
        Ok(verify(&bytes, context, &mut KnownGrants::new())?)
    }
}
