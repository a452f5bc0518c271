//! The network at a size that no machine holds: thousands of nodes on a virtual clock, each
//! with the state machines of `protocol` as they are.
//!
//! What is ours runs unchanged: [`Push`](ourspace_protocol::machine::push::Push),
//! [`Rows`](ourspace_protocol::machine::rows::Rows),
//! [`Lookup`](ourspace_protocol::machine::lookup::Lookup),
//! [`Upkeep`](ourspace_protocol::machine::upkeep::Upkeep) and
//! [`Density`](ourspace_protocol::machine::density::Density), with real records and real
//! signatures. What is libp2p's is a model: routing tables ([`table`]), lookups over disjoint
//! paths ([`query`]), connections and delays ([`world`]). The model is held against real
//! nodes in the same run ([`real`]). Nothing here is part of the program.

pub mod accounts;
pub mod churn;
pub mod figures;
pub mod goal;
pub mod keys;
pub mod life;
pub mod lookups;
pub mod node;
pub mod push;
pub mod query;
pub mod queue;
pub mod real;
pub mod report;
pub mod scenario;
pub mod table;
pub mod tally;
pub mod world;
