//! Accounts of real wallets: viem and eth-account sign the grant that `init --wallet` and
//! `device` ask for, and a key store that eth-account wrote is taken.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a peer that is absent or fails ends the test"
)]

mod support;

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use support::Place;

const SECRET: &str = "0x4f3edf983ac636a65a842ce7c78d9aa706d3b113bce9c46f30d7d21715b23b1d";
const ADDRESS: &str = "0x90F8bf6A479f320ead074411a4B0e7944Ea8c9C1";

fn peers() -> PathBuf {
    match std::env::var_os("OURSPACE_PEERS") {
        Some(folder) => folder.into(),
        None => panic!("OURSPACE_PEERS is not set: `cargo xtask test` installs the peers"),
    }
}

fn ask(mut command: Command, input: &Value) -> Value {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(input.to_string().as_bytes()).unwrap();
    drop(pipe);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the peer: {}", output.status);
    serde_json::from_slice(&output.stdout).unwrap()
}

fn viem(typed: &Value) -> String {
    let mut command = Command::new("node");
    command
        .args([
            "-e",
            "const asked = JSON.parse(require('fs').readFileSync(0, 'utf8'));
             const {EIP712Domain, ...types} = asked.typed.types;
             require('viem/accounts').privateKeyToAccount(asked.secret)
                 .signTypedData({...asked.typed, types})
                 .then((signature) => process.stdout.write(JSON.stringify(signature)));",
        ])
        .env("NODE_PATH", peers().join("node/node_modules"));
    let signature = ask(command, &json!({"secret": SECRET, "typed": typed}));
    signature.as_str().unwrap().to_owned()
}

fn eth_account(script: &str, input: &Value) -> Value {
    let mut command = Command::new(peers().join("venv/bin/python"));
    let start = "import json, sys\nfrom eth_account import Account\n\
                 from eth_account.messages import encode_defunct\nasked = json.load(sys.stdin)\n";
    command.args(["-c", &format!("{start}json.dump({script}, sys.stdout)")]);
    ask(command, input)
}

fn personal(text: &Value) -> String {
    let script = "'0x' + Account.sign_message(encode_defunct(text=asked['text']), \
                  asked['secret']).signature.hex().removeprefix('0x')";
    let signature = eth_account(script, &json!({"secret": SECRET, "text": text}));
    signature.as_str().unwrap().to_owned()
}

#[test]
fn wallets_elsewhere_sign_the_first_grant_and_the_next() {
    for text in [false, true] {
        let place = Place::empty();
        let init = ["init", "--yes", "--wallet", ADDRESS];
        let asked = place.json(&init);
        assert_eq!(asked["complete"], false);
        assert_eq!(asked["successor_words"].as_array().unwrap().len(), 12);
        // Asked again it is the same grant, and the words are not shown twice.
        let again = place.json(&init);
        assert_eq!(again["typed_data"], asked["typed_data"]);
        assert_eq!(again["successor_words"], Value::Null);
        let wrong = format!("0x{}1b", "11".repeat(64));
        let said = place.run(&[&init[..], &["--signature", &wrong]].concat());
        said.refused(1);
        let signature = match text {
            false => viem(&asked["typed_data"]),
            true => personal(&asked["personal_text"]),
        };
        let done = place.run_with(
            &[&init[..], &["--signature", "-", "--json"]].concat(),
            &signature,
        );
        assert_eq!(done.json()["account"], ADDRESS);
        let who = place.json(&["whoami"]);
        assert_eq!(who["account"], ADDRESS);
        assert_eq!(who["wallet"], "elsewhere");
        assert!(who["root"].is_string());
        place.run(&["post", "signed by a wallet elsewhere"]).ok();

        let asked = place.json(&["device", "renew"]);
        let signature = match text {
            false => viem(&asked["request"]["typed_data"]),
            true => personal(&asked["request"]["personal_text"]),
        };
        let done = place.json(&["device", "renew", "--signature", &signature]);
        assert_eq!(done["complete"], true);
        place.run(&["post", "and renewed"]).ok();
    }
}

#[test]
fn a_key_store_of_eth_account_is_taken() {
    let place = Place::empty();
    let file = eth_account(
        "Account.encrypt(asked['secret'], 'its own password')",
        &json!({"secret": SECRET}),
    );
    fs::write(place.folder().join("keystore"), file.to_string()).unwrap();
    fs::write(place.folder().join("wrong"), "another password\n").unwrap();
    fs::write(place.folder().join("right"), "its own password\n").unwrap();
    let import = |password: &str| {
        place.run(&[
            "init",
            "--yes",
            "--json",
            "--import-keystore",
            "keystore",
            "--keystore-password-file",
            password,
        ])
    };
    let said = import("wrong");
    assert!(said.refused(1).contains("wrong password"), "{}", said.err);
    let made = import("right").json();
    assert_eq!(made["account"], ADDRESS);
    assert_eq!(made["words"], Value::Null);
    assert_eq!(made["successor_words"].as_array().unwrap().len(), 12);
    // From now on the home's own password opens it.
    place.run(&["device", "renew"]).ok();
}
