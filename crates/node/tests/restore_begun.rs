//! Restoring into a home that was begun: it makes room where there is nothing in it to lose.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path};

use ourspace_node::{
    Home, HomeError,
    account::{self, Place},
    backup::{self, BackupError, Options, Restored},
    devices,
};
use ourspace_store::StoreError;
use ourspace_testkit::signing::NOW;
use ourspace_wallet::{SecretKey, keystore, successor::Successor};
use tempfile::TempDir;

const PASSWORD: &str = "correct horse";

/// A backup, and the account that it is of.
fn sealed(folder: &Path) -> (std::path::PathBuf, ourspace_protocol::account::Account) {
    let home = account::begin(&folder.join("old")).unwrap();
    let wallet = SecretKey::generate().unwrap();
    let grant = account::draft_elsewhere(&home, wallet.address(), None, NOW).unwrap();
    account::wait_elsewhere(&home, &grant, None).unwrap();
    let signature = {
        use ourspace_protocol::{eip712::TypedData as _, signature::Scheme};
        wallet.sign_digest(&grant.signing_hash(Scheme::TypedData))
    };
    account::finish_elsewhere(&home, &signature.to_string(), NOW).unwrap();
    let file = folder.join("home.backup");
    let options = Options {
        password: PASSWORD,
        media: true,
        now: NOW,
    };
    backup::backup(&home, &file, options, &mut |_, _| {}).unwrap();
    (file, wallet.address())
}

fn restore(home: &Path, file: &Path) -> Result<Restored, BackupError> {
    backup::restore(home, file, PASSWORD, &mut |_| {})
}

/// Names of what is in a folder, but for what every reader of a database leaves beside it.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with("store.db-"))
        .collect();
    names.sort();
    names
}

#[test]
fn a_home_with_nothing_in_it_makes_room() {
    let folder = TempDir::new().unwrap();
    let (file, account) = sealed(folder.path());
    let home = folder.path().join("home");
    // As an `init` leaves it that is interrupted while the words are shown.
    let begun = account::begin(&home).unwrap();
    let wallet = SecretKey::generate().unwrap();
    drop(account::prepare(&begun, &wallet, None, NOW).unwrap());
    drop(begun);
    assert!(home.join("keys/device.json").exists());
    assert_eq!(account::place(&home).unwrap(), Place::Begun);
    assert_eq!(restore(&home, &file).unwrap().account, account);
    assert_eq!(Home::open(&home).unwrap().account().unwrap(), account);
    // As one leaves it that is killed first of all.
    let killed = folder.path().join("killed");
    fs::create_dir(&killed).unwrap();
    fs::write(killed.join("lock"), "1\n").unwrap();
    assert_eq!(restore(&killed, &file).unwrap().account, account);
    let early = folder.path().join("early");
    fs::create_dir(&early).unwrap();
    fs::write(early.join("store.db"), "").unwrap();
    assert!(matches!(
        Home::open_reader(&early),
        Err(HomeError::Store(StoreError::Absent(_)))
    ));
    assert_eq!(restore(&early, &file).unwrap().account, account);
    assert_eq!(
        names(folder.path()),
        ["early", "home", "home.backup", "killed", "old"]
    );
}

#[test]
fn what_could_be_lost_stays() {
    let folder = TempDir::new().unwrap();
    let (file, _) = sealed(folder.path());
    let refused = |name: &str, part: &str| {
        let home = folder.path().join(name);
        let before = names(&home);
        let said = restore(&home, &file).unwrap_err();
        assert!(said.to_string().contains(part), "{name}: {said}");
        assert_eq!(names(&home), before);
    };
    let begin = |name: &str| account::begin(&folder.path().join(name)).unwrap();
    let wallet = SecretKey::generate().unwrap();

    let key = begin("key");
    keystore::create(&key.keystore_path(), &wallet, PASSWORD).unwrap();
    drop(key);
    refused("key", "interrupted");

    let waiting = begin("waiting");
    let successor = Some(Successor::of(&SecretKey::generate().unwrap()));
    let grant = account::draft_elsewhere(&waiting, wallet.address(), successor, NOW).unwrap();
    account::wait_elsewhere(&waiting, &grant, successor).unwrap();
    drop(waiting);
    refused("waiting", "waits for its signature");

    let joining = begin("joining");
    devices::ask_to_join(&joining).unwrap();
    drop(joining);
    refused("joining", "waits for the answer");

    refused("old", "is not empty");
    let other = folder.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("novel.txt"), "Once").unwrap();
    refused("other", "is not empty");
    let damaged = folder.path().join("damaged");
    fs::create_dir(&damaged).unwrap();
    fs::write(
        damaged.join("store.db"),
        "no database at all, whatever it was",
    )
    .unwrap();
    refused("damaged", "is not empty");
}
