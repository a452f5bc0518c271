//! How much media a feed names, and how much of it is kept.

use ourspace_protocol::account::Account;

use crate::{error::StoreError, reader::Reader, writer::number};

/// Media of a feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Media {
    /// Files that it names.
    pub files: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Files of these that are kept.
    pub files_here: u64,
    /// Bytes of these.
    pub bytes_here: u64,
}

impl Reader<'_> {
    /// Bytes of media that are kept of an account's feed, those that other feeds use too
    /// included.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn media_bytes(&self, account: Account) -> Result<u64, StoreError> {
        Ok(self.media(account)?.bytes_here)
    }

    /// How much media an account's feed names, and how much of it is kept.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn media(&self, account: Account) -> Result<Media, StoreError> {
        let conn = self.conn()?;
        let Some(number) = number(conn, account)? else {
            return Ok(Media::default());
        };
        let mut sum = conn.prepare_cached(
            "SELECT count(*), total(size), total(here), total(size * here) FROM
               (SELECT max(size) AS size, EXISTS
                  (SELECT 1 FROM block WHERE block.digest = file_use.digest) AS here
                FROM file_use INDEXED BY file_use_account
                WHERE account = ? AND uses > 0 GROUP BY digest)",
        )?;
        let media = sum.query_row([number], |row| {
            // Sums of sizes: whole numbers below 2^53.
            let whole = |at| row.get::<_, f64>(at).map(|sum| sum.max(0.0) as u64);
            Ok(Media {
                files: row.get::<_, i64>(0)?.unsigned_abs(),
                bytes: whole(1)?,
                files_here: whole(2)?,
                bytes_here: whole(3)?,
            })
        });
        Ok(media?)
    }
}
