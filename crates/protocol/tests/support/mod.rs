//! Running other people's programs on a sample feed.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a peer that is absent or fails ends the test"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use ourspace_testkit::sample::{Media, MediaSet};
use serde_json::Value;

/// The folder with the peers that are not in the system: `venv` and `node/node_modules`.
pub(crate) fn peers() -> PathBuf {
    let folder = std::env::var_os("OURSPACE_PEERS")
        .expect("OURSPACE_PEERS must name the folder with the peers; cargo xtask test sets it");
    PathBuf::from(folder)
}

pub(crate) fn python() -> Command {
    Command::new(peers().join("venv/bin/python"))
}

pub(crate) fn node() -> Command {
    let own = peers().join("node22/bin/node");
    Command::new(if own.exists() { own } else { "node".into() })
}

/// Runs a peer to its end and gives what it wrote.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{}: {}\n{errors}",
        command.get_program().display(),
        output.status
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a peer whose answer is JSON.
pub(crate) fn ask(command: &mut Command) -> Value {
    let answer = run(command);
    serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

/// Pictures, sound and video that really decode, made by Pillow and ffmpeg.
pub(crate) fn media(folder: &Path) -> MediaSet {
    run(python()
        .arg("-c")
        .arg(include_str!("../peers/media.py"))
        .arg(folder));
    let mut media = MediaSet::stand_in();
    let load = |media: &mut Media, name: &str| media.bytes = fs::read(folder.join(name)).unwrap();
    for (n, (wide, small)) in media.pictures.iter_mut().enumerate() {
        load(wide, &format!("picture-{n}.webp"));
        load(small, &format!("small-{n}.webp"));
    }
    load(&mut media.avatar, "avatar.webp");
    load(&mut media.poster, "poster.webp");
    load(&mut media.video, "video.mp4");
    load(&mut media.sound, "sound.mp3");
    media
}
