//! Deleting: a tombstone for ever instead of the item.

use ourspace_protocol::{
    feed::{
        model::{ItemId, Tombstone},
        set::Changes,
    },
    time::Millis,
};

use super::edit::newest;
use crate::{
    home::Home,
    publish::{PublishError, Published, publish},
};

/// Deletes items of the own feed, all of them or none.
///
/// Whoever keeps the feed drops them when they see the tombstone; nobody can be made to
/// forget.
///
/// # Errors
/// [`PublishError`]; nothing is changed then.
pub fn delete(home: &Home, now: Millis, ids: &[ItemId]) -> Result<Published, PublishError> {
    publish(home, now, |feed| {
        let mut tombstones: Vec<Tombstone> = Vec::with_capacity(ids.len());
        for id in ids {
            newest(feed, *id)?;
            tombstones.push(Tombstone { date: now, id: *id });
        }
        tombstones.sort_unstable();
        tombstones.dedup();
        Ok(Changes {
            tombstones,
            ..Changes::default()
        })
    })
}
