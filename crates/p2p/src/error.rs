//! Why a node does not start or do what it is asked.

use std::{error::Error, fmt::Display, io};

/// Why.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The node's key is none.
    #[error("the key of this node cannot be used: {0}")]
    Key(String),
    /// Not a multiaddr.
    #[error(
        "{0:?} is no address of a node ({1}); one looks like /ip4/192.0.2.7/tcp/4011/p2p/12D3Koo…"
    )]
    Address(String, String),
    /// An address that is not to be had.
    #[error("cannot listen at {0}: {1}; another program may use the port")]
    Listen(String, String),
    /// No multicast.
    #[error("cannot look for nodes in the local network: {0}")]
    Mdns(io::Error),
    /// The node has stopped.
    #[error("the node has stopped")]
    Stopped,
}

impl NodeError {
    /// An address cannot be listened at: the reason is what lies deepest, for the transports
    /// above it say nothing.
    pub(crate) fn listen(address: impl Display, error: &dyn Error) -> Self {
        let mut reason = error;
        while let Some(deeper) = reason.source() {
            reason = deeper;
        }
        Self::Listen(address.to_string(), reason.to_string())
    }
}
