//! Where rows of the DHT stay while a node is stopped.

/// Keeps rows. What it gives back is verified again by whoever asked.
pub trait RowShelf: Send + Sync {
    /// Keeps a row in place of the one with the same key. When this returns, the row
    /// outlives the process, however it ends.
    fn put(&self, key: &[u8; 32], value: &[u8]);

    /// Forgets a row.
    fn remove(&self, key: &[u8; 32]);

    /// All of them.
    fn load(&self) -> Vec<([u8; 32], Vec<u8>)>;
}
