//! Honest holders, strangers who waste everybody's time, and somebody who looks.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "each test binary uses a part of this; a test's helpers fail by panicking"
)]

use std::{
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket},
    time::Duration,
};

use futures::StreamExt as _;
use ourspace_protocol::{
    account::Account,
    limits::RECORD_BYTES,
    record::SignedRecord,
    verify::{Context, KnownGrants, verify},
};
use ourspace_testkit::{
    random::Random,
    signing::{NOW, TestKey, record, sign_record},
};
use ourspace_torrent::{
    Peers, Rendezvous, Settings,
    keys::{self, Key},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{Instant, timeout},
};

/// Dials at once, and how long each may take.
const DIALS: usize = 32;
const PATIENCE: Duration = Duration::from_millis(500);

/// A DHT of this machine.
pub(crate) struct Net {
    pub(crate) nodes: Vec<SocketAddrV4>,
    pub(crate) bind: Ipv4Addr,
}

impl Net {
    pub(crate) fn rendezvous(&self) -> Rendezvous {
        Rendezvous::new(Settings {
            on: true,
            bootstrap: self.nodes.iter().take(4).map(ToString::to_string).collect(),
            known: Vec::new(),
            bind: Some(self.bind),
            private: true,
        })
    }

    async fn listener(&self) -> (TcpListener, u16) {
        let listener = TcpListener::bind((self.bind, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    }

    /// Somebody who answers every call with these bytes; nothing at all if none.
    pub(crate) async fn answering(&self, bytes: Option<Vec<u8>>) -> u16 {
        let (listener, port) = self.listener().await;
        tokio::spawn(async move {
            let mut silent = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                match &bytes {
                    Some(bytes) => drop(stream.write_all(bytes).await),
                    None => silent.push(stream),
                }
            }
        });
        port
    }

    /// A port at which nobody is.
    async fn nobody(&self) -> u16 {
        self.listener().await.1
    }

    /// Announces some ports under a key at every node, each as if by another client.
    pub(crate) async fn announce_all(&self, key: Key, ports: Vec<u16>) {
        let (nodes, bind) = (self.nodes.clone(), self.bind);
        let announced = tokio::task::spawn_blocking(move || {
            let socket = UdpSocket::bind((bind, 0)).unwrap();
            socket
                .set_read_timeout(Some(Duration::from_secs(5)))
                .unwrap();
            let mut random = Random::new(7);
            for node in nodes {
                announce_at(&socket, node, key, &ports, &mut random);
            }
        });
        announced.await.unwrap();
    }
}

/// BEP 5 by hand: asks for a token, then announces each port under an id of its own.
fn announce_at(
    socket: &UdpSocket,
    node: SocketAddrV4,
    key: Key,
    ports: &[u16],
    random: &mut Random,
) {
    let mut id = || -> Vec<u8> {
        let words = std::iter::repeat_with(|| random.number().to_be_bytes());
        words.flatten().take(20).collect()
    };
    let ask = |socket: &UdpSocket, question: &[u8]| {
        socket.send_to(question, node).unwrap();
    };
    let hear = |socket: &UdpSocket| {
        // A node that heard of us may ask us things, too.
        let mut answer = [0; 4096];
        loop {
            let (length, _) = socket.recv_from(&mut answer).unwrap();
            let is_answer = |part: &[u8]| part == b"1:y1:r";
            if answer[..length].windows(6).any(is_answer) {
                return answer[..length].to_vec();
            }
        }
    };
    let question = [
        &b"d1:ad2:id20:"[..],
        &id(),
        b"9:info_hash20:",
        &key,
        b"e1:q9:get_peers1:t4:tokn1:y1:qe",
    ];
    ask(socket, &question.concat());
    let answer = hear(socket);
    let token = token(&answer);
    for batch in ports.chunks(16) {
        for port in batch {
            let length = format!("4:porti{port}e5:token{}:", token.len());
            let question = [
                &b"d1:ad2:id20:"[..],
                &id(),
                b"9:info_hash20:",
                &key,
                length.as_bytes(),
                &token,
                b"e1:q13:announce_peer1:t4:tell1:y1:qe",
            ];
            ask(socket, &question.concat());
        }
        for _ in batch {
            hear(socket);
        }
    }
}

fn token(answer: &[u8]) -> Vec<u8> {
    let at = answer
        .windows(7)
        .position(|part| part == b"5:token")
        .unwrap()
        + 7;
    let colon = answer[at..].iter().position(|byte| *byte == b':').unwrap() + at;
    let length: usize = std::str::from_utf8(&answer[at..colon])
        .unwrap()
        .parse()
        .unwrap();
    answer[colon + 1..][..length].to_vec()
}

/// A record that somebody signed.
pub(crate) fn signed(name: &str) -> (Account, Vec<u8>) {
    let key = TestKey::named(name);
    let signed = sign_record(record(&key), None, &key);
    (key.address(), signed.to_bytes())
}

/// Dials what is found, some at a time, until somebody gives a valid record of the account.
pub(crate) async fn record_of(account: Account, mut peers: Peers) -> Option<SignedRecord> {
    let mut dials = JoinSet::new();
    let mut more = true;
    loop {
        tokio::select! {
            found = peers.next(), if more && dials.len() < DIALS => match found {
                Some(peer) => drop(dials.spawn(timeout(PATIENCE, ask(peer, account)))),
                None => more = false,
            },
            Some(asked) = dials.join_next() => {
                if let Ok(Ok(Some(signed))) = asked {
                    return Some(signed);
                }
            }
            else => return None,
        }
    }
}

async fn ask(peer: SocketAddr, account: Account) -> Option<SignedRecord> {
    let mut stream = TcpStream::connect(peer).await.ok()?;
    let mut bytes = Vec::new();
    let most = RECORD_BYTES as u64 + 1;
    (&mut stream)
        .take(most)
        .read_to_end(&mut bytes)
        .await
        .ok()?;
    let context = Context {
        now: NOW,
        highest_epoch: 0,
    };
    let verified = verify(&bytes, context, &mut KnownGrants::new()).ok()?;
    (verified.record().account == account).then(|| verified.get().clone())
}

/// Five honest holders among 450 who announce the same and are nobody, silent or liars;
/// gives how long a newcomer looked for the record.
pub(crate) async fn crowd(net: &Net) -> Duration {
    let (account, bytes) = signed("rendezvous");
    let (_, foreign) = signed("somebody else");
    for _ in 0..5 {
        let port = net.answering(Some(bytes.clone())).await;
        let told = net.rendezvous().announce(account, port, NOW).await.unwrap();
        assert!(told.made, "{told:?}");
    }
    let mut junk = Vec::new();
    for _ in 0..150 {
        junk.push(net.nobody().await);
        junk.push(net.answering(None).await);
        junk.push(net.answering(Some(foreign.clone())).await);
    }
    let key = keys::of_account(account, keys::week(NOW));
    net.announce_all(key, junk).await;
    let seeker = net.rendezvous();
    let begun = Instant::now();
    let found = record_of(account, seeker.find(account, NOW)).await;
    let took = begun.elapsed();
    assert_eq!(found.unwrap().to_bytes(), bytes, "{:?}", seeker.counts());
    took
}
