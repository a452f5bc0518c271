//! Which paths may be named where: sockets behind the `Net` seam, nothing of the outside
//! world in the protocol.

use super::{
    Complaints,
    paths::{self, Mention},
    source::Source,
};

/// The one file that may open sockets: everything else goes through the `Net` seam.
const NET: &str = "crates/ourspace/src/net.rs";

/// Types whose functions open sockets. To be handed one that `Net` opened is fine, so the
/// names alone are; a function of theirs, or another name for them, is not.
const SOCKETS: [&str; 7] = [
    "TcpListener",
    "TcpStream",
    "TcpSocket",
    "UdpSocket",
    "UnixDatagram",
    "UnixListener",
    "UnixStream",
];

/// What turns names into addresses.
const LOOKUPS: [&str; 2] = ["ToSocketAddrs", "lookup_host"];

/// Modules and crates with nothing but sockets in them.
const SOCKET_ROOMS: [&[&str]; 6] = [
    &["socket2"],
    &["mio"],
    &["rustix", "net"],
    &["std", "net", "*"],
    &["tokio", "net", "*"],
    &["std", "os", "unix", "net", "*"],
];

/// What the protocol may not reach for: files, sockets, processes, threads, surroundings.
const OUTSIDE: [&[&str]; 8] = [
    &["std", "fs"],
    &["std", "net"],
    &["std", "process"],
    &["std", "thread"],
    &["std", "env"],
    &["std", "os"],
    &["std", "io", "stdin"],
    &["std", "io", "stdout"],
];

/// Clocks, whose `now` the protocol may not read.
const CLOCKS: [&str; 2] = ["SystemTime", "Instant"];

/// Holds a source to what it may name. Tests may name anything.
pub(super) fn check(source: &Source) -> Complaints {
    if source.test {
        return Complaints::new();
    }
    let pure = source.path.starts_with("crates/protocol/src/");
    let mentions = paths::of_file(&source.file);
    let complain = |mention: &Mention| {
        let what = mention.path.join("::");
        let why = if source.path != NET && opens_sockets(&mention.path) {
            format!("opens sockets, which only {NET} does")
        } else if pure && reaches_outside(&mention.path) {
            "reaches outside, which the protocol does not".to_owned()
        } else {
            return None;
        };
        Some(format!("{}:{}: {what} {why}", source.path, mention.line))
    };
    mentions.iter().filter_map(complain).collect()
}

fn starts_with(path: &[String], start: &[&str]) -> bool {
    path.len() >= start.len() && path.iter().zip(start).all(|(a, b)| a == b)
}

fn opens_sockets(path: &[String]) -> bool {
    let before_the_last = &path[..path.len().saturating_sub(1)];
    before_the_last
        .iter()
        .any(|name| SOCKETS.contains(&name.as_str()))
        || path.iter().any(|name| LOOKUPS.contains(&name.as_str()))
        || SOCKET_ROOMS.iter().any(|room| starts_with(path, room))
}

fn reaches_outside(path: &[String]) -> bool {
    let now = path.len() > 1 && path.last().is_some_and(|name| name == "now");
    now || path.iter().any(|name| CLOCKS.contains(&name.as_str()))
        || OUTSIDE.iter().any(|room| starts_with(path, room))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(path: &str, text: &str, test: bool) -> Complaints {
        check(&Source::parse(path, text, test).unwrap())
    }

    #[test]
    fn sockets_are_found_in_every_spelling() {
        for text in [
            "fn f() { TcpListener::bind(a); }",
            "fn f() { a.map(tokio::net::TcpStream::connect); }",
            "use std::{io, net::{IpAddr, TcpStream as Stream}};",
            "use std::net::*;",
            "use tokio::net::lookup_host;",
            "fn f() { let _ = std::net::UdpSocket::bind(\"[::]:0\"); }",
            "fn f() { println!(\"{:?}\", std::net::TcpStream::connect(a)); }",
            "fn f(a: impl std::net::ToSocketAddrs) {}",
            "fn f() { UnixStream::pair(); }",
        ] {
            let complaints = said("crates/node/src/lib.rs", text, false);
            assert!(!complaints.is_empty(), "{text}");
            assert!(complaints[0].starts_with("crates/node/src/lib.rs:1: "));
            assert!(said(NET, text, false).is_empty(), "{text}");
            assert!(said("crates/node/tests/a.rs", text, true).is_empty());
        }
    }

    #[test]
    fn addresses_and_sockets_that_are_handed_in_are_fine() {
        let text = "use std::net::{IpAddr, SocketAddr}; fn f(a: std::net::Ipv4Addr) {}
            use tokio::net::TcpListener; fn serve(on: TcpListener) { on.accept(); }";
        assert!(said("crates/node/src/lib.rs", text, false).is_empty());
    }

    #[test]
    fn tests_inside_a_file_may_do_anything() {
        let text = "#[cfg(test)] mod tests { use std::net::TcpStream; }
            #[cfg(test)] use std::net::TcpStream;
            #[test] fn f() { std::net::TcpStream::connect(a); }";
        assert!(said("crates/node/src/lib.rs", text, false).is_empty());
    }

    #[test]
    fn the_protocol_stays_inside() {
        for text in [
            "use std::fs;",
            "use std::{collections::BTreeMap, time::SystemTime};",
            "fn f() { jiff::Timestamp::now(); }",
            "fn f() { format!(\"{:?}\", std::env::args()); }",
            "use std::thread::spawn;",
        ] {
            assert!(
                !said("crates/protocol/src/a.rs", text, false).is_empty(),
                "{text}"
            );
            assert!(
                said("crates/store/src/a.rs", text, false).is_empty(),
                "{text}"
            );
        }
        let text = "fn f(now: u64) -> u64 { now } use std::time::Duration;";
        assert!(said("crates/protocol/src/a.rs", text, false).is_empty());
    }
}
