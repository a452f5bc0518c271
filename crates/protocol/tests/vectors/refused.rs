//! Well-formed records that break a rule: one fault each, just past its limit.

use ourspace_protocol::{
    dag::cid::{Cid, Codec},
    eip712::{TypedData as _, personal_hash},
    hash::keccak256,
    record::{Record, SignedRecord},
    signature::{Scheme, Signature},
    time::MAX_MILLIS,
};
use ourspace_testkit::signing::{
    DAY, NOW, TestKey, grant, record, sign_grant, sign_record, sign_record_as,
};

use crate::{
    Case,
    people::{
        by_phone, by_wallet, impossible_signatures, laptop, phone, phone_grant,
        signature_to_infinity, stranger, under, wallet,
    },
    valid::{largest, parents},
};

pub(crate) fn cases() -> Vec<Case> {
    [
        fields(),
        locations(),
        grants(),
        times(),
        grant_signatures(),
        signatures(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn fields() -> Vec<Case> {
    let number = |change: fn(&mut Record)| by_wallet(change).to_bytes();
    let parents_are = |parents: Vec<[u8; 32]>| by_wallet(|r| r.parents = parents).to_bytes();
    let root = |codec| by_wallet(|r| r.root = Cid::of(codec, b"a feed")).to_bytes();
    let mut unsorted = parents(3);
    unsorted.swap(1, 2);
    vec![
        Case::record("one_byte_too_large", "997 bytes.", largest(997)).is("too_large"),
        Case::record(
            "timestamp_too_large",
            "",
            number(|r| r.timestamp = MAX_MILLIS + 1),
        )
        .at(MAX_MILLIS)
        .is("number_too_large"),
        Case::record(
            "timestamp_of_64_bits",
            "",
            number(|r| r.timestamp = u64::MAX),
        )
        .at(MAX_MILLIS)
        .is("number_too_large"),
        Case::record(
            "epoch_too_large",
            "Above the record's own timestamp.",
            number(|r| r.epoch = r.timestamp + 1),
        )
        .is("number_too_large"),
        Case::record("root_is_raw", "", root(Codec::Raw)).is("root_not_a_directory"),
        Case::record("root_is_cbor", "", root(Codec::DagCbor)).is("root_not_a_directory"),
        Case::record("parents_descend", "", parents_are(unsorted)).is("parents_unordered"),
        Case::record("parent_twice", "", parents_are(vec![[7; 32], [7; 32]]))
            .is("parents_unordered"),
        Case::record("parent_zero", "", parents_are(vec![[0; 32]])).is("parents_unordered"),
    ]
}

fn locations() -> Vec<Case> {
    let with = |name: &str, locations: &[&str]| {
        let locations = locations.iter().map(|&text| text.to_owned()).collect();
        let bytes = by_wallet(|record| record.locations = locations).to_bytes();
        Case::record(name, "", bytes).is("location_malformed")
    };
    vec![
        with("location_empty", &[""]),
        with("location_with_a_space", &["https://example.org/ x"]),
        with(
            "location_with_a_line",
            &["https://example.org/\ngrant: 0x00"],
        ),
        with("location_with_nul", &["https://example.org/\0"]),
        with("location_with_del", &["https://example.org/\u{7f}"]),
        with("location_not_ascii", &["https://exämple.org/"]),
        with(
            "location_twice",
            &[
                "https://a.example/",
                "https://b.example/",
                "https://a.example/",
            ],
        ),
    ]
}

fn grants() -> Vec<Case> {
    let scope = |name: &str, scope: &str| {
        let grant = phone_grant(|grant| grant.scope = scope.to_owned());
        Case::record(name, "", under(grant, |_| ()).to_bytes()).is("unknown_scope")
    };
    let issued = NOW - 30 * DAY;
    let strange = sign_grant(grant(&stranger(), &phone()), &stranger());
    let numbers = |name: &str, grant| {
        let bytes = sign_record(record(&wallet()), Some(grant), &phone()).to_bytes();
        Case::record(name, "", bytes).is("number_too_large")
    };
    vec![
        Case::record(
            "grant_of_another_account",
            "A good grant, for somebody else's feed.",
            sign_record(record(&wallet()), Some(strange), &phone()).to_bytes(),
        )
        .is("grant_of_another_account"),
        scope("scope_empty", ""),
        scope("scope_of_64_bytes", &"x".repeat(64)),
        scope(
            "scope_with_a_space_more",
            "publish posts; cannot move money ",
        ),
        scope("scope_in_capitals", "Publish posts; cannot move money"),
        numbers(
            "grant_issued_too_late",
            phone_grant(|g| g.issued_at = MAX_MILLIS + 1),
        ),
        numbers(
            "grant_expires_too_late",
            phone_grant(|g| g.expires_at = MAX_MILLIS + 1),
        ),
        numbers(
            "grant_epoch_too_large",
            phone_grant(|g| g.epoch = g.issued_at + 1),
        ),
        Case::record(
            "grant_reversed",
            "",
            under(phone_grant(|g| g.expires_at = g.issued_at - 1), |_| ()).to_bytes(),
        )
        .is("grant_reversed"),
        Case::record(
            "grant_too_long",
            "A millisecond more than two years of 366 days.",
            under(
                phone_grant(|g| g.expires_at = issued + 63_244_800_001),
                |_| (),
            )
            .to_bytes(),
        )
        .is("grant_too_long"),
    ]
}

fn times() -> Vec<Case> {
    let issued = NOW - 30 * DAY;
    let expires = NOW + 335 * DAY;
    let epochs = |of_grant, of_record| {
        let grant = phone_grant(|grant| grant.epoch = of_grant);
        under(grant, |record| record.epoch = of_record).to_bytes()
    };
    vec![
        Case::record("epoch_above_the_grants", "", epochs(3, 4)).is("epoch_not_of_grant"),
        Case::record("epoch_below_the_grants", "", epochs(3, 2)).is("epoch_not_of_grant"),
        Case::record(
            "before_the_grant",
            "",
            by_phone(|r| r.timestamp = issued - 1).to_bytes(),
        )
        .is("before_grant"),
        Case::record(
            "after_the_grant",
            "",
            by_phone(|r| r.timestamp = expires + 1).to_bytes(),
        )
        .at(expires + 1)
        .is("after_grant"),
        Case::record("superseded_device", "", by_phone(|_| ()).to_bytes())
            .after_epoch(1)
            .is("epoch_superseded"),
        Case::record(
            "superseded_wallet",
            "",
            by_wallet(|r| r.epoch = 6).to_bytes(),
        )
        .after_epoch(7)
        .is("epoch_superseded"),
        Case::record(
            "from_the_future",
            "Five minutes and a millisecond ahead.",
            by_wallet(|r| r.timestamp = NOW + 300_001).to_bytes(),
        )
        .is("from_the_future"),
        Case::record(
            "device_from_the_future",
            "What a stolen key can prepare.",
            by_phone(|r| r.timestamp = expires).to_bytes(),
        )
        .is("from_the_future"),
    ]
}

fn grant_signatures() -> Vec<Case> {
    let signed = |name: &str, signature: Signature| {
        let mut grant = phone_grant(|_| ());
        grant.signature = signature;
        let bytes = under(grant, |_| ()).to_bytes();
        Case::record(format!("grant_signature_{name}"), "", bytes)
    };
    let plain = grant(&wallet(), &phone());
    let digest = plain.digest();
    let mut cases: Vec<Case> = impossible_signatures()
        .into_iter()
        .chain([("to_infinity", signature_to_infinity(&digest))])
        .map(|(name, signature)| signed(name, signature).is("grant_signature_malformed"))
        .collect();
    let text = plain.signing_hash(Scheme::PersonalText);
    let mut other_parity = wallet().sign(&digest);
    other_parity.0[32] ^= 0x80;
    let others = [
        ("of_the_device", phone().sign(&digest)),
        ("of_a_stranger", stranger().sign(&digest)),
        ("of_the_text", wallet().sign(&text)),
        (
            "of_the_digest_as_text",
            wallet().sign(&personal_hash_of_bytes(&digest)),
        ),
        (
            "of_other_fields",
            wallet().sign(&grant(&wallet(), &laptop()).digest()),
        ),
        ("with_the_other_parity", other_parity),
    ];
    for (name, signature) in others {
        cases.push(signed(name, signature).is("grant_not_signed_by_account"));
    }
    cases
}

fn signatures() -> Vec<Case> {
    let signed = |name: &str, signature: Signature| {
        let mut signed = by_phone(|_| ());
        signed.signature = signature;
        Case::record(format!("signature_{name}"), "", signed.to_bytes())
    };
    let good = by_phone(|_| ());
    let digest = good.record.digest();
    let mut cases: Vec<Case> = impossible_signatures()
        .into_iter()
        .chain([("to_infinity", signature_to_infinity(&digest))])
        .map(|(name, signature)| signed(name, signature).is("signature_malformed"))
        .collect();
    let mut other_parity = good.signature;
    other_parity.0[32] ^= 0x80;
    let mut without_grant = good.record.clone();
    without_grant.grant = [0; 32];
    let text = good.record.signing_hash(Scheme::PersonalText);
    let others = [
        ("of_the_wallet", wallet().sign(&digest)),
        ("of_another_device", laptop().sign(&digest)),
        ("of_a_stranger", stranger().sign(&digest)),
        ("of_the_text", phone().sign(&text)),
        (
            "of_the_digest_as_text",
            phone().sign(&personal_hash_of_bytes(&digest)),
        ),
        ("without_the_grant", phone().sign(&without_grant.digest())),
        ("of_the_grant", phone().sign(&good.record.grant)),
        (
            "of_another_version",
            phone().sign(&with_domain(&good.record, "OurSpace", "2")),
        ),
        (
            "of_another_name",
            phone().sign(&with_domain(&good.record, "MySpace", "1")),
        ),
        ("with_the_other_parity", other_parity),
    ];
    for (name, signature) in others {
        cases.push(signed(name, signature).is("not_signed_by_signer"));
    }
    cases.extend(wrong_people());
    cases
}

fn wrong_people() -> Vec<Case> {
    let by = |key: &TestKey, grant| sign_record(record(&wallet()), grant, key);
    let refused = |name, about, signed: SignedRecord| {
        Case::record(name, about, signed.to_bytes()).is("not_signed_by_signer")
    };
    let mut scheme = by_phone(|_| ());
    scheme.scheme = Scheme::PersonalText;
    let as_text = sign_record_as(record(&wallet()), None, Scheme::PersonalText, &wallet());
    let typed = SignedRecord {
        scheme: Scheme::TypedData,
        ..as_text
    };
    let renewed = phone_grant(|grant| grant.expires_at += 1);
    let swapped = SignedRecord {
        grant: Some(renewed),
        ..by_phone(|_| ())
    };
    vec![
        refused("device_without_a_grant", "", by(&phone(), None)),
        refused("stranger_without_a_grant", "", by(&stranger(), None)),
        refused(
            "wallet_with_a_grant",
            "The grant names who signs.",
            by(&wallet(), Some(phone_grant(|_| ()))),
        ),
        refused("scheme_says_text", "Typed data was signed.", scheme),
        refused("scheme_says_typed_data", "A text was signed.", typed),
        refused(
            "another_grant",
            "The record was signed under another grant of the device.",
            swapped,
        ),
    ]
}

/// `personal_sign` over the 32 bytes of a hash, as some wallets offer it.
fn personal_hash_of_bytes(hash: &[u8; 32]) -> [u8; 32] {
    let mut whole = b"\x19Ethereum Signed Message:\n32".to_vec();
    whole.extend_from_slice(hash);
    // The same hash where the bytes happen to be a text.
    assert_eq!(
        keccak256(b"\x19Ethereum Signed Message:\n2hi"),
        personal_hash("hi")
    );
    keccak256(&whole)
}

/// The EIP-712 hash of a record under another domain.
fn with_domain(record: &Record, name: &str, version: &str) -> [u8; 32] {
    let fields = {
        // encodeData of a record without lists is short enough to write by hand.
        assert!(record.parents.is_empty() && record.locations.is_empty());
        let mut data = Record::type_hash().to_vec();
        data.extend([[0; 12].as_slice(), &record.account.0].concat());
        data.extend([[0; 24].as_slice(), &record.epoch.to_be_bytes()].concat());
        data.extend([[0; 24].as_slice(), &record.timestamp.to_be_bytes()].concat());
        data.extend(keccak256(record.root.to_string().as_bytes()));
        data.extend(keccak256(b""));
        data.extend(record.delta);
        data.extend(keccak256(b""));
        data.extend(record.grant);
        keccak256(&data)
    };
    let mut domain = keccak256(b"EIP712Domain(string name,string version)").to_vec();
    domain.extend(keccak256(name.as_bytes()));
    domain.extend(keccak256(version.as_bytes()));
    let whole = [b"\x19\x01".as_slice(), &keccak256(&domain), &fields].concat();
    keccak256(&whole)
}

#[test]
fn a_hash_by_hand_is_ours() {
    let record = by_wallet(|_| ()).record;
    assert_eq!(with_domain(&record, "OurSpace", "1"), record.digest());
}
