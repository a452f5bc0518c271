//! Why something that is there cannot be served.

use ourspace_node::HomeError;
use ourspace_protocol::{
    dag::{DagError, SourceError},
    feed::error::TreeError,
};
use ourspace_store::StoreError;

/// Why something cannot be served though it is there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FindError {
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error(transparent)]
    Dag(#[from] DagError),
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl From<ourspace_protocol::feed::state::StateError> for FindError {
    fn from(error: ourspace_protocol::feed::state::StateError) -> Self {
        Self::Tree(error.into())
    }
}
