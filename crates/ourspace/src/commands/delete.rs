//! `ourspace delete`: takes items back.

use std::process::ExitCode;

use clap::Args;
use ourspace_node::{compose, read, which};
use ourspace_protocol::{account::Account, dag::Cid, feed::model::ItemId, time::Millis};
use serde::Serialize;

use super::Outcome;
use crate::{ask, context::Context, failure::Failure, people};

/// What it takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ourspace delete k3qx
  ourspace delete k3qxw2pl 2mpa44xt --yes

A deleted item cannot come back under its id. Followers drop it when they see that; nobody
can be made to forget what they have copied.")]
pub(crate) struct Arguments {
    /// The items: their ids or 4 characters of their beginnings
    #[arg(required = true)]
    items: Vec<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Serialize)]
struct Deleted {
    /// In whose feed.
    account: Account,
    /// What was deleted.
    ids: Vec<ItemId>,
    /// Root of the feed without it.
    root: Cid,
    /// When that was signed.
    timestamp: Millis,
}

/// Deletes them.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    let reader = context.open_reader()?;
    let account = reader.account()?;
    let mut ids: Vec<ItemId> = Vec::with_capacity(arguments.items.len());
    for name in &arguments.items {
        let id = which::own_item(&reader, name)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    if !arguments.yes {
        if !context.can_ask() {
            return Err(Failure::usage("nobody can be asked here: add --yes"));
        }
        for id in &ids {
            if let Some(item) = read::item(&reader, account, *id)? {
                context.output.say(people::item(&item));
            }
        }
        let question = match ids.len() {
            1 => "Delete this for good? Copies that others made may remain.".to_owned(),
            n => format!("Delete these {n} for good? Copies that others made may remain."),
        };
        if !ask::yes(&question)? {
            return Err(Failure::refused("nothing was deleted"));
        }
    }
    drop(reader);
    let home = context.open()?;
    let now = context.signing_time()?;
    let published = compose::delete(&home, now, &ids)?;
    let names: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let text = format!(
        "deleted {}; copies that others made may remain",
        names.join(", ")
    );
    let answer = Deleted {
        account,
        ids,
        root: published.root,
        timestamp: published.timestamp,
    };
    context.output.done(&answer, &text)?;
    Ok(ExitCode::SUCCESS)
}
