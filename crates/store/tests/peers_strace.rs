//! What a durable write asks of the system, as strace (of Debian) sees it: bytes are
//! synced before the commit that names them, and removed after the one that forgets them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![expect(clippy::print_stdout, reason = "it marks places in the trace")]

use std::{env, path::Path, process::Command};

use ourspace_store::{Store, StoreError};

/// Where the traced process works; it is set in no other.
const HOME: &str = "OURSPACE_STRACE_HOME";
const CALLS: &str = "trace=openat,write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,\
                     unlink,unlinkat,ftruncate";

/// One change that keeps a small and a large file, one that keeps another small one, and
/// one that drops the large one; "== NAME" is written before each.
fn work(home: &Path) {
    let store = Store::open(home).unwrap();
    let keep = |name: &str, files: &[&[u8]]| {
        println!("== {name}");
        let mut stage = store.stage().unwrap();
        let cids: Vec<_> = files
            .iter()
            .map(|file| stage.add(&mut { *file }).unwrap().cid)
            .collect();
        store.write(|w| w.keep(stage)).unwrap();
        cids
    };
    let large = vec![1; 3 << 20];
    let cids = keep("both", &[b"a small file", &large]);
    keep("more", &[b"another small file"]);
    println!("== drop");
    store.write(|w| w.release(cids[1])).unwrap();
    println!("== nothing");
    let refused = store.write(|w| {
        w.put_setting("test", &1)?;
        Err::<(), _>(StoreError::Full)
    });
    assert!(refused.is_err());
    println!("== end");
}

/// A call: its name, and the file that it was about.
type Call = (String, String);

/// The calls, by the "== NAME" that was written before them.
fn calls(trace: &str) -> Vec<(String, Vec<Call>)> {
    let mut parts: Vec<(String, Vec<Call>)> = vec![(String::new(), Vec::new())];
    for line in trace.lines() {
        if let Some((_, rest)) = line.split_once("\"== ") {
            let name = rest.split_once("\\n").unwrap().0;
            parts.push((name.to_owned(), Vec::new()));
            continue;
        }
        // 1234 fdatasync(5</home/store.db-wal>) = 0
        let call = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
        let Some((name, rest)) = call.split_once('(') else {
            continue;
        };
        if rest.contains("ENOENT") {
            continue;
        }
        // Either makes what was written durable.
        let name = match name {
            "fsync" | "fdatasync" => "sync",
            name => name,
        };
        let path = match name {
            "unlink" | "unlinkat" | "openat" => rest.split('"').nth(1),
            _ => rest.split(['<', '>']).nth(1),
        };
        let file = path.unwrap_or_default().rsplit('/').next().unwrap();
        parts
            .last_mut()
            .unwrap()
            .1
            .push((name.to_owned(), file.to_owned()));
    }
    parts
}

fn first(calls: &[Call], name: &str, file: &str) -> usize {
    let found = calls
        .iter()
        .position(|(n, f)| n == name && f.ends_with(file));
    found.unwrap_or_else(|| panic!("no {name} of {file} in {calls:#?}"))
}

fn last(calls: &[Call], name: &str, file: &str) -> usize {
    let found = calls
        .iter()
        .rposition(|(n, f)| n == name && f.ends_with(file));
    found.unwrap_or_else(|| panic!("no {name} of {file} in {calls:#?}"))
}

#[test]
fn bytes_are_synced_before_they_are_named() {
    if let Some(home) = env::var_os(HOME) {
        return work(Path::new(&home));
    }
    let place = tempfile::tempdir().unwrap();
    let (home, log) = (place.path().join("home"), place.path().join("log"));
    let test = "bytes_are_synced_before_they_are_named";
    let traced = Command::new("strace")
        .args(["-f", "-y", "-s", "64", "-e", CALLS, "-o"])
        .arg(&log)
        .arg(env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(HOME, &home)
        .output()
        .expect("strace must be installed: `apt-get install strace`");
    assert!(traced.status.success(), "{traced:?}");
    let parts = calls(&std::fs::read_to_string(&log).unwrap());
    let part = |name: &str| {
        let part = parts.iter().find(|(found, _)| found == name);
        part.unwrap().1.as_slice()
    };

    // Written, synced, named in the folder, and only then in the log of the database,
    // which is synced before anybody is told.
    let both = part("both");
    let commit = first(both, "sync", "-wal");
    let rows = first(both, "pwrite64", "-wal");
    for ending in [".pack", ".file"] {
        let synced = last(both, "sync", ending);
        assert!(last(both, "pwrite64", ending) < synced);
        assert!(synced < first(both, "sync", "files"));
    }
    assert!(first(both, "sync", "files") < rows);
    assert!(last(both, "pwrite64", "-wal") < commit);

    // A pack that is there needs no folder synced.
    let more = part("more");
    assert!(last(more, "pwrite64", ".pack") < first(more, "sync", ".pack"));
    assert!(first(more, "sync", ".pack") < first(more, "pwrite64", "-wal"));
    assert!(last(more, "pwrite64", "-wal") < last(more, "sync", "-wal"));
    assert!(!more.contains(&("sync".to_owned(), "files".to_owned())));

    // Removed after the commit is durable.
    let drop = part("drop");
    assert!(last(drop, "sync", "-wal") < first(drop, "unlink", ".file"));

    // What is taken back writes nothing; nothing is ever renamed.
    assert_eq!(part("nothing"), []);
    let renames = parts.iter().flat_map(|(_, calls)| calls);
    assert!(!renames.clone().any(|(name, _)| name.starts_with("rename")));
}
