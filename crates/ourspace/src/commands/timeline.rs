//! `ourspace timeline`: what you and those whom you follow have published, newest first.

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
use ourspace_store::Cursor;

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
    /// Only what this account wrote [default: you and those whom you follow]
    #[arg(long, value_name = "ADDRESS", value_parser = parse::account)]
    account: Option<Account>,
}

/// Shows it.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    let home = context.open_reader()?;
    let own = home.account()?;
    let before = match &arguments.before {
        Some(before) => Some(place(&home, before)?),
        None => None,
    };
    let items = match arguments.account {
        Some(account) => {
            let before = before.as_ref().map(|place| place.key);
            read::timeline(&home, Some(account), before, arguments.limit)?
        }
        None => {
            let from = before.as_ref().map(|place| place.cursor);
            read::home_timeline(&home, from, arguments.limit)?.0
        }
    };
    let text = match items.as_slice() {
        [] if before.is_some() => "nothing older".to_owned(),
        [] if arguments.account.is_some_and(|account| account != own) => {
            "nothing of that account is here; `ourspace follow` brings it".to_owned()
        }
        [] => {
            "nothing yet; `ourspace post` publishes something, and what those have posted whom you \
               follow comes when a node is reached that has it"
                .to_owned()
        }
        items => people::timeline(items, own, &read::names(&home, items)?),
    };
    context.output.answer(&items, text)?;
    Ok(ExitCode::SUCCESS)
}

/// A place in a timeline.
struct Before {
    /// In one account's.
    key: ItemKey,
    /// In that of the home.
    cursor: Cursor,
}

/// The place in the feed that a date or an item names.
fn place(home: &Home, before: &str) -> Result<Before, Failure> {
    if let Ok(date) = parse::date(before) {
        let id = ItemId([0; 10]);
        return Ok(Before {
            key: ItemKey { date, id },
            cursor: Cursor::before(date)?,
        });
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
    let cursor = read::before(home, account, id)?;
    match (key, cursor) {
        (Some(key), Some(cursor)) => Ok(Before { key, cursor }),
        // A like or vote stands in no timeline; its date does.
        (Some(key), None) => Ok(Before {
            key,
            cursor: Cursor::before(key.date)?,
        }),
        (None, _) => Err(Failure::refused(format!("there is no item {id} here"))),
    }
}
