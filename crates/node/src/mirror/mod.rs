//! Following is mirroring: the feeds of others, kept as their authors signed them.
//!
//! ```text
//! take   records of a followed account among its heads; says which trees are to be fetched
//! apply  a record with its delta: computes the new tree and compares roots, fetches nothing
//! fetch  what is new of a tree, over whatever session brings blocks: newest items first
//! media  pictures, sound and video of the feed, newest first, within the quota
//! merge  another device's feed of the own account into the own one
//! ```
//!
//! Nothing of a stranger is believed: records come verified, every block is checked against
//! its CID, every value against the rules of the format, all sizes and counts are bounded.
//! What was taken is durable; whoever is stopped goes on from there. No socket, clock or task
//! is here: whoever runs this gives sessions and the time, and is told how far it has come.

mod apply;
mod batch;
mod error;
mod fetch;
mod index;
mod media;
mod own;
mod past;
mod pool;
mod purge;
mod serve;
mod take;
mod view;

pub use apply::{Applied, apply};
pub use batch::{Batch, commit};
pub use error::MirrorError;
pub use fetch::{Fetched, Fetcher, Progress, fetch};
pub use index::index_pages;
pub use media::{MediaDone, Quotas, limit, media};
pub use own::{Merged, merge};
pub(crate) use purge::make_room;
pub use purge::{Purge, evict, purge, unpurge};
pub use serve::Served;
pub use take::{Taken, take, wanted};
pub use view::{MediaView, MirrorView, MirrorsView, StateView, mirrors};
