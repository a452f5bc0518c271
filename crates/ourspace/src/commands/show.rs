//! `ourspace show`: items with everything that is known of them.

use std::process::ExitCode;

use clap::Args;
use ourspace_node::{read, which};

use super::Outcome;
use crate::{context::Context, people};

/// What it takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ourspace show k3qx
  ourspace show ourspace:0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266/k3qxw2plmna4tz7c --json")]
pub(crate) struct Arguments {
    /// The items: ids or 4 characters of their beginnings, ourspace:ADDRESS/ID, addresses of pages
    #[arg(required = true)]
    items: Vec<String>,
}

/// Shows them.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    let home = context.open_reader()?;
    let mut items = Vec::with_capacity(arguments.items.len());
    for name in &arguments.items {
        let (account, id) = which::item(&home, name)?;
        items.extend(read::item(&home, account, id)?);
    }
    context.output.answer(&items, people::items(&items))?;
    Ok(ExitCode::SUCCESS)
}
