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

/// Bytes of an address that a person may type.
const LONGEST: usize = 512;

/// Whether a text is the address of a node: a multiaddr that begins with a host, and names one port.
///
/// # Errors
/// [`NodeError::Address`], which says what one looks like.
pub fn check_address(address: &str) -> Result<(), NodeError> {
    let wrong = |why: &str| {
        let shown: String = address.chars().take(64).collect();
        NodeError::Address(shown, why.to_owned())
    };
    if address.len() > LONGEST {
        return Err(wrong("it is too long"));
    }
    let parsed = parse(address)?;
    // Behind a relay's address stands that of who is reached through it.
    let own = |part: &Protocol<'_>| !matches!(part, Protocol::P2pCircuit);
    let ports = parsed.iter().take_while(own).filter(is_port).count();
    match ports {
        0 => Err(wrong("it names no port")),
        1 => Ok(()),
        _ => Err(wrong("it names several ports")),
    }
}

fn is_port(part: &Protocol<'_>) -> bool {
    matches!(part, Protocol::Tcp(1..) | Protocol::Udp(1..))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "12D3KooWLCY4gacWkCSKCwveJb5322AwXdZDL29g7Gos3zHT9SvW";

    #[test]
    fn addresses_of_nodes_have_a_host_and_a_port() {
        for right in [
            "/ip4/192.0.2.7/tcp/4011".to_owned(),
            format!("/ip6/2001:db8::7/udp/4011/quic-v1/p2p/{PEER}"),
            format!("/dns4/node.example/tcp/4011/p2p/{PEER}"),
            format!("/ip4/192.0.2.7/tcp/4011/p2p/{PEER}/p2p-circuit/p2p/{PEER}"),
        ] {
            assert!(check_address(&right).is_ok(), "{right}");
        }
        for wrong in [
            "".to_owned(),
            "garbage".to_owned(),
            "/ip4/192.0.2.7".to_owned(),
            "/ip4/192.0.2.7/tcp/0".to_owned(),
            "/memory/3".to_owned(),
            format!("/p2p/{PEER}"),
            "/ip4/192.0.2.7/tcp/4011".repeat(2),
            "/ip4/192.0.2.7/tcp/4011".repeat(3_000),
        ] {
            let said = check_address(&wrong).unwrap_err().to_string();
            assert!(said.len() < 300, "{said}");
        }
    }
}
