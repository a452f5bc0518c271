//! What every crate's manifest must say.

use std::fs;

use anyhow::{Context as _, Result};
use cargo_metadata::Metadata;

use super::Complaints;

/// Only the program has features: what it is built with is decided in one place.
const WITH_FEATURES: &str = "ourspace";

/// Settings that all crates share.
const SHARED: [&str; 4] = [
    "edition.workspace = true",
    "rust-version.workspace = true",
    "license.workspace = true",
    "publish.workspace = true",
];

pub(super) fn check(metadata: &Metadata) -> Result<Complaints> {
    let mut complaints = Complaints::new();
    for package in metadata.workspace_packages() {
        let manifest = fs::read_to_string(&package.manifest_path)
            .with_context(|| format!("cannot read {}", package.manifest_path))?;
        complaints.extend(check_text(&package.name, &manifest));
        if !package.features.is_empty() && package.name.as_str() != WITH_FEATURES {
            complaints.push(format!(
                "{}: has features, only {WITH_FEATURES} may",
                package.name
            ));
        }
    }
    Ok(complaints)
}

fn check_text(name: &str, manifest: &str) -> Complaints {
    let mut complaints = Complaints::new();
    let lines = || manifest.lines().map(str::trim);
    for setting in SHARED {
        if !lines().any(|line| line == setting) {
            complaints.push(format!("{name}: its manifest does not say {setting}"));
        }
    }
    let lints = lines().skip_while(|line| *line != "[lints]").nth(1);
    if lints != Some("workspace = true") {
        complaints.push(format!("{name}: its [lints] are not the workspace's"));
    }
    let mut in_dependencies = false;
    for line in lines() {
        if line.starts_with('[') {
            in_dependencies = line.contains("dependencies");
        } else if in_dependencies && line.contains('=') && !line.starts_with('#') {
            let shared = line.contains(".workspace = true") || line.contains("workspace = true,");
            if !shared {
                complaints.push(format!("{name}: '{line}' is not the workspace's"));
            }
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[package]
name = \"a\"
edition.workspace = true
rust-version.workspace = true
license.workspace = true
publish.workspace = true

[lints]
workspace = true

[dependencies]
# a note
serde.workspace = true
tokio = { workspace = true, features = [\"net\"] }
";

    #[test]
    fn a_good_manifest_passes() {
        assert_eq!(check_text("a", GOOD), Complaints::new());
    }

    #[test]
    fn each_omission_is_named() {
        for (good, bad) in [
            (
                "[lints]\nworkspace = true",
                "[lints]\nrust.unsafe_code = \"allow\"",
            ),
            ("edition.workspace = true", "edition = \"2024\""),
            ("publish.workspace = true\n", ""),
            ("serde.workspace = true", "serde = \"1\""),
            (
                "serde.workspace = true",
                "serde = { git = \"https://example.org\" }",
            ),
        ] {
            let complaints = check_text("a", &GOOD.replace(good, bad));
            assert_eq!(complaints.len(), 1, "{bad}: {complaints:?}");
        }
    }
}
