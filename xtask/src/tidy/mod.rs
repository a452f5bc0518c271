//! `cargo xtask tidy`: the rules of the house that no compiler holds.
//!
//! Each rule is a function from what it looks at to complaints, in a module with a test
//! that shows it a bad example. The same rules run on the whole tree as a test.

mod cycles;
mod docs;
mod edges;
mod length;
mod manifests;
mod modules;
mod packages;
mod paths;
mod reach;
mod shape;
mod source;
mod words;

use std::process::ExitCode;

use anyhow::{Result, bail};
use cargo_metadata::{Metadata, MetadataCommand};

use crate::{no_arguments, run};
use source::Tree;

/// What is wrong, and where.
type Complaints = Vec<String>;

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    no_arguments(arguments)?;
    tidy()?;
    println!("tidy");
    Ok(ExitCode::SUCCESS)
}

/// Holds the tree to every rule.
pub(crate) fn tidy() -> Result<()> {
    let complaints = complaints()?;
    if !complaints.is_empty() {
        let list = complaints.join("\n");
        bail!("{} things are not in order\n{list}", complaints.len());
    }
    Ok(())
}

fn complaints() -> Result<Complaints> {
    let metadata = metadata()?;
    let tree = Tree::read(&run::root(), &metadata)?;
    let mut all = edges::check(&metadata);
    all.extend(packages::check(&metadata)?);
    all.extend(manifests::check(&metadata)?);
    all.extend(words::check(&tree));
    all.extend(docs::check(&tree));
    all.extend(cycles::check(&tree));
    for source in &tree.sources {
        all.extend(length::check(source));
        all.extend(shape::check(source));
        all.extend(reach::check(source));
    }
    Ok(all)
}

/// What cargo knows of our own crates.
fn metadata() -> Result<Metadata> {
    let mut command = MetadataCommand::new();
    Ok(command.current_dir(run::root()).no_deps().exec()?)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_tree_is_tidy() {
        let complaints = super::complaints().unwrap();
        assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
    }
}
