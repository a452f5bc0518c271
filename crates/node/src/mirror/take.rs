//! Records into heads, and which of their trees are to be fetched.

use ourspace_protocol::{
    account::Account,
    dag::Cid,
    heads::{Heads, Insert},
    record::SignedRecord,
    verify::{KnownGrants, Verified, verify_grant},
};
use ourspace_store::{StoreError, Tree, TreeState, Writer};

use super::error::MirrorError;
use crate::home::Home;

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It was taken by the rule of heads.
    Among(Insert),
    /// Nobody here follows the account: it was left alone.
    NotFollowed,
    /// The account is on the deny-list: it was left alone.
    Denied,
}

impl Taken {
    /// Whether it is a head that was not known before: then [`wanted`] says what is to be
    /// done, and whoever forwards records forwards it.
    #[must_use]
    pub fn is_new(self) -> bool {
        self == Self::Among(Insert::New)
    }
}

/// Takes verified records, of any accounts, in one change; gives what became of each.
///
/// # Errors
/// [`MirrorError::Store`], [`MirrorError::Home`]; nothing was taken then.
pub fn take(home: &Home, records: &[Verified<SignedRecord>]) -> Result<Vec<Taken>, MirrorError> {
    let own = home.account()?;
    home.store().write(|writer| {
        let take = |record| take_one(writer, own, record);
        records.iter().map(take).collect()
    })
}

/// Takes one record as a part of a larger change.
pub(super) fn take_one(
    writer: &Writer<'_>,
    own: Account,
    record: &Verified<SignedRecord>,
) -> Result<Taken, MirrorError> {
    let account = record.record().account;
    if writer.denies_account(account)? {
        return Ok(Taken::Denied);
    }
    if account != own && writer.follow(account)?.is_none() {
        return Ok(Taken::NotFollowed);
    }
    // Most accounts are in their first epoch, and heads are verified whenever they are read.
    let before = match record.record().epoch {
        0 => 0,
        _ => writer.heads(account)?.epoch(),
    };
    let insert = writer.put_record(record)?;
    if insert == Insert::New {
        if account == own {
            remember_device(writer, record)?;
        } else {
            let heads = writer.heads(account)?;
            if record.record().epoch > before {
                revoked(writer, account, &heads)?;
            }
            promote(writer, account, &heads)?;
        }
    }
    Ok(Taken::Among(insert))
}

/// The owner's devices know each other by the grants in their records.
fn remember_device(writer: &Writer<'_>, record: &Verified<SignedRecord>) -> Result<(), StoreError> {
    let Some(granted) = &record.get().grant else {
        return Ok(());
    };
    match verify_grant(&granted.to_bytes(), &mut KnownGrants::new()) {
        Ok(grant) => writer.put_grant(&grant),
        // The record came verified, so its grant is good.
        Err(_) => Ok(()),
    }
}

/// What revoked devices have published after the root that is kept leaves the feed: where
/// the tree here is another than the first of the new epoch, the feed is fetched anew.
fn revoked(writer: &Writer<'_>, account: Account, heads: &Heads) -> Result<(), StoreError> {
    let kept = heads.newest().map(|head| head.record().root);
    let only = (writer.trees(account)?.iter()).all(|tree| Some(tree.root.cid) == kept);
    match writer.root(account)?.map(|root| root.cid) {
        None => Ok(()),
        root if root == kept && only => Ok(()),
        _ => writer.clear_feed(account),
    }
}

/// Makes the tree of the newest head whose tree is here the one that the feed is read and
/// served by, and lets go of those that no head names any more.
pub(super) fn promote(
    writer: &Writer<'_>,
    account: Account,
    heads: &Heads,
) -> Result<(), StoreError> {
    let trees = writer.trees(account)?;
    let here = |root: &Cid| {
        trees
            .iter()
            .find(|tree| is_here(&trees, *root) && tree.root.cid == *root)
    };
    let roots = current(heads);
    let Some(tree) = roots.iter().find_map(here) else {
        return Ok(());
    };
    let stale = |tree: &&Tree| !roots.contains(&tree.root.cid);
    let root = writer.root(account)?.map(|root| root.cid);
    if root == Some(tree.root.cid) && !trees.iter().any(|tree| stale(&tree)) {
        return Ok(());
    }
    let (root, state) = (tree.root, tree.state);
    writer.adopt_tree(account, root, &[], &roots)?;
    writer.put_tree_state(account, root, state)
}

/// The heads of an account whose trees are to be fetched, newest first: those that no other
/// head has merged, and that are neither here nor refused. Of the own account, those of its
/// other devices.
///
/// # Errors
/// [`MirrorError::Store`].
pub fn wanted(home: &Home, account: Account) -> Result<Vec<Verified<SignedRecord>>, MirrorError> {
    let reader = home.store().read()?;
    let heads = reader.heads(account)?;
    let root = reader.root(account)?.map(|root| root.cid);
    Ok(missing(&heads, root, &reader.trees(account)?))
}

fn missing(heads: &Heads, root: Option<Cid>, trees: &[Tree]) -> Vec<Verified<SignedRecord>> {
    let known = |head: &Verified<SignedRecord>| {
        let cid = head.record().root;
        Some(cid) == root || trees.iter().any(|tree| tree.root.cid == cid)
    };
    let frontier = heads.frontier().into_iter();
    frontier.filter(|head| !known(head)).cloned().collect()
}

/// The roots of the heads that nobody has merged: the trees that stay.
pub(super) fn current(heads: &Heads) -> Vec<Cid> {
    heads
        .frontier()
        .into_iter()
        .map(|head| head.record().root)
        .collect()
}

/// Whether a tree's sources are all in the feed.
pub(super) fn is_here(trees: &[Tree], root: Cid) -> bool {
    let found = trees.iter().find(|tree| tree.root.cid == root);
    found.is_some_and(|tree| tree.state != TreeState::Refused)
}
