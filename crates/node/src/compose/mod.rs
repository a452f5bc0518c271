//! Composing: what a person writes, changes and takes back, as changes of the feed.
//!
//! Text is mended where that is harmless (line ends, spaces around it), never shortened:
//! what does not fit is refused with a sentence that says so. What is written here still
//! passes the checks of every feed in [`publish`](crate::publish).

mod delete;
mod draft;
mod edit;
mod fit;
mod follow;
mod ids;
mod inline;
mod post;
mod profile;

pub use delete::delete;
pub use draft::{Draft, Edit, Posted, Relation};
pub use edit::edit;
pub use follow::{follow, unfollow};
pub use ids::fresh_id;
pub use post::post;
pub use profile::{ProfileEdit, edit_profile};
