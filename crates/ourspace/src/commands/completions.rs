//! `ourspace completions SHELL`.

use std::process::ExitCode;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::Outcome;
use crate::context::Context;

/// What it takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ourspace completions bash > ~/.local/share/bash-completion/completions/ourspace"
)]
pub(crate) struct Arguments {
    /// The shell
    shell: Shell,
}

/// Prints the script.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    let mut script = Vec::new();
    let mut command = super::Arguments::command();
    clap_complete::generate(arguments.shell, &mut command, "ourspace", &mut script);
    context.output.raw(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}
