//! What a person is told when something is in the way, and what the program leaves behind.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

mod support;

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
    process::Stdio,
    time::{SystemTime, UNIX_EPOCH},
};

use ourspace_node::{
    account,
    devices::{self, Consent},
};
use ourspace_protocol::{account::Account, eip712::TypedData as _, signature::Scheme};
use ourspace_testkit::signing::DAY;
use ourspace_wallet::{SecretKey, join};
use support::{Done, PASSWORD, Place};

const OTHER: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

/// Names and permissions of all that is in a folder.
fn permissions(folder: &Path) -> Vec<(String, u32)> {
    let mut all = vec![(
        folder.display().to_string(),
        fs::metadata(folder).unwrap().permissions().mode() & 0o777,
    )];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(permissions(&path));
        } else {
            let mode = fs::metadata(&path).unwrap().mode() & 0o777;
            all.push((path.display().to_string(), mode));
        }
    }
    all
}

#[test]
fn all_of_a_home_is_private() {
    let place = Place::empty();
    fs::create_dir(place.home()).unwrap();
    fs::set_permissions(place.home(), fs::Permissions::from_mode(0o755)).unwrap();
    place.run(&["init", "--yes"]).ok();
    place.run(&["post", "hello"]).ok();
    for (name, mode) in permissions(&place.home()) {
        assert_eq!(mode & 0o077, 0, "{name}: {mode:o}");
    }
}

#[test]
fn what_is_missing_or_damaged_is_named_with_what_to_do() {
    let place = Place::new();
    let keys = place.home().join("keys");
    let whole = fs::read(keys.join("account.json")).unwrap();
    fs::write(keys.join("account.json"), &whole[..40]).unwrap();
    let done = place.run(&["device", "renew"]);
    assert!(
        done.refused(1).contains("keys/account.json: "),
        "{}",
        done.err
    );
    fs::rename(keys.join("device.json"), keys.join("moved")).unwrap();
    for command in [&["post", "x"][..], &["whoami"]] {
        let done = place.run(command);
        let err = done.refused(1);
        assert!(err.contains("keys/device.json, is missing"), "{err}");
        assert!(
            err.contains("restore") && err.contains("--mnemonic -"),
            "{err}"
        );
    }
    let status = place.json(&["status"]);
    let warning = status["warnings"][0].as_str().unwrap();
    assert!(warning.contains("is missing"), "{warning}");
}

#[test]
fn keys_without_their_database_make_no_new_feed() {
    let place = Place::new();
    place.run(&["post", "not to be written over"]).ok();
    let (home, keys) = (place.home(), place.home().join("keys"));
    let database = home.join("store.db");
    let before = permissions(&keys);
    let sealed = place.folder().join("home.backup");
    place.run(&["backup", sealed.to_str().unwrap()]).ok();
    let restore = ["restore", sealed.to_str().unwrap()];
    for log in ["store.db-wal", "store.db-shm"] {
        fs::remove_file(home.join(log)).ok();
    }
    for lost in ["emptied", "removed", "without its wallet"] {
        match lost {
            "emptied" => fs::write(&database, "").unwrap(),
            "removed" => fs::remove_file(&database).unwrap(),
            _ => {
                fs::write(&database, "").unwrap();
                fs::remove_file(keys.join("account.json")).unwrap();
            }
        }
        let joins = ["device", "join", "--account", OTHER];
        let commands = [
            &["whoami"][..],
            &["init", "--yes"],
            &["init", "--yes", "--wallet", OTHER],
            &joins,
            &["post", "x"],
            &["verify"],
            &["export", "site"],
            &[],
        ];
        for command in commands {
            let done = place.run(command);
            let err = done.refused(1);
            assert!(err.contains("damaged or gone"), "{lost} {command:?}: {err}");
            assert!(err.contains("restore FILE"), "{lost} {command:?}: {err}");
        }
        // It is not taken for a home that was begun, which would make room.
        assert!(place.run(&restore).refused(1).contains("not empty"));
        let size = fs::metadata(&database).map_or(0, |file| file.len());
        assert_eq!((size, keys.join("device.json").exists()), (0, true));
    }
    assert_eq!(permissions(&keys).len() + 1, before.len());
    let other = Place::empty();
    other.run(&restore).ok();
    assert_eq!(
        other.json(&["timeline"])[0]["content_text"],
        "not to be written over"
    );
}

#[test]
fn arguments_that_cannot_be_meant_are_refused() {
    let place = Place::new();
    let refused = |arguments: &[&str], code: i32, part: &str| {
        let done = place.run(arguments);
        let err = done.refused(code);
        assert!(err.contains(part), "{err}");
        assert!(!err.contains("--home"), "{err}");
    };
    refused(&["post", "--like", "any text at all"], 2, "names no item");
    refused(
        &["post", "--like", "https:// no address"],
        2,
        "names no item",
    );
    refused(
        &["post", "--reply-to", "https:// no address", "x"],
        2,
        "names no item",
    );
    refused(
        &["post", "--like", "https://example.org", "lovely"],
        2,
        "an emoji",
    );
    refused(
        &["post", "x", "--alt", "a cat"],
        2,
        "--media FILE --alt TEXT",
    );
    refused(&["post", "x", "--date", "1969-07-20"], 2, "before 1970");
    refused(&["timeline", "--limit", "0"], 2, "1 or more");
    refused(&["search", "x", "--limit", "0"], 2, "1 or more");
    refused(&["search", " "], 2, "nothing to look for");
    refused(&["device", "join", "--answer"], 2, "--answer");
    refused(&["edit", "abcd"], 1, "no item abcd");
    assert_eq!(place.json(&["timeline"]), serde_json::json!([]));
    // What is asked in vain is answered.
    let done = place.run(&["timeline", "--account", OTHER]);
    assert!(
        done.ok().contains("nothing of that account"),
        "{}",
        done.out
    );
    let done = place.run(&["whoami", "--qr", "card.svg"]);
    done.ok();
    assert!(done.err.contains("card.svg"), "{}", done.err);
    // And the rule of the exit codes is where it is looked for.
    assert!(
        place
            .run(&["help"])
            .ok()
            .contains("Exit codes: 0 done; 1 refused")
    );
}

#[test]
fn the_log_says_what_goes_on_and_nothing_secret() {
    let place = Place::new();
    let log = |level: &str| {
        let mut command = place.command(&["post", "a private thought"]);
        let output = command.env("OURSPACE_LOG", level).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let said = log("debug");
    for part in [
        "opened the home to write",
        "rendered what changed",
        "signed a new version",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert!(
        !said.contains("private thought") && !said.contains(PASSWORD),
        "{said}"
    );
    assert_eq!(log("warn"), "");
}

#[test]
fn replies_are_to_something() {
    let place = Place::new();
    let first = place.json(&["post", "one"]);
    let id = first["id"].as_str().unwrap();
    place.run(&["post", "--reply-to", id, "two"]).ok();
    place.run(&["post", "--repost", id]).ok();
    let done = place.run(&["timeline"]);
    let target = format!("ourspace:{}/{id}", first["account"].as_str().unwrap());
    let said = done.ok();
    assert!(said.contains(&format!("reply to {target}")), "{said}");
    assert!(said.contains(&format!("repost of {target}")), "{said}");
}

#[test]
fn who_waits_is_told_for_what() {
    let place = Place::empty();
    place.run(&["init", "--yes", "--wallet", OTHER]).ok();
    for command in [&["whoami"][..], &["post", "x"], &["status"]] {
        let done = place.run(command);
        let err = done.refused(1);
        assert!(err.contains(&format!("init --wallet {OTHER}")), "{err}");
        assert!(err.contains("--signature"), "{err}");
    }
    let place = Place::empty();
    place.run(&["device", "join"]).ok();
    let done = place.run(&["whoami"]);
    assert!(done.refused(1).contains("device join"), "{}", done.err);
}

#[test]
fn a_text_that_begins_with_a_mark_is_taken_without_it() {
    let place = Place::empty();
    let list = "legal winner thank year wave sausage worth useful legal winner thank yellow";
    let password = place.folder().join("password");
    fs::write(&password, format!("\u{feff}{PASSWORD}\r\n")).unwrap();
    let init = [
        "init",
        "--yes",
        "--mnemonic",
        "-",
        "--password-file",
        "password",
    ];
    place.run_with(&init, &format!("\u{feff}{list}\r\n")).ok();
    // The password of the environment is the same without the mark.
    place.run(&["device", "renew"]).ok();
    place.run_with(&["post"], "\u{feff}Hello").ok();
    assert_eq!(place.json(&["timeline"])[0]["content_text"], "Hello");
}

#[test]
fn what_is_done_is_said_where_the_answer_cannot_be_written() {
    let place = Place::new();
    for arguments in [&["post", "into the void"][..], &["post", "again", "--json"]] {
        let full = fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let mut command = place.command(arguments);
        let output = command
            .stdout(full)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let done = Done::of(&output);
        let err = done.refused(1);
        assert!(err.contains("it is done (published "), "{err}");
        assert!(
            err.contains("standard output could not be written"),
            "{err}"
        );
    }
    assert_eq!(place.json(&["timeline"]).as_array().unwrap().len(), 2);
}

#[test]
fn a_backup_without_media_says_so_and_a_failed_one_leaves_nothing() {
    let place = Place::new();
    place.run(&["backup", "--no-media", "small.backup"]).ok();
    let other = Place::empty();
    let from = place.folder().join("small.backup");
    let done = other.run(&["restore", from.to_str().unwrap()]);
    done.ok();
    assert!(done.err.contains("--no-media"), "{}", done.err);

    // What a killed try has left goes with the next one.
    fs::write(place.folder().join(".home.backup.x1.partial"), "half").unwrap();
    fs::write(place.folder().join(".other.partial"), "not ours").unwrap();
    place.run(&["backup", "home.backup"]).ok();
    assert_eq!(
        place.names(),
        [".other.partial", "home", "home.backup", "small.backup"]
    );
    // A file of the home that is shorter than it should be makes it fail half way.
    let place_of = |name: &str| place.home().join(name);
    fs::create_dir(place_of("keys/successor.new")).unwrap();
    fs::remove_file(place_of("keys/successor.json")).unwrap();
    fs::rename(
        place_of("keys/successor.new"),
        place_of("keys/successor.json"),
    )
    .unwrap();
    let done = place.run(&["backup", "third.backup"]);
    done.refused(1);
    assert_eq!(
        place.names(),
        [".other.partial", "home", "home.backup", "small.backup"]
    );
}

/// Homes whose permissions end in ten days: one of a wallet elsewhere, one that joined.
fn ending(first: &Path, second: &Path) -> Account {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let begun = u64::try_from(now.as_millis()).unwrap() - account::GRANT_LIFE + 10 * DAY;
    let wallet = SecretKey::generate().unwrap();
    let home = account::begin(first).unwrap();
    let grant = account::draft_elsewhere(&home, wallet.address(), None, begun).unwrap();
    account::wait_elsewhere(&home, &grant, None).unwrap();
    let signature = wallet.sign_digest(&grant.signing_hash(Scheme::TypedData));
    account::finish_elsewhere(&home, &signature.to_string(), begun).unwrap();

    let other = account::begin(second).unwrap();
    let device = devices::ask_to_join(&other).unwrap().device();
    let draft = devices::draft(&home, device, false, begun).unwrap();
    let grant = devices::grant(&home, draft, Consent::Key(&wallet)).unwrap();
    devices::join(&other, &join::encode_answer(grant.get()), None, begun).unwrap();
    device
}

#[test]
fn that_a_permission_ends_is_said_once_with_a_way_that_works() {
    let (first, second) = (Place::empty(), Place::empty());
    let device = ending(&first.home(), &second.home());
    for command in [
        &["post", "x"][..],
        &["edit", "ID", "y"],
        &["profile", "--name", "N"],
    ] {
        let id = first.json(&["timeline"])[0]["id"].clone();
        let id = id.as_str().unwrap_or_default().to_owned();
        let command: Vec<&str> = command
            .iter()
            .map(|word| if *word == "ID" { &id } else { *word })
            .collect();
        let done = first.run(&command);
        done.ok();
        assert_eq!(
            done.err.matches("permission to publish ends").count(),
            1,
            "{}",
            done.err
        );
        assert!(
            done.err.contains("prints what your wallet is to sign"),
            "{}",
            done.err
        );
    }
    let done = first.run(&["status"]);
    let both = done.ok().to_owned() + &done.err;
    assert_eq!(
        both.matches("permission to publish ends").count(),
        1,
        "{both}"
    );
    // Beside the verdict of another feed it would be taken for a part of that.
    first.run(&["export", "site"]).ok();
    let done = first.run(&["verify", "site"]);
    done.ok();
    assert!(!done.err.contains("permission to publish"), "{}", done.err);
    let done = second.run(&["post", "x"]);
    done.ok();
    let there = format!("`ourspace device renew {device}` there");
    assert!(done.err.contains(&there), "{}", done.err);
}
