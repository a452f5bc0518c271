//! The words of posts that came with a change, until its end: then they go into the search
//! index in the order of their labels, whatever the order in which the feeds came. The index
//! is written anew whenever a label falls.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use crate::error::StoreError;

/// Bytes of words that are held.
const HELD: usize = 8 << 20;

/// Words by label.
#[derive(Debug, Default)]
pub(crate) struct Fresh {
    posts: BTreeMap<i64, String>,
    bytes: usize,
}

impl Fresh {
    /// Adds a post, whose label has no words in the index.
    pub(crate) fn add(
        &mut self,
        conn: &Connection,
        label: i64,
        words: String,
    ) -> Result<(), StoreError> {
        self.bytes += words.len();
        self.posts.insert(label, words);
        if self.bytes > HELD {
            return self.write(conn);
        }
        Ok(())
    }

    /// Forgets a post; false when its words are in the index.
    pub(crate) fn remove(&mut self, label: i64) -> bool {
        let Some(words) = self.posts.remove(&label) else {
            return false;
        };
        self.bytes -= words.len();
        true
    }

    /// Puts all of it into the index.
    pub(crate) fn write(&mut self, conn: &Connection) -> Result<(), StoreError> {
        let mut add = conn.prepare_cached("INSERT INTO search (rowid, text) VALUES (?, ?)")?;
        for (label, words) in std::mem::take(&mut self.posts) {
            add.execute(params![label, words])?;
        }
        self.bytes = 0;
        Ok(())
    }
}
