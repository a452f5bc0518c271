//! `ourspace status`: how this place is doing.

use std::process::ExitCode;

use clap::Args;
use ourspace_node::{
    follows,
    status::{self, GrantState, Status},
};
use serde::Serialize;

use super::Outcome;
use crate::{
    context::Context,
    control::{Client, Request},
    people::{self, push},
    view::{NetworkView, RelayedView},
};

/// What it takes: nothing.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ourspace status\n  ourspace status --json")]
pub(crate) struct Arguments {}

/// What it answers.
#[derive(Debug, Serialize)]
struct Answer<'s> {
    #[serde(flatten)]
    status: &'s Status,
    /// Where other nodes reach this one; empty when no node runs.
    listen: Vec<String>,
    /// Connected nodes.
    peers: usize,
    /// What its own connections through relays have carried since it started.
    relayed: RelayedView,
    /// Accounts that are followed.
    follows: usize,
    /// Those of them whose feed is here.
    mirroring: usize,
}

/// Shows it.
pub(crate) fn run(context: &Context) -> Outcome {
    let home = context.open_reader()?;
    let status = status::status(&home, context.now()?)?;
    let network = match Client::connect(&context.home)? {
        Some(mut node) => serde_json::from_value(node.one(&Request::Network)?)?,
        None => NetworkView::default(),
    };
    let all = follows::list_all(&home)?;
    let answer = Answer {
        status: &status,
        peers: network.peers.len(),
        relayed: network.relayed,
        listen: network.listen,
        follows: all.len(),
        mirroring: all.iter().filter(|followed| followed.mirrored).count(),
    };
    let mut text = describe(&status);
    push(
        &mut text,
        format_args!(
            "\nfollows   {}, {} of them kept whole",
            people::counted(answer.follows as u64, "account"),
            answer.mirroring
        ),
    );
    match answer.listen.first() {
        Some(address) => push(
            &mut text,
            format_args!(
                "\nnode      {}, reached at {address}",
                people::counted(answer.peers as u64, "peer")
            ),
        ),
        None => push(&mut text, format_args!("\nnode      does not run")),
    }
    let RelayedView {
        bytes_in,
        bytes_out,
    } = answer.relayed;
    if bytes_in + bytes_out > 0 {
        push(
            &mut text,
            format_args!(
                "\nrelayed   {} in, {} out",
                people::size(bytes_in),
                people::size(bytes_out)
            ),
        );
    }
    context.output.answer(&answer, text)?;
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
