//! What was fetched at one time, of one feed, and taking many of these in at once.

use std::mem;

use ourspace_protocol::{
    account::Account,
    dag::{Block, Cid, Link},
    feed::{set::Changes, tree::gather},
    record::SignedRecord,
    verify::Verified,
};
use ourspace_store::Writer;

use super::{
    apply::release,
    error::{MirrorError, of_store},
    index,
    take::{current, promote},
};
use crate::home::Home;

/// What was fetched of one feed at one time, checked: some hundred posts at most, or some
/// megabytes of directories.
#[derive(Debug)]
pub struct Batch {
    /// The record that names the tree.
    pub(super) record: Verified<SignedRecord>,
    /// What the sources say.
    pub(super) changes: Changes,
    /// Directory blocks.
    pub(super) nodes: Vec<Block>,
    /// The source files that were read.
    pub(super) files: Vec<Cid>,
    /// The tree, when this is the last of it.
    pub(super) whole: Option<Link>,
}

impl Batch {
    pub(super) fn new(record: Verified<SignedRecord>) -> Self {
        Self {
            record,
            changes: Changes::default(),
            nodes: Vec::new(),
            files: Vec::new(),
            whole: None,
        }
    }

    /// Whose feed it is of.
    #[must_use]
    pub fn account(&self) -> Account {
        self.record.record().account
    }

    /// How many versions of items are in it.
    #[must_use]
    pub fn items(&self) -> usize {
        self.changes.items.len()
    }

    /// Whether it is the last of its tree.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.whole.is_some()
    }

    pub(super) fn add(&mut self, changes: Changes) {
        self.changes.items.extend(changes.items);
        self.changes.tombstones.extend(changes.tombstones);
        self.changes.follows.extend(changes.follows);
        if changes.profile.is_some() {
            self.changes.profile = changes.profile;
        }
    }
}

/// Takes what was fetched, of one feed or of many, in one durable change: the cost of making
/// it durable is paid once. What belongs to a feed that is not followed any more is left out.
///
/// # Errors
/// [`MirrorError`]; nothing of it was taken then.
pub fn commit(home: &Home, batches: Vec<Batch>) -> Result<(), MirrorError> {
    let own = home.account()?;
    home.store().write(|writer| {
        for batch in batches {
            let account = batch.account();
            let stays = account == own || writer.follow(account)?.is_some();
            if stays && !writer.denies_account(account)? {
                commit_one(writer, batch)?;
            }
        }
        Ok(())
    })
}

fn commit_one(writer: &Writer<'_>, mut batch: Batch) -> Result<(), MirrorError> {
    let account = batch.account();
    let heads = writer.heads(account)?;
    let early = writer.take_early(account)?;
    if !batch.changes.is_empty() {
        let changes = mem::take(&mut batch.changes);
        let mut feed = writer.feed(account)?;
        let media = gather(&mut feed, account, &changes)?;
        release(writer, &media)?;
    }
    let Some(root) = batch.whole else {
        writer.put_fetched(account, &batch.nodes, &batch.files)?;
        return early.iter().try_for_each(|item| {
            writer.put_early(account, item)?;
            Ok(())
        });
    };
    let wrong = |error| of_store("the directories", error);
    let posts = writer
        .adopt_tree(account, root, &batch.nodes, &current(&heads))
        .map_err(wrong)?;
    index::note(writer, account, &posts)?;
    promote(writer, account, &heads)?;
    // What a newer record's delta has shown is in a tree that is still to be fetched.
    let newest = heads.newest().map(Verified::digest);
    if newest != Some(batch.record.digest()) {
        for item in &early {
            writer.put_early(account, item)?;
        }
    }
    Ok(())
}
