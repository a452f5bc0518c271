//! New versions of items.

use ourspace_protocol::{
    feed::{
        model::{Item, ItemId},
        set::Changes,
        state::FeedState,
    },
    time::{Millis, rfc3339},
};

use super::{
    draft::{Edit, Posted},
    fit::{self, wish},
    inline,
};
use crate::{
    home::Home,
    identity::IdentityError,
    publish::{PublishError, publish},
};

/// Publishes a new version of an item of the own feed; older ones stay beside it. Where
/// nothing would be different, nothing is published.
///
/// Tags and mentions that stood in the old text go with it, those in the new one come.
///
/// # Errors
/// [`PublishError`]; nothing is changed then.
pub fn edit(home: &Home, now: Millis, id: ItemId, edit: Edit) -> Result<Posted, PublishError> {
    let account = home.account().map_err(IdentityError::from)?;
    let published = publish(home, now, |feed| {
        let old = newest(feed, id)?;
        let mut new = apply(old.clone(), edit)?;
        if new == old {
            return Ok(Changes::default());
        }
        new.edits = old.edits.saturating_add(1);
        let written = fit::after(old.written(), now);
        new.written = (written != new.date).then_some(written);
        Ok(Changes {
            items: vec![new],
            ..Changes::default()
        })
    })?;
    Ok(Posted {
        account,
        id,
        published,
    })
}

/// The newest version of an item that is there.
pub(super) fn newest(feed: &dyn FeedState, id: ItemId) -> Result<Item, PublishError> {
    if let Some(item) = feed.versions(id)?.into_iter().next() {
        return Ok(item);
    }
    Err(wish(match feed.tombstone(id)? {
        Some(tombstone) => format!("{id} was deleted on {}", rfc3339(tombstone.date)),
        None => format!("there is no {id} in your feed"),
    }))
}

fn apply(mut item: Item, edit: Edit) -> Result<Item, PublishError> {
    if let Some(title) = edit.title {
        item.title = fit::line("title", &title)?;
    }
    let old_tags = inline::tags(&item.text);
    let mut tags = edit.tags.unwrap_or_else(|| {
        let of_text = |tag: &String| old_tags.iter().any(|old| old == tag);
        item.labels
            .tags
            .iter()
            .filter(|tag| !of_text(tag))
            .cloned()
            .collect()
    });
    if let Some(text) = edit.text {
        // An address that was mistyped in the old text was never a mention.
        let old = inline::mentions(&item.text).unwrap_or_default();
        item.text = fit::text(&text)?;
        let mentions = &mut item.labels.mentions;
        mentions.retain(|account| !old.contains(account));
        for account in inline::mentions(&item.text)? {
            if !mentions.contains(&account) {
                mentions.push(account);
            }
        }
    }
    tags.extend(inline::tags(&item.text));
    let tags = fit::tags(tags)?;
    if !same_set(&tags, &item.labels.tags) {
        item.labels.tags = tags;
    }
    if let Some(language) = edit.language {
        item.labels.language = Some(language).filter(|language| !language.is_empty());
    }
    if let Some(warning) = edit.warning {
        item.labels.warning = fit::line("content warning", &warning)?;
    }
    for (place, alt) in edit.alts {
        describe(&mut item, place, &alt)?;
    }
    fit::content(&item)?;
    Ok(item)
}

/// Whether two lists of tags differ in their order only: no reason for a new version.
fn same_set(a: &[String], b: &[String]) -> bool {
    a.len() == b.len() && a.iter().all(|tag| b.contains(tag))
}

fn describe(item: &mut Item, place: usize, alt: &str) -> Result<(), PublishError> {
    let count = item.attachments.len();
    let attachment = place
        .checked_sub(1)
        .and_then(|at| item.attachments.get_mut(at))
        .ok_or_else(|| match count {
            0 => wish("it has no attachment to describe"),
            _ => wish(format!(
                "there is no attachment {place}: it has 1 to {count}"
            )),
        })?;
    attachment.alt = ourspace_protocol::feed::clean::text(alt.trim());
    Ok(())
}
