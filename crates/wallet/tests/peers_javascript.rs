//! viem, ethers and MetaMask's eth-sig-util sign the same bytes as this wallet, and the
//! key stores of ethers and ox (viem's foundation) open here and ours there.

mod support;

use std::process::Command;

use ourspace_protocol::{
    account::Account,
    eip712::TypedData,
    grant::{self, Grant},
    hash::keccak256,
    signature::{Scheme, Signature},
    succession::Succession,
};
use ourspace_wallet::{SecretKey, elsewhere, keystore};
use serde_json::{Value, json};
use support::{ask, peers};

const SIGNERS: &str = "
    const {sign, signMessage, signTypedData} = require('viem/accounts');
    const {SigningKey, Wallet} = require('ethers');
    const metamask = require('@metamask/eth-sig-util');
    const {secret} = asked, wallet = new Wallet(secret), bare = Buffer.from(secret.slice(2), 'hex');
    const digests = [], typed = [], texts = [];
    for (const hash of asked.digests) {
        const ethers = new SigningKey(secret).sign(hash);
        digests.push([await sign({hash, privateKey: secret, to: 'hex'}),
            ethers.serialized, ethers.compactSerialized]);
    }
    for (const {data, text} of asked.signed) {
        const {EIP712Domain, ...types} = data.types;
        typed.push([await signTypedData({...data, types, privateKey: secret}),
            await wallet.signTypedData(data.domain, types, data.message),
            metamask.signTypedData({privateKey: bare, data, version: 'V4'})]);
        texts.push([await signMessage({message: text, privateKey: secret}),
            await wallet.signMessage(text),
            metamask.personalSign({privateKey: bare, data: '0x' + Buffer.from(text).toString('hex')})]);
    }
    return {digests, typed, texts};";

const OPENERS: &str = "
    const {Wallet} = require('ethers'), {Keystore} = require('ox');
    const {file, password} = asked, text = JSON.stringify(file);
    const wrong = await Wallet.fromEncryptedJson(text, 'wrong').then(() => 'opened', () => 'refused');
    return [(await Wallet.fromEncryptedJson(text, password)).privateKey,
        Keystore.decrypt(file, Keystore.toKey(file, {password})), wrong];";

const SEALERS: &str = "
    const {Wallet} = require('ethers'), {Keystore} = require('ox');
    const {secret, password} = asked;
    const [scrypt, scryptOptions] = Keystore.scrypt({password});
    const [pbkdf2, pbkdf2Options] = Keystore.pbkdf2({password});
    return [JSON.parse(await new Wallet(secret).encrypt(password)),
        Keystore.encrypt(secret, scrypt, scryptOptions),
        Keystore.encrypt(secret, pbkdf2, pbkdf2Options)];";

fn node(script: &str, input: &Value) -> Value {
    let mut command = Command::new("node");
    let program = format!(
        "const asked = JSON.parse(require('fs').readFileSync(0, 'utf8'));
        (async () => {{ {script} }})().then(
            (answer) => process.stdout.write(JSON.stringify(answer)),
            (error) => {{ console.error(error); process.exit(1); }});"
    );
    command
        .args(["-e", &program])
        .env("NODE_PATH", peers().join("node/node_modules"));
    ask(command, input)
}

fn hex(bytes: &[u8]) -> String {
    format!("0x{}", data_encoding::HEXLOWER.encode(bytes))
}

/// The 65 bytes that wallets write: r, s and 27 or 28.
fn long_form(signature: &Signature) -> String {
    let mut bytes = signature.0.to_vec();
    bytes.push(27 + (bytes[32] >> 7));
    bytes[32] &= 0x7f;
    hex(&bytes)
}

fn grant(account: Account) -> Grant {
    Grant {
        account,
        device: Account([0x42; 20]),
        encryption_key_hash: [0; 32],
        successor_hash: [7; 32],
        scope: grant::PUBLISH.to_owned(),
        issued_at: 1_800_000_000_123,
        expires_at: 1_831_536_000_123,
        epoch: 3,
    }
}

#[test]
fn three_libraries_sign_the_same_bytes() {
    for number in 0_u8..3 {
        let secret = keccak256(&[b's', number]);
        let key = SecretKey::from_bytes(&secret).unwrap();
        let digests: Vec<[u8; 32]> = (0..64).map(|n: u8| keccak256(&[n, number])).collect();
        let grant = grant(key.address());
        let succession = Succession {
            account: Account([9; 20]),
            successor: key.address(),
            salt: [0xee; 32],
            timestamp: u64::MAX >> 11,
        };
        let asked = |data: Value, text: String| json!({"data": data, "text": text});
        let answer = node(
            SIGNERS,
            &json!({
                "secret": hex(&secret),
                "digests": digests.iter().map(|digest| hex(digest)).collect::<Vec<_>>(),
                "signed": [
                    asked(grant.typed_data(), grant.personal_text()),
                    asked(succession.typed_data(), succession.personal_text()),
                ],
            }),
        );
        for (digest, signed) in digests.iter().zip(answer["digests"].as_array().unwrap()) {
            let ours = key.sign_digest(digest);
            let long = long_form(&ours);
            assert_eq!(*signed, json!([long, long, ours.to_string()]));
            for spelling in signed.as_array().unwrap() {
                assert_eq!(
                    elsewhere::parse_signature(spelling.as_str().unwrap()),
                    Ok(ours)
                );
            }
        }
        let hash = |scheme| [grant.signing_hash(scheme), succession.signing_hash(scheme)];
        for (kind, scheme) in [
            ("typed", Scheme::TypedData),
            ("texts", Scheme::PersonalText),
        ] {
            for (hash, signed) in hash(scheme).iter().zip(answer[kind].as_array().unwrap()) {
                let long = long_form(&key.sign_digest(hash));
                assert_eq!(*signed, json!([long, long, long]), "{kind}");
            }
            let text = answer[kind][0][2].as_str().unwrap();
            assert_eq!(
                elsewhere::sign_grant(grant.clone(), text).unwrap().scheme,
                scheme
            );
        }
    }
}

#[test]
fn ethers_and_ox_open_our_key_store() {
    let secret = keccak256(b"ours");
    let key = SecretKey::from_bytes(&secret).unwrap();
    let json = keystore::encrypt(&key, "correct horse").unwrap();
    let file: Value = serde_json::from_slice(&json).unwrap();
    let answer = node(OPENERS, &json!({"file": file, "password": "correct horse"}));
    assert_eq!(answer, json!([hex(&secret), hex(&secret), "refused"]));
}

#[test]
fn we_open_the_key_stores_of_ethers_and_ox() {
    let secret = keccak256(b"theirs");
    let password = "correct horse Straße";
    let files = node(
        SEALERS,
        &json!({"secret": hex(&secret), "password": password}),
    );
    let expected = SecretKey::from_bytes(&secret).unwrap().address();
    assert_eq!(files.as_array().unwrap().len(), 3);
    for file in files.as_array().unwrap() {
        let key = keystore::decrypt(file.to_string().as_bytes(), password).unwrap();
        assert_eq!(key.address(), expected);
    }
}
