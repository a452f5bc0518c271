//! `cargo xtask soak`: the store's crash tests, a thousand kills instead of some dozens.

use std::process::ExitCode;

use anyhow::Result;

use crate::{nextest::Nextest, no_arguments, run};

const KILLS: &str = "1000";

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    no_arguments(arguments)?;
    let mut tests = Nextest::find_or_build()?.run();
    tests
        .args(["-p", "ourspace-store", "--profile", "soak"])
        .args(["--no-capture", "-E", "binary(crash)"])
        .env("OURSPACE_SOAK_KILLS", KILLS);
    run::succeed(&mut tests)?;
    Ok(ExitCode::SUCCESS)
}
