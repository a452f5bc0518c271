//! Whether the database's pages fit each other: tables, indices, and the search index.

use ourspace_protocol::account::Account;

use crate::{
    error::StoreError,
    reader::{Counts, Reader},
    writer::number,
};

/// What is said of damage, at most: one page can bring forth a line for each row in it.
const LINES: usize = 5;
/// Characters of one line that are given.
const LINE: usize = 200;

impl Reader<'_> {
    /// Reads all of the database and gives what contradicts itself in it, in SQLite's
    /// words, the first few lines; nothing when it is whole. Takes a time that grows with
    /// the database, and writes nothing.
    ///
    /// That a row is where its index says, and that the search index can be read to its
    /// end, nothing else checks: a query by a damaged index only finds less.
    ///
    /// # Errors
    /// [`StoreError`] when the check cannot be made for another reason than damage.
    pub fn integrity(&self) -> Result<Vec<String>, StoreError> {
        let mut lines = Vec::new();
        match self.collect_damage(&mut lines) {
            // Damage may be such that the check does not come to its end.
            Err(StoreError::Damaged { what }) => lines.push(shortened(&what)),
            other => other?,
        }
        Ok(lines)
    }

    fn collect_damage(&self, lines: &mut Vec<String>) -> Result<(), StoreError> {
        let sql = format!("PRAGMA integrity_check({LINES})");
        let mut check = self.conn()?.prepare(&sql)?;
        let mut rows = check.query([])?;
        while let Some(row) = rows.next()? {
            let line: String = row.get(0)?;
            if line != "ok" && lines.len() < LINES {
                lines.push(shortened(&line));
            }
        }
        Ok(())
    }

    /// Whether there is anything of an account's feed: a tree, items, or files in use.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn holds_feed(&self, account: Account) -> Result<bool, StoreError> {
        if self.root(account)?.is_some() || self.counts(account)? != Counts::default() {
            return Ok(true);
        }
        let conn = self.conn()?;
        let Some(number) = number(conn, account)? else {
            return Ok(false);
        };
        let sql = "SELECT EXISTS (SELECT 1 FROM file_use WHERE account = ?)";
        Ok(conn.query_row(sql, [number], |row| row.get(0))?)
    }
}

/// A line without line breaks, cut to what can be read.
fn shortened(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    words.join(" ").chars().take(LINE).collect()
}
