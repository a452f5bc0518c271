//! Why something was not done with a web feed.

use ourspace_protocol::{
    account::Account,
    feed::{error::TreeError, state::StateError},
};
use ourspace_store::StoreError;

use crate::{
    attach::AttachError, home::HomeError, identity::IdentityError, mirror::MirrorError,
    publish::PublishError,
};

/// Something was not done with a web feed; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum WebFeedError {
    /// The address is none of a web feed.
    #[error(
        "{0} is no address of a feed: give one that begins with https:// or http://, without a password"
    )]
    Address(String),
    /// It is in a private network, and that was not allowed.
    #[error(
        "{0} is in a private network, where nothing is fetched unless you allow it: follow with --private"
    )]
    Private(String),
    /// It is in a private network, so it is nothing for a public list.
    #[error(
        "{0} is in a private network, so it is nothing for your public list: leave out --public"
    )]
    Secret(String),
    /// There is no such follow.
    #[error("you do not follow {0}")]
    Unknown(String),
    /// Its account is on the deny-list.
    #[error("{0} is on the deny-list of this home; take it off there first")]
    Denied(Account),
    /// The public list could not be changed.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// See [`HomeError`].
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The store says no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The feed's keeper failed.
    #[error(transparent)]
    Feed(#[from] TreeError),
    /// Room could not be made for an episode.
    #[error(transparent)]
    Room(#[from] MirrorError),
    /// An episode could not be stored.
    #[error(transparent)]
    Attach(#[from] AttachError),
}

impl From<StateError> for WebFeedError {
    fn from(error: StateError) -> Self {
        Self::Feed(error.into())
    }
}

impl From<IdentityError> for WebFeedError {
    fn from(error: IdentityError) -> Self {
        Self::Publish(error.into())
    }
}
