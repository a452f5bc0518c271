//! State machines: what a node does where there is racing, time or retry.
//!
//! Each takes an input and the time and gives back effects; none does any I/O, asks a
//! clock or rolls dice but by the seed that it was given. So the same code runs in the
//! program, in tests on virtual time, and in a simulation of ten thousand nodes.

pub mod density;
pub mod dice;
pub mod lookup;
pub mod mailbox;
pub mod push;
pub mod rows;
pub mod upkeep;
