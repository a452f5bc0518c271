//! Why a change cannot be taken in, and how much of one may be.

use super::{render::UnknownRenderer, state::StateError};
use crate::{dag::cid::CidError, limits};

/// How much rendering a change may cause.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Pages.
    pub pages: usize,
    /// Bytes of one page in one format.
    pub page_bytes: usize,
}

impl Budget {
    /// No limit: for one's own feed.
    pub const OWN: Self = Self {
        pages: usize::MAX,
        page_bytes: usize::MAX,
    };
    /// For the feeds of others; above it a follower fetches instead.
    pub const FOLLOWED: Self = Self {
        pages: limits::PAGES_TOUCHED,
        page_bytes: limits::PAGE_BYTES,
    };
}

/// A change could not be taken in. The state may be changed in part: roll it back.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// The keeper of the feed failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// An item was written for a renderer that this program does not have: fetch instead.
    #[error(transparent)]
    Renderer(#[from] UnknownRenderer),
    /// More pages or bytes than the budget: fetch instead.
    #[error("the change touches more than {} pages of {} bytes", .0.pages, .0.page_bytes)]
    Budget(Budget),
    /// A kept file's path does not hold a CID.
    #[error("the path {path} holds no CID")]
    Path {
        /// The path.
        path: String,
        /// What is wrong with it.
        source: CidError,
    },
}
