//! Notices: telling people elsewhere that an item is about them, and being told.
//!
//! What this home has published about others is handed to mirrors of theirs until some have
//! it, what others send is taken into mailboxes, and these are compared with those of other
//! mirrors (`room`). What a person sees of it is in `view`.
//!
//! Nothing is ever fetched because of a notice.

mod compare;
mod room;
mod view;

pub use room::{Letter, Mailroom};
pub use view::{
    NotificationView, ThreadEntry, ThreadError, ThreadView, mark_read, notifications, thread,
    unread,
};
