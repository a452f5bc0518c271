//! Rendezvous on BitTorrent's Mainline DHT: the only room that names mainline.
//!
//! Millions of programs that know nothing of OurSpace keep a table of who can be reached
//! under which 20 bytes (BEP 5). Under bytes that follow from an account and the week, the
//! holders of its feed are found; under bytes of the hour, anybody of the network at all.
//! Nothing that is found is believed: it is dialled, asked and checked by others. So the
//! worst that strangers can do there is to waste a few dials, or to hide an account from
//! those who have no other way.
//!
//! Whoever announces shows its IP address to anybody who asks. Whoever is to stay unknown
//! switches this off.
//!
//! This room is a client only. It dials nobody of what it finds and knows neither the
//! store nor the node. Its one socket is the DHT's own (UDP, IPv4).

mod counts;
mod draw;
pub mod keys;
pub mod pace;
mod peers;
mod rendezvous;
mod running;
mod sieve;

pub use counts::Counts;
pub use peers::Peers;
pub use rendezvous::{Announced, Rendezvous, RendezvousError, Settings};
