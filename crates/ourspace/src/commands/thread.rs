//! `ourspace thread`: an item with the answers to it that are known here.

use std::process::ExitCode;

use clap::Args;
use ourspace_node::{
    notices::{self, ThreadView},
    which,
};
use ourspace_protocol::feed::model::Target;

use super::Outcome;
use crate::{
    context::Context,
    failure::Failure,
    people::{self, push},
};

/// What it takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ourspace thread k3qx
  ourspace thread ourspace:0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266/k3qxw2plmna4tz7c --json")]
pub(crate) struct Arguments {
    /// The item, or any answer to it: an id or 4 characters of its beginning, ourspace:ADDRESS/ID
    item: String,
}

/// Shows it.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    let home = context.open_reader()?;
    let Target::Item(account, id) = which::target(&home, &arguments.item)? else {
        return Err(Failure::usage(
            "a page of the web has no thread: name an item",
        ));
    };
    let thread = notices::thread(&home, account, id)?;
    let text = text(&thread);
    context.output.answer(&thread, text)?;
    Ok(ExitCode::SUCCESS)
}

fn text(thread: &ThreadView) -> String {
    let mut out = match &thread.item {
        Some(item) => format!("{}\n{}", item.account, people::item(item)),
        None => format!("{} is not here", thread.root),
    };
    for reply in &thread.replies {
        let indent = "  ".repeat(reply.depth.min(8));
        push(&mut out, format_args!("\n\n{indent}{}", reply.item.account));
        if !reply.near {
            push(&mut out, format_args!(" (nobody near)"));
        }
        for line in people::item(&reply.item).lines() {
            push(&mut out, format_args!("\n{indent}{line}"));
        }
    }
    if thread.replies.is_empty() {
        push(&mut out, format_args!("\n\nno answers are known here"));
    }
    out
}
