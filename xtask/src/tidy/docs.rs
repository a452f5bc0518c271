//! What the Markdown files promise exists: tasks, and files that they link to.

use std::path::Path;

use super::{
    Complaints,
    source::{Text, Tree},
};
use crate::{TASKS, run};

pub(super) fn check(tree: &Tree) -> Complaints {
    let root = run::root();
    let texts = tree.texts.iter().filter(|text| is_document(&text.path));
    texts.flat_map(|text| check_text(text, &root)).collect()
}

/// Markdown that people wrote, not posts in golden files.
fn is_document(path: &str) -> bool {
    path.ends_with(".md") && !path.contains("/tests/")
}

fn check_text(text: &Text, root: &Path) -> Complaints {
    let mut complaints = Complaints::new();
    for (line, number) in text.text.lines().zip(1..) {
        for task in tasks(line) {
            if !TASKS.iter().any(|known| known.name == task) {
                complaints.push(format!(
                    "{}:{number}: there is no cargo xtask {task}",
                    text.path
                ));
            }
        }
        for link in links(line) {
            let file = root.join(&text.path).with_file_name(link);
            if !file.exists() {
                complaints.push(format!("{}:{number}: there is no {link}", text.path));
            }
        }
    }
    complaints
}

/// The words after `cargo xtask`.
fn tasks(line: &str) -> impl Iterator<Item = &str> {
    line.split("cargo xtask ").skip(1).filter_map(|rest| {
        let end = rest
            .find(|c: char| !c.is_ascii_lowercase())
            .unwrap_or(rest.len());
        (end > 0).then(|| &rest[..end])
    })
}

/// The targets of links to files beside this one.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| {
        let target = rest.split([')', '#', ' ']).next()?;
        let elsewhere = target.contains(':') || target.starts_with('/');
        (!target.is_empty() && !elsewhere).then_some(target)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Complaints {
        let text = Text {
            path: "spec/README.md".to_owned(),
            text: text.to_owned(),
        };
        check_text(&text, &run::root())
    }

    #[test]
    fn tasks_that_do_not_exist_are_named() {
        assert!(said("run `cargo xtask test --no-peers`, then cargo xtask ci.").is_empty());
        assert_eq!(
            said("run `cargo xtask polish`"),
            ["spec/README.md:1: there is no cargo xtask polish"]
        );
    }

    #[test]
    fn links_to_nothing_are_named() {
        let fine = "[a](00-overview.md) [b](../Cargo.toml#L1) [c](https://example.org/x) [d](#e)";
        assert!(said(fine).is_empty());
        assert_eq!(
            said("x\n[a](nowhere.md)"),
            ["spec/README.md:2: there is no nowhere.md"]
        );
    }
}
