//! The life of a node: what it does by itself while it runs.
//!
//! News of followed accounts comes in and is applied; what cannot be applied is fetched;
//! what this person has published is announced; whom they follow by a command is followed
//! at once. Everything here is driven by the store: what is to be done can be read from it,
//! so a node that is killed goes on where it was.
//!
//! This room opens no socket: peers, transports and the DHT are behind the seams.

mod chain;
mod jobs;
mod parts;
mod race;
mod rounds;
mod runtime;

pub use parts::{Clock, Happened, Input, Parts};
pub use race::{Found, Way, resolve};
pub use runtime::Runtime;
