//! Records with two faults: the verdict names the one that is checked first.

use ourspace_protocol::{
    dag::cid::{Cid, Codec},
    grant::{Grant, SignedGrant},
    record::Record,
    signature::Signature,
    time::MAX_MILLIS,
};
use ourspace_testkit::{
    signing::{DAY, NOW, grant, record, sign_grant, sign_record},
    tree::Tree,
};

use crate::{
    Case,
    people::{by_phone, by_wallet, phone, phone_grant, stranger, under, wallet},
};

pub(crate) fn cases() -> Vec<Case> {
    [of_bytes(), of_fields(), of_grants(), of_signatures()]
        .into_iter()
        .flatten()
        .collect()
}

/// A case whose name says which verdict comes before which.
fn first(verdict: &'static str, second: &str, bytes: Vec<u8>) -> Case {
    Case::record(format!("{verdict}_before_{second}"), "", bytes).is(verdict)
}

fn raw_root(record: &mut Record) {
    record.root = Cid::of(Codec::Raw, b"a feed");
}

fn bad_parents(record: &mut Record) {
    record.parents = vec![[0; 32]];
}

fn bad_location(record: &mut Record) {
    record.locations = vec![String::new()];
}

/// A grant of a stranger's, changed.
fn strange_grant(change: impl FnOnce(&mut Grant)) -> SignedGrant {
    let mut grant = grant(&stranger(), &phone());
    change(&mut grant);
    sign_grant(grant, &stranger())
}

fn nobody() -> Signature {
    Signature([0; 64])
}

fn of_bytes() -> Vec<Case> {
    let late = by_wallet(|record| record.timestamp = MAX_MILLIS + 1);
    vec![
        first("too_large", "malformed", vec![0xff; 997]),
        first(
            "too_large",
            "unknown_version",
            [vec![0x8b, 2], vec![0; 995]].concat(),
        ),
        first(
            "malformed",
            "number_too_large",
            [late.to_bytes(), vec![0]].concat(),
        ),
        first(
            "malformed",
            "unknown_version",
            // The account stands before the grant.
            Tree::of_record(&by_phone(|_| ()))
                .with(&[1], Tree::Bytes(vec![7; 19]))
                .with(&[10, 0], Tree::Uint(2))
                .encode(),
        ),
        first(
            "unknown_version",
            "malformed",
            // The bytes after the end come last.
            [
                Tree::of_record(&by_phone(|_| ()))
                    .with(&[10, 0], Tree::Uint(2))
                    .encode(),
                vec![0],
            ]
            .concat(),
        ),
    ]
}

fn of_fields() -> Vec<Case> {
    vec![
        first(
            "number_too_large",
            "root_not_a_directory",
            by_wallet(|record| {
                record.epoch = record.timestamp + 1;
                raw_root(record);
            })
            .to_bytes(),
        ),
        Case::record(
            "number_too_large_in_the_grant_before_root_not_a_directory",
            "",
            under(
                phone_grant(|grant| grant.expires_at = MAX_MILLIS + 1),
                raw_root,
            )
            .to_bytes(),
        )
        .is("number_too_large"),
        first(
            "root_not_a_directory",
            "parents_unordered",
            by_wallet(|record| {
                raw_root(record);
                bad_parents(record);
            })
            .to_bytes(),
        ),
        first(
            "parents_unordered",
            "location_malformed",
            by_wallet(|record| {
                bad_parents(record);
                bad_location(record);
            })
            .to_bytes(),
        ),
        first("location_malformed", "grant_of_another_account", {
            let mut record = record(&wallet());
            bad_location(&mut record);
            sign_record(record, Some(strange_grant(|_| ())), &phone()).to_bytes()
        }),
    ]
}

fn of_grants() -> Vec<Case> {
    let late = NOW + 335 * DAY + 1;
    vec![
        first("grant_of_another_account", "unknown_scope", {
            let grant = strange_grant(|grant| grant.scope.clear());
            sign_record(record(&wallet()), Some(grant), &phone()).to_bytes()
        }),
        first("unknown_scope", "grant_reversed", {
            let grant = phone_grant(|grant| {
                grant.scope.clear();
                grant.expires_at = 0;
            });
            under(grant, |_| ()).to_bytes()
        }),
        first("grant_reversed", "epoch_not_of_grant", {
            let grant = phone_grant(|grant| grant.expires_at = 0);
            under(grant, |record| record.epoch = 1).to_bytes()
        }),
        first("grant_too_long", "epoch_not_of_grant", {
            let grant = phone_grant(|grant| grant.expires_at = MAX_MILLIS);
            under(grant, |record| record.epoch = 1).to_bytes()
        }),
        first("epoch_not_of_grant", "before_grant", {
            by_phone(|record| {
                record.epoch = 1;
                record.timestamp = 1;
            })
            .to_bytes()
        }),
        first("before_grant", "grant_signature_malformed", {
            let mut grant = phone_grant(|_| ());
            grant.signature = nobody();
            under(grant, |record| record.timestamp = 0).to_bytes()
        }),
        first("after_grant", "grant_signature_malformed", {
            let mut grant = phone_grant(|_| ());
            grant.signature = nobody();
            under(grant, |record| record.timestamp = late).to_bytes()
        })
        .at(late),
    ]
}

fn of_signatures() -> Vec<Case> {
    vec![
        first("grant_signature_malformed", "signature_malformed", {
            let mut grant = phone_grant(|_| ());
            grant.signature = nobody();
            let mut signed = under(grant, |_| ());
            signed.signature = nobody();
            signed.to_bytes()
        }),
        first("grant_not_signed_by_account", "signature_malformed", {
            let mut grant = phone_grant(|_| ());
            grant.signature = phone().sign_value(&grant.grant, grant.scheme);
            let mut signed = under(grant, |_| ());
            signed.signature = nobody();
            signed.to_bytes()
        }),
        first("signature_malformed", "epoch_superseded", {
            let mut signed = by_phone(|_| ());
            signed.signature = nobody();
            signed.to_bytes()
        })
        .after_epoch(1),
        first("not_signed_by_signer", "epoch_superseded", {
            sign_record(record(&wallet()), None, &stranger()).to_bytes()
        })
        .after_epoch(1),
        first("not_signed_by_signer", "from_the_future", {
            let mut record = record(&wallet());
            record.timestamp = NOW + DAY;
            sign_record(record, None, &stranger()).to_bytes()
        }),
        first(
            "epoch_superseded",
            "from_the_future",
            by_wallet(|record| record.timestamp = NOW + DAY).to_bytes(),
        )
        .after_epoch(1),
    ]
}
