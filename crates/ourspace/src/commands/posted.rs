//! What `post` and `edit` answer.

use ourspace_node::{compose, view::item_url};
use ourspace_protocol::{
    account::Account,
    dag::Cid,
    feed::model::{ItemId, Target},
    time::Millis,
};
use serde::Serialize;

/// An item that was published.
#[derive(Debug, Serialize)]
pub(crate) struct Posted {
    /// In whose feed.
    account: Account,
    /// Its id there.
    pub(crate) id: ItemId,
    /// Its name in every feed.
    uri: String,
    /// The path of its page in the feed's tree.
    url: String,
    /// Root of the feed that has it.
    root: Cid,
    /// When that was signed.
    timestamp: Millis,
    /// Whether anything is different from before.
    pub(crate) changed: bool,
}

impl Posted {
    pub(crate) fn new(posted: compose::Posted) -> Self {
        let compose::Posted {
            account,
            id,
            published,
        } = posted;
        Self {
            account,
            id,
            uri: Target::Item(account, id).to_string(),
            url: item_url(id),
            root: published.root,
            timestamp: published.timestamp,
            changed: published.changed,
        }
    }
}
