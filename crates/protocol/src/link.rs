//! Links to accounts, as they stand in messages, on pages and in QR codes: whom to follow, and
//! nodes to begin with.
//!
//! `ourspace:0xADDRESS`, and after `?peer=`, with `&peer=` between them, up to four addresses
//! of nodes (spec 8.6). A link comes from anybody: nothing of it is believed, and it is read
//! strictly, so that it leads nowhere but to IP addresses with a port and a peer id.

use core::net::IpAddr;
use std::{fmt, str::FromStr};

use crate::account::Account;

/// Nodes in a link, at most.
pub const PEERS: usize = 4;
/// Bytes of a link, at most: a QR code holds them.
pub const BYTES: usize = 1_024;

const SCHEME: &str = "ourspace:";

/// A link to an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Whose.
    pub account: Account,
    peers: Vec<Address>,
}

/// Why a text is no link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Not of the form.
    #[error("not a link to an account: one looks like ourspace:0x…?peer=/ip4/…/tcp/4011/p2p/12D3…")]
    Form,
    /// The account.
    #[error("the account in the link is none: it was mistyped or cut short")]
    Account,
    /// One of the nodes.
    #[error(
        "a node in the link has no address of the form /ip4/…/tcp/…/p2p/… or /ip4/…/udp/…/quic-v1/p2p/…"
    )]
    Peer,
    /// Too much of it.
    #[error("the link is too long, or names more than {PEERS} nodes")]
    Long,
}

/// Where a node is reached: a multiaddr of one of the forms `/ip4/IP/tcp/PORT/p2p/ID`,
/// `/ip4/IP/udp/PORT/quic-v1/p2p/ID`, the same with `ip6`, and any of them followed by
/// `/p2p-circuit/p2p/ID` for a node behind the first one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    text: String,
    ip: IpAddr,
}

impl Address {
    /// The IP address that is dialled.
    #[must_use]
    pub fn ip(&self) -> IpAddr {
        self.ip
    }

    /// The multiaddr.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Address {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let rest = text.strip_prefix('/').ok_or(LinkError::Peer)?;
        let parts: Vec<&str> = rest.split('/').collect();
        let ip = match parts.first() {
            Some(&"ip4") => parts.get(1).and_then(|ip| ip.parse().ok()).map(IpAddr::V4),
            Some(&"ip6") => parts.get(1).and_then(|ip| ip.parse().ok()).map(IpAddr::V6),
            _ => None,
        };
        let ip = ip.ok_or(LinkError::Peer)?;
        let (port, rest) = match parts.get(2..) {
            Some(["tcp", port, rest @ ..] | ["udp", port, "quic-v1", rest @ ..]) => (*port, rest),
            _ => return Err(LinkError::Peer),
        };
        let peers: &[&str] = match rest {
            ["p2p", one] => &[one],
            ["p2p", one, "p2p-circuit", "p2p", other] => &[one, other],
            _ => return Err(LinkError::Peer),
        };
        let port_is_one = port
            .parse::<u16>()
            .is_ok_and(|number| number > 0 && number.to_string() == port);
        match port_is_one && peers.iter().all(|peer| is_peer(peer)) {
            true => Ok(Self {
                text: text.to_owned(),
                ip,
            }),
            false => Err(LinkError::Peer),
        }
    }
}

/// Whether it looks like a peer id in base58: those of Ed25519 keys have 52 characters, those
/// of hashed keys 46.
fn is_peer(text: &str) -> bool {
    let base58 = |byte: u8| byte.is_ascii_alphanumeric() && !b"0OIl".contains(&byte);
    (46..=52).contains(&text.len()) && text.bytes().all(base58)
}

impl Link {
    /// A link with the first four of these nodes that fit; addresses of other forms are left
    /// out.
    #[must_use]
    pub fn new<'a>(account: Account, peers: impl IntoIterator<Item = &'a str>) -> Self {
        let mut link = Self {
            account,
            peers: Vec::new(),
        };
        for peer in peers.into_iter().filter_map(|peer| peer.parse().ok()) {
            if link.peers.len() == PEERS {
                break;
            }
            link.peers.push(peer);
            if link.to_string().len() > BYTES {
                link.peers.pop();
            }
        }
        link
    }

    /// The nodes.
    #[must_use]
    pub fn peers(&self) -> &[Address] {
        &self.peers
    }

    /// Whether a text is meant as a link.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.trim().starts_with(SCHEME)
    }
}

impl FromStr for Link {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let text = text.trim();
        if text.len() > BYTES {
            return Err(LinkError::Long);
        }
        let rest = text.strip_prefix(SCHEME).ok_or(LinkError::Form)?;
        let (account, query) = match rest.split_once('?') {
            Some((account, query)) => (account, Some(query)),
            None => (rest, None),
        };
        if !account.starts_with("0x") {
            return Err(LinkError::Form);
        }
        if account.trim() != account {
            return Err(LinkError::Account);
        }
        let account = account.parse().map_err(|_| LinkError::Account)?;
        let mut peers = Vec::new();
        for part in query.into_iter().flat_map(|query| query.split('&')) {
            let peer = part.strip_prefix("peer=").ok_or(LinkError::Form)?;
            if peers.len() == PEERS {
                return Err(LinkError::Long);
            }
            peers.push(peer.parse()?);
        }
        Ok(Self { account, peers })
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}", self.account)?;
        for (at, peer) in self.peers.iter().enumerate() {
            let before = if at == 0 { '?' } else { '&' };
            write!(f, "{before}peer={}", peer.text)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
    const PEER: &str = "12D3KooWLCY4gacWkCSKCwveJb5322AwXdZDL29g7Gos3zHT9SvW";

    fn address() -> String {
        format!("/ip4/192.0.2.7/udp/4011/quic-v1/p2p/{PEER}")
    }

    #[test]
    fn what_is_written_is_read() {
        let (one, six) = (address(), format!("/ip6/2001:db8::7/tcp/4011/p2p/{PEER}"));
        let relayed = format!("{one}/p2p-circuit/p2p/{PEER}");
        let account = ACCOUNT.parse().unwrap();
        for peers in [&[][..], &[&one], &[&one, &six, &relayed]] {
            let link = Link::new(account, peers.iter().map(|peer| peer.as_str()));
            assert_eq!(link.peers().len(), peers.len());
            assert_eq!(link.to_string().parse(), Ok(link));
        }
        // Others' forms and too many are left out.
        let many = [
            one.as_str(),
            "/memory/1",
            "/dns4/example.org/tcp/1",
            &six,
            &one,
            &one,
            &six,
        ];
        let link = Link::new(account, many);
        assert_eq!(link.peers().len(), PEERS);
        assert!(link.to_string().len() <= BYTES);
    }

    #[test]
    fn what_leads_elsewhere_is_refused() {
        let wrong = |text: &str| text.parse::<Link>().unwrap_err();
        assert_eq!(wrong(ACCOUNT), LinkError::Form);
        assert_eq!(
            wrong("ourspace:5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
            LinkError::Form
        );
        assert_eq!(wrong("ourspace:0x5aAeb6"), LinkError::Account);
        assert_eq!(wrong(&format!("ourspace:{ACCOUNT}?")), LinkError::Form);
        assert_eq!(wrong(&format!("ourspace:{ACCOUNT}?at=x")), LinkError::Form);
        let one = address();
        let five = vec![format!("peer={one}"); 5].join("&");
        assert_eq!(
            wrong(&format!("ourspace:{ACCOUNT}?{five}")),
            LinkError::Long
        );
        assert_eq!(
            wrong(&format!("ourspace:{ACCOUNT}?{}", "x".repeat(BYTES))),
            LinkError::Long
        );
        for peer in [
            "",
            "/ip4/192.0.2.7/tcp/4011",
            "/ip4/192.0.2.7/tcp/0/p2p/12D3KooWLCY4gacWkCSKCwveJb5322AwXdZDL29g7Gos3zHT9SvW",
            "/ip4/192.0.2.7/tcp/04011/p2p/12D3KooWLCY4gacWkCSKCwveJb5322AwXdZDL29g7Gos3zHT9SvW",
            "/ip4/192.0.2.7/udp/4011/p2p/12D3KooWLCY4gacWkCSKCwveJb5322AwXdZDL29g7Gos3zHT9SvW",
            "/ip4/192.0.2.300/tcp/4011/p2p/12D3KooWLCY4gacWkCSKCwveJb5322AwXdZDL29g7Gos3zHT9SvW",
            "/dns4/example.org/tcp/4011/p2p/12D3KooWLCY4gacWkCSKCwveJb5322AwXdZDL29g7Gos3zHT9SvW",
            "/ip4/192.0.2.7/tcp/4011/p2p/12D3KooW$(id)",
            "/ip4/192.0.2.7/tcp/4011/p2p/short",
        ] {
            assert_eq!(
                wrong(&format!("ourspace:{ACCOUNT}?peer={peer}")),
                LinkError::Peer,
                "{peer}"
            );
        }
    }
}
