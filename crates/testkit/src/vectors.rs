//! The form of the test vectors in `spec/vectors/` for everything that is signed, and what
//! this implementation says of one.

use data_encoding::HEXLOWER;
use ourspace_protocol::{
    account::Account,
    delta::Delta,
    eip712::TypedData,
    grant::SignedGrant,
    record::SignedRecord,
    signature::Scheme,
    succession::SignedSuccession,
    time::Millis,
    verify::{Context, KnownGrants, Verified, verify, verify_grant, verify_succession},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// What is to be judged, and what the reader knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Input {
    /// A record.
    Record {
        /// Its bytes.
        bytes: Hex,
        /// The reader's clock.
        now: Millis,
        /// The highest epoch of the account that the reader has seen.
        highest_epoch: u64,
    },
    /// A grant that travels alone.
    Grant {
        /// Its bytes.
        bytes: Hex,
    },
    /// A succession.
    Succession {
        /// Its bytes.
        bytes: Hex,
        /// The account that the reader knows.
        account: Account,
        /// The commitment of that account's grants.
        commitment: Hex,
        /// The reader's clock.
        now: Millis,
    },
    /// A delta.
    Delta {
        /// Its bytes.
        bytes: Hex,
        /// The hash in the record.
        hash: Hex,
    },
}

/// Bytes, written as lower-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Hex(pub Vec<u8>);

impl std::fmt::Debug for Hex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl Serialize for Hex {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&HEXLOWER.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        HEXLOWER
            .decode(text.as_bytes())
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

/// A vector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// What it is called; no two of a file alike.
    pub name: String,
    /// Why it is there.
    pub about: String,
    /// What is judged.
    pub input: Input,
    /// `valid`, or the name of the refusal.
    pub verdict: String,
    /// What it says, if it is valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decoded: Option<Json>,
}

/// The name of the verdict, and what the bytes say if they are valid.
pub type Judgement = (String, Option<Json>);

impl Input {
    /// The bytes that are judged.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Record { bytes, .. }
            | Self::Grant { bytes }
            | Self::Succession { bytes, .. }
            | Self::Delta { bytes, .. } => &bytes.0,
        }
    }

    /// The same with other bytes.
    #[must_use]
    pub fn with_bytes(mut self, new: Vec<u8>) -> Self {
        match &mut self {
            Self::Record { bytes, .. }
            | Self::Grant { bytes }
            | Self::Succession { bytes, .. }
            | Self::Delta { bytes, .. } => bytes.0 = new,
        }
        self
    }

    /// What this implementation says.
    pub fn judge(&self, known: &mut KnownGrants) -> Judgement {
        match self {
            Self::Record {
                bytes,
                now,
                highest_epoch,
            } => {
                let context = Context {
                    now: *now,
                    highest_epoch: *highest_epoch,
                };
                judgement(
                    verify(&bytes.0, context, known).map_err(|r| r.name()),
                    of_record,
                )
            }
            Self::Grant { bytes } => judgement(
                verify_grant(&bytes.0, known).map_err(|r| r.name()),
                |grant| of_grant(grant.get()),
            ),
            Self::Succession {
                bytes,
                account,
                commitment,
                now,
            } => {
                let commitment = fixed(&commitment.0);
                let verified = verify_succession(&bytes.0, account, &commitment, *now);
                judgement(verified.map_err(|r| r.name()), of_succession)
            }
            Self::Delta { bytes, hash } => {
                let delta = Delta::from_bytes(&bytes.0, &fixed(&hash.0));
                judgement(delta.map_err(|error| error.name()), of_delta)
            }
        }
    }
}

fn judgement<T>(result: Result<T, &'static str>, decoded: impl FnOnce(&T) -> Json) -> Judgement {
    match result {
        Ok(value) => ("valid".to_owned(), Some(decoded(&value))),
        Err(name) => (name.to_owned(), None),
    }
}

fn of_record(verified: &Verified<SignedRecord>) -> Json {
    let record = verified.record();
    json!({
        "account": record.account,
        "epoch": record.epoch,
        "timestamp": record.timestamp,
        "root": record.root.to_string(),
        "parents": record.parents.iter().map(|parent| hex(parent)).collect::<Vec<_>>(),
        "delta": (record.delta != [0; 32]).then(|| hex(&record.delta)),
        "locations": record.locations,
        "grant": verified.get().grant.as_ref().map(of_grant),
        "signer": verified.signer(),
        "signed": signed(record, verified.get().scheme, &verified.get().signature.0),
    })
}

fn of_grant(grant: &SignedGrant) -> Json {
    let SignedGrant {
        grant,
        scheme,
        signature,
    } = grant;
    json!({
        "account": grant.account,
        "device": grant.device,
        "encryption_key_hash": hex(&grant.encryption_key_hash),
        "successor_hash": hex(&grant.successor_hash),
        "scope": grant.scope,
        "issued_at": grant.issued_at,
        "expires_at": grant.expires_at,
        "epoch": grant.epoch,
        "signed": signed(grant, *scheme, &signature.0),
    })
}

fn of_succession(verified: &Verified<SignedSuccession>) -> Json {
    let SignedSuccession {
        succession,
        scheme,
        signature,
    } = verified.get();
    json!({
        "account": succession.account,
        "successor": succession.successor,
        "salt": hex(&succession.salt),
        "timestamp": succession.timestamp,
        "signed": signed(succession, *scheme, &signature.0),
    })
}

fn of_delta(delta: &Delta) -> Json {
    let changes = &delta.changes;
    json!({
        "base": delta.base.map(|base| base.to_string()),
        "items": changes.items,
        "tombstones": changes.tombstones,
        "profile": changes.profile,
        "follows": changes.follows,
    })
}

/// What was signed, by which scheme, in the words of other programs.
fn signed<T: TypedData>(value: &T, scheme: Scheme, signature: &[u8]) -> Json {
    let scheme_name = match scheme {
        Scheme::TypedData => "typed_data",
        Scheme::PersonalText => "personal_text",
    };
    json!({
        "digest": hex(&value.digest()),
        "scheme": scheme_name,
        "signing_hash": hex(&value.signing_hash(scheme)),
        "signature": hex(signature),
        "typed_data": value.typed_data(),
        "personal_text": value.personal_text(),
    })
}

/// `0x` and hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    format!("0x{}", HEXLOWER.encode(bytes))
}

/// Other lengths than 32 become zeros: no hash and no commitment is that.
fn fixed(bytes: &[u8]) -> [u8; 32] {
    bytes.try_into().unwrap_or([0; 32])
}
