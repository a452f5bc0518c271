//! `ourspace status`: how this place is doing.

use std::process::ExitCode;

use clap::Args;
use ourspace_node::status::{self, GrantState, Status};

use super::Outcome;
use crate::{
    context::Context,
    people::{self, push},
};

/// What it takes: nothing.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ourspace status\n  ourspace status --json")]
pub(crate) struct Arguments {}

/// Shows it.
pub(crate) fn run(context: &Context) -> Outcome {
    let home = context.open_reader()?;
    let status = status::status(&home, context.now()?)?;
    context.output.answer(&status, describe(&status))?;
    Ok(ExitCode::SUCCESS)
}

fn describe(status: &Status) -> String {
    let holdings = &status.holdings;
    let mut text = format!("account   {}\n", status.account);
    if let Some(root) = &status.root {
        push(&mut text, format_args!("root      {root}\n"));
    }
    push(
        &mut text,
        format_args!(
            "feed      {}, {}, {} deleted\n",
            people::counted(holdings.posts, "post"),
            people::counted(holdings.reactions, "reaction"),
            holdings.tombstones
        ),
    );
    push(
        &mut text,
        format_args!(
            "media     {}, {}\ndatabase  {}\noutbox    {} to announce\n",
            people::counted(holdings.media_files, "file"),
            people::size(holdings.media_bytes),
            people::size(holdings.database_bytes),
            status.outbox
        ),
    );
    let state = match status.grant.state {
        GrantState::Valid | GrantState::Ending => "may publish",
        GrantState::Ended => "may not publish any more",
        GrantState::NotYet | GrantState::Missing => "may not publish yet",
        GrantState::Revoked => "may not publish: revoked",
    };
    push(&mut text, format_args!("device    {state}"));
    if let Some(expires) = &status.grant.expires {
        push(
            &mut text,
            format_args!(", until {}", people::local_date(expires)),
        );
    }
    push(
        &mut text,
        format_args!(
            "\nhome      {}\nversion   {}",
            status.home.display(),
            status.version
        ),
    );
    for warning in &status.warnings {
        push(&mut text, format_args!("\nwarning   {warning}"));
    }
    text
}
