//! Ways to the newest records of an account.

use super::BoxFuture;
use crate::account::Account;

/// A way to find out what an account's newest records are.
pub trait Resolver: Send + Sync {
    /// What the way is called in answers and traces: `dht`, `swarm`, `http`.
    fn name(&self) -> &'static str;

    /// Begins to look. `locations` are those that the asker knows of the account's feed, in
    /// the form that records have them in; a way uses the ones that are its own.
    fn resolve(&self, account: Account, locations: &[String]) -> Box<dyn Lookup>;
}

/// A search that goes on; dropping it ends it.
pub trait Lookup: Send {
    /// The next record that turned up; none when the way has nothing more to say.
    fn next(&mut self) -> BoxFuture<'_, Option<Candidate>>;

    /// Why nothing, or not all, came that could have, in words for people; told after the last
    /// record.
    fn trouble(&self) -> Option<String> {
        None
    }
}

/// A record as somebody gave it: nothing about it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The encoding of a [`SignedRecord`](crate::record::SignedRecord).
    pub bytes: Vec<u8>,
    /// Who gave it, for people to read: a peer id, a URL.
    pub from: String,
}
