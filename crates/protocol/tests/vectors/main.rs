//! The test vectors of `spec/vectors/`: made here, compared with the files that are
//! checked in, and judged.
//!
//! The verdict of every vector is written by hand beside it, so the code that is tested
//! never says what is expected of it. `UPDATE=1` writes the files anew.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

mod alone;
mod deltas;
mod heads;
mod malformed;
mod merge;
mod order;
mod pages;
mod people;
mod refused;
mod valid;

use std::{collections::BTreeSet, fs, path::PathBuf};

use ourspace_protocol::{
    account::Account,
    delta::DeltaError,
    hash::sha256,
    limits,
    time::Millis,
    verify::{KnownGrants, Refusal},
};
use ourspace_testkit::{
    signing::NOW,
    vectors::{Hex, Input, Vector},
};
use serde_json::{Value as Json, json};

/// A vector before its file is written.
pub(crate) struct Case {
    name: String,
    about: String,
    input: Input,
    verdict: &'static str,
}

impl Case {
    fn new(name: impl Into<String>, about: impl Into<String>, input: Input) -> Self {
        Self {
            name: name.into(),
            about: about.into(),
            input,
            verdict: "valid",
        }
    }

    /// A record that is read at [`NOW`] by somebody who knows of no epoch.
    pub(crate) fn record(
        name: impl Into<String>,
        about: impl Into<String>,
        bytes: Vec<u8>,
    ) -> Self {
        Self::new(
            name,
            about,
            Input::Record {
                bytes: Hex(bytes),
                now: NOW,
                highest_epoch: 0,
            },
        )
    }

    pub(crate) fn grant(name: impl Into<String>, about: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self::new(name, about, Input::Grant { bytes: Hex(bytes) })
    }

    pub(crate) fn succession(
        name: impl Into<String>,
        about: impl Into<String>,
        bytes: Vec<u8>,
        (account, commitment): (Account, [u8; 32]),
    ) -> Self {
        let commitment = Hex(commitment.to_vec());
        Self::new(
            name,
            about,
            Input::Succession {
                bytes: Hex(bytes),
                account,
                commitment,
                now: NOW,
            },
        )
    }

    /// A delta that is what the record says it is.
    pub(crate) fn delta(name: impl Into<String>, about: impl Into<String>, bytes: Vec<u8>) -> Self {
        let hash = Hex(sha256(&bytes).to_vec());
        Self::new(
            name,
            about,
            Input::Delta {
                bytes: Hex(bytes),
                hash,
            },
        )
    }

    /// Read at another time.
    pub(crate) fn at(mut self, time: Millis) -> Self {
        if let Input::Record { now, .. } | Input::Succession { now, .. } = &mut self.input {
            *now = time;
        }
        self
    }

    /// Read by somebody who has seen this epoch.
    pub(crate) fn after_epoch(mut self, epoch: u64) -> Self {
        if let Input::Record { highest_epoch, .. } = &mut self.input {
            *highest_epoch = epoch;
        }
        self
    }

    /// To be refused by this name.
    pub(crate) fn is(mut self, verdict: &'static str) -> Self {
        self.verdict = verdict;
        self
    }
}

fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../spec/vectors")
        .join(file)
}

/// Compares what was made with the file, or writes the file.
fn compare(file: &str, made: &Json) {
    let mut text = serde_json::to_string_pretty(made).unwrap();
    text.push('\n');
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path(file), &text).unwrap();
    }
    let kept = fs::read_to_string(path(file)).unwrap();
    assert!(
        kept == text,
        "{file} is not what is made today; UPDATE=1 writes it anew"
    );
}

/// Judges the cases, compares them with the file, and judges the file once more, as any
/// other reader would.
fn check(file: &str, about: &str, cases: Vec<Case>) -> Vec<Vector> {
    let mut vectors = Vec::new();
    for case in cases {
        let Case {
            name,
            about,
            input,
            verdict,
        } = case;
        let (found, decoded) = input.judge(&mut KnownGrants::new());
        assert_eq!(found, verdict, "{file}: {name}");
        vectors.push(Vector {
            name,
            about,
            input,
            verdict: verdict.to_owned(),
            decoded,
        });
    }
    let names: BTreeSet<_> = vectors.iter().map(|vector| vector.name.as_str()).collect();
    assert_eq!(
        names.len(),
        vectors.len(),
        "{file}: two vectors have one name"
    );
    compare(file, &json!({"about": about, "vectors": vectors}));

    let kept: Json = serde_json::from_slice(&fs::read(path(file)).unwrap()).unwrap();
    let kept: Vec<Vector> = serde_json::from_value(kept["vectors"].clone()).unwrap();
    // One memory for all: whether a grant is known must not change any verdict.
    let mut known = KnownGrants::new();
    for vector in &kept {
        let found = vector.input.judge(&mut known);
        assert_eq!(
            found,
            (vector.verdict.clone(), vector.decoded.clone()),
            "{}",
            vector.name
        );
    }
    kept
}

fn record_cases() -> Vec<Case> {
    [
        valid::cases(),
        malformed::cases(),
        refused::cases(),
        order::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[test]
fn records() {
    let about = "Records and what is said of them (chapter 02). The last ones have two faults \
                 each: they fix the order of the checks.";
    let vectors = check("records.json", about, record_cases());
    let largest = vectors
        .iter()
        .find(|vector| vector.name == "largest")
        .unwrap();
    assert_eq!(largest.input.bytes().len(), limits::RECORD_BYTES);
}

#[test]
fn grants() {
    check(
        "grants.json",
        "Grants that travel alone (chapter 02).",
        alone::grants(),
    );
}

#[test]
fn successions() {
    check(
        "successions.json",
        "Successions (chapter 06).",
        alone::successions(),
    );
}

#[test]
fn deltas() {
    check("deltas.json", "Deltas (chapter 03).", deltas::cases());
}

#[test]
fn heads_of_an_account() {
    compare("heads.json", &heads::file());
}

#[test]
fn merges() {
    compare("merge.json", &merge::file());
}

#[test]
fn cuts() {
    let items = serde_json::from_slice(&fs::read(path("items.json")).unwrap()).unwrap();
    compare("pages.json", &pages::file(&items));
}

#[test]
fn keys() {
    compare("keys.json", &people::file());
}

/// Every refusal, so that none can be added without a vector.
fn refusals() -> Vec<&'static str> {
    use Refusal as R;
    let last = R::FromTheFuture;
    // No wildcard: a new refusal does not compile until it stands here and in the list.
    match last {
        R::TooLarge | R::Malformed(_) | R::UnknownVersion(_) | R::NumberTooLarge => {}
        R::RootNotADirectory | R::ParentsUnordered | R::LocationMalformed => {}
        R::GrantOfAnotherAccount | R::UnknownScope | R::GrantReversed | R::GrantTooLong => {}
        R::EpochNotOfGrant | R::BeforeGrant | R::AfterGrant | R::NotTheSuccessor => {}
        R::GrantSignatureMalformed | R::GrantNotSignedByAccount => {}
        R::SignatureMalformed | R::NotSignedBySigner | R::EpochSuperseded | R::FromTheFuture => {}
    }
    [
        R::TooLarge,
        R::Malformed(ourspace_protocol::cbor::CborError::Type),
        R::UnknownVersion(2),
        R::NumberTooLarge,
        R::RootNotADirectory,
        R::ParentsUnordered,
        R::LocationMalformed,
        R::GrantOfAnotherAccount,
        R::UnknownScope,
        R::GrantReversed,
        R::GrantTooLong,
        R::EpochNotOfGrant,
        R::BeforeGrant,
        R::AfterGrant,
        R::NotTheSuccessor,
        R::GrantSignatureMalformed,
        R::GrantNotSignedByAccount,
        R::SignatureMalformed,
        R::NotSignedBySigner,
        R::EpochSuperseded,
        R::FromTheFuture,
    ]
    .iter()
    .map(Refusal::name)
    .collect()
}

#[test]
fn every_refusal_has_vectors() {
    let cases = [record_cases(), alone::grants(), alone::successions()];
    let found: BTreeSet<_> = cases.iter().flatten().map(|case| case.verdict).collect();
    for name in refusals() {
        assert!(found.contains(name), "no vector is refused as {name}");
    }
    let found: BTreeSet<_> = deltas::cases().iter().map(|case| case.verdict).collect();
    let errors = [
        DeltaError::TooLarge,
        DeltaError::HashMismatch,
        DeltaError::Malformed(ourspace_protocol::cbor::CborError::Type),
        DeltaError::Malformed(ourspace_protocol::cbor::CborError::Version(2)),
        DeltaError::Source("item"),
    ];
    for error in errors {
        assert!(
            found.contains(error.name()),
            "no delta is refused as {}",
            error.name()
        );
    }
}
