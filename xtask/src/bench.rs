//! `cargo xtask bench`: every bench of the workspace, or those whose names are given.
//!
//! A bench is a program of the crate `ourspace-bench`. It measures, prints its figures beside
//! the limit or the peer, and fails when a limit is missed.

use std::process::ExitCode;

use anyhow::{Result, ensure};
use cargo_metadata::{Metadata, MetadataCommand};

use crate::{peers::Peers, run};

/// Of these programs.
const PACKAGE: &str = "ourspace-bench";

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let metadata = MetadataCommand::new()
        .current_dir(run::root())
        .no_deps()
        .exec()?;
    let benches = chosen(&benches(&metadata), arguments)?;
    let peers = Peers::install()?;
    for name in &benches {
        println!("\n== {name}");
        let mut cargo = run::cargo();
        cargo.args(["run", "--quiet", "--release", "-p", PACKAGE, "--bin", name]);
        peers.lend(&mut cargo)?;
        run::succeed(&mut cargo)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn benches(metadata: &Metadata) -> Vec<String> {
    let packages = metadata.workspace_packages();
    let targets = packages
        .iter()
        .filter(|package| package.name.as_str() == PACKAGE)
        .flat_map(|package| &package.targets);
    let programs = targets.filter(|target| target.is_bin());
    programs.map(|target| target.name.clone()).collect()
}

fn chosen(benches: &[String], names: &[String]) -> Result<Vec<String>> {
    for name in names {
        let all = benches.join(", ");
        ensure!(benches.contains(name), "there is no bench {name}: {all}");
    }
    let wanted = |name: &&String| names.is_empty() || names.contains(*name);
    Ok(benches.iter().filter(wanted).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn benches_are_chosen_by_name() {
        let names = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| (*name).to_owned()).collect()
        };
        let all = names(&["import", "verify"]);
        assert_eq!(chosen(&all, &[]).unwrap(), all);
        assert_eq!(
            chosen(&all, &names(&["verify"])).unwrap(),
            names(&["verify"])
        );
        let error = chosen(&all, &names(&["nothing"])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no bench nothing: import, verify"
        );
    }
}
