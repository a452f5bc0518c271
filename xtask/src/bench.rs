//! `cargo xtask bench`: every bench of the workspace, or those whose names are given.
//!
//! A bench is a program of the crate `ourspace-bench` or of `ourspace-sim`. It measures, prints its figures beside
//! the limit or the peer, and fails when a limit is missed.

use std::process::ExitCode;

use anyhow::{Result, ensure};
use cargo_metadata::{Metadata, MetadataCommand};

use crate::{
    peers::{Peers, beside},
    run,
};

/// Of the programs of these.
const PACKAGES: [&str; 2] = ["ourspace-bench", "ourspace-sim"];

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let metadata = MetadataCommand::new()
        .current_dir(run::root())
        .no_deps()
        .exec()?;
    let benches = chosen(&benches(&metadata), arguments)?;
    let peers = Peers::install()?;
    for (package, name) in &benches {
        println!("\n== {name}");
        let mut cargo = run::cargo();
        cargo.args(["run", "--quiet", "--release", "-p", package, "--bin", name]);
        peers.lend(&mut cargo)?;
        beside::lend(name, &mut cargo)?;
        run::succeed(&mut cargo)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The programs, each with its package.
fn benches(metadata: &Metadata) -> Vec<(String, String)> {
    let packages = metadata.workspace_packages();
    let packages = packages.iter().filter(|package| {
        let name = package.name.as_str();
        PACKAGES.contains(&name)
    });
    packages
        .flat_map(|package| {
            let programs = package.targets.iter().filter(|target| target.is_bin());
            programs.map(|target| (package.name.to_string(), target.name.clone()))
        })
        .collect()
}

fn chosen(benches: &[(String, String)], names: &[String]) -> Result<Vec<(String, String)>> {
    let all: Vec<&str> = benches.iter().map(|(_, name)| name.as_str()).collect();
    for name in names {
        let there = all.contains(&name.as_str());
        ensure!(there, "there is no bench {name}: {}", all.join(", "));
    }
    let wanted = |bench: &&(String, String)| names.is_empty() || names.contains(&bench.1);
    Ok(benches.iter().filter(wanted).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn benches_are_chosen_by_name() {
        let all = [("a", "import"), ("a", "verify"), ("b", "simulate")];
        let all = all.map(|(package, name)| (package.to_owned(), name.to_owned()));
        assert_eq!(chosen(&all, &[]).unwrap(), all);
        let one = chosen(&all, &["simulate".to_owned()]).unwrap();
        assert_eq!(one, all[2..]);
        let error = chosen(&all, &["nothing".to_owned()]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no bench nothing: import, verify, simulate"
        );
    }
}
