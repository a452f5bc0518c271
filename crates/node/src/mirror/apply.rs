//! Recompute before you fetch: a record with its delta becomes the new tree without a block
//! being asked for.

use ourspace_protocol::{
    account::Account,
    dag::Cid,
    delta::{Delta, DeltaError},
    feed::{
        check,
        error::{Budget, TreeError},
        model::ItemId,
        set::Changes,
        tree::{PathChanges, merge},
    },
    heads::Insert,
    record::SignedRecord,
    verify::Verified,
};
use ourspace_store::{StoreError, TreeState, Writer};

use super::{
    error::MirrorError,
    take::{Taken, take_one},
};
use crate::home::Home;

/// What became of a record with its delta.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The home has the whole new tree but its media, and nothing was fetched.
    Whole {
        /// The root, as signed.
        root: Cid,
    },
    /// The record was known, or older than what is known, or not for this home.
    Nothing(Taken),
    /// The tree is to be fetched. New posts of the delta, whose author the signature and the
    /// hash prove, are shown already.
    Fetch {
        /// Those posts.
        early: Vec<ItemId>,
    },
}

/// Takes a record and the delta that came with it.
///
/// # Errors
/// [`MirrorError::NotTheDelta`] when the bytes are another's; [`MirrorError::Store`],
/// [`MirrorError::Home`]. Nothing was taken then.
pub fn apply(
    home: &Home,
    record: &Verified<SignedRecord>,
    delta: &[u8],
) -> Result<Applied, MirrorError> {
    let own = home.account()?;
    let account = record.record().account;
    let delta = match Delta::from_bytes(delta, &record.record().delta) {
        Ok(delta) => Some(delta),
        Err(DeltaError::TooLarge | DeltaError::HashMismatch) => {
            return Err(MirrorError::NotTheDelta);
        }
        // Its author signed that: the tree may be better.
        Err(DeltaError::Malformed(_) | DeltaError::Source(_)) => None,
    };
    let delta = delta.filter(|delta| delta.is_allowed(record.record().timestamp));
    if let Some(delta) = delta.as_ref().filter(|_| account != own) {
        let done = home.store().write(|writer| {
            let taken = take_one(writer, own, record).map_err(Stop::Failed)?;
            if !taken.is_new() {
                return Ok(Applied::Nothing(taken));
            }
            recompute(writer, record, delta)
        });
        match done {
            Err(Stop::Another) => {}
            Err(Stop::Failed(error)) => return Err(error),
            Ok(applied) => return Ok(applied),
        }
    }
    home.store().write(|writer| {
        let taken = take_one(writer, own, record)?;
        if !matches!(taken, Taken::Among(Insert::New)) {
            return Ok(Applied::Nothing(taken));
        }
        let changes = delta.map(|delta| delta.changes).unwrap_or_default();
        let early = match account == own {
            true => Vec::new(),
            false => show_early(writer, account, &changes)?,
        };
        Ok(Applied::Fetch { early })
    })
}

/// Why nothing was computed.
enum Stop {
    /// What follows is another tree than the signed one, or too much work.
    Another,
    Failed(MirrorError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        match error {
            // The blocks of the tree that is changed are a stranger's, and not all are here.
            StoreError::Dag(_) => Self::Another,
            error => Self::Failed(error.into()),
        }
    }
}

/// Computes the tree that a delta makes of the one here.
fn recompute(
    writer: &Writer<'_>,
    record: &Verified<SignedRecord>,
    delta: &Delta,
) -> Result<Applied, Stop> {
    let account = record.record().account;
    let old = writer.root(account)?.map(|root| root.cid);
    if old != delta.base || !follows_a_parent(writer, record, old)? {
        return Err(Stop::Another);
    }
    let early = writer.take_early(account)?;
    let paths = changed(writer, account, &delta.changes)?;
    let new = writer.update_tree(account, &paths)?;
    if new.cid != record.record().root {
        return Err(Stop::Another);
    }
    release(writer, &paths)?;
    writer.advance_tree(account, old, (new, TreeState::Sources))?;
    for item in &early {
        writer.put_early(account, item)?;
    }
    Ok(Applied::Whole { root: new.cid })
}

fn changed(writer: &Writer<'_>, account: Account, changes: &Changes) -> Result<PathChanges, Stop> {
    let mut feed = writer.feed(account)?;
    merge(&mut feed, account, changes, Budget::FOLLOWED).map_err(|error| match error {
        TreeError::State(_) => Stop::Failed(error.into()),
        TreeError::Renderer(_) | TreeError::Budget(_) | TreeError::Path { .. } => Stop::Another,
    })
}

/// The base must be the root of one of the record's parents, if all of these are known.
fn follows_a_parent(
    writer: &Writer<'_>,
    record: &Verified<SignedRecord>,
    base: Option<Cid>,
) -> Result<bool, StoreError> {
    let heads = writer.heads(record.record().account)?;
    let parents = &record.record().parents;
    let known: Vec<Cid> = heads
        .iter()
        .filter(|head| parents.contains(&head.digest()))
        .map(|head| head.record().root)
        .collect();
    Ok(known.len() < parents.len() || known.is_empty() || base.is_some_and(|b| known.contains(&b)))
}

/// Drops the kept files that left a feed and that no other uses.
pub(super) fn release(writer: &Writer<'_>, paths: &PathChanges) -> Result<(), StoreError> {
    for (path, _) in paths.iter().filter(|(_, link)| link.is_none()) {
        if let Some(cid) = check::forms::media_cid(path).and_then(|cid| cid.parse().ok()) {
            writer.release(cid)?;
        }
    }
    Ok(())
}

/// Shows the new posts of a delta.
fn show_early(
    writer: &Writer<'_>,
    account: Account,
    changes: &Changes,
) -> Result<Vec<ItemId>, StoreError> {
    let mut early = Vec::new();
    for item in &changes.items {
        let dead = changes.tombstones.iter().any(|dead| dead.id == item.id);
        if !dead && writer.put_early(account, item)? {
            early.push(item.id);
        }
    }
    Ok(early)
}
