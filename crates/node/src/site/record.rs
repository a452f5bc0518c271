//! `record.json`: a record in the words of Ethereum's tools.
//!
//! It says nothing that `record.cbor` does not; readers of this protocol use that one.

use ourspace_protocol::{
    account::Account,
    eip712::TypedData,
    record::SignedRecord,
    signature::{Scheme, Signature},
    verify::Verified,
};
use serde_json::{Map, Value, json};

/// `record.json`: an object of `record` and `grant` (null where the wallet signed itself).
///
/// Each has `typed_data` (the request of `eth_signTypedData_v4`), `scheme`
/// (`typed_data` or `personal_text`), `text` (what was signed, under the second scheme),
/// `signature` (65 bytes `r`, `s`, `v`) and `signer`.
#[must_use]
pub fn record_json(record: &Verified<SignedRecord>) -> Vec<u8> {
    let value = record_value(record);
    let mut bytes = serde_json::to_vec_pretty(&value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// As [`record_json`], before it is written.
#[must_use]
pub fn record_value(record: &Verified<SignedRecord>) -> Value {
    let signed = record.get();
    let grant = signed.grant.as_ref().map(|grant| {
        let signature = (grant.scheme, &grant.signature);
        proof(&grant.grant, signature, grant.grant.account)
    });
    json!({
        "record": proof(&signed.record, (signed.scheme, &signed.signature), record.signer()),
        "grant": grant,
    })
}

fn proof<T: TypedData>(
    value: &T,
    (scheme, signature): (Scheme, &Signature),
    signer: Account,
) -> Value {
    let mut proof = Map::new();
    proof.insert("typed_data".to_owned(), value.typed_data());
    let name = match scheme {
        Scheme::TypedData => "typed_data",
        Scheme::PersonalText => "personal_text",
    };
    proof.insert("scheme".to_owned(), json!(name));
    if scheme == Scheme::PersonalText {
        proof.insert("text".to_owned(), json!(value.personal_text()));
    }
    proof.insert("signature".to_owned(), json!(long_form(signature)));
    proof.insert("signer".to_owned(), json!(signer));
    Value::Object(proof)
}

/// The form that Ethereum's tools take: 65 bytes, `v` being 27 or 28.
fn long_form(signature: &Signature) -> String {
    let mut bytes = signature.0.to_vec();
    let odd = bytes[32] & 0x80 != 0;
    bytes[32] &= 0x7f;
    bytes.push(if odd { 28 } else { 27 });
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{}", digits.concat())
}
