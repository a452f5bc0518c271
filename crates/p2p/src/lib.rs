//! The network between nodes: the only room that names libp2p.
//!
//! [`Task::new`] makes a node, [`Task::run`] runs it, and [`Node`] is what everybody else
//! holds of it. It finds the newest records of accounts (a DHT, and peers that follow the
//! same accounts), spreads news of them, and stays reachable behind routers. It keeps no
//! feed and draws no conclusions: what it tells is verified, and what is done with it,
//! others decide.

mod address;
mod asking;
mod behaviour;
pub mod bitswap;
mod config;
mod counted;
mod dht;
mod dialled_back;
mod dialling;
mod entrance;
mod error;
mod handle;
mod lines;
mod lingering;
mod pace;
mod paced;
mod passing;
mod rates;
mod slow;
mod status;
mod task;
mod tested;
mod transport;

pub use address::check_address;
pub use config::{Budget, Clock, Config, Ipfs, Switches};
pub use counted::{Counted, Meter};
pub use error::NodeError;
pub use handle::{Event, Node, Stored};
pub use slow::{Slow, SlowStream};
pub use status::{Peer, Relayed, Status};
pub use task::Task;
