//! What a node is built of, what comes to it, and what it tells.

use std::sync::Arc;

use ourspace_protocol::{
    account::Account,
    announcement::Announcement,
    seams::{Push, Resolver, Transport, Web},
    time::Millis,
};

use crate::home::Home;

/// Gives the time.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// What a node is built of.
#[derive(Clone)]
pub struct Parts {
    /// Its home, [resident](Home::open_resident).
    pub home: Arc<Home>,
    /// What tells followers.
    pub push: Arc<dyn Push>,
    /// What brings blocks, in the order in which they are asked.
    pub transports: Vec<Arc<dyn Transport>>,
    /// What finds the newest records.
    pub ways: Vec<Arc<dyn Resolver>>,
    /// What asks the ordinary web.
    pub web: Arc<dyn Web>,
    /// The time.
    pub clock: Clock,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts")
            .field("home", &self.home.path())
            .finish_non_exhaustive()
    }
}

/// What comes to a node.
#[derive(Clone, Debug)]
pub enum Input {
    /// News of an account that is followed: verified, not applied.
    News(Arc<Announcement>),
    /// A command has changed something in the home.
    Changed,
    /// There may be more to fetch of everybody: there is more room, or something is no longer
    /// kept out.
    Again,
    /// A person asks for an account: its newest records are looked for, also at these
    /// locations, and what is missing of its feed is fetched.
    Find(Account, Vec<String>),
}

/// What happened in a node, for open pages and progress bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// An account's feed is different.
    Feed(Account),
    /// Something waits for an account that was not there before, or is different.
    Notices(Account),
    /// Nothing more can be had of an account for now; it is tried again later.
    Waiting(Account),
}
