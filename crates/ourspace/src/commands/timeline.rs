//! `ourspace timeline`: what was published, newest first.

use std::process::ExitCode;

use clap::Args;
use ourspace_node::{
    Home, read,
    which::{self, WhichError},
};
use ourspace_protocol::{
    account::Account,
    feed::model::{ItemId, ItemKey},
};

use super::Outcome;
use crate::{context::Context, failure::Failure, parse, people};

/// What it takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ourspace timeline
  ourspace timeline --limit 5 --json
  ourspace timeline --before k3qxw2pl
  ourspace timeline --before 2026-01-01")]
pub(crate) struct Arguments {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = parse::limit)]
    limit: usize,
    /// Only what is older than this item or date
    #[arg(long, value_name = "ITEM|DATE")]
    before: Option<String>,
    /// Only what this account wrote [default: yours]
    #[arg(long, value_name = "ADDRESS", value_parser = parse::account)]
    account: Option<Account>,
}

/// Shows it.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    let home = context.open_reader()?;
    let before = match &arguments.before {
        Some(before) => Some(place(&home, before)?),
        None => None,
    };
    let items = read::timeline(&home, arguments.account, before, arguments.limit)?;
    let text = match items.as_slice() {
        [] if before.is_some() => "nothing older".to_owned(),
        [] if arguments
            .account
            .is_some_and(|account| home.account().ok() != Some(account)) =>
        {
            "nothing of that account is here; this version shows only what is in this home"
                .to_owned()
        }
        [] => "nothing yet; `ourspace post` publishes something".to_owned(),
        items => people::items(items),
    };
    context.output.answer(&items, text)?;
    Ok(ExitCode::SUCCESS)
}

/// The place in the feed that a date or an item names.
fn place(home: &Home, before: &str) -> Result<ItemKey, Failure> {
    if let Ok(date) = parse::date(before) {
        let id = ItemId([0; 10]);
        return Ok(ItemKey { date, id });
    }
    let named = which::item(home, before);
    // Words are no name of an item, even where they have the letters of one.
    if matches!(named, Err(WhichError::Unknown(_))) && before.parse::<ItemId>().is_err() {
        return Err(Failure::usage(format!(
            "--before {:?} names no item that is here, and is no date",
            before.escape_debug().to_string()
        )));
    }
    let (account, id) = named?;
    let key = read::key(home, account, id)?;
    key.ok_or_else(|| Failure::refused(format!("there is no item {id} here")))
}
