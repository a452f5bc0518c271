//! Publishing: the one way by which the own feed changes.
//!
//! A change to the set of items, the tree that follows from it, the record that names the
//! tree, the outbox row that will announce it and the kept files it needs are one durable
//! transaction: after a crash there is all of it or nothing.

use ourspace_protocol::{
    announcement::Announcement,
    dag::{Cid, Link},
    delta::{Delta, DeltaError},
    eip712::TypedData as _,
    feed::{
        check,
        error::{Budget, TreeError},
        set::Changes,
        state::StateError,
        tree::{PathChanges, merge},
    },
    hash::sha256,
    heads::Heads,
    limits,
    record::{Record, SignedRecord},
    seams::{Signer as _, SignerError},
    signature::Scheme,
    time::{Millis, rfc3339},
    verify::{Context, KnownGrants, Refusal, Verified, verify},
};
use ourspace_store::{Feed, Stage, StoreError, Writer};

use crate::{
    home::Home,
    identity::{Identity, IdentityError},
    mailbox,
};

/// A change was not published; nothing of it was stored.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// This machine cannot sign.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The store says no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An item, profile, follow or tombstone breaks a rule of the format.
    #[error(transparent)]
    Item(#[from] check::ItemError),
    /// The tree cannot be computed.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The grant's time is over.
    #[error(
        "this device's permission to publish ended on {}; renew it with `ourspace device renew`",
        rfc3339(*.0)
    )]
    Expired(Millis),
    /// The clock shows a time before the grant, or before something that it publishes.
    #[error(
        "the clock of this machine says {}, but this feed was last changed, or this device allowed, at {}: set the clock right and try again",
        rfc3339(*.now), rfc3339(*.last)
    )]
    ClockBehind {
        /// What the clock says.
        now: Millis,
        /// When the grant or the change was made.
        last: Millis,
    },
    /// The device has signed under a clock that was ahead, or the clock is behind now.
    #[error(
        "this device signed on {}, a time that the clock of this machine ({}) has not reached. If that is wrong, set the clock right and try again. If it was wrong then, this device can publish again from that time on; to publish before, make another home, which gets a device key of its own (`ourspace --home DIR device join`), and allow it from here (`ourspace device add CODE`)",
        rfc3339(*.last), rfc3339(*.now)
    )]
    SignedAhead {
        /// What the clock says.
        now: Millis,
        /// When the last record was made.
        last: Millis,
    },
    /// The key did not sign.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The own record would not be believed.
    #[error("the new record is not valid ({0}); nothing was published")]
    Refused(#[from] Refusal),
    /// The person asked for something that cannot be done.
    #[error("{0}")]
    Wish(String),
}

impl From<StateError> for PublishError {
    fn from(error: StateError) -> Self {
        Self::Tree(error.into())
    }
}

/// What was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Root of the feed.
    pub root: Cid,
    /// When it was signed.
    pub timestamp: Millis,
    /// Whether anything is different from before.
    pub changed: bool,
}

/// Takes a change into the own feed and signs the new version.
///
/// `change` is asked inside of the transaction and sees the feed as it is.
///
/// # Errors
/// [`PublishError`]; nothing is changed then.
pub fn publish(
    home: &Home,
    now: Millis,
    change: impl FnOnce(&Feed<'_>) -> Result<Changes, PublishError>,
) -> Result<Published, PublishError> {
    publish_with(home, now, None, change)
}

/// As [`publish`], and keeps the files of `stage`, which the change's items or profile
/// name, in the same transaction. Files that nothing names any more are dropped.
///
/// # Errors
/// [`PublishError`]; nothing is changed then, and nothing of `stage` is left.
pub fn publish_with(
    home: &Home,
    now: Millis,
    stage: Option<Stage<'_>>,
    change: impl FnOnce(&Feed<'_>) -> Result<Changes, PublishError>,
) -> Result<Published, PublishError> {
    publish_after(home, When::at(now), stage, change)
}

/// The same, and signed after an instant, also when nothing changes.
pub(crate) fn publish_after(
    home: &Home,
    when: When,
    stage: Option<Stage<'_>>,
    change: impl FnOnce(&Feed<'_>) -> Result<Changes, PublishError>,
) -> Result<Published, PublishError> {
    let identity = Identity::load(home)?;
    home.store()
        .write(|writer| publish_as(writer, &identity, when, stage, change))
}

/// When a version is signed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct When {
    /// What the clock says.
    pub(crate) now: Millis,
    /// The record must be later than this: there is one of that time which knows nothing
    /// that this home does not, and which this home's is to replace.
    pub(crate) after: Millis,
    /// The head of another device whose feed is a part of the change: the record names it.
    pub(crate) merging: Option<[u8; 32]>,
}

impl When {
    /// Whenever it is.
    pub(crate) fn at(now: Millis) -> Self {
        Self {
            now,
            after: 0,
            merging: None,
        }
    }
}

/// The same as a part of a larger change, by somebody whom the store may not know yet.
pub(crate) fn publish_as(
    writer: &Writer<'_>,
    identity: &Identity,
    when: When,
    stage: Option<Stage<'_>>,
    change: impl FnOnce(&Feed<'_>) -> Result<Changes, PublishError>,
) -> Result<Published, PublishError> {
    let mut feed = writer.feed(identity.account)?;
    let changes = change(&feed)?;
    check_changes(&changes)?;
    if let Some(stage) = stage {
        writer.keep(stage)?;
    }
    let before = writer.root(identity.account)?;
    let concerned = mailbox::concerned(&feed, &changes)?;
    let paths = merge(&mut feed, identity.account, &changes, Budget::OWN)?;
    tracing::debug!(
        items = changes.items.len(),
        tombstones = changes.tombstones.len(),
        files = paths.len(),
        "rendered what changed"
    );
    let root = writer.update_tree(identity.account, &paths)?;
    release(writer, &paths)?;
    let work = Work {
        identity,
        before,
        root,
        when,
        concerned,
    };
    work.sign(writer, changes)
}

/// Drops the files that left the tree and stand at no other place of it.
fn release(writer: &Writer<'_>, paths: &PathChanges) -> Result<(), StoreError> {
    let left = paths.iter().filter(|(_, link)| link.is_none());
    for (path, _) in left {
        if let Some(cid) = check::forms::media_cid(path).and_then(|cid| cid.parse().ok()) {
            writer.release(cid)?;
        }
    }
    Ok(())
}

/// Checks every part of a change.
fn check_changes(changes: &Changes) -> Result<(), PublishError> {
    changes.items.iter().try_for_each(check::item)?;
    changes.tombstones.iter().try_for_each(check::tombstone)?;
    if let Some(profile) = &changes.profile {
        check::profile(profile)?;
    }
    check::follows(&changes.follows)?;
    Ok(())
}

struct Work<'i> {
    identity: &'i Identity,
    before: Option<Link>,
    root: Link,
    when: When,
    /// Whom the changed items concerned before.
    concerned: mailbox::Concerned,
}

impl Work<'_> {
    fn sign(mut self, writer: &Writer<'_>, changes: Changes) -> Result<Published, PublishError> {
        let heads = writer.heads(self.identity.account)?;
        let own = heads
            .iter()
            .find(|head| head.signer() == self.identity.device.address());
        let merging = |head: &&Verified<SignedRecord>| Some(head.digest()) == self.when.merging;
        let merged = heads.iter().find(merging);
        // A merge is signed, so that nobody shows the other head beside it, unless the other
        // feed holds all of this one.
        let stands = |head: &&Verified<SignedRecord>| {
            head.record().root == self.root.cid && head.record().timestamp > self.when.after
        };
        if let Some(head) = merged.or(own).filter(stands) {
            return Ok(Published {
                root: self.root.cid,
                timestamp: head.record().timestamp,
                changed: false,
            });
        }
        let parents = heads.parents(self.identity.device.address(), &self.included(&heads));
        let timestamp = self.timestamp(&heads, &parents, changes.newest())?;
        check::bounded(&changes, timestamp)?;
        let delta = self.delta(&heads, changes);
        let record = self.record(&heads, (parents, timestamp), delta.as_deref())?;
        writer.put_record(&record)?;
        writer.put_outgoing(&record, delta.as_deref())?;
        let concerned = std::mem::take(&mut self.concerned);
        self.tell_others(writer, (&record, delta.as_ref()), concerned)?;
        tracing::debug!(
            root = %self.root.cid,
            timestamp,
            delta_bytes = delta.as_ref().map_or(0, Vec::len),
            "signed a new version of the feed"
        );
        Ok(Published {
            root: self.root.cid,
            timestamp,
            changed: true,
        })
    }

    /// Those whom the change is about are to be told of it.
    fn tell_others(
        &self,
        writer: &Writer<'_>,
        (record, delta): (&Verified<SignedRecord>, Option<&Vec<u8>>),
        concerned: mailbox::Concerned,
    ) -> Result<(), StoreError> {
        // The record was made with this delta.
        match Announcement::of(record.clone(), delta.cloned()) {
            Ok(announcement) => mailbox::note(writer, announcement, concerned, self.when.now),
            Err(_) => Ok(()),
        }
    }

    /// Strictly after the records that it follows, the device's own among them; not before
    /// anything that it brings (`newest`); within the grant, by a sane clock.
    ///
    /// A clock that is *ahead* cannot be told from a long silence: a month or half a year
    /// between two posts is nothing strange, and this room knows no other clock. So nobody
    /// is asked about it; what bounds the harm is the end of the grant, after which nothing
    /// is signed. When the clock is right again, what was signed ahead shows, and
    /// [`PublishError::SignedAhead`] says the ways out.
    fn timestamp(
        &self,
        heads: &Heads,
        parents: &[[u8; 32]],
        newest: Millis,
    ) -> Result<Millis, PublishError> {
        let grant = &self.identity.grant.get().grant;
        let device = self.identity.device.address();
        let after = |head: &Verified<SignedRecord>| head.record().timestamp.saturating_add(1);
        let too_far = |at: Millis| at > self.when.now.saturating_add(limits::CLOCK_SKEW);
        let own = heads.iter().find(|head| head.signer() == device);
        if let Some(own) = own.filter(|own| too_far(own.record().timestamp)) {
            return Err(PublishError::SignedAhead {
                now: self.when.now,
                last: own.record().timestamp,
            });
        }
        let followed = heads.iter().filter(|head| parents.contains(&head.digest()));
        let last = followed.chain(own).map(after).max().unwrap_or(0);
        let after = match self.when.after {
            0 => 0,
            after => after.saturating_add(1),
        };
        let least = last.max(grant.issued_at).max(newest).max(after);
        if too_far(least) {
            return Err(PublishError::ClockBehind {
                now: self.when.now,
                last: least,
            });
        }
        let timestamp = self.when.now.max(least);
        if timestamp > grant.expires_at {
            return Err(PublishError::Expired(grant.expires_at));
        }
        Ok(timestamp)
    }

    /// The delta in its encoding; none when it would be too large, or when followers do
    /// not have the tree that it changes.
    fn delta(&self, heads: &Heads, changes: Changes) -> Option<Vec<u8>> {
        let base = self.before.map(|link| link.cid);
        let named = base.is_none_or(|base| heads.iter().any(|head| head.record().root == base));
        if !named {
            return None;
        }
        match (Delta { base, changes }).to_bytes() {
            Ok(bytes) => Some(bytes),
            Err(DeltaError::TooLarge) => None,
            Err(error) => {
                tracing::warn!(%error, "a change has no delta; followers fetch it");
                None
            }
        }
    }

    /// The heads whose feeds are in this one: those with the tree that it changes, and
    /// those that the device's last record named.
    fn included(&self, heads: &Heads) -> Vec<[u8; 32]> {
        let before = self.before.map(|link| link.cid);
        let device = self.identity.device.address();
        let own = heads.iter().find(|head| head.signer() == device);
        let named = own.map_or(&[][..], |head| &head.record().parents);
        heads
            .iter()
            .filter(|head| {
                Some(head.record().root) == before || Some(head.digest()) == self.when.merging
            })
            .map(Verified::digest)
            .chain(named.iter().copied())
            .collect()
    }

    fn record(
        &self,
        heads: &Heads,
        (parents, timestamp): (Vec<[u8; 32]>, Millis),
        delta: Option<&[u8]>,
    ) -> Result<Verified<SignedRecord>, PublishError> {
        let Identity {
            account,
            device,
            grant,
        } = self.identity;
        let record = Record {
            account: *account,
            epoch: grant.get().grant.epoch,
            timestamp,
            root: self.root.cid,
            parents,
            delta: delta.map_or([0; 32], sha256),
            locations: Vec::new(),
            grant: grant.digest(),
        };
        let signature = device.sign(&record.signing_hash(Scheme::TypedData))?;
        let signed = SignedRecord {
            record,
            scheme: Scheme::TypedData,
            signature,
            grant: Some(grant.get().clone()),
        };
        let context = Context {
            now: self.when.now.max(timestamp),
            highest_epoch: heads.epoch(),
        };
        Ok(verify(
            &signed.to_bytes(),
            context,
            &mut KnownGrants::new(),
        )?)
    }
}
