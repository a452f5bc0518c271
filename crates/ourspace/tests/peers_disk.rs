//! A full disk and a read-only one, real ones: file systems in memory that only this test's
//! processes see.
//!
//! Needs `unshare` of util-linux and user namespaces.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

mod support;

use std::{fs, process::Output};

use support::Place;

/// Runs a script as the root of a namespace of its own, where `disk` is a file system of so
/// many KiB with a copy of the home.
fn on_a_disk(place: &Place, kib: u32, script: &str) -> Output {
    fs::create_dir_all(place.folder().join("disk")).unwrap();
    let mount = format!(
        "set -e; mount -t tmpfs -o size={kib}k,mode=700 none disk; cp -a home disk/home; \
         export OURSPACE_HOME=$PWD/disk/home; {script}"
    );
    let mut command = std::process::Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &mount])
        .current_dir(place.folder())
        .env("OURSPACE_PASSWORD", support::PASSWORD)
        .env("OURSPACE", env!("CARGO_BIN_EXE_ourspace"));
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_full_disk_is_said_and_changes_nothing() {
    let place = Place::new();
    place.run(&["post", "before"]).ok();
    let bytes = |seed: u32| -> Vec<u8> {
        (0..1_200_000u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 13 ^ seed) as u8)
            .collect()
    };
    let wav = wav(&bytes(7));
    fs::write(place.folder().join("long.wav"), &wav).unwrap();
    let output = on_a_disk(
        &place,
        700,
        "set +e; $OURSPACE status --json > status.before; find disk/home -type f | sort > files.before; \
         $OURSPACE post x --media long.wav < /dev/null; echo code $?; \
         dd if=/dev/zero of=disk/rest bs=1k 2>/dev/null; \
         head -c 60000 /dev/urandom | base64 | $OURSPACE post; echo code $?; \
         $OURSPACE whoami --qr disk/card.svg; echo code $?; ls -A disk > names.full; \
         $OURSPACE status --json > status.after; find disk/home -type f | sort > files.after; \
         rm disk/rest; $OURSPACE post after; $OURSPACE timeline --json",
    );
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(out.matches("code 1").count(), 3, "{out}{err}");
    assert_eq!(
        err.matches("full; free some space").count(),
        2,
        "{out}{err}"
    );
    let read = |name: &str| fs::read_to_string(place.folder().join(name)).unwrap();
    // Of a picture that has no room nothing stays.
    assert_eq!(read("names.full"), "home\nrest\n");
    let without_size = |name: &str| {
        let mut status: serde_json::Value = serde_json::from_str(&read(name)).unwrap();
        status["database_bytes"] = serde_json::Value::Null;
        status
    };
    assert_eq!(without_size("status.before"), without_size("status.after"));
    assert_eq!(read("files.before"), read("files.after"));
    assert!(
        out.contains("\"after\"") && out.contains("\"before\""),
        "{out}{err}"
    );
}

#[test]
fn a_disk_that_is_full_while_importing_is_named() {
    let place = Place::new();
    let post = |n: u32| {
        let text = "word ".repeat(2_000);
        serde_json::json!({"id": format!("https://b.example/{n}"), "content_text": text})
    };
    let feed = serde_json::json!({
        "version": "https://jsonfeed.org/version/1.1", "title": "t",
        "items": (0..300).map(post).collect::<Vec<_>>(),
    });
    fs::write(place.folder().join("feed.json"), feed.to_string()).unwrap();
    let output = on_a_disk(
        &place,
        1_500,
        "set +e; find disk -type f ! -name 'store.db-*' | sort > files.before; \
         cat feed.json | $OURSPACE import -; echo code $?; \
         find disk -type f ! -name 'store.db-*' | sort > files.after; \
         $OURSPACE import - < /dev/zero; echo code $?",
    );
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(out.matches("code 1").count(), 2, "{out}{err}");
    assert!(
        err.contains("disk/home is full: what comes through a pipe")
            && err.contains("free some space"),
        "{out}{err}"
    );
    assert!(err.contains("this is no feed that is known"), "{out}{err}");
    assert!(!err.contains("os error"), "{out}{err}");
    let read = |name: &str| fs::read_to_string(place.folder().join(name)).unwrap();
    assert_eq!(read("files.before"), read("files.after"));
}

/// A recording of noise.
fn wav(samples: &[u8]) -> Vec<u8> {
    let length = u32::try_from(samples.len()).unwrap();
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + length).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend(8_000u32.to_le_bytes());
    wav.extend(8_000u32.to_le_bytes());
    wav.extend(b"\x01\0\x08\0data");
    wav.extend(length.to_le_bytes());
    wav.extend(samples);
    wav
}

#[test]
fn a_read_only_home_is_read_and_not_written() {
    let place = Place::new();
    place.run(&["post", "before"]).ok();
    let output = on_a_disk(
        &place,
        20_000,
        "mount -o remount,ro disk; set +e; $OURSPACE post x < /dev/null; echo code $?; \
         $OURSPACE profile --name x; echo code $?; \
         $OURSPACE --home disk/new init --yes; echo code $?; ls disk; \
         $OURSPACE status; $OURSPACE timeline --json; $OURSPACE search bef; \
         $OURSPACE --port 0 --json > served & pid=$!; \
         while kill -0 $pid && ! grep -q url served; do sleep 0.05; done; \
         kill -INT $pid; wait $pid; echo served $?",
    );
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(out.matches("code 1").count(), 3, "{out}{err}");
    assert_eq!(err.matches("read-only").count(), 3, "{out}{err}");
    assert!(
        out.contains("code 1\nhome\naccount "),
        "no words, no home: {out}{err}"
    );
    assert!(out.contains("served 0"), "{out}{err}");
    assert!(out.contains("1 post,"), "{out}{err}");
    assert!(out.contains("\"content_text\": \"before\""), "{out}{err}");
    assert!(output.status.success(), "{out}{err}");
}
