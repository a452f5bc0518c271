//! What is refused, and that the folder is then as it was before.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

mod schema;
mod support;

use std::fs;

use serde_json::Value;
use support::{Done, Place};

const LIST: &str = "legal winner thank year wave sausage worth useful legal winner thank yellow";
const ACCOUNT: &str = "0x58A57ed9d8d624cBD12e2C467D34787555bB1b25";
const OTHER: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

fn refused(place: &Place, done: &Done, code: i32, part: &str) {
    assert!(done.refused(code).contains(part), "{}", done.err);
    assert!(done.out.is_empty(), "{}", done.out);
    assert!(!place.home().exists(), "{part}: a home was made");
}

#[test]
fn one_list_is_not_both_account_and_successor() {
    let place = Place::empty();
    let both = format!("{LIST}\n{LIST}\n");
    let done = place.run_with(&["init", "--yes", "--mnemonic", "-"], &both);
    refused(&place, &done, 1, "must be another one");
    let recover = ["recover", "--yes", "--account", ACCOUNT, "--mnemonic", "-"];
    let done = place.run_with(&recover, LIST);
    refused(&place, &done, 1, "not lost");
}

/// Runs it with bytes on its standard input that are no text.
fn with_bytes(place: &Place, arguments: &[&str]) -> Done {
    let path = place.folder().join("bytes");
    fs::write(&path, [0xff, 0xfe, 0x80]).unwrap();
    let mut command = place.command(arguments);
    let output = command.stdin(fs::File::open(&path).unwrap()).output();
    fs::remove_file(path).unwrap();
    Done::of(&output.unwrap())
}

#[test]
fn every_command_has_examples_and_shows_no_marks_of_code() {
    let place = Place::empty();
    for command in [
        "device list",
        "device add",
        "device renew",
        "device revoke",
        "device join",
        "search",
        "init",
        "recover",
        "whoami",
    ] {
        let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let help = place.run(&words);
        let help = help.ok();
        let example = format!("ourspace {command}");
        let (_, examples) = help.split_once("Examples:").unwrap_or_default();
        assert!(
            examples.contains(&example) || command == "device join",
            "{help}"
        );
        assert!(examples.contains(command), "{help}");
        assert!(!help.contains('\\') && !help.contains("<->..."), "{help}");
    }
}

#[test]
fn what_is_refused_makes_no_home() {
    let place = Place::empty();
    let init = ["init", "--yes", "--mnemonic", "-"];
    refused(&place, &place.run_with(&init, "legal winner"), 1, "2 words");
    refused(&place, &place.run_with(&init, ""), 2, "no words");
    refused(&place, &with_bytes(&place, &init), 1, "not words");
    let spoken = ["init", "--yes", "--mnemonic", "legal", "winner"];
    refused(&place, &place.run(&spoken), 2, "think of them as known");
    assert!(!place.run(&spoken).err.contains("winner"));
    let spoken = ["recover", "--account", OTHER, "legal", "winner"];
    refused(&place, &place.run(&spoken), 2, "think of them as known");
    fs::write(place.folder().join("key.json"), "{}").unwrap();
    let import = ["init", "--yes", "--import-keystore", "key.json"];
    refused(&place, &place.run(&import), 1, "key.json");
    let import = ["init", "--yes", "--import-keystore", "none.json"];
    refused(&place, &place.run(&import), 1, "none.json");
    let sealed = Place::new();
    let key = sealed.home().join("keys/account.json");
    let import = ["init", "--yes", "--import-keystore", key.to_str().unwrap()];
    let mut wrong = place.command(&import);
    let wrong = Done::of(&wrong.env("OURSPACE_PASSWORD", "another").output().unwrap());
    refused(&place, &wrong, 1, "account.json");
    assert!(
        wrong.err.contains("--keystore-password-file"),
        "{}",
        wrong.err
    );
    let signed = ["init", "--wallet", OTHER, "--signature", "0x00"];
    refused(&place, &place.run(&signed), 1, "no grant waits");

    let recover = ["recover", "--yes", "--account", OTHER, "--mnemonic", "-"];
    refused(
        &place,
        &place.run_with(&recover, "legal winner"),
        1,
        "2 words",
    );
    let with_record = [&recover[..], &["--record", "none.cbor"]].concat();
    refused(&place, &place.run_with(&with_record, LIST), 1, "none.cbor");
    fs::write(place.folder().join("succession.cbor"), "mine").unwrap();
    refused(
        &place,
        &place.run_with(&recover, LIST),
        1,
        "not overwritten",
    );

    let answer = ["device", "join", "--answer", "ourspace-grant:aaaa"];
    refused(&place, &place.run(&answer), 1, "waits for no answer");
    let picture = ["device", "join", "--qr", "code.gif"];
    refused(&place, &place.run(&picture), 2, ".svg or .png");
    // So nothing is in the way.
    let made = place.run_with(&[&init[..], &["--json"]].concat(), LIST);
    assert_eq!(made.json()["account"], ACCOUNT);
}

#[test]
fn a_folder_with_other_things_becomes_no_home() {
    let place = Place::empty();
    fs::create_dir(place.home()).unwrap();
    let novel = place.home().join("novel.txt");
    fs::write(&novel, "Once").unwrap();
    let commands: [&[&str]; 4] = [
        &["init", "--yes"],
        &["init", "--yes", "--wallet", OTHER],
        &["device", "join"],
        &["recover", "--yes", "--account", OTHER, "--mnemonic", "-"],
    ];
    for command in commands {
        let done = place.run_with(command, LIST);
        let err = done.refused(1);
        let home = place.home();
        assert!(err.contains(home.to_str().unwrap()), "{err}");
        assert!(
            err.contains("other files in it") && err.contains("--home"),
            "{err}"
        );
        assert_eq!(fs::read_dir(&home).unwrap().count(), 1);
    }
    fs::remove_file(novel).unwrap();
    fs::remove_dir(place.home()).unwrap();
    fs::write(place.home(), "a file").unwrap();
    let done = place.run(&["init", "--yes"]);
    assert!(done.refused(1).contains("no folder"), "{}", done.err);
}

#[test]
fn errors_of_the_arguments_are_json_too() {
    let place = Place::empty();
    let wrong: [(&[&str], &str); 7] = [
        (&["--json", "pst"], "pst"),
        (&["post", "--json", "--nothing"], "--nothing"),
        (&["timeline", "--json", "--limit", "many"], "many"),
        (&["post", "--json", "--alt", "x"], "--media"),
        (&["device", "--json"], "requires a subcommand"),
        (&["--json", "device"], "a command is missing"),
        (&["show", "--json"], "<ITEMS>"),
    ];
    for (arguments, part) in wrong {
        let done = place.run(arguments);
        let said: Value = serde_json::from_str(done.refused(2)).unwrap();
        schema::holds("error", &said);
        assert_eq!(said["code"], 2);
        let text = said["error"].as_str().unwrap();
        assert!(text.contains(part), "{text}");
        assert!(
            !text.contains("Usage") && !text.starts_with("error"),
            "{text}"
        );
        assert!(done.out.is_empty());
    }
    // As text for people, and where `--json` is no option.
    for arguments in [&["pst"][..], &["post", "--nothing", "--", "--json"]] {
        let done = place.run(arguments);
        assert!(done.refused(2).contains("Usage:"), "{}", done.err);
    }
    for arguments in [&["--help", "--json"][..], &["--version", "--json"]] {
        assert!(place.run(arguments).ok().contains("ourspace"));
    }
}

#[test]
fn only_what_the_wallet_signs_is_on_standard_output() {
    let place = Place::empty();
    let unasked = place.run(&["init", "--wallet", OTHER]);
    refused(&place, &unasked, 2, "--yes");
    let asked = place.run(&["init", "--yes", "--wallet", OTHER]);
    let typed: Value = serde_json::from_str(asked.ok()).unwrap();
    assert_eq!(typed["primaryType"], "DeviceKey");
    assert!(
        asked.err.contains("words of your successor"),
        "{}",
        asked.err
    );
    let words = asked.err.lines().find(|line| line.split(' ').count() == 12);
    assert!(words.is_some(), "{}", asked.err);
    let again = place.run(&["init", "--yes", "--wallet", OTHER]);
    assert_eq!(again.ok(), asked.out);
}

#[test]
fn who_cannot_sign_is_told_where_it_can_be_done() {
    let (first, second) = (Place::new(), Place::empty());
    let code = second.json(&["device", "join"]);
    let device = code["device"].as_str().unwrap();
    let code = code["code"].as_str().unwrap();
    let added = first.json(&["device", "add", code, "--yes"]);
    let answer = added["answer"].as_str().unwrap();
    second.run(&["device", "join", "--answer", answer]).ok();

    let said = second.run(&["device", "renew"]);
    let there = format!("run there `ourspace device renew {device}`");
    assert!(said.err.contains(&there), "{}", said.err);
    assert!(
        said.err.contains("device join --answer ANSWER"),
        "{}",
        said.err
    );
    let said = second.run(&["device", "add", code, "--yes"]);
    assert!(
        said.err.contains("run there `ourspace device add CODE`"),
        "{}",
        said.err
    );
    let renewed = first.json(&["device", "renew", device]);
    let answer = renewed["answer"].as_str().unwrap();
    second.run(&["device", "join", "--answer", answer]).ok();

    // What was refused anyhow asks for no password.
    first.run(&["device", "revoke", device]).ok();
    let without = |arguments: &[&str]| {
        let mut command = first.command(arguments);
        let output = command.env_remove("OURSPACE_PASSWORD").output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(without(&["device", "revoke", device]).contains("revoked before"));
    assert!(without(&["device", "revoke", OTHER]).contains("no device of this account"));
    assert!(without(&["device", "renew", OTHER]).contains("no device of this account"));

    fs::remove_file(first.home().join("keys/account.json")).unwrap();
    let said = first.run(&["device", "renew"]);
    assert!(
        said.err.contains("account.json, is missing"),
        "{}",
        said.err
    );
    assert!(said.err.contains("ourspace restore"), "{}", said.err);
}
