//! Broken and nearly broken inputs: bytes changed anywhere, and fields changed before
//! somebody signs.

use ourspace_protocol::{
    dag::cid::{Cid, Codec},
    delta::Delta,
    grant::{Grant, PUBLISH, SignedGrant},
    hash::sha256,
    record::{Record, SignedRecord},
    signature::{Scheme, Signature},
    succession::{Succession, successor_hash},
    time::{MAX_MILLIS, Millis},
};
use ourspace_testkit::{
    random::Random,
    signing::{DAY, NOW, TestKey, grant, record, sign_grant_as, sign_record_as, sign_succession},
    tree::{Tree, head, long_head},
    vectors::{Hex, Input, Vector},
};

/// A mutation.
pub(crate) fn one(random: &mut Random, vectors: &[Vector]) -> Input {
    match random.below(10) {
        0..=2 => bytes(random, vectors),
        3..=6 => a_record(random),
        7 => a_grant(random),
        8 => a_succession(random),
        _ => a_delta(random, vectors),
    }
}

/// A vector, mostly a valid one, with a few bytes changed.
fn bytes(random: &mut Random, vectors: &[Vector]) -> Input {
    let vector = loop {
        let vector = random.pick(vectors).unwrap();
        if vector.verdict == "valid" || random.once_in(4) {
            break vector;
        }
    };
    let mut bytes = vector.input.bytes().to_vec();
    random.mutate(&mut bytes);
    let mut input = vector.input.clone().with_bytes(bytes);
    rehash(random, &mut input);
    input
}

/// Gives a delta the hash that its record would have, mostly.
fn rehash(random: &mut Random, input: &mut Input) {
    if let Input::Delta { bytes, hash } = input
        && !random.once_in(20)
    {
        *hash = Hex(sha256(&bytes.0).to_vec());
    }
}

fn key(random: &mut Random, usually: &'static str) -> TestKey {
    let others = ["wallet", "phone", "laptop", "stranger", "successor"];
    let name = if random.once_in(20) {
        random.pick(&others).unwrap()
    } else {
        usually
    };
    TestKey::named(name)
}

fn time(random: &mut Random, usually: Millis) -> Millis {
    if !random.once_in(8) {
        return usually;
    }
    let edges = [
        0,
        NOW,
        NOW - 30 * DAY - 1,
        NOW - 30 * DAY,
        NOW + 300_000,
        NOW + 300_001,
        NOW + 335 * DAY,
        NOW + 335 * DAY + 1,
        NOW - 30 * DAY + 63_244_800_000,
        NOW - 30 * DAY + 63_244_800_001,
        MAX_MILLIS,
        MAX_MILLIS + 1,
        u64::MAX,
    ];
    let edge = *random.pick(&edges).unwrap();
    if random.once_in(3) {
        random.number()
    } else {
        edge
    }
}

fn epoch(random: &mut Random, usually: u64) -> u64 {
    if !random.once_in(12) {
        return usually;
    }
    *random
        .pick(&[0, 1, 23, 24, 65_536, NOW, NOW + 1, u64::MAX])
        .unwrap()
}

fn scheme(random: &mut Random) -> Scheme {
    if random.once_in(3) {
        Scheme::PersonalText
    } else {
        Scheme::TypedData
    }
}

fn hash(random: &mut Random) -> [u8; 32] {
    if random.once_in(20) {
        [0; 32]
    } else {
        sha256(&random.number().to_be_bytes())
    }
}

fn text(random: &mut Random, usually: &str) -> String {
    if !random.once_in(10) {
        return usually.to_owned();
    }
    let odd = [
        "",
        " ",
        "x",
        "ü",
        "\n",
        "~!",
        "\u{7f}",
        "😀",
        "\0",
        "publish posts",
    ];
    let odd = *random.pick(&odd).unwrap();
    if random.once_in(3) {
        odd.repeat(64)
    } else {
        odd.to_owned()
    }
}

/// Sometimes another signature: a bit flipped, a number out of range, a high s.
fn signature(random: &mut Random, signature: &mut Signature) {
    if !random.once_in(15) {
        return;
    }
    match random.below(4) {
        0 => signature.0 = [0; 64],
        1 => signature.0[32..].fill(0x7f),
        2 => signature.0[..32].fill(0xff),
        _ => {
            let at = random.below(64);
            signature.0[at] ^= 1 << random.below(8);
        }
    }
}

fn some_grant(random: &mut Random) -> SignedGrant {
    let device = TestKey::named("phone");
    let mut made: Grant = grant(&key(random, "wallet"), &device);
    made.epoch = epoch(random, 0);
    made.issued_at = time(random, made.issued_at);
    made.expires_at = time(random, made.expires_at);
    made.scope = text(random, PUBLISH);
    made.successor_hash = hash(random);
    made.encryption_key_hash = hash(random);
    let scheme = scheme(random);
    let mut signed = sign_grant_as(made, scheme, &key(random, "wallet"));
    signature(random, &mut signed.signature);
    signed
}

fn some_fields(random: &mut Random, epoch_of_grant: u64) -> Record {
    let mut made = record(&key(random, "wallet"));
    made.epoch = epoch(random, epoch_of_grant);
    made.timestamp = time(random, made.timestamp);
    if random.once_in(12) {
        let codec = *random
            .pick(&[Codec::Raw, Codec::DagCbor, Codec::DagPb])
            .unwrap();
        made.root = Cid::of(codec, &random.number().to_be_bytes());
    }
    made.parents = (0..random.below(5)).map(|_| hash(random)).collect();
    if !random.once_in(12) {
        made.parents.sort_unstable();
    }
    made.delta = hash(random);
    let at = |nth: usize| format!("https://{nth}.example/");
    let count = random.below(7);
    made.locations = (0..count).map(|nth| text(random, &at(nth))).collect();
    made
}

fn a_record(random: &mut Random) -> Input {
    let with_grant = !random.once_in(3);
    let grant = with_grant.then(|| some_grant(random));
    let epoch = grant.as_ref().map_or(0, |grant| grant.grant.epoch);
    let fields = some_fields(random, epoch);
    let signer = key(random, if with_grant { "phone" } else { "wallet" });
    let scheme = scheme(random);
    let mut signed: SignedRecord = sign_record_as(fields, grant, scheme, &signer);
    signature(random, &mut signed.signature);
    if random.once_in(20) {
        signed.scheme = Scheme::TypedData;
    }
    let mut tree = Tree::of_record(&signed);
    if random.once_in(8) {
        broken(random, &mut tree, 11);
    }
    let now = if random.once_in(20) {
        time(random, NOW).min(MAX_MILLIS)
    } else {
        NOW
    };
    let highest_epoch = u64::from(random.once_in(12));
    Input::Record {
        bytes: Hex(tree.encode()),
        now,
        highest_epoch,
    }
}

fn a_grant(random: &mut Random) -> Input {
    let mut tree = Tree::of_grant(&some_grant(random));
    if random.once_in(4) {
        broken(random, &mut tree, 11);
    }
    Input::Grant {
        bytes: Hex(tree.encode()),
    }
}

fn a_succession(random: &mut Random) -> Input {
    let account = TestKey::named("wallet").address();
    let successor = TestKey::named("successor");
    let salt = sha256(b"salt");
    let commitment = successor_hash(&successor.address(), &salt);
    let made = Succession {
        account: key(random, "wallet").address(),
        successor: successor.address(),
        salt: if random.once_in(12) {
            hash(random)
        } else {
            salt
        },
        timestamp: time(random, NOW),
    };
    let scheme = scheme(random);
    let mut signed = sign_succession(made, scheme, &key(random, "successor"));
    signature(random, &mut signed.signature);
    let mut tree = Tree::of_succession(&signed);
    if random.once_in(6) {
        broken(random, &mut tree, 7);
    }
    let commitment = Hex(commitment.to_vec());
    Input::Succession {
        bytes: Hex(tree.encode()),
        account,
        commitment,
        now: NOW,
    }
}

/// Puts something else into a field, or into a field of a field.
fn broken(random: &mut Random, tree: &mut Tree, fields: usize) {
    let mut path = vec![random.below(fields)];
    if random.once_in(2) {
        path.push(random.below(11));
    }
    let odd = [
        Tree::Null,
        Tree::Uint(0),
        Tree::Uint(1),
        Tree::Uint(2),
        Tree::Uint(u64::MAX),
        Tree::Bytes(Vec::new()),
        Tree::Bytes(vec![7; 20]),
        Tree::Bytes(vec![0; 32]),
        Tree::Bytes(vec![7; 32]),
        Tree::Bytes(vec![7; 64]),
        Tree::text(""),
        Tree::text(PUBLISH),
        Tree::Text(vec![0xc3, 0x28]),
        Tree::List(Vec::new()),
        Tree::List(vec![Tree::Bytes(vec![7; 32])]),
        Tree::List(vec![Tree::text("https://a.example/")]),
        Tree::Link([&[0, 1, 0x70, 0x12, 0x20], [7; 32].as_slice()].concat()),
        Tree::Link([&[0, 1, 0x71, 0x12, 0x20], [7; 32].as_slice()].concat()),
        Tree::Link([&[0, 1, 0x72, 0x12, 0x20], [7; 32].as_slice()].concat()),
        Tree::Raw(long_head(0, 7, 1)),
        Tree::Raw(long_head(4, 0, 8)),
        Tree::Raw(head(4, 1 << 40)),
        Tree::Raw(vec![0x9f, 0xff]),
        Tree::Raw(Vec::new()),
        Tree::Raw(vec![0xf7]),
    ];
    let odd = random.pick(&odd).unwrap().clone();
    if let Some(place) = tree.at(&path) {
        *place = odd;
    }
}

/// The parts of a valid delta, some of them changed as texts.
fn a_delta(random: &mut Random, vectors: &[Vector]) -> Input {
    let decoded = loop {
        let vector = random.pick(vectors).unwrap();
        if let (Input::Delta { bytes, hash }, "valid") = (&vector.input, vector.verdict.as_str()) {
            let hash = hash.0.as_slice().try_into().unwrap();
            // The largest one would be most of what both readers have to read.
            if bytes.0.len() < 10_000 || random.once_in(30) {
                break Delta::from_bytes(&bytes.0, &hash).unwrap();
            }
        }
    };
    let changes = &decoded.changes;
    let mut source = |text: String| Tree::Text(changed(random, text).into_bytes());
    let items = changes
        .items
        .iter()
        .map(|item| source(canonical(item)))
        .collect();
    let profile = changes
        .profile
        .as_ref()
        .map_or(Tree::Null, |one| source(canonical(one)));
    let follows = match changes.follows.is_empty() {
        true => Tree::Null,
        false => source(canonical(&changes.follows)),
    };
    let dead = changes
        .tombstones
        .iter()
        .map(|dead| Tree::List(vec![Tree::Uint(dead.date), Tree::Bytes(dead.id.0.to_vec())]));
    let base = decoded.base.map_or(Tree::Null, |base| {
        Tree::Link([&[0], base.to_bytes().as_slice()].concat())
    });
    let dead = Tree::List(dead.collect());
    let mut tree = Tree::List(vec![
        Tree::Uint(1),
        base,
        Tree::List(items),
        dead,
        profile,
        follows,
    ]);
    if random.once_in(10) {
        broken(random, &mut tree, 6);
    }
    let mut bytes = tree.encode();
    if random.once_in(60) {
        bytes.resize(16_385, 0);
    }
    let mut input = Input::Delta {
        bytes: Hex(bytes),
        hash: Hex(vec![1; 32]),
    };
    rehash(random, &mut input);
    input
}

fn canonical<T: serde::Serialize>(value: &T) -> String {
    ourspace_protocol::feed::model::canonical(value)
}

/// Sometimes one place of a JSON text is another: a character, a number, a word, a key
/// gone or twice.
fn changed(random: &mut Random, text: String) -> String {
    if !random.once_in(2) {
        return text;
    }
    let words: [(&str, &str); 20] = [
        ("\"post\"", "\"reply\""),
        ("\"post\"", "\"Post\""),
        ("true", "false"),
        ("true", "null"),
        ("null", "\"x\""),
        ("null", "{}"),
        ("[]", "[\"x\"]"),
        ("[]", "null"),
        (":1", ":1.0"),
        (":1", ":-1"),
        (":1", ":4294967296"),
        (":1", ":18446744073709551615"),
        (":0", ":00"),
        ("\"id\"", "\"ID\""),
        (",\"", ",\"x\":1,\""),
        ("https", "http"),
        ("https", "ftp"),
        ("0x", "0X"),
        ("\"\"", "\"\\u0000\""),
        ("e", "\u{10ffff}"),
    ];
    match random.below(3) {
        0 => {
            let (from, to) = random.pick(&words).unwrap();
            text.replacen(from, to, 1)
        }
        1 => {
            let mut characters: Vec<char> = text.chars().collect();
            let at = random.below(characters.len());
            let odd = [
                '"', '\\', '{', '}', '[', ']', ',', ':', '0', '9', 'a', 'Z', ' ', 'é',
            ];
            characters[at] = *random.pick(&odd).unwrap();
            characters.into_iter().collect()
        }
        _ => {
            let parts: Vec<&str> = text.split(',').collect();
            let gone = random.below(parts.len());
            let kept = parts.iter().enumerate().filter(|(at, _)| *at != gone);
            kept.map(|(_, part)| *part).collect::<Vec<_>>().join(",")
        }
    }
}
