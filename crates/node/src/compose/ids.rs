//! Ids for new items.

use ourspace_protocol::feed::{model::ItemId, state::FeedState};

use crate::publish::PublishError;

/// An id that no item of the feed has or ever had.
///
/// # Errors
/// [`PublishError::Store`] of the feed, [`PublishError::Wish`] without randomness.
pub fn fresh_id(feed: &dyn FeedState) -> Result<ItemId, PublishError> {
    loop {
        let mut id = ItemId([0; 10]);
        getrandom::fill(&mut id.0).map_err(|error| {
            PublishError::Wish(format!("the system gives no random numbers ({error})"))
        })?;
        if feed.versions(id)?.is_empty() && feed.tombstone(id)?.is_none() {
            return Ok(id);
        }
    }
}
