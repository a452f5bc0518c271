//! The floods: each from four connections at a time, as fast as they go, made anew when the
//! program hangs up.

#[path = "../../../../crates/p2p/tests/bitswap_support/stranger.rs"]
#[expect(
    clippy::unwrap_used,
    clippy::expect_used,
    dead_code,
    reason = "a stranger gives up by panicking"
)]
mod stranger;

use std::time::Duration;

use anyhow::Result;
use futures::AsyncWriteExt as _;
use ourspace_p2p::bitswap::message::{Ask, Entry, Message as Bitswap, Name, Version};
use ourspace_protocol::{
    account::Account,
    cbor::Writer,
    dag::{Cid, Codec},
    hash::sha256,
    machine::rows,
    message::{Mail, Message},
    record::Record,
};
use ourspace_testkit::{
    random::Random,
    signing::{TestKey, record, sign_record},
};

use self::stranger::Stranger;

/// What comes: connections, requests for blocks that nobody has, forged news, forged notices,
/// forged rows, and questions for nodes.
pub(crate) const KINDS: [&str; 6] = [
    "connections",
    "wants",
    "news",
    "notices",
    "rows",
    "questions",
];

/// No flood at all, and as much work for the core that it would be made on.
pub(crate) const NOTHING: &str = "nothing";

const TASKS: usize = 4;

/// Never ends by itself.
pub(crate) fn flood(kind: &str, address: &str, account: Account) -> Result<()> {
    if kind == NOTHING {
        let mut hash = [0; 32];
        loop {
            hash = sha256(&hash);
        }
    }
    std::panic::set_hook(Box::new(|_| {}));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let tasks = (0..TASKS).map(|_| {
            let (kind, address) = (kind.to_owned(), address.to_owned());
            tokio::spawn(async move {
                loop {
                    let one = tokio::spawn(once(kind.clone(), address.clone(), account));
                    drop(one.await);
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            })
        });
        futures::future::join_all(tasks).await;
    });
    Ok(())
}

/// One connection, until the program ends it.
async fn once(kind: String, address: String, account: Account) {
    let mut stranger = Stranger::dial(&address).await;
    let (protocol, pieces) = match kind.as_str() {
        "connections" => return,
        "wants" => ("/ipfs/bitswap/1.2.0", wants()),
        "news" => (
            "/ourspace/peer/1",
            frames(
                |row| Message::News {
                    record: row,
                    delta: Some(vec![7; 2_000]),
                },
                account,
            ),
        ),
        "notices" => (
            "/ourspace/peer/1",
            frames(
                |row| {
                    Message::Mail(Mail::Notice {
                        target: account,
                        record: row,
                        delta: vec![7; 2_000],
                    })
                },
                account,
            ),
        ),
        "rows" => ("/ourspace/kad/1.0.0", rows_of(account)),
        _ => ("/ourspace/kad/1.0.0", questions()),
    };
    let answers = kind == "questions";
    let mut stream = stranger.open(protocol).await;
    let mut at = 0;
    loop {
        let piece = &pieces[at % pieces.len()];
        at += 1;
        if stream.write_all(piece).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        if answers {
            let mut answer = [0; 4096];
            if !matches!(
                futures::AsyncReadExt::read(&mut stream, &mut answer).await,
                Ok(1..)
            ) {
                return;
            }
        }
    }
}

fn wants() -> Vec<Vec<u8>> {
    let entry = |n: usize| Entry {
        name: Name::Known {
            cid: Cid::of(Codec::Raw, &n.to_le_bytes()),
            v0: false,
        },
        priority: 1,
        ask: Ask::Block,
        send_dont_have: true,
    };
    let message = |part: usize| Bitswap {
        entries: (part * 500..(part + 1) * 500).map(entry).collect(),
        ..Bitswap::default()
    };
    (0..20)
        .map(|part| message(part).encode(Version::V1_2).concat())
        .collect()
}

/// Records of an account that others than its devices have signed, each another one.
fn forged(account: Account) -> Vec<Vec<u8>> {
    let key = TestKey::named("forger");
    let signed = (0..50).map(|n| {
        let draft = Record {
            account,
            timestamp: crate::now() - n,
            ..record(&key)
        };
        sign_record(draft, None, &key).to_bytes()
    });
    signed.collect()
}

fn frames(message: impl Fn(Vec<u8>) -> Message, account: Account) -> Vec<Vec<u8>> {
    let all = forged(account).into_iter().map(|row| {
        let bytes = message(row).to_bytes();
        [length(bytes.len()), bytes].concat()
    });
    all.collect()
}

/// A field of protobuf that holds bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [vec![number << 3 | 2], length(bytes.len()), bytes.to_vec()].concat()
}

fn length(mut length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while length >= 0x80 {
        bytes.push(u8::try_from(length & 0x7f).unwrap_or(0) | 0x80);
        length >>= 7;
    }
    bytes.push(u8::try_from(length).unwrap_or(0));
    bytes
}

/// PUT_VALUE of libp2p's Kademlia: rows of one record each.
fn rows_of(account: Account) -> Vec<Vec<u8>> {
    let key = rows::key_of(account);
    let all = forged(account).into_iter().map(|row| {
        let mut writer = Writer::new();
        writer.array(1);
        writer.bytes(&row);
        let row = writer.finish();
        let inner = [field(1, &key), field(2, &row)].concat();
        let message = [field(2, &key), field(3, &inner)].concat();
        [length(message.len()), message].concat()
    });
    all.collect()
}

/// FIND_NODE for places all over the network.
fn questions() -> Vec<Vec<u8>> {
    let mut random = Random::new(5);
    let question = |key: [u8; 8]| {
        let message = [vec![1 << 3, 4], field(2, &key)].concat();
        [length(message.len()), message].concat()
    };
    (0..200)
        .map(|_| question(random.number().to_le_bytes()))
        .collect()
}
