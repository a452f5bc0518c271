//! What an import changes: each post of the source against what the feed has of it.
//!
//! Importing twice changes nothing the second time. A post that is different in its
//! source becomes a new version; one that its author edited here since keeps the edit;
//! one that was deleted here stays deleted.

use std::collections::{HashMap, HashSet};

use ourspace_protocol::{
    account::Account,
    feed::{
        check,
        model::{Item, ItemId, Kind},
        state::{FeedState, StateError},
    },
    time::Millis,
};

use super::{
    convert::{Ready, UNDATED, about_own, about_url, identify},
    report::Tally,
};

/// Finds out what is new and different; gives the versions to add to the feed.
///
/// # Errors
/// What `feed` says.
pub(super) fn plan(
    feed: &dyn FeedState,
    (account, now): (Account, Millis),
    mut ready: Vec<Ready>,
    tally: &mut Tally,
) -> Result<Vec<Item>, StateError> {
    single(&mut ready, tally);
    let here: HashSet<ItemId> = ready.iter().map(|ready| ready.item.id).collect();
    let mut items = Vec::new();
    let mut latest = now;
    for Ready {
        mut item, about, ..
    } in ready
    {
        if let Some(reference) = about {
            let id = reference
                .identity
                .as_deref()
                .map(|name| identify(account, name, item.origin.as_deref()));
            let known = match id {
                Some(id) => here.contains(&id) || !feed.versions(id)?.is_empty(),
                None => false,
            };
            item.about = match id.filter(|id| known && *id != item.id) {
                Some(id) => Some(about_own(account, id)),
                None => about_url(&reference),
            };
            if item.about.is_none() {
                tally.unknown_reply += 1;
                item.kind = Kind::Post;
            }
        }
        if feed.tombstone(item.id)?.is_some() {
            tally.deleted += 1;
            continue;
        }
        let versions = feed.versions(item.id)?;
        if item.date == UNDATED {
            item.date = match versions.first() {
                Some(known) => known.date,
                None => {
                    // The first in a source is the newest.
                    latest = latest.saturating_sub(1);
                    latest
                }
            };
        }
        if let Some(item) = version(item, &versions, now) {
            if let Err(error) = check::item(&item) {
                tally.invalid += 1;
                tally.warn(format!("{}: {error}", name(&item)));
                continue;
            }
            match versions.is_empty() {
                true => tally.added += 1,
                false => tally.updated += 1,
            }
            items.push(item);
        }
    }
    Ok(items)
}

/// What a post is called in a warning.
fn name(item: &Item) -> String {
    let origin = item.origin.as_ref().or(item.title.as_ref());
    origin.map_or_else(|| format!("a post of {}", item.date), Clone::clone)
}

/// The version to add beside those that the feed has (newest first); `None` when it has
/// this one.
fn version(mut item: Item, versions: &[Item], now: Millis) -> Option<Item> {
    let Some(newest) = versions.first() else {
        return Some(item);
    };
    if versions.iter().any(|known| same(known, &item)) {
        return None;
    }
    // Not a word of it was seen here before, so its source was edited after the last
    // import: when, the source may say.
    let edited = item.written.filter(|at| *at > newest.written());
    let edited = edited.unwrap_or(now).max(newest.written() + 1);
    item.written = (edited != item.date).then_some(edited);
    item.edits = newest.edits.saturating_add(1);
    Some(item)
}

/// Whether two versions say the same, whenever each was written.
fn same(a: &Item, b: &Item) -> bool {
    a.kind == b.kind
        && a.date == b.date
        && a.title == b.title
        && a.text == b.text
        && a.labels == b.labels
        && a.about == b.about
        && a.origin == b.origin
        && a.attachments == b.attachments
}

/// Makes every id stand for one post. Two posts of one name with different addresses are
/// two posts (feeds that give all of theirs one GUID); else they are one that is there
/// twice, and its newest version stays.
fn single(ready: &mut Vec<Ready>, tally: &mut Tally) {
    let mut first: HashMap<ItemId, usize> = HashMap::with_capacity(ready.len());
    let mut several: HashSet<ItemId> = HashSet::new();
    for (at, post) in ready.iter().enumerate() {
        let known = *first.entry(post.item.id).or_insert(at);
        let other = ready.get(known).and_then(|post| post.item.origin.as_ref());
        if known != at && other != post.item.origin.as_ref() {
            several.insert(post.item.id);
        }
    }
    if first.len() == ready.len() {
        return;
    }
    for post in ready.iter_mut() {
        if several.contains(&post.item.id) {
            let origin = post.item.origin.clone().unwrap_or_default();
            post.item.id = ItemId::of_import(&format!("{}\n{origin}", post.item.id));
        }
    }
    let mut newest: HashMap<ItemId, Millis> = HashMap::with_capacity(ready.len());
    for post in ready.iter() {
        let written = newest.entry(post.item.id).or_insert(0);
        *written = post.item.written().max(*written);
    }
    ready.retain(|post| {
        // The first with the newest version takes the place.
        let stays = newest.get(&post.item.id) == Some(&post.item.written());
        if stays {
            newest.remove(&post.item.id);
        } else {
            tally.twice += 1;
        }
        stays
    });
}
