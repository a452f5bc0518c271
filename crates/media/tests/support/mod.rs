//! Other people's programs: ffmpeg makes and judges video and sound, exiftool looks for
//! what should be gone.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a peer that is absent or fails ends the test"
)]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The ffmpeg of the PyPI package `imageio-ffmpeg`.
pub(crate) fn ffmpeg() -> PathBuf {
    let Some(peers) = std::env::var_os("OURSPACE_PEERS") else {
        panic!("OURSPACE_PEERS is not set: `cargo xtask test` installs the peers");
    };
    let library = PathBuf::from(peers).join("venv/lib");
    let pythons = std::fs::read_dir(&library)
        .unwrap_or_else(|error| panic!("no peers in {}: {error}", library.display()));
    pythons
        .filter_map(|python| {
            let folder = python
                .ok()?
                .path()
                .join("site-packages/imageio_ffmpeg/binaries");
            let mut files = std::fs::read_dir(folder).ok()?.filter_map(Result::ok);
            files
                .find(|file| file.file_name().to_string_lossy().starts_with("ffmpeg"))
                .map(|file| file.path())
        })
        .next()
        .unwrap_or_else(|| panic!("imageio-ffmpeg is absent: `cargo xtask test` installs it"))
}

/// Runs ffmpeg to its end and gives its standard output.
pub(crate) fn run(arguments: &[&str]) -> String {
    let output = Command::new(ffmpeg())
        .args(["-hide_banner", "-nostdin", "-y", "-v", "error"])
        .args(arguments)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ffmpeg {arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs exiftool (Debian's `libimage-exiftool-perl`).
pub(crate) fn exiftool(arguments: &[&str], file: &Path) -> String {
    let output = Command::new("exiftool")
        .args(arguments)
        .arg(file)
        .output()
        .unwrap_or_else(|error| panic!("exiftool (libimage-exiftool-perl) is absent: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "exiftool {arguments:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Everything exiftool finds in a file, embedded tracks included, but for what the file
/// system and exiftool itself tell.
pub(crate) fn told(file: &Path) -> String {
    exiftool(&["-a", "-u", "-G1", "-ee", "-s"], file)
        .lines()
        .filter(|line| !line.starts_with("[System]") && !line.starts_with("[ExifTool]"))
        .collect::<Vec<_>>()
        .join("\n")
}
