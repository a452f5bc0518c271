//! Backups of real homes, and what is no backup of a home.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod place;

use std::{
    fs,
    io::Cursor,
    path::{Path, PathBuf},
};

use ourspace_node::{
    Home,
    backup::{BackupError, Options, backup, restore},
    compose::{self, Draft, Posted},
    publish::PublishError,
    recover::{self, RecoverError},
};
use ourspace_protocol::{account::Account, time::Millis};
use ourspace_testkit::signing::NOW;
use ourspace_wallet::{SecretKey, backup as sealed, mnemonic::Length};
use place::Place;

const PASSWORD: &str = "correct horse";

fn post(home: &Home, now: Millis, draft: Draft) -> Result<Posted, PublishError> {
    compose::post(home, now, draft, None)
}

fn options(media: bool) -> Options<'static> {
    Options {
        password: PASSWORD,
        media,
        now: NOW,
    }
}

/// Keeps a file in the store of a home, as a post's attachment would.
fn keep(home: &Home, bytes: &[u8]) -> ourspace_protocol::dag::Cid {
    let mut stage = home.store().stage().unwrap();
    let cid = stage.add(&mut Cursor::new(bytes)).unwrap().cid;
    home.store().write(|writer| writer.keep(stage)).unwrap();
    cid
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let found = fs::read_dir(folder).unwrap();
    let mut found: Vec<PathBuf> = found.map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

#[test]
fn media_come_along_or_stay() {
    let place = Place::new();
    let (small, large) = (vec![7; 5_000], vec![9; 3 << 20]);
    let cids = [keep(&place.home, &small), keep(&place.home, &large)];
    let draft = Draft {
        text: "kept".to_owned(),
        ..Draft::default()
    };
    let id = post(&place.home, NOW + 1, draft).unwrap().id;
    let folder = tempfile::tempdir().unwrap();
    let before = entries(place.home.path());
    for media in [true, false] {
        let file = folder.path().join(format!("media-{media}"));
        let mut last = (0, 1);
        let made = backup(&place.home, &file, options(media), &mut |done, total| {
            assert!(done >= last.0);
            last = (done, total);
        })
        .unwrap();
        assert_eq!(last.0, last.1, "all is told");
        assert_eq!(made.account, place.account());
        assert_eq!(made.bytes > large.len() as u64, media);
        let home = folder.path().join(format!("home-{media}"));
        let mut read = 0;
        let restored = restore(&home, &file, PASSWORD, &mut |bytes| read += bytes).unwrap();
        assert_eq!(read, fs::metadata(&file).unwrap().len());
        assert_eq!(restored.media, media);
        let home = Home::open(&home).unwrap();
        let reader = home.store().read().unwrap();
        assert!(reader.item(restored.account, id).unwrap().is_some());
        for cid in cids {
            assert_eq!(reader.has_file(cid).unwrap(), media);
        }
        drop(reader);
        let draft = Draft {
            text: "and on".to_owned(),
            ..Draft::default()
        };
        post(&home, NOW + 2, draft).unwrap();
        keep(&home, &[3; 100]);
    }
    assert_eq!(entries(place.home.path()), before, "no copy is left");
}

#[test]
fn what_is_sealed_but_no_home_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let mut sealed_file = Vec::new();
    sealed::seal(&mut &[0; 20_000][..], &mut sealed_file, PASSWORD).unwrap();
    fs::write(&file, sealed_file).unwrap();
    let home = folder.path().join("a/home");
    let error = restore(&home, &file, PASSWORD, &mut |_| {}).unwrap_err();
    assert!(matches!(error, BackupError::Archive(_)), "{error}");
    assert_eq!(entries(&folder.path().join("a")), Vec::<PathBuf>::new());
}

#[test]
fn a_file_that_has_lost_its_end_is_noticed() {
    let place = Place::new();
    keep(&place.home, &vec![9; 3 << 20]);
    let files = entries(&place.home.path().join("files"));
    let large = files
        .iter()
        .find(|path| path.extension().unwrap() == "file");
    let large = large.unwrap();
    let shorter = fs::File::options().write(true).open(large).unwrap();
    shorter.set_len(1000).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("backup");
    let error = backup(&place.home, &target, options(true), &mut |_, _| {}).unwrap_err();
    assert!(matches!(error, BackupError::Shortened(_)), "{error}");
    assert_eq!(entries(folder.path()), Vec::<PathBuf>::new());
    backup(&place.home, &target, options(false), &mut |_, _| {}).unwrap();
}

#[test]
fn a_succession_is_checked_before_it_is_told() {
    let place = Place::new();
    let draft = Draft {
        text: "a first post".to_owned(),
        ..Draft::default()
    };
    post(&place.home, NOW, draft).unwrap();
    let reader = place.home.store().read().unwrap();
    let heads = reader.heads(place.account()).unwrap();
    let record = heads.newest().unwrap().get().to_bytes();
    let stranger = SecretKey::generate().unwrap();
    let claimed = recover::statement(&stranger, place.account(), NOW).unwrap();
    let error = recover::check(&claimed, &record, NOW).unwrap_err();
    assert!(
        matches!(
            error,
            RecoverError::NotTheSuccessor(_) | RecoverError::NoSuccessor
        ),
        "{error}"
    );
    let other = recover::statement(&stranger, Account([4; 20]), NOW).unwrap();
    let error = recover::check(&other, &record, NOW).unwrap_err();
    assert!(
        matches!(error, RecoverError::OtherAccount { .. }),
        "{error}"
    );
    let error = recover::check(&claimed, b"", NOW).unwrap_err();
    assert!(matches!(error, RecoverError::Record(_)), "{error}");
    let own = recover::statement(&stranger, stranger.address(), NOW).unwrap_err();
    assert!(matches!(own, RecoverError::NotLost(_)), "{own}");
    // The words alone give the same statement on every machine.
    let list = ourspace_wallet::Mnemonic::generate(Length::Twelve).unwrap();
    let statement = || recover::statement(&list.account_key().unwrap(), place.account(), NOW);
    assert_eq!(statement().unwrap(), statement().unwrap());
    recover::keep(&place.home, &claimed).unwrap();
    assert_eq!(recover::kept(&place.home).unwrap(), Some(claimed));
}
