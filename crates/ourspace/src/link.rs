//! Links with nodes: which of the own addresses stand in one, and which of a stranger's are
//! dialled.

use std::net::{IpAddr, Ipv4Addr};

use ourspace_protocol::{
    account::Account,
    link::{Address, Link},
    seams::is_public,
};

use crate::view::NetworkView;

/// The link to an account by a node: first where others have reached it, then through relays,
/// then in the local network, last through relays there. On this machine alone only where nothing
/// else is listened at.
pub(crate) fn of(account: Account, node: &NetworkView) -> Link {
    let mut all: Vec<(u8, &str)> = node
        .confirmed
        .iter()
        .map(|address| (0, address.as_str()))
        .collect();
    for text in &node.listen {
        let Ok(address) = text.parse::<Address>() else {
            continue;
        };
        let rank = match address.ip() {
            ip if ip.is_loopback() => 4 + u8::from(relayed(text)),
            ip if relayed(text) && is_public(ip) => 1,
            _ => 2 + u8::from(relayed(text)),
        };
        all.push((rank, text));
    }
    all.sort_by_key(|(rank, _)| *rank);
    let best = all.first().map(|(rank, _)| *rank);
    all.retain(|(rank, _)| *rank < 4 || best >= Some(4));
    let mut seen = Vec::new();
    for (_, text) in all {
        if !seen.contains(&text) {
            seen.push(text);
        }
    }
    Link::new(account, seen)
}

fn relayed(address: &str) -> bool {
    address.contains("/p2p-circuit/")
}

/// The nodes of a stranger's link that are worth dialling from here: those on the public internet, and
/// those in a network that this node is in itself. Else a link could make it knock at the
/// doors of whatever stands beside it.
pub(crate) fn worth_dialling<'l>(peers: &'l [Address], listen: &[String]) -> Vec<&'l Address> {
    let own: Vec<IpAddr> = listen
        .iter()
        .filter_map(|text| text.parse().ok())
        .map(|address: Address| address.ip())
        .collect();
    let local = !own.is_empty() && own.iter().all(IpAddr::is_loopback);
    let near = |ip: IpAddr| match ip {
        ip if ip.is_loopback() => local,
        IpAddr::V4(ip) => own.iter().any(|own| beside(*own, ip)),
        IpAddr::V6(_) => false,
    };
    peers
        .iter()
        .filter(|peer| is_public(peer.ip()) || near(peer.ip()))
        .collect()
}

/// Whether both are of one network of 256 addresses.
fn beside(one: IpAddr, other: Ipv4Addr) -> bool {
    matches!(one, IpAddr::V4(one) if one.octets()[..3] == other.octets()[..3])
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "12D3KooWLCY4gacWkCSKCwveJb5322AwXdZDL29g7Gos3zHT9SvW";

    fn at(ip: &str) -> String {
        format!("/ip4/{ip}/udp/4011/quic-v1/p2p/{PEER}")
    }

    fn texts(link: &Link) -> Vec<&str> {
        link.peers().iter().map(Address::as_str).collect()
    }

    #[test]
    fn the_best_addresses_come_first() {
        let relayed = format!("{}/p2p-circuit/p2p/{PEER}", at("11.1.0.1"));
        let listen = [
            at("127.0.0.1"),
            at("192.168.1.2"),
            relayed.clone(),
            at("11.2.0.1"),
        ];
        let mut node = NetworkView {
            listen: listen.to_vec(),
            confirmed: vec![at("11.2.0.1")],
            ..NetworkView::default()
        };
        let account = Account([1; 20]);
        let best = [at("11.2.0.1"), relayed, at("192.168.1.2")];
        assert_eq!(texts(&of(account, &node)), best);
        let near = format!("{}/p2p-circuit/p2p/{PEER}", at("127.0.0.1"));
        node.listen = vec![near.clone(), at("127.0.0.1")];
        node.confirmed = Vec::new();
        assert_eq!(texts(&of(account, &node)), [at("127.0.0.1"), near]);
        assert_eq!(
            of(account, &NetworkView::default()).to_string(),
            format!("ourspace:{account}")
        );
    }

    #[test]
    fn a_stranger_s_link_leads_to_no_private_network_but_the_own_one() {
        let addresses = ["127.0.0.1", "192.168.1.7", "10.0.0.1", "11.2.0.1"].map(at);
        let link = Link::new(Account([1; 20]), addresses.iter().map(String::as_str));
        let worth = |listen: &[&str]| -> Vec<IpAddr> {
            let listen: Vec<String> = listen.iter().map(|ip| at(ip)).collect();
            let worth = worth_dialling(link.peers(), &listen);
            worth.into_iter().map(Address::ip).collect()
        };
        let ips =
            |all: &[&str]| -> Vec<IpAddr> { all.iter().map(|ip| ip.parse().unwrap()).collect() };
        assert_eq!(worth(&[]), ips(&["11.2.0.1"]));
        assert_eq!(
            worth(&["127.0.0.1", "192.168.1.2"]),
            ips(&["192.168.1.7", "11.2.0.1"])
        );
        assert_eq!(worth(&["127.0.0.1"]), ips(&["127.0.0.1", "11.2.0.1"]));
    }
}
