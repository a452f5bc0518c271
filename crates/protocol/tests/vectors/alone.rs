//! Grants that travel alone, and successions.

use ourspace_protocol::{
    account::Account,
    eip712::TypedData as _,
    grant::Grant,
    hash::sha256,
    signature::{Scheme, Signature},
    succession::{SignedSuccession, Succession, successor_hash},
    time::MAX_MILLIS,
};
use ourspace_testkit::{
    signing::{NOW, TestKey, grant, sign_grant, sign_grant_as, sign_succession},
    tree::Tree,
};

use crate::{
    Case,
    people::{impossible_signatures, phone, phone_grant, signature_to_infinity, stranger, wallet},
};

fn whole_grants() -> Vec<Case> {
    let good = phone_grant(|_| ());
    let as_text = sign_grant_as(grant(&wallet(), &phone()), Scheme::PersonalText, &wallet());
    vec![
        Case::grant("typed_data", "", good.to_bytes()),
        Case::grant("personal_text", "", as_text.to_bytes()),
        Case::grant("ended", "The reader's clock does not matter.", {
            phone_grant(|grant| {
                grant.issued_at = 0;
                grant.expires_at = 1;
            })
            .to_bytes()
        }),
        Case::grant("nothing", "", Vec::new()).is("malformed"),
        Case::grant("one_byte_more", "", [good.to_bytes(), vec![0]].concat()).is("malformed"),
        Case::grant(
            "far_too_long",
            "",
            [good.to_bytes(), vec![0; 4000]].concat(),
        )
        .is("malformed"),
        Case::grant("cut", "", good.to_bytes()[..100].to_vec()).is("malformed"),
        Case::grant("scope_of_65_bytes", "", {
            Tree::of_grant(&good)
                .with(&[5], Tree::text(&"x".repeat(65)))
                .encode()
        })
        .is("malformed"),
        Case::grant(
            "version_2",
            "",
            Tree::of_grant(&good).with(&[0], Tree::Uint(2)).encode(),
        )
        .is("unknown_version"),
    ]
}

/// A verdict, a name, and what makes the grant so.
type Refused = (&'static str, &'static str, fn(&mut Grant));

fn refused_grants() -> Vec<Case> {
    let refused: [Refused; 6] = [
        ("number_too_large", "epoch", |grant| {
            grant.epoch = grant.issued_at + 1
        }),
        ("number_too_large", "expires", |grant| {
            grant.expires_at = MAX_MILLIS + 1
        }),
        ("number_too_large", "issued_and_scope", |grant| {
            grant.issued_at = MAX_MILLIS + 1;
            grant.scope.clear();
        }),
        ("unknown_scope", "other", |grant| {
            grant.scope = "move money".to_owned()
        }),
        ("grant_reversed", "by_1_ms", |grant| {
            grant.expires_at = grant.issued_at - 1
        }),
        ("grant_too_long", "by_1_ms", |grant| {
            grant.expires_at = grant.issued_at + 63_244_800_001;
        }),
    ];
    refused
        .into_iter()
        .map(|(verdict, name, change)| {
            let bytes = phone_grant(change).to_bytes();
            Case::grant(format!("{verdict}_{name}"), "", bytes).is(verdict)
        })
        .collect()
}

pub(crate) fn grants() -> Vec<Case> {
    let mut cases = whole_grants();
    cases.extend(refused_grants());
    for (name, signature) in impossible_signatures() {
        let bytes = with_signature(signature);
        cases.push(Case::grant(name, "", bytes).is("grant_signature_malformed"));
    }
    let by_device = sign_grant(grant(&wallet(), &phone()), &phone());
    cases.push(
        Case::grant(
            "by_the_device",
            "A device cannot grant.",
            by_device.to_bytes(),
        )
        .is("grant_not_signed_by_account"),
    );
    cases
}

fn with_signature(signature: Signature) -> Vec<u8> {
    let mut grant = phone_grant(|_| ());
    grant.signature = signature;
    grant.to_bytes()
}

fn successor() -> TestKey {
    TestKey::named("successor")
}

fn salt() -> [u8; 32] {
    sha256(b"salt")
}

fn reveal(change: impl FnOnce(&mut Succession), scheme: Scheme, key: &TestKey) -> SignedSuccession {
    let mut succession = Succession {
        account: wallet().address(),
        successor: successor().address(),
        salt: salt(),
        timestamp: NOW,
    };
    change(&mut succession);
    sign_succession(succession, scheme, key)
}

/// The wallet's account with its commitment.
fn committed() -> (Account, [u8; 32]) {
    (
        wallet().address(),
        successor_hash(&successor().address(), &salt()),
    )
}

/// A succession by typed data, changed before it is signed.
fn typed(change: fn(&mut Succession)) -> Vec<u8> {
    reveal(change, Scheme::TypedData, &successor()).to_bytes()
}

/// Judged by somebody who knows the commitment.
fn case(name: &str, about: &str, bytes: Vec<u8>) -> Case {
    Case::succession(name, about, bytes, committed())
}

fn whole_successions() -> Vec<Case> {
    let good = typed(|_| ());
    let as_text = reveal(|_| (), Scheme::PersonalText, &successor()).to_bytes();
    let tree = Tree::of_succession(&reveal(|_| (), Scheme::TypedData, &successor()));
    vec![
        case("typed_data", "", good.clone()),
        case("personal_text", "", as_text),
        case(
            "five_minutes_ahead",
            "",
            typed(|s| s.timestamp = NOW + 300_000),
        ),
        case(
            "from_the_future",
            "",
            typed(|s| s.timestamp = NOW + 300_001),
        )
        .is("from_the_future"),
        case("nothing", "", Vec::new()).is("malformed"),
        case("cut", "", good[..50].to_vec()).is("malformed"),
        case("one_byte_more", "", [good.clone(), vec![0]].concat()).is("malformed"),
        case(
            "salt_of_31_bytes",
            "",
            tree.clone().with(&[3], Tree::Bytes(vec![7; 31])).encode(),
        )
        .is("malformed"),
        case(
            "scheme_2",
            "",
            tree.clone().with(&[5], Tree::Uint(2)).encode(),
        )
        .is("malformed"),
        case("version_2", "", tree.with(&[0], Tree::Uint(2)).encode()).is("unknown_version"),
    ]
}

fn refused_successions() -> Vec<Case> {
    let by_wallet = reveal(|_| (), Scheme::TypedData, &wallet()).to_bytes();
    let strange = reveal(
        |s| s.successor = stranger().address(),
        Scheme::TypedData,
        &stranger(),
    );
    vec![
        case(
            "timestamp_too_large",
            "",
            typed(|s| s.timestamp = MAX_MILLIS + 1),
        )
        .at(MAX_MILLIS)
        .is("number_too_large"),
        case(
            "another_account",
            "",
            typed(|s| s.account = stranger().address()),
        )
        .is("not_the_successor"),
        case("another_salt", "", typed(|s| s.salt[31] ^= 1)).is("not_the_successor"),
        case(
            "another_successor",
            "Signed by the one it names.",
            strange.to_bytes(),
        )
        .is("not_the_successor"),
        Case::succession(
            "no_commitment",
            "The account's grants name no successor.",
            typed(|_| ()),
            (wallet().address(), [0; 32]),
        )
        .is("not_the_successor"),
        case(
            "by_the_wallet",
            "The account itself cannot reveal it.",
            by_wallet,
        )
        .is("not_signed_by_signer"),
        Case::succession(
            "not_the_successor_before_signature_malformed",
            "",
            broken_signature(Signature([0; 64])),
            (stranger().address(), committed().1),
        )
        .is("not_the_successor"),
        case("not_signed_by_signer_before_from_the_future", "", {
            reveal(
                |s| s.timestamp = NOW + 300_001,
                Scheme::TypedData,
                &stranger(),
            )
            .to_bytes()
        })
        .is("not_signed_by_signer"),
    ]
}

pub(crate) fn successions() -> Vec<Case> {
    let mut cases = whole_successions();
    cases.extend(refused_successions());
    let digest = reveal(|_| (), Scheme::TypedData, &successor())
        .succession
        .digest();
    let infinity = ("to_infinity", signature_to_infinity(&digest));
    for (name, signature) in impossible_signatures().into_iter().chain([infinity]) {
        cases.push(case(name, "", broken_signature(signature)).is("signature_malformed"));
    }
    cases
}

fn broken_signature(signature: Signature) -> Vec<u8> {
    let mut signed = reveal(|_| (), Scheme::TypedData, &successor());
    signed.signature = signature;
    signed.to_bytes()
}
