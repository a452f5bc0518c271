//! eth-account (Python) and this wallet open each other's key stores, derive the same
//! keys from the same words, and sign alike.

mod support;

use std::process::Command;

use ourspace_protocol::{
    account::Account,
    eip712::TypedData as _,
    grant::{self, Grant},
    hash::keccak256,
};
use ourspace_wallet::{Mnemonic, SecretKey, elsewhere, keystore, mnemonic::Length};
use serde_json::{Value, json};
use support::{ask, peers};

fn python(script: &str, input: &Value) -> Value {
    let mut command = Command::new(peers().join("venv/bin/python"));
    command.args([
        "-c",
        &format!("import json, sys\nasked = json.load(sys.stdin)\n{script}"),
    ]);
    ask(command, input)
}

fn secret(number: u64) -> [u8; 32] {
    keccak256(format!("secret {number}").as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    format!("0x{}", data_encoding::HEXLOWER.encode(bytes))
}

#[test]
fn eth_account_opens_our_key_store() {
    let key = SecretKey::from_bytes(&secret(1)).unwrap();
    let json = keystore::encrypt(&key, "Straße 🐎").unwrap();
    let file: Value = serde_json::from_slice(&json).unwrap();
    let answer = python(
        "from eth_account import Account\n\
         key = Account.decrypt(asked['file'], asked['password'])\n\
         try:\n    Account.decrypt(asked['file'], 'wrong')\n    wrong = True\n\
         except ValueError:\n    wrong = False\n\
         json.dump(['0x' + bytes(key).hex(), wrong], sys.stdout)",
        &json!({"file": file, "password": "Straße 🐎"}),
    );
    assert_eq!(answer, json!([hex(&secret(1)), false]));
}

#[test]
fn we_open_eth_accounts_key_stores() {
    let files = python(
        "from eth_account import Account\n\
         json.dump([Account.encrypt(asked['secret'], asked['password'], kdf=kdf)\n\
         \x20   for kdf in ('scrypt', 'pbkdf2')], sys.stdout)",
        &json!({"secret": hex(&secret(2)), "password": "Straße 🐎"}),
    );
    let expected = SecretKey::from_bytes(&secret(2)).unwrap().address();
    for (file, kdf) in files.as_array().unwrap().iter().zip(["scrypt", "pbkdf2"]) {
        assert_eq!(file["crypto"]["kdf"], kdf);
        let json = file.to_string();
        assert_eq!(
            keystore::stated_address(json.as_bytes()).unwrap(),
            Some(expected)
        );
        let key = keystore::decrypt(json.as_bytes(), "Straße 🐎").unwrap();
        assert_eq!(key.address(), expected);
        let wrong = keystore::decrypt(json.as_bytes(), "Strasse").unwrap_err();
        assert!(matches!(wrong, keystore::KeystoreError::WrongPassword));
    }
}

#[test]
fn the_same_words_give_the_same_account() {
    let lists: Vec<Mnemonic> = (0..20)
        .map(|at| {
            if at % 2 == 0 {
                Length::Twelve
            } else {
                Length::TwentyFour
            }
        })
        .map(|length| Mnemonic::generate(length).unwrap())
        .collect();
    let phrases: Vec<String> = lists.iter().map(|list| list.phrase().to_string()).collect();
    let answer = python(
        "from eth_account import Account\n\
         Account.enable_unaudited_hdwallet_features()\n\
         json.dump([Account.from_mnemonic(words).address for words in asked], sys.stdout)",
        &json!(phrases),
    );
    let ours: Vec<String> = lists
        .iter()
        .map(|list| list.account_key().unwrap().address().to_string())
        .collect();
    assert_eq!(answer, json!(ours));
}

#[test]
fn eth_account_signs_the_same_bytes() {
    let digests: Vec<[u8; 32]> = (0..64).map(|number: u8| keccak256(&[number])).collect();
    let key = SecretKey::from_bytes(&secret(3)).unwrap();
    let grant = Grant {
        account: key.address(),
        device: Account([0x42; 20]),
        encryption_key_hash: [0; 32],
        successor_hash: [7; 32],
        scope: grant::PUBLISH.to_owned(),
        issued_at: 1_800_000_000_123,
        expires_at: 1_831_536_000_123,
        epoch: 3,
    };
    let answer = python(
        "from eth_account import Account\n\
         from eth_account.messages import encode_defunct\n\
         account = Account.from_key(asked['secret'])\n\
         sign = lambda signed: '0x' + signed.signature.hex().removeprefix('0x')\n\
         json.dump({'digests': [sign(account.unsafe_sign_hash(d)) for d in asked['digests']],\n\
         \x20   'typed': sign(account.sign_typed_data(full_message=asked['typed'])),\n\
         \x20   'text': sign(account.sign_message(encode_defunct(text=asked['text'])))},\n\
         \x20   sys.stdout)",
        &json!({
            "secret": hex(&secret(3)),
            "digests": digests.iter().map(|digest| hex(digest)).collect::<Vec<_>>(),
            "typed": grant.typed_data(),
            "text": grant.personal_text(),
        }),
    );
    for (digest, signature) in digests.iter().zip(answer["digests"].as_array().unwrap()) {
        let theirs = elsewhere::parse_signature(signature.as_str().unwrap()).unwrap();
        assert_eq!(theirs, key.sign_digest(digest));
    }
    for kind in ["typed", "text"] {
        let text = answer[kind].as_str().unwrap();
        let signed = elsewhere::sign_grant(grant.clone(), text).unwrap();
        assert_eq!(
            signed.signature,
            key.sign_digest(&grant.signing_hash(signed.scheme))
        );
    }
}
