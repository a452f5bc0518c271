//! A disk that is full and a home that cannot be written: a plain error, and the home as
//! it was. The disk is a small file system of this process's own (`unshare` and `mount`
//! of util-linux, no root needed).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{env, fs, io::Read, path::Path, process::Command};

use ourspace_protocol::dag::Cid;
use ourspace_store::{Store, StoreError};

/// Where the process on the small disk works; it is set in no other.
const DISK: &str = "OURSPACE_SMALL_DISK";

/// Runs a test again, alone, with a disk of 8 MiB.
fn on_a_small_disk(test: &str) {
    let place = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=8m none \"$1\" && shift && exec \"$@\"";
    let run = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script, "sh"])
        .arg(place.path())
        .arg(env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(DISK, place.path())
        .output()
        .unwrap();
    assert!(run.status.success(), "{run:?}");
}

fn read(store: &Store, cid: Cid) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut file = store.read().unwrap().file(cid).unwrap().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

fn keep(store: &Store, mut file: &[u8]) -> Result<Cid, StoreError> {
    let mut stage = store.stage()?;
    let cid = stage.add(&mut file)?.cid;
    store.write(|w| w.keep(stage))?;
    Ok(cid)
}

/// Names and sizes of all volumes.
fn volumes(home: &Path) -> Vec<(String, u64)> {
    let listing = fs::read_dir(home.join("files")).unwrap().map(|entry| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        (name, entry.metadata().unwrap().len())
    });
    let mut all: Vec<_> = listing.collect();
    all.sort();
    all
}

#[test]
fn a_full_disk() {
    let Some(disk) = env::var_os(DISK) else {
        return on_a_small_disk("a_full_disk");
    };
    let home = Path::new(&disk).join("home");
    let store = Store::open(&home).unwrap();
    let first = keep(&store, b"a small file").unwrap();
    store.write(|w| w.put_setting("test.before", &1)).unwrap();
    let before = volumes(&home);
    // A large file, a small one, rows alone.
    let large = vec![1; 12 << 20];
    assert!(matches!(keep(&store, &large), Err(StoreError::Full)));
    assert_eq!(volumes(&home), before);
    let filler = Path::new(&disk).join("filler");
    assert!(fs::write(&filler, vec![0; 16 << 20]).is_err());
    let small = vec![2; 100_000];
    assert!(matches!(keep(&store, &small), Err(StoreError::Full)));
    assert_eq!(volumes(&home), before);
    let rows = store.write(|w| w.put_setting("test.rows", &"x".repeat(300_000)));
    assert!(matches!(rows, Err(StoreError::Full)), "{rows:?}");
    let there = |store: &Store| {
        let reader = store.read().unwrap();
        assert_eq!(reader.setting("test.before").unwrap(), Some(1));
        assert_eq!(reader.setting::<String>("test.rows").unwrap(), None);
        assert_eq!(reader.kept().unwrap().files, 1);
        assert_eq!(read(store, first), b"a small file");
    };
    there(&store);
    drop(store);
    // It opens on the full disk, too, and a new home is refused.
    there(&Store::open(&home).unwrap());
    let other = Store::open(&Path::new(&disk).join("other"));
    assert!(matches!(other, Err(StoreError::Full)), "{other:?}");
    // With room again all goes on.
    fs::remove_file(&filler).unwrap();
    let store = Store::open(&home).unwrap();
    there(&store);
    let second = keep(&store, &large[..3 << 20]).unwrap();
    let third = keep(&store, &small).unwrap();
    assert_eq!(read(&store, second), large[..3 << 20]);
    assert_eq!(read(&store, third), small);
}

#[test]
fn a_home_that_cannot_be_written() {
    let Some(disk) = env::var_os(DISK) else {
        return on_a_small_disk("a_home_that_cannot_be_written");
    };
    let disk = Path::new(&disk);
    let home = disk.join("home");
    let store = Store::open(&home).unwrap();
    let cid = keep(&store, b"a small file").unwrap();
    drop(store);
    let mounted = Command::new("mount")
        .args(["-o", "remount,ro"])
        .arg(disk)
        .status();
    assert!(mounted.unwrap().success());
    let opened = Store::open(&home);
    assert!(matches!(opened, Err(StoreError::ReadOnly)), "{opened:?}");
    let new = Store::open(&disk.join("new"));
    assert!(matches!(new, Err(StoreError::ReadOnly)), "{new:?}");
    let store = Store::open_reader(&home).unwrap();
    assert_eq!(read(&store, cid), b"a small file");
}
