//! What an export may replace: a version of the feed that holds nothing but what this home
//! has, or has deleted.
//!
//! A site may be the only copy of a feed that is left, or another device's. Whoever exports
//! out of a restored backup, or out of a home that was just made of the word list, would
//! otherwise wipe it without a word. So the sources that lie there are read, and each must
//! add nothing to what the home has.

use ourspace_protocol::{
    account::Account,
    feed::{
        error::TreeError,
        model::{Item, ItemId},
        set::{adds_nothing, merge_follows, merge_profiles},
        state::FeedState as _,
    },
    record::SignedRecord,
    time::MAX_MILLIS,
    verify::{Context, KnownGrants, Verified, verify},
};
use ourspace_store::{Feed, Reader};

use super::{
    RECORD, RECORD_MOST,
    error::{ExportError, Unknown},
    folder::{FileError, Folder},
};
use crate::sources::{Fault, Files, REACTIONS, Read, Sources, TOMBSTONES};

/// Lets an export of `own` pass that loses nothing.
pub(super) fn admit(
    folder: &Folder,
    reader: &Reader<'_>,
    own: &Verified<SignedRecord>,
) -> Result<(), ExportError> {
    let account = own.record().account;
    let there = folder.read(RECORD, RECORD_MOST)?;
    let context = Context {
        now: MAX_MILLIS,
        highest_epoch: 0,
    };
    // What is no record at all is replaced: there is nothing that it could be newer than.
    let there = there.and_then(|bytes| verify(&bytes, context, &mut KnownGrants::new()).ok());
    let there = there.filter(|there| there.record().account == account);
    if let Some(there) = &there {
        let digest = there.digest();
        if digest == own.digest() || own.record().parents.contains(&digest) {
            return Ok(());
        }
        if there.order() > own.order() {
            return Err(ExportError::Newer {
                folder: folder.path().to_owned(),
                there: there.record().timestamp,
                own: own.record().timestamp,
            });
        }
    }
    let feed = reader.feed(account)?;
    let mut site = Site {
        folder,
        feed: &feed,
        account,
        unknown: Unknown::default(),
    };
    site.look()?;
    match site.unknown == Unknown::default() {
        true => Ok(()),
        false => Err(ExportError::Unknown {
            folder: folder.path().to_owned(),
            what: site.unknown,
        }),
    }
}

/// The sources in a folder beside the home's feed. What cannot be read there is nobody's.
struct Site<'s> {
    folder: &'s Folder,
    feed: &'s Feed<'s>,
    account: Account,
    unknown: Unknown,
}

impl Site<'_> {
    fn look(&mut self) -> Result<(), ExportError> {
        let sources = Sources::of(self.folder, self.account);
        for path in sources.pages()? {
            let page = readable(sources.page(&path))?;
            for item in page.map(|page| page.items).unwrap_or_default() {
                let id = item.id;
                let mut versions = vec![item];
                versions.extend(readable(sources.history(id))?.unwrap_or_default());
                self.item(id, &versions)?;
            }
        }
        for path in sources.paths(REACTIONS)? {
            for item in readable(sources.reactions(&path))?.unwrap_or_default() {
                self.item(item.id, &[item])?;
            }
        }
        for path in sources.paths(TOMBSTONES)? {
            for dead in readable(sources.tombstones(&path))?.unwrap_or_default() {
                let known = self.feed.tombstone(dead.id).map_err(TreeError::from)?;
                self.unknown.deletions += u64::from(known.is_none());
            }
        }
        // Pages that are damaged or gone say nothing of posts that may still lie there.
        for name in Files::names(self.folder, "posts")? {
            if let Ok(id) = name.parse::<ItemId>() {
                let known = self.feed.versions(id).map_err(TreeError::from)?;
                let dead = self.feed.tombstone(id).map_err(TreeError::from)?;
                let gone = known.is_empty() && dead.is_none() && self.unknown.items == 0;
                self.unknown.items += u64::from(gone);
            }
        }
        self.about(&sources)
    }

    fn item(&mut self, id: ItemId, versions: &[Item]) -> Result<(), ExportError> {
        let known = self.feed.versions(id).map_err(TreeError::from)?;
        if adds_nothing(&known, versions) {
            return Ok(());
        }
        if self.feed.tombstone(id).map_err(TreeError::from)?.is_none() {
            self.unknown.items += u64::from(known.is_empty());
            self.unknown.edits += u64::from(!known.is_empty());
        }
        Ok(())
    }

    /// Profile and follows.
    fn about(&mut self, sources: &Sources<'_, Folder>) -> Result<(), ExportError> {
        if let Some(theirs) = readable(sources.profile())? {
            let own = self.feed.profile().map_err(TreeError::from)?;
            self.unknown.profile = merge_profiles(own.clone(), theirs) != own;
        }
        if let Some(theirs) = readable(sources.follows())? {
            let own = self.feed.follows().map_err(TreeError::from)?;
            self.unknown.follows = merge_follows(own.clone(), theirs) != own;
        }
        Ok(())
    }
}

/// A source of this account; none when the file is not there or is none.
fn readable<T>(read: Read<T, FileError>) -> Result<Option<T>, FileError> {
    match read {
        Ok(found) => Ok(found),
        Err(Fault::Source { .. }) => Ok(None),
        Err(Fault::Files(error)) => Err(error),
    }
}
