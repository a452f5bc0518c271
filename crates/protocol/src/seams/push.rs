//! Telling followers, and being told.

use std::sync::Arc;

use super::BoxFuture;
use crate::{account::Account, announcement::Announcement, heads::Heads};

/// What brings news to followers at once. What it brings to this node comes by a channel
/// that whoever builds it connects.
pub trait Push: Send + Sync {
    /// Follows an account in public from now on: its news is asked for, and what is known
    /// (`heads`) is told to whoever asks. `own` says that it is the person's own account.
    fn join(&self, account: Account, heads: Heads, own: bool) -> BoxFuture<'_, ()>;

    /// Does so no longer.
    fn leave(&self, account: Account) -> BoxFuture<'_, ()>;

    /// Passes on what was learnt by another way of an account that was joined. What is known
    /// already is not passed on again.
    fn learnt(&self, news: Arc<Announcement>) -> BoxFuture<'_, ()>;

    /// Tells the followers of an account that was joined; those who are not there will find
    /// it by the resolver.
    fn publish(&self, news: Arc<Announcement>) -> BoxFuture<'_, ()>;
}
