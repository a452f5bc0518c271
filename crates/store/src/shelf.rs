//! Where the directory blocks of a feed lie: those of quiet follows apart from all others,
//! so that nobody else can ever be given one.

use rusqlite::{Connection, OptionalExtension};

use crate::{
    error::StoreError,
    node::{pack, unpack},
};

/// The SHA-256 of a block.
pub(crate) type Digest = [u8; 32];

/// One of the two tables of directory blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shelf {
    /// The own feed, and what is followed publicly.
    Open,
    /// What is followed quietly.
    Quiet,
}

impl Shelf {
    /// Both, the larger one first.
    pub(crate) const ALL: [Self; 2] = [Self::Open, Self::Quiet];

    /// Where the blocks of an account's feed lie.
    pub(crate) fn of(conn: &Connection, account: i64) -> Result<Self, StoreError> {
        let mut find = conn.prepare_cached("SELECT quiet FROM follow WHERE account = ?")?;
        let quiet: Option<bool> = find.query_row([account], |row| row.get(0)).optional()?;
        Ok(match quiet {
            Some(true) => Self::Quiet,
            _ => Self::Open,
        })
    }

    /// The other one.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Open => Self::Quiet,
            Self::Quiet => Self::Open,
        }
    }

    pub(crate) const fn table(self) -> &'static str {
        match self {
            Self::Open => "node",
            Self::Quiet => "node_quiet",
        }
    }

    /// The bytes of a block.
    pub(crate) fn get(
        self,
        conn: &Connection,
        digest: &Digest,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = match self {
            Self::Open => "SELECT body FROM node WHERE digest = ?",
            Self::Quiet => "SELECT body FROM node_quiet WHERE digest = ?",
        };
        let mut find = conn.prepare_cached(sql)?;
        let mut rows = find.query([digest])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        unpacked(row.get_ref(0)?.as_blob().unwrap_or_default()).map(Some)
    }

    pub(crate) fn has(self, conn: &Connection, digest: &Digest) -> Result<bool, StoreError> {
        Ok(self.uses(conn, digest)?.is_some())
    }

    /// How often a block is used; none when it is not here.
    pub(crate) fn uses(
        self,
        conn: &Connection,
        digest: &Digest,
    ) -> Result<Option<i64>, StoreError> {
        let sql = match self {
            Self::Open => "SELECT uses FROM node WHERE digest = ?",
            Self::Quiet => "SELECT uses FROM node_quiet WHERE digest = ?",
        };
        let mut find = conn.prepare_cached(sql)?;
        Ok(find.query_row([digest], |row| row.get(0)).optional()?)
    }
}

/// The bytes of a directory block, wherever it lies.
pub(crate) fn node(conn: &Connection, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
    for shelf in Shelf::ALL {
        if let Some(bytes) = shelf.get(conn, digest)? {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

/// A block as it is kept.
pub(crate) fn packed(bytes: &[u8]) -> Vec<u8> {
    pack(bytes)
}

/// A kept block as it was.
pub(crate) fn unpacked(body: &[u8]) -> Result<Vec<u8>, StoreError> {
    unpack(body).ok_or_else(|| StoreError::damaged("directory block"))
}
