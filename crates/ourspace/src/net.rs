//! The one place where this program opens sockets.
//!
//! Every other room is handed what it listens on or talks through, so that what reaches
//! the network can be seen here whole, and be exchanged whole.

use std::{io, net::SocketAddr};

/// What listens for TCP connections.
pub(crate) type Listener = tokio::net::TcpListener;

/// The sockets of this machine's own network.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Net;

impl Net {
    /// Listens for TCP connections.
    ///
    /// # Errors
    /// What the operating system says.
    pub(crate) async fn listen(self, at: SocketAddr) -> io::Result<Listener> {
        Listener::bind(at).await
    }
}
