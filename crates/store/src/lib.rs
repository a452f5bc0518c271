//! The store of one home: the feeds that it keeps, as rows of one SQLite database, and
//! the bytes of their files beside it.
//!
//! Journeys begin at [`Store`]: [`Store::write`] makes a change in one durable
//! transaction, [`Store::read`] gives a snapshot. [`Feed`] is what `protocol::feed`
//! computes trees from. Files come in through a [`Stage`] that a change keeps, and are
//! read as [`KeptFile`]s or block by block. Nothing here judges: what is stored was verified and checked by
//! `protocol` before, and is verified again when it comes from the disk. Nothing here
//! reaches for the network or asks the time.

mod answers;
mod buckets;
mod changes;
mod codec;
mod compact;
mod deny;
mod edges;
mod error;
mod feed;
mod follows;
mod fresh;
mod holdings;
mod incoming;
mod integrity;
mod items;
mod keep;
mod kept;
mod listing;
mod locations;
mod lock;
mod media;
mod mirror;
mod network;
mod node;
mod notices;
mod pack;
mod pending;
mod piece;
mod reader;
mod records;
mod rows;
mod schema;
mod search;
mod served;
mod settings;
mod shared;
mod shelf;
mod snapshot;
mod stage;
pub mod steps;
mod store;
mod thread;
mod timeline;
mod tree;
mod values;
mod view;
mod volume;
mod webfeed;
mod whole;
mod words;
mod writer;

pub use deny::denied_name;
pub use error::StoreError;
pub use feed::Feed;
pub use follows::Follow;
pub use holdings::{Info, Kept};
pub use incoming::Incoming;
pub use kept::KeptFile;
pub use listing::{Branch, Place};
pub use locations::Named;
pub use media::Media;
pub use mirror::{Tree, TreeState};
pub use network::NetworkStore;
pub use notices::{KeptNotice, Owed};
pub use reader::{Aside, Counts, Reader};
pub use records::Outgoing;
pub use search::{Found, Hit, Search, SearchCursor};
pub use snapshot::SnapshotFile;
pub use stage::Stage;
pub use store::Store;
pub use timeline::{Cursor, Timeline};
pub use webfeed::WebFeed;
pub use writer::Writer;
