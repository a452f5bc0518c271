//! What a node remembers of the network: rows that it keeps for the DHT, and nodes that it
//! has met.
//!
//! It lies in a database of its own, `network.db`: strangers fill it, none of it is a
//! person's, and whoever deletes it loses nothing but some seconds at the next start. So it
//! is written without waiting for the disk: a process that is killed loses nothing, a
//! machine without power the last moments.

use std::{
    fs::OpenOptions,
    net::SocketAddrV4,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use ourspace_protocol::{seams::RowShelf, time::Millis};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::error::StoreError;

/// Nodes that are remembered; those not met for longest go first.
const NODES: i64 = 512;

/// Nodes of the Mainline DHT that are remembered.
const MAINLINE: usize = 64;

const LAYOUT: &str = "
    CREATE TABLE IF NOT EXISTS row (key BLOB PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS node (address TEXT PRIMARY KEY, met INTEGER NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS linked (address TEXT PRIMARY KEY) STRICT;
    CREATE TABLE IF NOT EXISTS mainline (address TEXT PRIMARY KEY) STRICT;
    CREATE TABLE IF NOT EXISTS secret (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
";

/// A row's key and value.
type Row = ([u8; 32], Vec<u8>);

/// The memory of one node.
#[derive(Debug)]
pub struct NetworkStore {
    conn: Mutex<Connection>,
}

impl NetworkStore {
    /// Opens it, or makes it. What is no database any more is begun anew.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn open(home: &Path) -> Result<Self, StoreError> {
        let path = home.join("network.db");
        let opened = open(&path).or_else(|error| match error {
            StoreError::Damaged { .. } => {
                tracing::warn!(%error, "what is known of the network is damaged and begun anew");
                for ending in ["", "-wal", "-shm"] {
                    let mut name = path.as_os_str().to_owned();
                    name.push(ending);
                    match std::fs::remove_file(&name) {
                        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                            return Err(StoreError::file("remove", &path)(error));
                        }
                        _ => {}
                    }
                }
                open(&path)
            }
            error => Err(error),
        });
        Ok(Self {
            conn: Mutex::new(opened?),
        })
    }

    fn conn(&self) -> MutexGuard<'_, Connection> {
        self.conn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The node's key: 32 secret bytes, which `make` gives the first time.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn seed(&self, make: impl FnOnce() -> [u8; 32]) -> Result<[u8; 32], StoreError> {
        let conn = self.conn();
        let find = "SELECT value FROM secret WHERE name = 'seed'";
        let found: Option<[u8; 32]> = conn.query_row(find, [], |row| row.get(0)).optional()?;
        if let Some(seed) = found {
            return Ok(seed);
        }
        let seed = make();
        let put = "INSERT INTO secret (name, value) VALUES ('seed', ?)";
        conn.execute(put, [seed])?;
        Ok(seed)
    }

    /// Notes nodes that were met: multiaddrs with a peer id at the end.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn put_nodes(&self, addresses: &[String], now: Millis) -> Result<(), StoreError> {
        let mut conn = self.conn();
        let tx = conn.transaction()?;
        for address in addresses {
            tx.prepare_cached("INSERT OR REPLACE INTO node (address, met) VALUES (?, ?)")?
                .execute(params![address, now.cast_signed()])?;
        }
        tx.execute(
            "DELETE FROM node WHERE address IN
             (SELECT address FROM node ORDER BY met DESC LIMIT -1 OFFSET ?)",
            [NODES],
        )?;
        tx.commit()?;
        Ok(())
    }

    /// The nodes that were met last, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn nodes(&self, limit: usize) -> Result<Vec<String>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let conn = self.conn();
        let mut find = conn.prepare_cached("SELECT address FROM node ORDER BY met DESC LIMIT ?")?;
        let rows = find.query_map([limit], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Notes nodes that links have named while no node ran: strangers' words, for the next start.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn put_linked(&self, addresses: &[String]) -> Result<(), StoreError> {
        let conn = self.conn();
        let mut put = conn.prepare_cached("INSERT OR IGNORE INTO linked (address) VALUES (?)")?;
        for address in addresses {
            put.execute([address])?;
        }
        Ok(())
    }

    /// Takes the nodes that links have named, at most `limit`; they are forgotten.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn take_linked(&self, limit: usize) -> Result<Vec<String>, StoreError> {
        let mut conn = self.conn();
        let tx = conn.transaction()?;
        let all = {
            let mut find = tx.prepare_cached("SELECT address FROM linked")?;
            let rows = find.query_map([], |row| row.get(0))?.take(limit);
            rows.collect::<Result<_, _>>()?
        };
        tx.execute("DELETE FROM linked", [])?;
        tx.commit()?;
        Ok(all)
    }

    /// Notes the nodes of the Mainline DHT that answered last, in place of earlier ones; of
    /// many, the first few.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn put_mainline(&self, addresses: &[SocketAddrV4]) -> Result<(), StoreError> {
        let mut conn = self.conn();
        let tx = conn.transaction()?;
        tx.execute("DELETE FROM mainline", [])?;
        for address in addresses.iter().take(MAINLINE) {
            tx.prepare_cached("INSERT OR IGNORE INTO mainline (address) VALUES (?)")?
                .execute([address.to_string()])?;
        }
        tx.commit()?;
        Ok(())
    }

    /// Nodes of the Mainline DHT to begin with.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub fn mainline(&self) -> Result<Vec<SocketAddrV4>, StoreError> {
        let conn = self.conn();
        let mut find = conn.prepare("SELECT address FROM mainline")?;
        let rows = find.query_map([], |row| row.get::<_, String>(0))?;
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        Ok(rows.iter().filter_map(|row| row.parse().ok()).collect())
    }

    fn put_row(&self, key: &[u8; 32], value: &[u8]) -> Result<(), StoreError> {
        let conn = self.conn();
        conn.prepare_cached("INSERT OR REPLACE INTO row (key, value) VALUES (?, ?)")?
            .execute(params![key, value])?;
        Ok(())
    }

    fn remove_row(&self, key: &[u8; 32]) -> Result<(), StoreError> {
        let conn = self.conn();
        conn.prepare_cached("DELETE FROM row WHERE key = ?")?
            .execute([key])?;
        Ok(())
    }

    fn rows(&self) -> Result<Vec<Row>, StoreError> {
        let conn = self.conn();
        let mut find = conn.prepare("SELECT key, value FROM row")?;
        let rows = find.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// A row that cannot be written down is only not remembered: the DHT has others.
impl RowShelf for NetworkStore {
    fn put(&self, key: &[u8; 32], value: &[u8]) {
        if let Err(error) = self.put_row(key, value) {
            tracing::warn!(%error, "a row of the DHT is not remembered");
        }
    }

    fn remove(&self, key: &[u8; 32]) {
        if let Err(error) = self.remove_row(key) {
            tracing::warn!(%error, "a row of the DHT is not forgotten");
        }
    }

    fn load(&self) -> Vec<([u8; 32], Vec<u8>)> {
        self.rows().unwrap_or_else(|error| {
            tracing::warn!(%error, "the rows of the DHT are not remembered");
            Vec::new()
        })
    }
}

fn open(path: &Path) -> Result<Connection, StoreError> {
    let mut options = OpenOptions::new();
    let made = options.write(true).create(true).truncate(false).mode(0o600);
    drop(made.open(path).map_err(StoreError::file("make", path))?);
    let conn = Connection::open(path)?;
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -1024;
         PRAGMA journal_size_limit = 4194304;",
    )?;
    conn.execute_batch(LAYOUT)?;
    Ok(conn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_met_and_kept_is_there_after_a_restart() {
        let home = tempfile::tempdir().unwrap();
        {
            let store = NetworkStore::open(home.path()).unwrap();
            assert_eq!(store.seed(|| [7; 32]).unwrap(), [7; 32]);
            store.put(&[1; 32], b"row");
            store.put(&[2; 32], b"gone");
            store.remove(&[2; 32]);
            for at in 0..600 {
                store.put_nodes(&[format!("/memory/{at}")], at).unwrap();
            }
        }
        let store = NetworkStore::open(home.path()).unwrap();
        let at = |port| SocketAddrV4::new([11, 1, 0, 1].into(), port);
        store.put_mainline(&[at(1)]).unwrap();
        store
            .put_mainline(&(2..=100).map(at).collect::<Vec<_>>())
            .unwrap();
        let known = store.mainline().unwrap();
        assert_eq!(known.len(), MAINLINE);
        assert!(known.contains(&at(2)) && !known.contains(&at(1)));
        assert_eq!(store.seed(|| [8; 32]).unwrap(), [7; 32]);
        assert_eq!(store.load(), [([1; 32], b"row".to_vec())]);
        assert_eq!(store.nodes(2).unwrap(), ["/memory/599", "/memory/598"]);
        assert_eq!(store.nodes(1000).unwrap().len(), 512);
        drop(store);
        std::fs::write(home.path().join("network.db"), "no database at all").unwrap();
        let store = NetworkStore::open(home.path()).unwrap();
        assert!(store.nodes(2).unwrap().is_empty());
    }
}
