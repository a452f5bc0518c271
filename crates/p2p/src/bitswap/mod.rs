//! Bitswap 1.2.0 (IPFS): blocks by their CIDs, from and to other nodes, ours, Kubo's and
//! Helia's.
//!
//! What decides is pure and knows no clock and no socket: [`message`] reads strangers'
//! bytes, `ledger` and `server` say what a peer is answered next, `session` and `client`
//! what is asked of whom. `handler` and `behaviour` carry it: files are read and blocks
//! hashed on a pool of threads of their own, so that a large transfer does not hold up
//! what else the connection or the swarm does.
//!
//! This room fetches what it is told to and serves what its block source gives. It never
//! decides what may be served, keeps nothing on disk, and looks nobody up: it says when a
//! session needs more providers.

mod asked;
mod behaviour;
mod client;
mod handle;
mod handler;
mod inbound;
mod ledger;
mod limits;
pub mod message;
mod muxer;
mod outbound;
mod protocol;
mod server;
mod session;
mod wire;

pub use behaviour::{Behaviour, Blocks, Event, Misbehaviour};
pub use handle::{BitswapSession, Handle, Traffic};
pub use handler::Wrong;
pub use limits::Limits;
pub use muxer::muxer;
pub use server::Served;
pub use session::Figures;
