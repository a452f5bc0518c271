//! `ourspace unfollow`: forgetting somebody's feed.

use std::process::ExitCode;

use clap::Args;
use ourspace_node::follows;
use ourspace_protocol::account::Account;
use serde::Serialize;

use super::Outcome;
use crate::{context::Context, parse};

/// What it takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  ourspace unfollow 0x52908400098527886E0F7030069857D2E4169EE7")]
pub(crate) struct Arguments {
    /// Whom
    #[arg(value_name = "ADDRESS", value_parser = parse::account)]
    account: Account,
}

/// What it answers.
#[derive(Debug, Serialize)]
struct Answer {
    account: Account,
}

/// Forgets.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    let account = arguments.account;
    let home = context.open()?;
    follows::unfollow(&home, context.signing_time()?, account)?;
    let text = format!("you no longer follow {account}; what was kept of their feed is gone");
    context.output.done(&Answer { account }, &text)?;
    Ok(ExitCode::SUCCESS)
}
