//! The orchestrator: what a person does with their place, as functions over the store, the
//! wallet and the pure rules of the protocol.
//!
//! Straight-line work is a plain function that takes a [`Home`] and the time: nothing here
//! asks the clock, the terminal or the network, and nothing here keeps state of its own;
//! it lies in the store. What is signed goes through [`publish`](publish::publish), the one
//! way by which a feed changes.

pub mod account;
pub mod attach;
pub mod backup;
pub mod compose;
pub mod devices;
pub mod follows;
pub mod home;
pub mod identity;
pub mod import;
mod mailbox;
pub mod mirror;
pub mod network;
pub mod notices;
pub mod publish;
pub mod read;
pub mod recover;
pub mod running;
pub mod site;
pub mod sources;
pub mod status;
pub mod verify;
pub mod view;
pub mod webfeeds;
pub mod which;

pub use home::{Home, HomeError};
