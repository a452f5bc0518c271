//! The one place where this program opens sockets.
//!
//! Every other room is handed what it listens on or talks through, so that what reaches
//! the network can be seen here whole, and be exchanged whole.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::Path,
    time::Duration,
};

use ourspace_protocol::seams::{self, BoxFuture, Dial, Stream};
use tokio::{
    net::{TcpStream, UnixListener},
    task::JoinSet,
    time,
};
use tokio_util::compat::TokioAsyncReadCompatExt as _;

/// What listens for TCP connections.
pub(crate) type Listener = tokio::net::TcpListener;

/// Addresses of one name that are tried.
const ADDRESSES: usize = 6;
/// How long an address has before the next one is tried beside it (RFC 8305).
const STAGGER: Duration = Duration::from_millis(250);
/// How long a name may take to be looked up, and an address to answer.
const PATIENCE: Duration = Duration::from_secs(10);

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

/// This machine alone: nothing beyond it is dialled, whoever allows it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ThisMachine;

/// Listens at a socket of this machine.
pub(crate) fn listen_local(path: &Path) -> io::Result<UnixListener> {
    UnixListener::bind(path)
}

/// Connects to a socket of this machine.
pub(crate) fn connect_local(path: &Path) -> io::Result<std::os::unix::net::UnixStream> {
    std::os::unix::net::UnixStream::connect(path)
}

impl seams::Net for Net {
    fn dial<'a>(&'a self, to: Dial<'a>) -> BoxFuture<'a, io::Result<Box<dyn Stream>>> {
        Box::pin(async move {
            let stream = race(addresses(to).await?).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream.compat()) as Box<dyn Stream>)
        })
    }
}

impl seams::Net for ThisMachine {
    fn dial<'a>(&'a self, to: Dial<'a>) -> BoxFuture<'a, io::Result<Box<dyn Stream>>> {
        Box::pin(async move {
            // Looked up once, as below.
            let found = look_up(to).await?;
            if !to.private || !found.iter().all(|address| address.ip().is_loopback()) {
                return Err(io::Error::new(
                    io::ErrorKind::PermissionDenied,
                    format!(
                        "{} is not on this machine, which the node keeps to",
                        to.host
                    ),
                ));
            }
            let stream = race(by_turns(&found)).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream.compat()) as Box<dyn Stream>)
        })
    }
}

/// The addresses that may be connected to. They are looked up once: what was checked here
/// is what is connected to, whatever the name's owner answers a moment later.
async fn addresses(to: Dial<'_>) -> io::Result<Vec<SocketAddr>> {
    let found = look_up(to).await?;
    let may = |address: &SocketAddr| to.private || seams::is_public(address.ip());
    let allowed: Vec<_> = found.iter().copied().filter(may).collect();
    match (allowed.is_empty(), found.is_empty()) {
        (false, _) => Ok(by_turns(&allowed)),
        (true, true) => Err(not_found(to.host)),
        (true, false) => Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!(
                "{} is in a private network, where what strangers name is not looked for",
                to.host
            ),
        )),
    }
}

async fn look_up(to: Dial<'_>) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = to.host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, to.port)]);
    }
    let name = to.host.trim_end_matches('.').to_ascii_lowercase();
    // To ask for an onion's address would tell the name server of it (RFC 7686).
    if name.is_empty() || name == "onion" || name.ends_with(".onion") {
        return Err(not_found(to.host));
    }
    let asked = tokio::net::lookup_host((to.host, to.port));
    let found = time::timeout(PATIENCE, asked).await;
    Ok(found
        .map_err(|_| late(&format!("looking up {}", to.host)))??
        .collect())
}

/// IPv6 and IPv4 in turns, beginning with what the system prefers.
fn by_turns(found: &[SocketAddr]) -> Vec<SocketAddr> {
    let first = found.first().is_some_and(SocketAddr::is_ipv6);
    let (preferred, other): (Vec<SocketAddr>, Vec<_>) =
        found.iter().partition(|address| address.is_ipv6() == first);
    let mut turns = Vec::new();
    for at in 0..preferred.len().max(other.len()) {
        turns.extend(preferred.get(at));
        turns.extend(other.get(at));
    }
    turns.dedup();
    turns.truncate(ADDRESSES);
    turns
}

/// Connects to whichever address answers first; each has a little time for itself.
async fn race(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut waiting = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut last = late("connecting");
    loop {
        if let Some(address) = waiting.next() {
            attempts.spawn(connect(address));
        }
        if attempts.is_empty() {
            return Err(last);
        }
        let stagger = async {
            match waiting.len() {
                0 => std::future::pending().await,
                _ => time::sleep(STAGGER).await,
            }
        };
        tokio::select! {
            Some(ended) = attempts.join_next() => match ended {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = error,
                Err(error) => last = io::Error::other(error),
            },
            () = stagger => {}
        }
    }
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    match time::timeout(PATIENCE, TcpStream::connect(address)).await {
        Ok(connected) => connected,
        Err(_) => Err(late(&format!("connecting to {address}"))),
    }
}

fn late(what: &str) -> io::Error {
    let patience = PATIENCE.as_secs();
    let text = format!("{what} took more than {patience} seconds");
    io::Error::new(io::ErrorKind::TimedOut, text)
}

fn not_found(host: &str) -> io::Error {
    let text = format!("{host} has no address in this network");
    io::Error::new(io::ErrorKind::NotFound, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ourspace_protocol::seams::Net as _;
    use tokio::io::AsyncReadExt as _;
    use tokio_util::compat::FuturesAsyncReadCompatExt as _;

    fn to(host: &str, port: u16, private: bool) -> Dial<'_> {
        Dial {
            host,
            port,
            private,
        }
    }

    async fn refusal(host: &str, private: bool) -> io::ErrorKind {
        let dialled = Net.dial(to(host, 9, private)).await;
        dialled.err().unwrap().kind()
    }

    #[tokio::test]
    async fn strangers_reach_nothing_private() {
        for host in [
            "127.0.0.1",
            "127.1.2.3",
            "10.0.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "::1",
            "::ffff:127.0.0.1",
            "fe80::1",
            "fd00::1",
            "localhost",
        ] {
            let kind = refusal(host, false).await;
            assert_eq!(kind, io::ErrorKind::PermissionDenied, "{host}");
        }
    }

    #[tokio::test]
    async fn onions_are_never_looked_up() {
        for host in ["abc.onion", "ABC.ONION.", "onion", "."] {
            let kind = refusal(host, true).await;
            assert_eq!(kind, io::ErrorKind::NotFound, "{host}");
        }
    }

    #[tokio::test]
    async fn what_is_allowed_is_reached() {
        let listener = Net.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let greeter = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, b"hello")
                .await
                .unwrap();
        });
        let stream = Net.dial(to("localhost", port, true)).await.unwrap();
        let mut said = String::new();
        stream.compat().read_to_string(&mut said).await.unwrap();
        assert_eq!(said, "hello");
        greeter.await.unwrap();
        // Nobody listens there any more.
        let refused = Net.dial(to("127.0.0.1", port, true)).await.err().unwrap();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn both_kinds_of_addresses_get_their_turn() {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        let found = ["[2001:4860::1]:1", "[2001:4860::2]:1", "1.1.1.1:1"].map(address);
        let turns = ["[2001:4860::1]:1", "1.1.1.1:1", "[2001:4860::2]:1"].map(address);
        assert_eq!(by_turns(&found), turns);
        assert_eq!(by_turns(&[address("1.1.1.1:1"); 3]).len(), 1);
    }
}
