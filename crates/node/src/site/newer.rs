//! What an export may replace: an older version of what this home has, and nothing that
//! the home does not know.
//!
//! A site may be the only copy of a feed that is left, or another device's. Whoever exports
//! out of a restored backup, or out of a home that was just made of the word list, would
//! otherwise wipe it without a word.

use ourspace_protocol::{
    feed::{model::ItemId, state::FeedState as _},
    record::SignedRecord,
    time::MAX_MILLIS,
    verify::{Context, KnownGrants, Verified, verify},
};
use ourspace_store::Reader;

use super::{
    RECORD, RECORD_MOST,
    error::ExportError,
    folder::{FileError, Folder},
};

/// Lets an export of `own` pass that loses nothing: the folder's record is not after it,
/// and the home knows, or has deleted, every post that is there.
pub(super) fn admit(
    folder: &Folder,
    reader: &Reader<'_>,
    own: &Verified<SignedRecord>,
) -> Result<(), ExportError> {
    let there = folder.read(RECORD, RECORD_MOST)?;
    let context = Context {
        now: MAX_MILLIS,
        highest_epoch: 0,
    };
    // What is no record at all is replaced: there is nothing that it could be newer than.
    let there = there.and_then(|bytes| verify(&bytes, context, &mut KnownGrants::new()).ok());
    let there = there.filter(|there| there.record().account == own.record().account);
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
    let unknown = unknown_posts(folder, reader, own)?;
    if unknown > 0 {
        return Err(ExportError::Unknown {
            folder: folder.path().to_owned(),
            posts: unknown,
        });
    }
    Ok(())
}

/// How many posts lie in the folder of which the home knows nothing.
fn unknown_posts(
    folder: &Folder,
    reader: &Reader<'_>,
    own: &Verified<SignedRecord>,
) -> Result<u64, ExportError> {
    let account = own.record().account;
    let feed = reader.feed(account)?;
    let mut unknown = 0;
    let mut look = |name: &str, _| -> Result<(), ExportError> {
        let Ok(id) = name.parse::<ItemId>() else {
            return Ok(());
        };
        let dead = || {
            feed.tombstone(id)
                .map_err(ourspace_protocol::feed::error::TreeError::from)
        };
        if reader.item(account, id)?.is_none() && dead()?.is_none() {
            unknown += 1;
        }
        Ok(())
    };
    match folder.names("posts", &mut look) {
        Err(ExportError::File(FileError { source, .. }))
            if source.kind() == std::io::ErrorKind::NotFound =>
        {
            Ok(0)
        }
        result => result.map(|()| unknown),
    }
}
