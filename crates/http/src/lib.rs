//! Transport over HTTP: feeds of any web host, by whatever dials.
//!
//! [`client`] asks web hosts, believing nothing that they answer.
//!
//! This room opens no socket: it is handed a [`Net`](ourspace_protocol::seams::Net). It
//! keeps no cookies, sends no referrer, and knows neither the store nor the node.

pub mod client;
mod error;

pub use error::HttpError;
