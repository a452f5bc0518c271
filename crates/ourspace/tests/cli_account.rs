//! `init` and `whoami`, as programs use them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod schema;
mod support;

use std::{fs, process::Stdio};

use serde_json::Value;
use support::{PASSWORD, Place};

#[test]
fn an_account_is_made_and_shown() {
    let place = Place::empty();
    let made = place.json(&["init", "--yes"]);
    assert_eq!(made["complete"], true);
    assert_eq!(made["words"].as_array().unwrap().len(), 12);
    assert_eq!(made["successor_words"].as_array().unwrap().len(), 12);
    assert_ne!(made["words"], made["successor_words"]);
    let who = place.json(&["whoami"]);
    schema::holds("init", &made);
    schema::holds("whoami", &who);
    assert_eq!(who["account"], made["account"]);
    assert_eq!(who["fingerprint"], made["fingerprint"]);
    assert_eq!(who["device"], made["device"]);
    assert_eq!(who["wallet"], "here");
    assert_eq!(who["grant"]["expires"], made["expires"]);
    assert_eq!(who["grant"]["renew_soon"], false);
    assert!(who["root"].as_str().unwrap().starts_with("bafybei"));
    insta::assert_json_snapshot!(made, {
        ".account" => "[account]", ".fingerprint" => "[fingerprint]", ".device" => "[device]",
        ".expires" => "[date]", ".words" => "[words]", ".successor_words" => "[words]",
    });
    insta::assert_json_snapshot!(who, {
        ".account" => "[account]", ".did" => "[did]", ".fingerprint" => "[fingerprint]",
        ".device" => "[device]", ".grant.issued" => "[date]", ".grant.expires" => "[date]",
        ".root" => "[root]", ".timestamp" => "[timestamp]", ".link" => "[link]",
    });
    // No node runs, so the link names none.
    let account = who["account"].as_str().unwrap();
    assert_eq!(who["link"], format!("ourspace:{account}"));

    // A second account does not go into the same home.
    let said = place.run(&["init", "--yes"]);
    let account = made["account"].as_str().unwrap();
    let err = said.refused(1);
    assert!(err.contains(account) && err.contains("whoami"), "{err}");
    let text = place.run(&["whoami"]);
    assert!(text.ok().contains(account));

    // Nor are words and password anywhere in the home.
    let words = made["words"].as_array().unwrap();
    let phrase: Vec<&str> = words.iter().map(|word| word.as_str().unwrap()).collect();
    let phrase = phrase[..4].join(" ");
    for file in files(&place.home()) {
        let bytes = fs::read(&file).unwrap();
        for secret in [phrase.as_bytes(), PASSWORD.as_bytes()] {
            let found = bytes.windows(secret.len()).any(|part| part == secret);
            assert!(!found, "{}", file.display());
        }
    }
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push(path);
        }
    }
    all
}

#[test]
fn without_a_password_or_anybody_to_ask_nothing_is_made() {
    let place = Place::empty();
    let run = |arguments: &[&str]| {
        let mut command = place.command(arguments);
        let output = command.env_remove("OURSPACE_PASSWORD").output().unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, err) = run(&["init", "--yes"]);
    assert_eq!(code, 2);
    assert!(err.contains("--password-file"), "{err}");
    let (code, err) = run(&["init"]);
    assert_eq!(code, 2);
    assert!(err.contains("--yes"), "{err}");
    let (code, err) = run(&["whoami"]);
    assert_eq!(code, 1);
    assert!(err.contains("ourspace init"), "{err}");
    assert!(!place.home().exists());
}

#[test]
fn of_two_at_once_one_makes_the_account() {
    let place = Place::empty();
    let start = || {
        let mut command = place.command(&["init", "--yes", "--json"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let both = [start(), start()].map(|child| child.wait_with_output().unwrap());
    let made: Vec<_> = both.iter().filter(|done| done.status.success()).collect();
    assert_eq!(made.len(), 1, "{both:?}");
    let made: Value = serde_json::from_slice(&made[0].stdout).unwrap();
    assert_eq!(place.json(&["whoami"])["account"], made["account"]);
    let other = both.iter().find(|done| !done.status.success()).unwrap();
    assert_eq!(other.status.code(), Some(1));
    assert!(
        other.stdout.is_empty(),
        "no words of an account that is not"
    );
}
