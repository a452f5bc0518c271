//! What the rules look at: the files of the repository, Rust among them parsed.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use cargo_metadata::Metadata;

use super::modules::{self, Module};
use crate::run;

/// A text of the repository.
pub(super) struct Text {
    /// From the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

/// A Rust source.
pub(super) struct Source {
    pub(super) path: String,
    pub(super) text: String,
    pub(super) file: syn::File,
    /// Whether all of it is compiled for tests only.
    pub(super) test: bool,
}

impl Source {
    pub(super) fn parse(path: &str, text: &str, test: bool) -> Result<Self> {
        let file = syn::parse_file(text).with_context(|| format!("cannot parse {path}"))?;
        Ok(Self {
            path: path.to_owned(),
            text: text.to_owned(),
            file,
            test,
        })
    }
}

/// A crate's modules, tests left out.
pub(super) struct Crate {
    pub(super) name: String,
    pub(super) modules: Vec<Module>,
}

pub(super) struct Tree {
    pub(super) texts: Vec<Text>,
    pub(super) sources: Vec<Source>,
    pub(super) crates: Vec<Crate>,
}

impl Tree {
    /// Reads what git keeps, and what it would keep if it were added.
    pub(super) fn read(root: &Path, metadata: &Metadata) -> Result<Self> {
        let mut git = run::command("git");
        git.current_dir(root).args(["ls-files", "-z", "--cached"]);
        git.args(["--others", "--exclude-standard"]);
        let listed = run::output(&mut git)?;
        let mut texts = Vec::new();
        for path in listed.split('\0').filter(|path| !path.is_empty()) {
            // Deleted, but git does not know yet; or no text.
            let Ok(text) = fs::read_to_string(root.join(path)) else {
                continue;
            };
            let path = path.to_owned();
            texts.push(Text { path, text });
        }
        let (crates, of_tests) = read_crates(root, metadata)?;
        let sources = texts
            .iter()
            .filter(|text| text.path.ends_with(".rs"))
            .map(|text| {
                let test = is_test_file(&text.path) || of_tests.contains(&text.path);
                Source::parse(&text.path, &text.text, test)
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            texts,
            sources,
            crates,
        })
    }
}

/// `crates/NAME/tests/...`, and what only tests use.
fn is_test_file(path: &str) -> bool {
    path.split('/').any(|folder| folder == "tests") || path.starts_with("crates/testkit/")
}

/// The modules of every crate, and the files of modules that only tests have.
fn read_crates(root: &Path, metadata: &Metadata) -> Result<(Vec<Crate>, Vec<String>)> {
    let (mut crates, mut tests) = (Vec::new(), Vec::new());
    for package in metadata.workspace_packages() {
        for target in &package.targets {
            if !(target.is_lib() || target.is_bin()) {
                continue;
            }
            let found = modules::read(root, target.src_path.as_std_path())?;
            tests.extend(found.tests);
            crates.push(Crate {
                name: target.name.clone(),
                modules: found.modules,
            });
        }
    }
    Ok((crates, tests))
}
