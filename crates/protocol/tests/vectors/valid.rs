//! Records that everybody must accept.

use ourspace_protocol::{
    dag::cid::{Cid, Codec},
    hash::sha256,
    limits,
    signature::Scheme,
    time::MAX_MILLIS,
};
use ourspace_testkit::signing::{DAY, NOW, grant, record, sign_grant_as, sign_record_as};

use crate::{
    Case,
    people::{by_phone, by_wallet, phone, phone_grant, under, wallet},
};

pub(crate) fn cases() -> Vec<Case> {
    [usual(), schemes(), times(), fields(), numbers()]
        .into_iter()
        .flatten()
        .collect()
}

/// Locations that fill a record up to `bytes`.
pub(crate) fn largest(bytes: usize) -> Vec<u8> {
    let made = |room: usize| {
        let locations = (0..limits::LOCATIONS)
            .map(|at| {
                let start = format!("https://mirror-{at}.example.org/");
                let len = room / limits::LOCATIONS + usize::from(at < room % limits::LOCATIONS);
                format!("{start:-<len$}")
            })
            .collect();
        let grant = phone_grant(|grant| grant.epoch = grant.issued_at);
        under(grant, |record| {
            record.parents = parents(limits::PARENTS);
            record.delta = sha256(b"a delta");
            record.locations = locations;
        })
        .to_bytes()
    };
    let room = 6 * 40;
    let rest = bytes - made(room).len();
    made(room + rest)
}

pub(crate) fn parents(count: usize) -> Vec<[u8; 32]> {
    let mut parents: Vec<_> = (0..count).map(|at| sha256(&[at as u8])).collect();
    parents.sort_unstable();
    parents
}

fn usual() -> Vec<Case> {
    vec![
        Case::record(
            "smallest",
            "Signed by the wallet itself: no parents, delta, locations, grant.",
            by_wallet(|record| record.timestamp = 0).to_bytes(),
        ),
        Case::record(
            "by_a_device",
            "Signed by a device, with the grant that allows it.",
            by_phone(|record| {
                record.parents = parents(1);
                record.delta = sha256(b"a delta");
                record.locations = vec!["https://alice.example.org/feed/".to_owned()];
            })
            .to_bytes(),
        ),
        Case::record(
            "largest",
            "996 bytes: 6 locations, 4 parents, a delta and a grant.",
            largest(limits::RECORD_BYTES),
        ),
        Case::record(
            "revocation",
            "The wallet raises the epoch; a record like any other.",
            by_wallet(|record| {
                record.epoch = 8;
                record.parents = parents(2);
            })
            .to_bytes(),
        )
        .after_epoch(7),
        Case::record(
            "device_is_the_wallet",
            "A grant of a wallet to itself is useless and allowed.",
            {
                let grant =
                    sign_grant_as(grant(&wallet(), &wallet()), Scheme::TypedData, &wallet());
                let record = record(&wallet());
                sign_record_as(record, Some(grant), Scheme::TypedData, &wallet()).to_bytes()
            },
        ),
    ]
}

fn schemes() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, of_grant, of_record) in [
        ("grant_as_text", Scheme::PersonalText, Scheme::TypedData),
        ("record_as_text", Scheme::TypedData, Scheme::PersonalText),
        ("both_as_text", Scheme::PersonalText, Scheme::PersonalText),
    ] {
        let grant = sign_grant_as(grant(&wallet(), &phone()), of_grant, &wallet());
        let mut record = record(&wallet());
        record.parents = parents(2);
        record.locations = vec!["ipfs:one".to_owned(), "https://two.example/".to_owned()];
        let signed = sign_record_as(record, Some(grant), of_record, &phone());
        cases.push(Case::record(
            name,
            "Signed by personal_sign.",
            signed.to_bytes(),
        ));
    }
    let signed = sign_record_as(record(&wallet()), None, Scheme::PersonalText, &wallet());
    cases.push(Case::record(
        "wallet_as_text",
        "Signed by personal_sign; the lines of empty lists end after the colon.",
        signed.to_bytes(),
    ));
    for odd in [false, true] {
        let signed = (0..)
            .map(|later| by_wallet(|record| record.timestamp += later))
            .find(|signed| (signed.signature.0[32] & 0x80 != 0) == odd)
            .unwrap();
        cases.push(Case::record(
            format!("parity_{}", u8::from(odd)),
            "The top bit of s is the parity of the nonce's point (EIP-2098).",
            signed.to_bytes(),
        ));
    }
    cases
}

fn times() -> Vec<Case> {
    let issued = NOW - 30 * DAY;
    let expires = NOW + 335 * DAY;
    vec![
        Case::record(
            "five_minutes_ahead",
            "The reader's clock may be five minutes behind, to the millisecond.",
            by_wallet(|record| record.timestamp = NOW + 300_000).to_bytes(),
        ),
        Case::record(
            "first_instant_of_the_grant",
            "",
            by_phone(|record| record.timestamp = issued).to_bytes(),
        ),
        Case::record(
            "last_instant_of_the_grant",
            "",
            by_phone(|record| record.timestamp = expires).to_bytes(),
        )
        .at(expires),
        Case::record(
            "long_after_the_grant",
            "What was valid stays valid: the author is dead, the feed is not.",
            by_phone(|_| ()).to_bytes(),
        )
        .at(NOW + 36_500 * DAY),
        Case::record(
            "longest_grant",
            "Two years of 366 days.",
            under(
                phone_grant(|grant| grant.expires_at = issued + 63_244_800_000),
                |_| (),
            )
            .to_bytes(),
        ),
        Case::record(
            "grant_of_one_instant",
            "",
            under(
                phone_grant(|grant| {
                    grant.issued_at = NOW - 60_000;
                    grant.expires_at = NOW - 60_000;
                }),
                |_| (),
            )
            .to_bytes(),
        ),
        Case::record(
            "last_timestamp",
            "The last instant there is, 9998-12-31T23:59:59.999Z.",
            by_wallet(|record| record.timestamp = MAX_MILLIS).to_bytes(),
        )
        .at(MAX_MILLIS),
    ]
}

fn fields() -> Vec<Case> {
    let with = |locations: &[&str]| {
        let locations = locations.iter().map(|&text| text.to_owned()).collect();
        by_wallet(|record| record.locations = locations).to_bytes()
    };
    let mut near = sha256(b"near");
    near[31] = 1;
    let mut nearer = near;
    nearer[31] = 2;
    vec![
        Case::record(
            "location_of_128_bytes",
            "",
            with(&["x".repeat(128).as_str()]),
        ),
        Case::record(
            "location_edges",
            "All of visible ASCII, from ! to ~.",
            with(&["!", "~"]),
        ),
        Case::record(
            "locations_keep_their_order",
            "The author's preference; nobody sorts them.",
            with(&["b", "a", "c"]),
        ),
        Case::record(
            "parents_differ_in_the_last_byte",
            "",
            by_wallet(|record| record.parents = vec![near, nearer]).to_bytes(),
        ),
        Case::record(
            "root_of_an_empty_directory",
            "",
            by_wallet(|record| record.root = Cid::of(Codec::DagPb, &[0x0a, 0x02, 0x08, 0x01]))
                .to_bytes(),
        ),
        Case::record(
            "no_encryption_key_and_no_successor",
            "Zeros in the grant.",
            under(
                phone_grant(|grant| {
                    grant.encryption_key_hash = [0; 32];
                    grant.successor_hash = [0; 32];
                }),
                |_| (),
            )
            .to_bytes(),
        ),
    ]
}

/// Integers on both sides of every width of a CBOR head.
fn numbers() -> Vec<Case> {
    let edges = [
        0,
        1,
        23,
        24,
        255,
        256,
        65_535,
        65_536,
        4_294_967_295,
        4_294_967_296,
        record(&wallet()).timestamp,
    ];
    edges
        .into_iter()
        .map(|epoch| {
            let signed = by_wallet(|record| record.epoch = epoch);
            Case::record(format!("epoch_{epoch}"), "", signed.to_bytes()).after_epoch(epoch)
        })
        .collect()
}
