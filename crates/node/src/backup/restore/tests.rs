//! Archives that hold something else than a home: nothing is sealed here, so many can be
//! tried.

use super::*;
use serde_json::{Value, json};
use tar::EntryType::{self, Regular, Symlink};

/// Name, content and kind of an entry.
type Raw<'a> = (&'a str, &'a [u8], EntryType);

/// An archive of these entries, as a hostile program writes it.
fn archive(manifest: &Value, rest: &[Raw<'_>]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let manifest = manifest.to_string();
    let first = ("manifest.json", manifest.as_bytes(), Regular);
    for (name, bytes, kind) in [&[first], rest].concat() {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_entry_type(kind);
        // The library itself refuses to write such names.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        if kind == Symlink {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        builder.append(&header, bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

fn manifest(entries: &[(&str, usize)]) -> Value {
    let entries: Vec<Value> = entries
        .iter()
        .map(|(name, size)| json!({"name": name, "size": size}))
        .collect();
    json!({"version": 1, "account": Account([1; 20]), "created": "", "media": true,
        "entries": entries})
}

fn unpacked(bytes: &[u8]) -> (tempfile::TempDir, Result<Manifest, BackupError>) {
    let folder = tempfile::tempdir().unwrap();
    let result = unpack(bytes, &folder.path().join("home"));
    (folder, result)
}

#[test]
fn only_the_names_of_a_home_are_written() {
    let long = [7; 70_000];
    let strange: [(&str, &[u8]); 7] = [
        ("../evil", b"1"),
        ("keys/../../evil", b"1"),
        ("keys/evil", b"1"),
        ("files/evil", b"1"),
        ("files/1.pack/../evil", b"1"),
        ("keys/device.json", &long),
        ("store.db", b"1"),
    ];
    for (name, bytes) in strange {
        // All is as the manifest says, but that no home has such a file, or has it once.
        let manifest = manifest(&[("store.db", 1), (name, bytes.len())]);
        let entries = [("store.db", &b"1"[..], Regular), (name, bytes, Regular)];
        let (folder, result) = unpacked(&archive(&manifest, &entries));
        let error = result.unwrap_err().to_string();
        assert!(error.contains("that no home has"), "{name}: {error}");
        let left = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 0, "{name}: nothing was written");
    }
}

#[test]
fn an_archive_that_is_not_as_its_manifest_says_is_refused() {
    let one = || manifest(&[("store.db", 1)]);
    let cases: [(Value, Vec<Raw<'_>>); 6] = [
        (manifest(&[]), vec![]),
        (one(), vec![]),
        (one(), vec![("store.db", b"12", Regular)]),
        (one(), vec![("../evil", b"1", Regular)]),
        (
            manifest(&[("store.db", 0)]),
            vec![("store.db", b"", Symlink)],
        ),
        (
            one(),
            vec![("store.db", b"1", Regular), ("store.db", b"1", Regular)],
        ),
    ];
    for (number, (manifest, rest)) in cases.iter().enumerate() {
        let (folder, result) = unpacked(&archive(manifest, rest));
        let error = result.unwrap_err();
        assert!(
            matches!(error, BackupError::Archive(_)),
            "{number}: {error}"
        );
        assert!(!folder.path().join("evil").exists());
    }
    let good = archive(&one(), &[("store.db", b"1", Regular)]);
    let (folder, result) = unpacked(&good);
    let home = folder.path().join("home");
    assert_eq!(fs::read(home.join("store.db")).unwrap(), b"1");
    // It is no database, and that is noticed before the home gets its name.
    assert!(check(&home, &result.unwrap()).is_err());
    let mut newer = one();
    newer["version"] = json!(2);
    let (_, result) = unpacked(&archive(&newer, &[]));
    assert!(matches!(result, Err(BackupError::Newer)));
}

#[test]
fn cut_off_archives_are_noticed_wherever_it_is() {
    let entries = [
        ("store.db", &[7; 700][..], Regular),
        ("files/1.pack", &[8; 600], Regular),
    ];
    let whole = archive(
        &manifest(&[("store.db", 700), ("files/1.pack", 600)]),
        &entries,
    );
    assert!(unpacked(&whole).1.is_ok());
    // After the last entry come 1,024 zero bytes, which nothing depends on.
    for end in (0..whole.len() - 1024 - 424).step_by(37) {
        assert!(unpacked(&whole[..end]).1.is_err(), "{end}");
    }
}
