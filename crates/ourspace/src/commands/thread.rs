//! `ourspace thread`: an item with the answers to it that are known here.

use std::{collections::BTreeMap, process::ExitCode};

use clap::Args;
use ourspace_node::{
    notices::{self, ThreadView},
    read,
    view::ItemView,
    which,
};
use ourspace_protocol::{account::Account, feed::model::Target};

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
    let replies = thread.replies.iter().map(|reply| &reply.item);
    let items: Vec<ItemView> = thread.item.iter().chain(replies).cloned().collect();
    let text = text(&thread, home.account()?, &read::names(&home, &items)?);
    context.output.answer(&thread, text)?;
    Ok(ExitCode::SUCCESS)
}

fn text(thread: &ThreadView, own: Account, names: &BTreeMap<Account, String>) -> String {
    let who = |account: Account| match names.get(&account) {
        _ if account == own => "you".to_owned(),
        Some(name) => people::harmless(name),
        None => account.to_string(),
    };
    let mut out = match &thread.item {
        Some(item) => format!("{}\n{}", who(item.account), people::item(item)),
        None => format!("{} is not here", thread.root),
    };
    for reply in &thread.replies {
        let indent = "  ".repeat(reply.depth.min(8));
        let name = who(reply.item.account);
        push(&mut out, format_args!("\n\n{indent}{name}"));
        if !reply.near && reply.item.account != own {
            push(&mut out, format_args!(" (a stranger here)"));
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
