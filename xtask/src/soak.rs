//! `cargo xtask soak`: the crash tests with many more kills than the door has time for: of the
//! store alone, and of nodes that post and follow each other.

use std::process::ExitCode;

use anyhow::Result;

use crate::{nextest::Nextest, no_arguments, run};

/// Which package, which of its test binaries, and how often it kills.
const SOAKS: [(&str, &str, &str); 2] = [
    ("ourspace-store", "binary(crash)", "1000"),
    ("ourspace", "binary(nodes_killed)", "60"),
];

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    no_arguments(arguments)?;
    for (package, which, kills) in SOAKS {
        let mut tests = Nextest::find_or_build()?.run();
        tests
            .args(["-p", package, "--profile", "soak"])
            .args(["--no-capture", "-E", which])
            .env("OURSPACE_SOAK_KILLS", kills);
        run::succeed(&mut tests)?;
    }
    Ok(ExitCode::SUCCESS)
}
