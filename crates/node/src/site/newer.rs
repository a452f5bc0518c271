//! What an export may replace: a version of the feed that holds nothing but what this home
//! has, or has deleted.
//!
//! A site may be the only copy of a feed that is left, or another device's. Whoever exports
//! out of a restored backup, or out of a home that was just made of the word list, would
//! otherwise wipe it without a word. So the sources that lie there are read, and each must
//! add nothing to what the home has.

use std::io;

use ourspace_protocol::{
    account::Account,
    feed::{
        error::TreeError,
        json::{
            parse_follows, parse_history, parse_page, parse_profile, parse_reactions,
            parse_tombstones,
        },
        model::{Item, ItemId},
        set::{adds_nothing, merge_follows, merge_profiles},
        state::FeedState as _,
    },
    limits,
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
        self.page("feed.json")?;
        for name in self.names("archive")? {
            self.page(&format!("archive/{name}"))?;
        }
        for name in self.names("reactions")? {
            let path = format!("reactions/{name}");
            for item in self.read(&path, parse_reactions)?.unwrap_or_default() {
                self.item(item.id, &[item])?;
            }
        }
        for name in self.names("tombstones")? {
            let path = format!("tombstones/{name}");
            for dead in self.read(&path, parse_tombstones)?.unwrap_or_default() {
                let known = self.feed.tombstone(dead.id).map_err(TreeError::from)?;
                self.unknown.deletions += u64::from(known.is_none());
            }
        }
        // Pages that are damaged or gone say nothing of posts that may still lie there.
        for name in self.names("posts")? {
            if let Ok(id) = name.parse::<ItemId>() {
                let known = self.feed.versions(id).map_err(TreeError::from)?;
                let dead = self.feed.tombstone(id).map_err(TreeError::from)?;
                let gone = known.is_empty() && dead.is_none() && self.unknown.items == 0;
                self.unknown.items += u64::from(gone);
            }
        }
        self.about()
    }

    fn page(&mut self, path: &str) -> Result<(), ExportError> {
        let parse = |bytes: &[u8]| parse_page(bytes).map(|page| (page.account, page.items));
        for item in self.read(path, parse)?.unwrap_or_default() {
            let history = format!("posts/{}/history.json", item.id);
            let older = self.read(&history, parse_history)?.unwrap_or_default();
            let id = item.id;
            let mut versions = vec![item];
            versions.extend(older.into_iter().filter(|old| old.id == id));
            self.item(id, &versions)?;
        }
        Ok(())
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
    fn about(&mut self) -> Result<(), ExportError> {
        if let Some(theirs) = self.read("profile.json", parse_profile)? {
            let own = self.feed.profile().map_err(TreeError::from)?;
            self.unknown.profile = merge_profiles(own.clone(), theirs) != own;
        }
        if let Some(theirs) = self.read("follows.json", parse_follows)? {
            let own = self.feed.follows().map_err(TreeError::from)?;
            self.unknown.follows = merge_follows(own.clone(), theirs) != own;
        }
        Ok(())
    }

    /// A source of this account; none when the file is not there or is none.
    fn read<T, E>(
        &self,
        path: &str,
        parse: impl Fn(&[u8]) -> Result<(Account, T), E>,
    ) -> Result<Option<T>, ExportError> {
        let bytes = self.folder.read(path, limits::JSON_BYTES as u64)?;
        let parsed = bytes.and_then(|bytes| parse(&bytes).ok());
        Ok(parsed.and_then(|(account, value)| (account == self.account).then_some(value)))
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, ExportError> {
        let mut names = Vec::new();
        let mut take = |name: &str, _| -> Result<(), FileError> {
            names.push(name.to_owned());
            Ok(())
        };
        match self.folder.names(folder, &mut take) {
            Err(error) if error.source.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(names),
        }
    }
}
