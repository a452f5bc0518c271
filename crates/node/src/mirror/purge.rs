//! Giving space back, and getting rid of what must not be here.

use std::collections::HashSet;

use ourspace_protocol::{
    account::Account,
    dag::Cid,
    feed::{
        check::forms,
        pages::List,
        state::{FeedState as _, Span},
    },
    time::Millis,
};
use ourspace_store::{Reader, denied_name};

use super::error::MirrorError;
use crate::home::Home;

/// What is to be gone for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purge {
    /// An account: its feed, its records, its media.
    Account(Account),
    /// A file or block.
    Cid(Cid),
}

/// Drops something at once and puts it on the deny-list: it is neither fetched nor kept nor
/// served again. When this returns, its bytes are in no file of the home, but for a file that
/// the own feed, or another follow's, has as well when an account is purged; beside a node that
/// runs they are until it has rewritten its packs, some seconds ([`Reader::purges`]).
///
/// # Errors
/// [`MirrorError::Own`] of the own account, [`MirrorError::OwnFile`] of a file of its posts;
/// [`MirrorError`]. Nothing was changed then.
pub fn purge(home: &Home, what: Purge) -> Result<(), MirrorError> {
    let own = home.account()?;
    if what == Purge::Account(own) {
        return Err(MirrorError::Own);
    }
    let media = match what {
        Purge::Account(account) => media_of(&home.store().read()?, account)?,
        Purge::Cid(_) => Vec::new(),
    };
    home.store().write(|writer| {
        match what {
            Purge::Account(account) => {
                // Before they are forgotten: what nobody uses is only dropped, and stays in a pack.
                for (cid, ..) in media {
                    let (_, others) = writer.uses_of_file(cid, account)?;
                    if !others {
                        writer.purge(cid)?;
                    }
                }
                writer.forget(account)?;
                writer.drop_notices_of(account)?;
                writer.deny_account(account, true)?;
            }
            Purge::Cid(cid) => {
                if writer.uses_of_file(cid, own)?.0 {
                    return Err(MirrorError::OwnFile);
                }
                writer.purge(cid)?;
                writer.purge_blocks(&cid)?;
                writer.deny(denied_name(&cid), true)?;
            }
        }
        Ok(())
    })
}

/// Takes something off the deny-list again.
///
/// # Errors
/// [`MirrorError::Store`].
pub fn unpurge(home: &Home, what: Purge) -> Result<(), MirrorError> {
    home.store().write(|writer| {
        match what {
            Purge::Account(account) => writer.deny_account(account, false)?,
            Purge::Cid(cid) => {
                writer.deny(denied_name(&cid), false)?;
                writer.reopen_trees()?;
            }
        }
        Ok(())
    })
}

/// A kept file: its name, its size, the date of the oldest post that has it.
type Kept = (Cid, u64, Millis);

/// The kept media of a feed's posts, the oldest posts first.
fn media_of(reader: &Reader<'_>, account: Account) -> Result<Vec<Kept>, MirrorError> {
    let feed = reader.feed(account)?;
    let all = Span {
        after: None,
        until: None,
    };
    let pages = feed.pages(List::Posts, all)?;
    let mut seen = HashSet::new();
    let mut media = Vec::new();
    for (at, page) in pages.iter().enumerate() {
        let span = Span {
            after: page.before(),
            until: pages.get(at + 1).and_then(|next| next.before()),
        };
        for item in feed.items(List::Posts, span)? {
            for file in item.files() {
                let cid = forms::media_cid(&file.path).and_then(|cid| cid.parse().ok());
                if let Some(cid) = cid
                    && seen.insert(cid)
                    && reader.has_file(cid)?
                {
                    media.push((cid, file.size, item.date));
                }
            }
        }
    }
    Ok(media)
}

/// Drops the oldest media of a feed until `bytes` are free, or all; gives how many were freed.
pub(super) fn drop_oldest(home: &Home, account: Account, bytes: u64) -> Result<u64, MirrorError> {
    let media = media_of(&home.store().read()?, account)?;
    drop_until(home, &media, bytes)
}

/// Drops the oldest media of a feed, of posts before `newer`, until `bytes` are free, or
/// nothing where these are not that many; gives how many bytes were freed.
pub(crate) fn make_room(
    home: &Home,
    account: Account,
    bytes: u64,
    newer: Millis,
) -> Result<u64, MirrorError> {
    let media = media_of(&home.store().read()?, account)?;
    let old: Vec<Kept> = media.into_iter().filter(|kept| kept.2 < newer).collect();
    let there: u64 = old.iter().map(|kept| kept.1).sum();
    if there < bytes {
        return Ok(0);
    }
    drop_until(home, &old, bytes)
}

/// Drops kept files in this order until `bytes` are free. Those of the own feed and of pinned
/// follows stay.
fn drop_until(home: &Home, media: &[Kept], bytes: u64) -> Result<u64, MirrorError> {
    let own = home.account()?;
    home.store().write(|writer| {
        let mut freed = 0;
        for (cid, size, _) in media {
            if freed >= bytes {
                break;
            }
            if writer.evict(own, *cid)? {
                freed += size;
            }
        }
        Ok(freed)
    })
}

/// Brings kept files down to `total` bytes, as far as others' media go: never the own ones
/// or those of pinned follows; first what was read of those feeds that most others mirror
/// (`mirrors` says how many do), oldest first, then what was not. Gives the bytes freed.
///
/// # Errors
/// [`MirrorError`]; what was dropped until then stays dropped.
pub fn evict(
    home: &Home,
    total: u64,
    mirrors: &dyn Fn(Account) -> u32,
) -> Result<u64, MirrorError> {
    let reader = home.store().read()?;
    let kept = reader.kept()?.bytes;
    let mut excess = kept.saturating_sub(total);
    let mut follows = reader.follows_and_web_feeds()?;
    follows.retain(|follow| !follow.pinned);
    follows.sort_by_key(|follow| (std::cmp::Reverse(mirrors(follow.account)), follow.account));
    let mut freed = 0;
    for was_read in [true, false] {
        for follow in &follows {
            if excess == 0 {
                return Ok(freed);
            }
            let mut media = media_of(&reader, follow.account)?;
            media.retain(|kept| (kept.2 <= follow.read) == was_read);
            let some = drop_until(home, &media, excess)?;
            freed += some;
            excess = excess.saturating_sub(some);
        }
    }
    Ok(freed)
}
