//! `cargo xtask bench`: every bench of the workspace, or those whose names are given.
//!
//! A bench is a `[[bench]]` target with `harness = false`. It measures, prints its figures
//! beside the limit or the peer, and fails when a limit is missed.

use std::process::ExitCode;

use anyhow::{Result, ensure};
use cargo_metadata::{Metadata, MetadataCommand, TargetKind};

use crate::{peers::Peers, run};

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let metadata = MetadataCommand::new()
        .current_dir(run::root())
        .no_deps()
        .exec()?;
    let benches = chosen(&benches(&metadata), arguments)?;
    let peers = Peers::install_for_benches()?;
    for (package, name) in &benches {
        println!("\n== {name}");
        let mut cargo = run::cargo();
        cargo.args(["bench", "--quiet", "-p", package, "--bench", name]);
        peers.lend(&mut cargo)?;
        run::succeed(&mut cargo)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The benches: package and name.
fn benches(metadata: &Metadata) -> Vec<(String, String)> {
    let packages = metadata.workspace_packages();
    let targets = packages.iter().flat_map(|package| {
        let benches = package
            .targets
            .iter()
            .filter(|target| target.kind.contains(&TargetKind::Bench));
        benches.map(|target| (package.name.to_string(), target.name.clone()))
    });
    targets.collect()
}

fn chosen(benches: &[(String, String)], names: &[String]) -> Result<Vec<(String, String)>> {
    for name in names {
        let known = benches.iter().any(|(_, bench)| bench == name);
        let all: Vec<&str> = benches.iter().map(|(_, bench)| bench.as_str()).collect();
        ensure!(known, "there is no bench {name}: {}", all.join(", "));
    }
    let wanted = |name: &String| names.is_empty() || names.contains(name);
    let chosen = benches.iter().filter(|(_, bench)| wanted(bench));
    Ok(chosen.cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn benches_are_chosen_by_name() {
        let pair = |package: &str, bench: &str| (package.to_owned(), bench.to_owned());
        let all = [pair("store", "import"), pair("protocol", "verify")];
        assert_eq!(chosen(&all, &[]).unwrap(), all);
        let one = chosen(&all, &["verify".to_owned()]).unwrap();
        assert_eq!(one, [pair("protocol", "verify")]);
        let error = chosen(&all, &["nothing".to_owned()]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no bench nothing: import, verify"
        );
    }
}
