//! Other programs hash and sign the same bytes: viem, ethers, MetaMask's eth-sig-util and
//! eth-account; and MetaMask's own validator accepts what we would ask it to sign.
//!
//! What they are asked are the typed data and texts of every valid test vector.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a peer that is absent or fails ends the test"
)]

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use data_encoding::HEXLOWER;
use ourspace_protocol::{
    eip712::{TypedData as _, personal_hash},
    grant::Grant,
    record::Record,
    signature::Signature,
    succession::Succession,
};
use ourspace_testkit::signing::TestKey;
use serde_json::{Value as Json, json};

fn peers() -> PathBuf {
    let Some(peers) = std::env::var_os("OURSPACE_PEERS") else {
        panic!("OURSPACE_PEERS is not set: `cargo xtask test` installs the peers");
    };
    peers.into()
}

fn ask(mut command: Command, input: &Json) -> Json {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
    let mut pipe = child.stdin.take().unwrap();
    let text = input.to_string();
    let writer = thread::spawn(move || pipe.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(
        output.status.success(),
        "the peer failed: {}",
        output.status
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

fn node(input: &Json) -> Json {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/js/signatures.cjs");
    let mut command = Command::new("node");
    command
        .arg(script)
        .env("NODE_PATH", peers().join("node/node_modules"));
    ask(command, input)
}

fn python(script: &str, input: &Json) -> Json {
    let mut command = Command::new(peers().join("venv/bin/python"));
    command.args([
        "-B",
        "-c",
        &format!("import json, sys\nasked = json.load(sys.stdin)\n{script}"),
    ]);
    ask(command, input)
}

fn spec(file: &str) -> Json {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../spec/vectors")
        .join(file);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Everything that is signed in the valid vectors, by digest.
fn signed_values() -> Vec<Json> {
    let mut found = BTreeMap::new();
    for file in ["records.json", "grants.json", "successions.json"] {
        for vector in spec(file)["vectors"].as_array().unwrap() {
            let decoded = &vector["decoded"];
            for signed in [&decoded["signed"], &decoded["grant"]["signed"]] {
                if signed.is_object() {
                    found.insert(signed["digest"].to_string(), signed.clone());
                }
            }
        }
    }
    let values: Vec<Json> = found.into_values().collect();
    let count = |kind: &str| {
        values
            .iter()
            .filter(|value| value["typed_data"]["primaryType"] == kind)
            .count()
    };
    assert!(count("FeedRecord") > 25 && count("DeviceKey") > 5 && count("Succession") > 1);
    values
}

/// The 65 bytes that wallets write: r, s and 27 or 28.
fn long_form(signature: &Signature) -> String {
    let mut bytes = signature.0.to_vec();
    bytes.push(27 + (bytes[32] >> 7));
    bytes[32] &= 0x7f;
    hex(&bytes)
}

fn hex(bytes: &[u8]) -> String {
    format!("0x{}", HEXLOWER.encode(bytes))
}

fn hash_of(text: &Json) -> [u8; 32] {
    let digits = text.as_str().unwrap().strip_prefix("0x").unwrap();
    HEXLOWER
        .decode(digits.as_bytes())
        .unwrap()
        .try_into()
        .unwrap()
}

fn wallet_secret() -> String {
    let keys = spec("keys.json");
    let wallet = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["name"] == "wallet");
    format!("0x{}", wallet.unwrap()["secret"].as_str().unwrap())
}

fn asked(values: &[Json]) -> Vec<Json> {
    let secret = wallet_secret();
    let asked = values.iter().map(|value| {
        json!({"data": value["typed_data"], "text": value["personal_text"], "secret": secret})
    });
    asked.collect()
}

/// What the wallet's key makes of a value: digest, its signature, hash of the text, its
/// signature.
fn expected(value: &Json) -> [String; 4] {
    let key = TestKey::named("wallet");
    let digest = hash_of(&value["digest"]);
    let hash = personal_hash(value["personal_text"].as_str().unwrap());
    [
        hex(&digest),
        long_form(&key.sign(&digest)),
        hex(&hash),
        long_form(&key.sign(&hash)),
    ]
}

#[test]
fn three_libraries_hash_and_sign_alike() {
    let values = signed_values();
    let answers = node(&json!({"sign": asked(&values)}));
    for (value, answer) in values.iter().zip(answers.as_array().unwrap()) {
        let [digest, typed, hash, text] = expected(value);
        assert_eq!(answer["digests"], json!([digest, digest, digest]));
        assert_eq!(answer["typed"], json!([typed, typed, typed]));
        assert_eq!(answer["hashes"], json!([hash, hash]));
        assert_eq!(answer["texts"], json!([text, text, text]));
        let kind = value["typed_data"]["primaryType"].as_str().unwrap();
        let string = match kind {
            "FeedRecord" => Record::TYPE,
            "DeviceKey" => Grant::TYPE,
            _ => Succession::TYPE,
        };
        assert_eq!(answer["type"], string);
    }
    assert_eq!(answers.as_array().unwrap().len(), values.len());
}

#[test]
fn eth_account_hashes_and_signs_alike() {
    let values = signed_values();
    let answers = python(
        "from eth_account import Account\n\
         from eth_account.messages import encode_defunct, encode_typed_data\n\
         def one(value):\n\
         \x20   typed = encode_typed_data(full_message=value['data'])\n\
         \x20   text = encode_defunct(text=value['text'])\n\
         \x20   signed = [Account.sign_message(one, value['secret']) for one in (typed, text)]\n\
         \x20   return [part for one in signed for part in\n\
         \x20       ('0x' + bytes(one.message_hash).hex(), '0x' + bytes(one.signature).hex())]\n\
         json.dump([one(value) for value in asked], sys.stdout)",
        &json!(asked(&values)),
    );
    let expected: Vec<[String; 4]> = values.iter().map(expected).collect();
    assert_eq!(answers, json!(expected));
}

/// What MetaMask's validator says when a page asks the wallet's account to sign.
fn validate(requests: &[Json]) -> Vec<String> {
    serde_json::from_value(node(&json!({"validate": requests}))).unwrap()
}

#[test]
fn metamask_accepts_our_requests() {
    let from = TestKey::named("wallet").address();
    let mut requests = Vec::new();
    for value in signed_values() {
        let data = &value["typed_data"];
        for chain in ["0x1", "0x89"] {
            requests.push(json!({"data": data, "from": from, "chain": chain}));
            // Pages hand it over as a text.
            requests.push(json!({"data": data.to_string(), "from": from, "chain": chain}));
        }
        requests.push(json!({"text": value["personal_text"], "from": from}));
    }
    for (request, said) in requests.iter().zip(validate(&requests)) {
        assert_eq!(said, "accepted", "{request}");
    }
}

/// A word of MetaMask's reason, and what it should refuse.
type Refused = (&'static str, fn(&mut Json));

/// The wallet's grant, with a change that MetaMask should refuse.
fn changed_grant(change: fn(&mut Json)) -> Json {
    let from = TestKey::named("wallet").address();
    let mut data = signed_values()
        .into_iter()
        .map(|value| value["typed_data"].clone())
        .find(|data| data["primaryType"] == "DeviceKey")
        .unwrap();
    change(&mut data);
    json!({"data": data, "from": from, "chain": "0x89"})
}

#[test]
fn metamask_refuses_what_we_avoid() {
    let changes: [Refused; 4] = [
        ("verifying contract", |data| {
            data["domain"]["verifyingContract"] = data["message"]["account"].clone();
        }),
        ("active chainId", |data| {
            data["domain"]["chainId"] = json!(1)
        }),
        ("delegations", |data| {
            data["types"]["Delegation"] = data["types"]["DeviceKey"].clone();
            data["primaryType"] = json!("Delegation");
            data["message"]["delegator"] = data["message"]["account"].clone();
        }),
        ("EIP-712 schema", |data| data["primaryType"] = json!(7)),
    ];
    let requests: Vec<Json> = changes
        .iter()
        .map(|(_, change)| changed_grant(*change))
        .collect();
    for ((reason, _), said) in changes.iter().zip(validate(&requests)) {
        assert!(said.contains(reason), "{reason}: {said}");
    }
}
