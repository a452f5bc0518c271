//! `backup`, `restore` and `recover`, as programs use them.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

mod schema;
mod support;

use std::{fs, os::unix::fs::PermissionsExt as _};

use ourspace_store::Store;
use serde_json::Value;
use support::{Done, PASSWORD, Place};

/// What is in the timeline, without what is rendered from it.
fn posts(place: &Place) -> Value {
    place.json(&["timeline"])
}

#[test]
fn a_home_comes_back_whole_or_not_at_all() {
    let place = Place::new();
    place.run(&["post", "kept for ever"]).ok();
    // A misspelt password would seal what nobody opens again.
    fs::write(place.folder().join("wrong"), "correct hosre\n").unwrap();
    let wrong = place.run(&["backup", "wrong.backup", "--password-file", "wrong"]);
    assert!(
        wrong
            .refused(1)
            .contains("not the password of this account"),
        "{}",
        wrong.err
    );
    let key = place.home().join("keys/account.json");
    let sealed = fs::read(&key).unwrap();
    fs::write(&key, &sealed[..sealed.len() / 2]).unwrap();
    let damaged = place.run(&["backup", "wrong.backup"]);
    let key_named = damaged.refused(1).contains("keys/account.json");
    assert!(key_named, "{}", damaged.err);
    assert!(!place.folder().join("wrong.backup").exists());
    fs::write(&key, &sealed).unwrap();
    let made = place.json(&["backup", "home.backup"]);
    schema::holds("backup", &made);
    let file = place.folder().join("home.backup");
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let again = place.run(&["backup", "home.backup"]);
    assert!(
        again.refused(1).contains("not overwritten"),
        "{}",
        again.err
    );
    let over = place.run(&["restore", "home.backup"]);
    assert!(over.refused(1).contains("not empty"), "{}", over.err);

    let whole = fs::read(&file).unwrap();
    let words = b"kept for ever";
    assert!(!whole.windows(words.len()).any(|part| part == words));
    let other = Place::empty();
    fs::write(other.folder().join("copy"), &whole).unwrap();
    let restored = other.json(&["restore", "copy"]);
    schema::holds("restore", &restored);
    assert_eq!(posts(&other), posts(&place));
    assert_eq!(other.json(&["whoami"]), place.json(&["whoami"]));
    let keys = fs::metadata(other.home().join("keys/device.json")).unwrap();
    assert_eq!(keys.permissions().mode() & 0o777, 0o600);
    // It publishes on, and its wallet opens.
    other.run(&["post", "and on"]).ok();
    other.run(&["device", "renew"]).ok();
}

#[test]
fn a_backup_that_is_not_whole_restores_nothing() {
    let place = Place::new();
    place.run(&["backup", "home.backup"]).ok();
    let whole = fs::read(place.folder().join("home.backup")).unwrap();
    let other = Place::empty();
    let copy = other.folder().join("copy");
    let refused = |bytes: &[u8]| -> Done {
        fs::write(&copy, bytes).unwrap();
        let said = other.run(&["restore", "copy"]);
        said.refused(1);
        let left: Vec<_> = fs::read_dir(other.folder())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["copy"], "nothing is left behind");
        said
    };
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    assert!(refused(&damaged).err.contains("damaged"));
    assert!(
        refused(&whole[..whole.len() - 1])
            .err
            .contains("damaged or cut off")
    );
    assert!(refused(&whole[..40]).err.contains("incomplete"));
    assert!(
        refused(b"something else")
            .err
            .contains("not an OurSpace backup")
    );
    fs::write(&copy, &whole).unwrap();
    let mut wrong = other.command(&["restore", "copy"]);
    let wrong = wrong
        .env("OURSPACE_PASSWORD", "incorrect horse")
        .output()
        .unwrap();
    assert_eq!(wrong.status.code(), Some(1));
    assert!(
        String::from_utf8(wrong.stderr)
            .unwrap()
            .contains("wrong password")
    );
}

#[test]
fn a_lost_account_is_continued_by_its_second_list() {
    let lost = Place::empty();
    let made = lost.json(&["init", "--yes"]);
    let phrase = |list: &Value| -> String {
        let words = list.as_array().unwrap().iter();
        words
            .map(|word| word.as_str().unwrap())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let (first, second) = (phrase(&made["words"]), phrase(&made["successor_words"]));
    let account = made["account"].as_str().unwrap();
    let record = lost.folder().join("record.cbor");
    let store = Store::open_reader(&lost.home()).unwrap();
    let heads = store
        .read()
        .unwrap()
        .heads(account.parse().unwrap())
        .unwrap();
    fs::write(&record, heads.newest().unwrap().get().to_bytes()).unwrap();
    let record = record.to_str().unwrap();

    let place = Place::empty();
    let recover = |list: &str, record: &[&str]| {
        let base = [
            "recover",
            "--account",
            account,
            "--mnemonic",
            "-",
            "--yes",
            "--json",
        ];
        place.run_with(&[&base, record].concat(), list)
    };
    let said = recover(&first, &[]);
    assert!(said.refused(1).contains("not lost"), "{}", said.err);
    let other = "legal winner thank year wave sausage worth useful legal winner thank yellow";
    let said = recover(other, &["--record", record]);
    assert!(
        said.refused(1).contains("not those of the successor"),
        "{}",
        said.err
    );
    let said = recover(&second, &["--record", "/dev/null"]);
    assert!(said.refused(1).contains("not valid"), "{}", said.err);
    assert!(!place.folder().join("succession.cbor").exists());
    assert!(!place.home().exists());

    let said = recover(&second, &["--statement", "nowhere/succession.cbor"]);
    assert!(said.refused(1).contains("is not there"), "{}", said.err);
    assert!(!place.home().exists(), "the path is checked before");

    let done = recover(&second, &["--record", record]).json();
    schema::holds("recover", &done);
    assert_eq!(done["continues"], account);
    assert_eq!(done["checked"], true);
    assert_eq!(place.json(&["whoami"])["account"], done["account"]);
    assert_ne!(phrase(&done["successor_words"]), second);
    let statement = fs::read(place.folder().join("succession.cbor")).unwrap();
    // An array of seven, version 1 (spec/06).
    assert_eq!(statement[..2], [0x87, 1]);
    place.run(&["post", "I lost my words; I go on here."]).ok();

    keeps_its_statement(&place, &lost, account, &statement);
}

/// The home of a successor writes its statement again, and beside the feed.
fn keeps_its_statement(place: &Place, lost: &Place, account: &str, statement: &[u8]) {
    let once_more = place.folder().join("again.cbor");
    let again = ["whoami", "--statement", once_more.to_str().unwrap()];
    place.run(&again).ok();
    assert_eq!(fs::read(&once_more).unwrap(), *statement);
    assert!(place.run(&again).refused(1).contains("exists already"));
    let said = lost.run(&["whoami", "--statement", "x"]);
    assert!(said.refused(1).contains("continues no lost one"));
    place.run(&["export", "site"]).ok();
    let beside = place
        .folder()
        .join("site/.well-known/ourspace/succession.cbor");
    assert_eq!(fs::read(&beside).unwrap(), *statement);
    let verified = place.json(&["verify", "site"]);
    assert_eq!(verified["valid"], true);
    let notes = verified["notes"].to_string();
    assert!(notes.contains(&format!("continues {account}")), "{notes}");
    // One that nobody signed, and one of another account.
    let mut forged = statement.to_vec();
    *forged.last_mut().unwrap() ^= 1;
    for wrong in [&forged[..], &statement[..50], b""] {
        fs::write(&beside, wrong).unwrap();
        let done = place.run(&["verify", "site"]);
        assert_eq!(done.code, 1, "{}", done.out);
        assert!(done.out.contains("succession.cbor"), "{}", done.out);
    }
    lost.run(&["export", "site"]).ok();
    let there = lost
        .folder()
        .join("site/.well-known/ourspace/succession.cbor");
    assert!(!there.exists());
    fs::write(&there, statement).unwrap();
    let done = lost.run(&["verify", "site"]);
    assert!(done.out.contains("not of this feed's"), "{}", done.out);
    assert_eq!(done.code, 1);
}

#[test]
fn no_secret_is_ever_said() {
    let place = Place::empty();
    let list = "legal winner thank year wave sausage worth useful legal winner thank yellow";
    let swapped = "winner legal thank year wave sausage worth useful legal winner thank yellow";
    let unknown = "legal winner thank yearr wave sausage worth useful legal winner thank yellow";
    let mut said = String::new();
    let mut hear = |done: Done, code: i32, part: &str| {
        assert!(done.refused(code).contains(part), "{}", done.err);
        said += &(done.out + &done.err);
    };
    let on_argv: Vec<&str> = ["init", "--yes", "--json", "--mnemonic"]
        .into_iter()
        .chain(list.split(' '))
        .collect();
    hear(place.run(&on_argv), 2, "--mnemonic -");
    hear(
        place.run(&["init", "--yes", "--mnemonic", list]),
        2,
        "--mnemonic -",
    );
    for json in [&[][..], &["--json"]] {
        let base = [&["init", "--yes", "--mnemonic", "-"], json].concat();
        hear(place.run_with(&base, swapped), 1, "checksum");
        hear(place.run_with(&base, unknown), 1, "word 4 is not in");
        hear(place.run_with(&base, "legal winner"), 1, "2 words");
        hear(place.run_with(&base, ""), 2, "no words");
    }
    let made = place.run_with(&["init", "--yes", "--json", "--mnemonic", "-"], list);
    assert_eq!(
        made.json()["account"],
        "0x58A57ed9d8d624cBD12e2C467D34787555bB1b25"
    );
    let device = fs::read_to_string(place.home().join("keys/device.json")).unwrap();
    let device: Value = serde_json::from_str(&device).unwrap();
    let secret = device["secret"].as_str().unwrap().to_owned();
    let mut wrong = place.command(&["device", "renew", "--json"]);
    let wrong = wrong
        .env("OURSPACE_PASSWORD", "incorrect horse")
        .output()
        .unwrap();
    said += &String::from_utf8(wrong.stderr).unwrap();
    assert_eq!(wrong.status.code(), Some(1));
    let mut hear = |done: Done, code: i32, part: &str| {
        assert!(done.refused(code).contains(part), "{}", done.err);
        said += &(done.out + &done.err);
    };
    let keystore = place.home().join("keys/account.json");
    let whole = fs::read(&keystore).unwrap();
    fs::write(&keystore, &whole[..whole.len() / 2]).unwrap();
    hear(place.run(&["device", "renew"]), 1, "key store");
    let path = place.home().join("keys/device.json");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    hear(place.run(&["whoami"]), 1, "chmod 600");
    said += &made.err;
    for secret in [PASSWORD, "incorrect", "sausage", "yearr", "thank", &secret] {
        assert!(!said.contains(secret), "{secret}: {said}");
    }
}
