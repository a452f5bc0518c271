//! The newest episodes of a podcast, as far as the quota allows. Older ones stay links.

use std::{collections::HashSet, fs::File, io, io::Write as _};

use ourspace_protocol::{
    feed::{
        model::{Attachment, Item, ItemId},
        set::Changes,
        state::FeedState as _,
    },
    limits,
    seams::{Web, WebAsk},
};
use ourspace_store::{Stage, StoreError, WebFeed};

use super::{address, error::WebFeedError, take::put};
use crate::{
    attach::{AttachError, Attacher},
    home::Home,
    import::web::Episode,
    mirror::{Quotas, make_room},
};

/// Posts whose episodes are fetched: the newest.
const POSTS: usize = 3;
/// Bytes of one episode.
const BYTES: u64 = 1 << 30;

/// What was fetched.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fetched {
    pub(super) files: u64,
    /// Whether one did not come that may come another time.
    pub(super) failed: bool,
}

/// Fetches what the newest posts link to and is not here.
pub(super) async fn fetch(
    home: &Home,
    web: &dyn Web,
    quotas: Quotas,
    (feed, episodes): (&WebFeed, &[Episode]),
) -> Result<Fetched, WebFeedError> {
    let mut fetched = Fetched::default();
    let follow = home.store().read()?.follow(feed.account)?;
    let Some(follow) = follow.filter(|follow| !follow.text_only) else {
        return Ok(fetched);
    };
    let quota = follow.quota.unwrap_or(quotas.account);
    let mut posts: HashSet<ItemId> = HashSet::new();
    for episode in episodes {
        posts.insert(episode.id);
        if posts.len() > POSTS {
            break;
        }
        let Some(item) = without_files(home, feed, episode.id)? else {
            continue;
        };
        match download(home, web, (feed, episode), quota).await? {
            Some(file) => {
                if attach(home, (feed, item), file, (quota, quotas.total))? {
                    fetched.files += 1;
                }
            }
            None => fetched.failed = true,
        }
    }
    Ok(fetched)
}

/// The newest version of a post, if no file was ever fetched for it.
fn without_files(home: &Home, feed: &WebFeed, id: ItemId) -> Result<Option<Item>, WebFeedError> {
    let reader = home.store().read()?;
    let versions = reader.feed(feed.account)?.versions(id)?;
    let newest = versions.into_iter().next();
    Ok(newest.filter(|item| item.attachments.is_empty()))
}

/// An episode, in a file without a name on the disk of the home; none when it did not come.
async fn download(
    home: &Home,
    web: &dyn Web,
    (feed, episode): (&WebFeed, &Episode),
    quota: u64,
) -> Result<Option<File>, WebFeedError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::StorageFull => StoreError::Full.into(),
        _ => WebFeedError::Attach(AttachError::Read {
            path: home.path().to_owned(),
            source: error,
        }),
    };
    let file = tempfile::tempfile_in(home.path()).map_err(failed)?;
    let mut out = io::BufWriter::with_capacity(256 * 1024, file);
    let ask = WebAsk {
        url: &episode.url,
        accept: "audio/*, video/*;q=0.9, */*;q=0.1",
        etag: None,
        last_modified: None,
        limit: BYTES.min(quota),
        private: feed.private && address::of_one_host(&feed.url, &episode.url),
    };
    match web.fetch(ask, &mut out).await {
        Ok(answer) if answer.status == 200 => {
            out.flush().map_err(failed)?;
            let file = out
                .into_inner()
                .map_err(|error| failed(error.into_error()))?;
            Ok(Some(file))
        }
        Ok(answer) => {
            tracing::debug!(url = episode.url, status = answer.status, "no episode");
            Ok(None)
        }
        Err(error) => {
            tracing::debug!(url = episode.url, %error, "an episode did not come");
            Ok(None)
        }
    }
}

/// Puts a file to its post; false when it is nothing that a feed can hold, or there is no
/// room for it.
fn attach(
    home: &Home,
    (feed, mut item): (&WebFeed, Item),
    file: File,
    (quota, total): (u64, u64),
) -> Result<bool, WebFeedError> {
    let mut attacher = Attacher::new(home, item.date)?;
    let attachment = match attacher.add(file, "", false) {
        Ok(attachment) => attachment,
        Err(AttachError::Store(error)) => return Err(error.into()),
        Err(error) => {
            tracing::debug!(%error, "an episode is not kept");
            return Ok(false);
        }
    };
    if !room(home, feed, (&item, &attachment), (quota, total))? {
        return Ok(false);
    }
    item.attachments.push(attachment);
    item.attachments.truncate(limits::ATTACHMENTS);
    item.written = Some(item.written() + 1);
    item.edits = item.edits.saturating_add(1);
    keep(home, feed, item, attacher.finish())?;
    Ok(true)
}

/// Makes room for a file, at the cost of older episodes of the same feed.
fn room(
    home: &Home,
    feed: &WebFeed,
    (item, attachment): (&Item, &Attachment),
    (quota, total): (u64, u64),
) -> Result<bool, WebFeedError> {
    let bytes: u64 = attachment.files().map(|file| file.size).sum();
    let (used, kept) = {
        let reader = home.store().read()?;
        (reader.media_bytes(feed.account)?, reader.kept()?.bytes)
    };
    let over = |there: u64, limit: u64| there.saturating_add(bytes).saturating_sub(limit);
    let excess = over(used, quota).max(over(kept, total));
    if bytes > quota {
        return Ok(false);
    }
    Ok(excess == 0 || make_room(home, feed.account, excess, item.date)? >= excess)
}

fn keep(home: &Home, feed: &WebFeed, item: Item, stage: Stage<'_>) -> Result<(), WebFeedError> {
    home.store().write(|writer| {
        if !writer.is_web_feed(feed.account)? {
            return Ok(());
        }
        writer.keep(stage)?;
        let changes = Changes {
            items: vec![item],
            ..Changes::default()
        };
        put(writer, feed, &changes)
    })
}
