//! The store of one home: the feeds that it keeps, as rows of one SQLite database, and
//! the bytes of their files beside it.
//!
//! Journeys begin at [`Store`]: [`Store::write`] makes a change in one durable
//! transaction, [`Store::read`] gives a snapshot. [`Feed`] is what `protocol::feed`
//! computes trees from. Nothing here judges: what is stored was verified and checked by
//! `protocol` before, and is verified again when it comes from the disk. Nothing here
//! reaches for the network or asks the time.

mod codec;
mod error;
mod feed;
mod items;
mod lock;
mod node;
mod reader;
mod records;
mod schema;
mod search;
mod settings;
pub mod steps;
mod store;
mod tree;
mod words;
mod writer;

pub use error::StoreError;
pub use feed::Feed;
pub use reader::{Counts, Reader};
pub use records::Outgoing;
pub use search::{Cursor, Found, Hit, Search};
pub use store::Store;
pub use writer::Writer;
