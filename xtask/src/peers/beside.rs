//! Peers of a single bench: they are installed when it runs, in a folder beside that of the
//! tests, so that nobody else has to fetch them.

use std::process::Command;

use anyhow::Result;

use super::{Part, install, npm, own_folder, pypi};

/// Where the bench looks for them.
const VARIABLE: &str = "OURSPACE_BENCH_PEERS";

/// What a bench of this name needs beside what the tests have.
pub(super) fn parts(bench: &str) -> Result<Vec<Part>> {
    match bench {
        "ingest" => Ok(vec![pypi::ingest()?, npm::ingest()?]),
        _ => Ok(Vec::new()),
    }
}

/// Installs what a bench needs, and lets its command find it.
pub(crate) fn lend(bench: &str, command: &mut Command) -> Result<()> {
    let parts = parts(bench)?;
    if parts.is_empty() {
        return Ok(());
    }
    let folder = own_folder(&parts)?;
    for part in &parts {
        println!("beside {} ({})", part.versions(), part.size);
    }
    install(&parts, &folder)?;
    command.env(VARIABLE, folder);
    Ok(())
}
