//! A Mainline DHT of this machine alone, by nodes of `mainline`.

use anyhow::{Context as _, Result};

/// The DHT; it ends with the value.
pub struct MainlineNet {
    net: mainline::Testnet,
}

impl std::fmt::Debug for MainlineNet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MainlineNet")
            .field("nodes", &self.net.bootstrap)
            .finish()
    }
}

impl MainlineNet {
    /// So many nodes that know each other.
    ///
    /// # Errors
    /// When their sockets cannot be opened.
    pub fn new(nodes: usize) -> Result<Self> {
        let net = mainline::Testnet::builder(nodes).build();
        Ok(Self {
            net: net.context("no Mainline DHT on this machine")?,
        })
    }

    /// Where one of them is, `host:port`.
    #[must_use]
    pub fn address(&self) -> &str {
        self.net.bootstrap.first().map_or("", String::as_str)
    }
}
