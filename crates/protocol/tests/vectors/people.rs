//! The people of the vectors, and the shortest ways to their records.

use data_encoding::HEXLOWER;
use ourspace_protocol::{
    grant::{Grant, SignedGrant},
    hash::keccak256,
    record::{Record, SignedRecord},
    signature::Signature,
};
use ourspace_testkit::{
    signing::{TestKey, grant, record, sign_grant, sign_record},
    tree::Tree,
};
use serde_json::{Value as Json, json};

pub(crate) const NAMES: [&str; 6] = [
    "wallet",
    "phone",
    "laptop",
    "stranger",
    "successor",
    "strange phone",
];

pub(crate) fn wallet() -> TestKey {
    TestKey::named("wallet")
}

pub(crate) fn phone() -> TestKey {
    TestKey::named("phone")
}

pub(crate) fn laptop() -> TestKey {
    TestKey::named("laptop")
}

pub(crate) fn stranger() -> TestKey {
    TestKey::named("stranger")
}

/// The grant of the wallet's phone, changed by `change` before it is signed.
pub(crate) fn phone_grant(change: impl FnOnce(&mut Grant)) -> SignedGrant {
    let mut grant = grant(&wallet(), &phone());
    change(&mut grant);
    sign_grant(grant, &wallet())
}

/// A record that the wallet signs itself.
pub(crate) fn by_wallet(change: impl FnOnce(&mut Record)) -> SignedRecord {
    let mut record = record(&wallet());
    change(&mut record);
    sign_record(record, None, &wallet())
}

/// A record that the phone signs under its usual grant.
pub(crate) fn by_phone(change: impl FnOnce(&mut Record)) -> SignedRecord {
    under(phone_grant(|_| ()), change)
}

/// A record that the phone signs under `grant`.
pub(crate) fn under(grant: SignedGrant, change: impl FnOnce(&mut Record)) -> SignedRecord {
    let mut record = record(&wallet());
    record.epoch = grant.grant.epoch;
    change(&mut record);
    sign_record(record, Some(grant), &phone())
}

/// The bytes of a record whose tree has something else at `path`.
pub(crate) fn broken(path: &[usize], value: Tree) -> Vec<u8> {
    Tree::of_record(&by_phone(|_| ()))
        .with(path, value)
        .encode()
}

/// Signatures from which no key follows for anybody, whatever was signed.
pub(crate) fn impossible_signatures() -> Vec<(&'static str, Signature)> {
    let word = |hex: &str| -> Vec<u8> { HEXLOWER.decode(hex.as_bytes()).unwrap() };
    let order = word("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
    let half = word("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0");
    let above = word("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1");
    let generator = word("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
    let five = [vec![0; 31], vec![5]].concat();
    let zero = vec![0; 32];
    let ones = vec![0xff; 32];
    let join = |r: &[u8], s: &[u8]| Signature([r, s].concat().try_into().unwrap());
    vec![
        ("r_zero", join(&zero, &half)),
        ("s_zero", join(&generator, &zero)),
        ("r_is_the_order", join(&order, &half)),
        ("r_above_the_field", join(&ones, &half)),
        // There is no point with this x: 5^3 + 7 is no square.
        ("r_not_on_the_curve", join(&five, &half)),
        ("s_just_high", join(&generator, &above)),
        ("all_bits", join(&ones, &ones)),
        ("all_zero", join(&zero, &zero)),
    ]
}

/// A signature whose recovery ends in the point at infinity: `R` is the generator (or its
/// opposite) and `s` the hash itself.
pub(crate) fn signature_to_infinity(hash: &[u8; 32]) -> Signature {
    let generator = b"79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    let scalar = secp256k1::SecretKey::from_secret_bytes(*hash).unwrap();
    let (s, odd) = if hash[0] < 0x7f {
        (scalar.to_secret_bytes(), false)
    } else {
        (scalar.negate().to_secret_bytes(), true)
    };
    let mut bytes = [HEXLOWER.decode(generator).unwrap(), s.to_vec()].concat();
    bytes[32] |= u8::from(odd) << 7;
    Signature(bytes.try_into().unwrap())
}

/// The keys, for whoever wants to make vectors of his own.
pub(crate) fn file() -> Json {
    let keys: Vec<Json> = NAMES
        .iter()
        .map(|name| {
            let seed = keccak256(format!("ourspace test key: {name}").as_bytes());
            let key = TestKey::named(name);
            json!({
                "name": name,
                "secret": HEXLOWER.encode(&seed),
                "address": key.address(),
            })
        })
        .collect();
    json!({
        "about": "The keys that sign the vectors: Keccak-256 of \"ourspace test key: NAME\". \
                  Everybody knows them.",
        "keys": keys,
    })
}
