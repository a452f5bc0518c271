//! The pages of single posts in the index of what is served.
//!
//! A tree that was taken as it was signed names the directories of its posts, not what is in
//! them: to know the CID of a page it must be rendered. Few are rendered at once; many, a few
//! at a time, when there is nothing better to do.

use ourspace_protocol::{
    account::Account,
    feed::{
        error::TreeError,
        model::{ItemId, ItemKey},
        render::{entry, item_files},
        state::FeedState as _,
        tree::link_of,
    },
    time::MAX_MILLIS,
};
use ourspace_store::Writer;

use super::error::MirrorError;
use crate::home::Home;

/// Posts whose pages are rendered when their tree is taken.
const AT_ONCE: usize = 64;

/// Puts the pages of posts whose directories are new into the index, or notes that this is
/// still to be done.
pub(super) fn note(
    writer: &Writer<'_>,
    account: Account,
    posts: &[ItemId],
) -> Result<(), MirrorError> {
    if posts.len() <= AT_ONCE {
        return posts.iter().try_for_each(|id| page(writer, account, *id));
    }
    let all = ItemKey {
        date: MAX_MILLIS,
        id: ItemId([0xff; 10]),
    };
    Ok(writer.put_unindexed(account, Some(all))?)
}

/// Puts the page of one post into the index.
fn page(writer: &Writer<'_>, account: Account, id: ItemId) -> Result<(), MirrorError> {
    let versions = writer.feed(account)?.versions(id)?;
    let Some((newest, older)) = versions.split_first().filter(|(new, _)| new.kind.is_post()) else {
        return Ok(());
    };
    let version = newest.renderer;
    let made = entry(version, newest).and_then(|made| item_files(version, &account, &made, older));
    let files = made.map_err(TreeError::from)?;
    for (_, bytes) in files {
        writer.index_post(account, id, &link_of(&bytes).cid)?;
    }
    Ok(())
}

/// Puts the pages of at most `most` posts into the index that are not in it yet; says whether
/// there are more. Takes some 0.1 ms for each.
///
/// # Errors
/// [`MirrorError`]; nothing was changed then.
pub fn index_pages(home: &Home, most: usize) -> Result<bool, MirrorError> {
    let reader = home.store().read()?;
    let Some((account, before)) = reader.unindexed()? else {
        return Ok(false);
    };
    let posts = reader.timeline(account, Some(before), most)?;
    drop(reader);
    home.store()
        .write(|writer| {
            for post in &posts {
                page(writer, account, post.id)?;
            }
            let last = posts.last().map(|last| last.key());
            Ok(writer.put_unindexed(account, last.filter(|_| posts.len() == most))?)
        })
        .map(|()| true)
}
