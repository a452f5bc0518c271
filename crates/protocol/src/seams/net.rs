//! Where connections come from.

use std::io;

use futures_io::{AsyncRead, AsyncWrite};

use super::BoxFuture;

/// A connection: bytes in order, both ways.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Whom to connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dial<'a> {
    /// A domain name, or an IP address as text.
    pub host: &'a str,
    /// The port.
    pub port: u16,
    /// Whether the host may turn out to be in a private network or on this machine. What
    /// strangers name must not: else their links would make this program knock at doors
    /// that only it can reach.
    pub private: bool,
}

/// The one way to the outside: whoever needs a connection is handed one of these, so that
/// what reaches the network can be exchanged whole (for Tor, say).
pub trait Net: Send + Sync {
    /// Connects by TCP.
    ///
    /// # Errors
    /// What the system or the far side says; [`io::ErrorKind::PermissionDenied`] when the
    /// host is private and must not be.
    fn dial<'a>(&'a self, to: Dial<'a>) -> BoxFuture<'a, io::Result<Box<dyn Stream>>>;
}
