//! Ordinary feeds of the web in the same timeline: RSS, Atom, JSON Feed, podcasts.
//!
//! Each is followed under an account that is made up of its address: nobody has its key, so
//! it is never resolved, never signed, and, as a quiet follow, never served. Its posts are
//! converted as an import converts them, and shown and searched like all others. The
//! newest episodes of a podcast are fetched, as far as the quota allows; older ones stay
//! links.
//!
//! Nothing here asks the clock or opens a connection: whoever runs this gives the time and
//! the [`Web`](ourspace_protocol::seams::Web).

mod address;
mod discover;
mod episodes;
mod error;
mod follow;
mod poll;
mod schedule;
mod take;

pub use address::{account, canonical};
pub use discover::discover;
pub use error::WebFeedError;
pub use follow::{WebFeedView, WebWish, follow, list_all, reconcile, unfollow, wish_of};
pub use poll::{Polled, due, poll, poll_one};
