use super::*;
use serde_json::{Value, json};

/// The PBKDF2 vector of the Web3 Secret Storage Definition.
const PBKDF2: &str = r#"{
    "crypto" : {
        "cipher" : "aes-128-ctr",
        "cipherparams" : { "iv" : "6087dab2f9fdbbfaddc31a909735c1e6" },
        "ciphertext" : "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
        "kdf" : "pbkdf2",
        "kdfparams" : {
            "c" : 262144, "dklen" : 32, "prf" : "hmac-sha256",
            "salt" : "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"
        },
        "mac" : "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"
    },
    "id" : "3198bc9c-6672-5ab3-d995-4942343ae5b6",
    "version" : 3
}"#;

/// Its scrypt vector.
const SCRYPT: &str = r#"{
    "crypto" : {
        "cipher" : "aes-128-ctr",
        "cipherparams" : { "iv" : "83dbcc02d8ccb40e466191a123791e0e" },
        "ciphertext" : "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
        "kdf" : "scrypt",
        "kdfparams" : {
            "dklen" : 32, "n" : 262144, "r" : 1, "p" : 8,
            "salt" : "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19"
        },
        "mac" : "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097"
    },
    "id" : "3198bc9c-6672-5ab3-d995-4942343ae5b6",
    "version" : 3
}"#;

const SECRET: &str = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";

fn secret_of(key: &SecretKey) -> String {
    data_encoding::HEXLOWER.encode(key.expose())
}

/// A key store with few rounds, so that hundreds of changed ones can be tried.
fn quick(password: &str) -> Value {
    let key = SecretKey::from_bytes(&[0x5a; 32]).unwrap();
    let kdf = Kdf::pbkdf2(2).unwrap();
    let (salt, iv) = (vec![1; 32], [2; 16]);
    let derived = kdf.derive(password, &salt).unwrap();
    let mut ciphertext = *key.expose();
    apply_cipher(&derived, &iv, &mut ciphertext);
    let mac = mac(&derived, &ciphertext);
    let address = Some(key.address());
    let json = Contents {
        kdf,
        salt,
        iv,
        ciphertext,
        mac,
        address,
    }
    .to_json([3; 16]);
    serde_json::from_slice(&json).unwrap()
}

fn open_value(value: &Value) -> Result<SecretKey, KeystoreError> {
    decrypt(value.to_string().as_bytes(), "secret words")
}

#[test]
fn vectors_of_the_definition() {
    for vector in [PBKDF2, SCRYPT] {
        let key = decrypt(vector.as_bytes(), "testpassword").unwrap();
        assert_eq!(secret_of(&key), SECRET);
        assert_eq!(stated_address(vector.as_bytes()).unwrap(), None);
    }
    let error = decrypt(SCRYPT.as_bytes(), "Testpassword").unwrap_err();
    assert!(matches!(error, KeystoreError::WrongPassword), "{error}");
}

#[test]
fn a_new_file_opens_again_and_only_with_its_password() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("account.json");
    let key = SecretKey::generate().unwrap();
    let started = std::time::Instant::now();
    create(&path, &key, "pässword").unwrap();
    println!("sealing took {:?}", started.elapsed());
    let (json, mode) = files::read(&path, KEYSTORE_BYTES).unwrap();
    assert_eq!(mode, 0o600);
    let value: Value = serde_json::from_slice(&json).unwrap();
    let params = &value["crypto"]["kdfparams"];
    assert_eq!(
        (&params["n"], &params["r"], &params["p"]),
        (&json!(262_144), &json!(8), &json!(1))
    );
    assert_eq!(stated_address(&json).unwrap(), Some(key.address()));
    assert_eq!(
        secret_of(&open(&path, "pässword").unwrap()),
        secret_of(&key)
    );
    assert!(matches!(
        open(&path, "password"),
        Err(KeystoreError::WrongPassword)
    ));
    let text = String::from_utf8(json.to_vec()).unwrap();
    assert!(!text.contains(&secret_of(&key)));

    let other = SecretKey::generate().unwrap();
    assert!(matches!(
        create(&path, &other, ""),
        Err(KeystoreError::File(FileError::Exists { .. }))
    ));
    replace(&path, &key, "").unwrap();
    assert_eq!(open(&path, "").unwrap().address(), key.address());
}

#[test]
fn spellings_of_other_programs_are_read() {
    let mut value = quick("secret words");
    let crypto = value.as_object_mut().unwrap().remove("crypto").unwrap();
    value["Crypto"] = crypto;
    value["address"] = json!("0x9A6D4dA8A31d4Cf3e8A8B4Db0ba5a6E8cdd5Bf9E");
    value["x-ethers"] = json!({"client": "ethers/6"});
    assert!(matches!(
        open_value(&value),
        Err(KeystoreError::AddressDiffers { .. })
    ));
    value["address"] = json!(
        SecretKey::from_bytes(&[0x5a; 32])
            .unwrap()
            .address()
            .to_string()
    );
    open_value(&value).unwrap();
    value["address"] = json!("");
    open_value(&value).unwrap();
}

#[test]
fn a_change_of_any_digit_is_noticed() {
    let paths = [
        "/crypto/ciphertext",
        "/crypto/mac",
        "/crypto/cipherparams/iv",
        "/crypto/kdfparams/salt",
        "/address",
    ];
    open_value(&quick("secret words")).unwrap();
    for path in paths {
        let whole = quick("secret words");
        let text = whole.pointer(path).unwrap().as_str().unwrap().to_owned();
        for at in 0..text.len() {
            let digit = u8::from_str_radix(&text[at..=at], 16).unwrap();
            let mut changed = text.clone();
            changed.replace_range(at..=at, &format!("{:x}", digit ^ 1));
            let mut value = whole.clone();
            *value.pointer_mut(path).unwrap() = json!(changed);
            let error = open_value(&value).unwrap_err();
            match path {
                "/address" | "/crypto/cipherparams/iv" => {
                    assert!(
                        matches!(error, KeystoreError::AddressDiffers { .. }),
                        "{path} {at}"
                    );
                }
                _ => assert!(matches!(error, KeystoreError::WrongPassword), "{path} {at}"),
            }
        }
    }
    let mut value = quick("secret words");
    value["crypto"]["kdfparams"]["c"] = json!(3);
    assert!(matches!(
        open_value(&value),
        Err(KeystoreError::WrongPassword)
    ));
}

#[test]
fn hostile_parameters_are_refused_at_once() {
    let started = std::time::Instant::now();
    let scrypt = |n: u64, r: u64, p: u64| {
        let mut value = quick("secret words");
        value["crypto"]["kdf"] = json!("scrypt");
        value["crypto"]["kdfparams"] = json!({"dklen": 32, "salt": "00", "n": n, "r": r, "p": p});
        open_value(&value).unwrap_err()
    };
    for (n, r, p) in [
        (1 << 40, 8, 1),
        (2, 1 << 40, 1),
        (1 << 18, 8, 1 << 30),
        (0, 0, 0),
        (u64::MAX, 1, 1),
    ] {
        assert!(matches!(scrypt(n, r, p), KeystoreError::Parameters(_)));
    }
    let mut value = quick("secret words");
    value["crypto"]["kdfparams"]["c"] = json!(4_000_000_000_u64);
    assert!(matches!(
        open_value(&value),
        Err(KeystoreError::Parameters(KdfError::TooCostly))
    ));
    value["crypto"]["kdfparams"]["dklen"] = json!(1_u64 << 40);
    assert!(matches!(
        open_value(&value),
        Err(KeystoreError::Unsupported { .. })
    ));
    assert!(started.elapsed().as_secs() < 2);
}

#[test]
fn damaged_files_are_refused_with_a_word_about_where() {
    let whole = quick("secret words").to_string();
    for end in 0..whole.len() {
        let error = decrypt(&whole.as_bytes()[..end], "secret words").unwrap_err();
        assert!(
            matches!(error, KeystoreError::Malformed { .. }),
            "{end}: {error}"
        );
    }
    for path in [
        "/crypto/ciphertext",
        "/crypto/mac",
        "/crypto/cipherparams/iv",
        "/address",
    ] {
        for wrong in [
            json!("12"),
            json!("xx"),
            json!("é"),
            json!(7),
            json!([]),
            json!({}),
        ] {
            let mut value = quick("secret words");
            *value.pointer_mut(path).unwrap() = wrong;
            let error = open_value(&value).unwrap_err();
            assert!(
                matches!(error, KeystoreError::Malformed { .. }),
                "{path}: {error}"
            );
        }
    }
    for (path, wrong) in [
        ("/version", json!(1)),
        ("/crypto/cipher", json!("aes-128-cbc")),
        ("/crypto/kdf", json!("argon2id")),
        ("/crypto/kdfparams/prf", json!("hmac-sha512")),
    ] {
        let mut value = quick("secret words");
        *value.pointer_mut(path).unwrap() = wrong;
        let error = open_value(&value).unwrap_err();
        assert!(
            matches!(error, KeystoreError::Unsupported { .. }),
            "{path}: {error}"
        );
    }
    let deep = "[".repeat(60_000);
    assert!(matches!(
        decrypt(deep.as_bytes(), ""),
        Err(KeystoreError::Malformed { .. })
    ));
    let long = " ".repeat(100_000);
    assert!(matches!(
        decrypt(long.as_bytes(), ""),
        Err(KeystoreError::Malformed { .. })
    ));
}

#[test]
fn a_sealed_text_that_is_no_key_is_refused() {
    let kdf = Kdf::pbkdf2(2).unwrap();
    let derived = kdf.derive("secret words", &[]).unwrap();
    let mut ciphertext = [0xff; 32];
    apply_cipher(&derived, &[2; 16], &mut ciphertext);
    let mac = mac(&derived, &ciphertext);
    let contents = Contents {
        kdf,
        salt: vec![],
        iv: [2; 16],
        ciphertext,
        mac,
        address: None,
    };
    let error = decrypt(&contents.to_json([0; 16]), "secret words").unwrap_err();
    assert!(
        matches!(error, KeystoreError::Key(KeyError::OutOfRange)),
        "{error}"
    );
}

#[test]
fn errors_do_not_quote_the_file() {
    let secret = "a-secret-in-the-wrong-place";
    for path in [
        "/version",
        "/crypto/cipher",
        "/crypto/kdfparams/c",
        "/crypto/mac",
        "/address",
    ] {
        let mut value = quick("secret words");
        *value.pointer_mut(path).unwrap() = json!(secret);
        let error = open_value(&value).unwrap_err();
        assert!(
            !format!("{error} {error:?}").contains("secret-in"),
            "{error:?}"
        );
    }
}

#[test]
fn no_bytes_are_too_strange() {
    proptest::proptest!(|(cuts in proptest::collection::vec((0_usize..700, 0_u8..), 1..8))| {
        let mut json = quick("secret words").to_string().into_bytes();
        for (at, byte) in cuts {
            let at = at % json.len();
            json[at] = byte;
        }
        drop(decrypt(&json, "secret words"));
    });
}
