//! Addresses of nodes, as people type them.

use libp2p::{Multiaddr, multiaddr::Protocol};

use crate::error::NodeError;

/// Reads an address.
pub(crate) fn parse(address: &str) -> Result<Multiaddr, NodeError> {
    let wrong = |why: String| NodeError::Address(address.to_owned(), why);
    let parsed: Multiaddr = address
        .parse()
        .map_err(|error: libp2p::multiaddr::Error| wrong(error.to_string()))?;
    match parsed.iter().next() {
        Some(
            Protocol::Ip4(_)
            | Protocol::Ip6(_)
            | Protocol::Dns(_)
            | Protocol::Dns4(_)
            | Protocol::Dns6(_)
            | Protocol::Memory(_),
        ) => Ok(parsed),
        _ => Err(wrong("it begins with no host".to_owned())),
    }
}

/// Whether a text is the address of a node: a multiaddr that begins with a host.
///
/// # Errors
/// [`NodeError::Address`], which says what one looks like.
pub fn check_address(address: &str) -> Result<(), NodeError> {
    parse(address).map(drop)
}
