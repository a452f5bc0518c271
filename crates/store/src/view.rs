//! What everything that reads items is given.

use rusqlite::Connection;

use crate::codec::Codec;

/// A state of the database and what reads it: a snapshot, or a change under way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'v> {
    pub(crate) conn: &'v Connection,
    pub(crate) codec: &'v Codec,
}
