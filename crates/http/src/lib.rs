//! Transport over HTTP: feeds of any web host, by whatever dials.
//!
//! [`client`] asks web hosts, believing nothing that they answer. [`site`] reads a feed of
//! OurSpace out of the files of any host (spec, chapter 7) and out of IPFS gateways.
//!
//! This room opens no socket: it is handed a [`Net`](ourspace_protocol::seams::Net). It
//! keeps no cookies, sends no referrer, and knows neither the store nor the node.

pub mod client;
mod error;
pub mod site;
mod web;

pub use error::HttpError;
