//! The own feed on another device: into the own one.
//!
//! Where the other device knew all that this one has, its tree is simply taken; else what it
//! has besides is published from here, in a record that names both.

use ourspace_protocol::{
    dag::Cid, feed::set::Changes, record::SignedRecord, seams::Session, time::Millis,
    verify::Verified,
};

use super::{
    batch::commit,
    error::MirrorError,
    fetch::{Fetcher, Progress},
};
use crate::{
    home::Home,
    identity::{Identity, IdentityError},
    publish::{PublishError, When, publish_as},
};

/// What became of another device's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merged {
    /// Its tree was here already.
    Here,
    /// It holds all that this device has: its tree is the own one now, and no record was
    /// needed.
    Taken,
    /// What it has besides was published from here, with this root.
    Published(Cid),
}

/// Merges the head of another device of the own account into the own feed. Its media are
/// fetched by [`media`](super::media()) afterwards.
///
/// # Errors
/// [`MirrorError`]; a merge that was not published left nothing.
pub async fn merge(
    home: &Home,
    head: &Verified<SignedRecord>,
    now: Millis,
    session: &mut dyn Session,
    watch: &mut (dyn FnMut(Progress) + Send),
) -> Result<Merged, MirrorError> {
    let Some(mut fetcher) = Fetcher::begin(home, head)? else {
        return Ok(Merged::Here);
    };
    let takes = holds_all(home, head)?;
    let mut changes = Changes::default();
    while let Some(batch) = fetcher.next(session).await? {
        watch(fetcher.progress());
        if takes {
            commit(home, vec![batch])?;
            fetcher.committed();
            continue;
        }
        let last = batch.is_last();
        changes = add(changes, batch.changes);
        if last {
            break;
        }
    }
    match takes {
        true => Ok(Merged::Taken),
        false => publish_merge(home, head, now, changes).map(Merged::Published),
    }
}

fn add(mut to: Changes, more: Changes) -> Changes {
    to.items.extend(more.items);
    to.tombstones.extend(more.tombstones);
    to.follows.extend(more.follows);
    to.profile = more.profile.or(to.profile);
    to
}

/// Whether a head of another device holds all that is here: there is nothing here, or the
/// head names the record of what is here as its parent.
fn holds_all(home: &Home, head: &Verified<SignedRecord>) -> Result<bool, MirrorError> {
    let own = home.account()?;
    let reader = home.store().read()?;
    let Some(root) = reader.root(own)? else {
        return Ok(true);
    };
    let heads = reader.heads(own)?;
    let parents = &head.record().parents;
    let mut same = heads.iter().filter(|other| other.record().root == root.cid);
    Ok(same.any(|other| parents.contains(&other.digest())))
}

fn publish_merge(
    home: &Home,
    head: &Verified<SignedRecord>,
    now: Millis,
    changes: Changes,
) -> Result<Cid, MirrorError> {
    let identity = Identity::load(home)
        .map_err(|error: IdentityError| MirrorError::Publish(PublishError::from(error)))?;
    let when = When {
        merging: Some(head.digest()),
        ..When::at(now)
    };
    home.store().write(|writer| {
        let published = publish_as(writer, &identity, when, None, |_| Ok(changes))?;
        Ok(published.root)
    })
}
