//! `ourspace notifications`: what others have done that concerns this account.

use std::process::ExitCode;

use clap::Args;
use ourspace_node::notices::{self, NotificationView};

use super::Outcome;
use crate::{
    context::Context,
    parse,
    people::{self, harmless, local_date, push},
};

/// What it takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ourspace notifications
  ourspace notifications --unread --mark-read
  ourspace notifications --limit 5 --json")]
pub(crate) struct Arguments {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = parse::limit)]
    limit: usize,
    /// Only what was not marked as read, in the order in which it came
    #[arg(long)]
    unread: bool,
    /// Mark what is shown as read: with --unread only that, else all that is here
    #[arg(long)]
    mark_read: bool,
}

/// Shows them.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    let home = match arguments.mark_read {
        true => context.open()?,
        false => context.open_reader()?,
    };
    let (all, until) = match arguments.unread {
        true => {
            let (all, until) = notices::unread(&home, arguments.limit)?;
            (all, Some(until))
        }
        false => (notices::notifications(&home, arguments.limit)?, None),
    };
    if arguments.mark_read {
        notices::mark_read(&home, until)?;
    }
    let text = match all.as_slice() {
        [] if arguments.unread => "nothing unread".to_owned(),
        [] => "nothing yet: replies, likes, mentions and new followers will stand here".to_owned(),
        all => all.iter().map(text).collect::<Vec<_>>().join("\n\n"),
    };
    context.output.answer(&all, text)?;
    Ok(ExitCode::SUCCESS)
}

fn text(one: &NotificationView) -> String {
    let did = match one.reason {
        "reply" => "replied to you",
        "quote" => "quoted you",
        "repost" => "reposted you",
        "like" => "likes a post of yours",
        "vote" => "voted in a poll of yours",
        "thread" => "replied in a thread of yours",
        "follow" => "follows you",
        _ => "mentioned you",
    };
    let new = if one.unread { "* " } else { "" };
    let mut out = format!("{new}{}", one.account);
    if !one.display_name.is_empty() {
        push(&mut out, format_args!(" ({})", harmless(&one.display_name)));
    }
    push(&mut out, format_args!(" {did}, {}", local_date(&one.date)));
    if let Some(about) = &one.about {
        push(&mut out, format_args!("\nabout {about}"));
    }
    if let Some(item) = &one.item {
        push(&mut out, format_args!("\n{}", people::item(item)));
    }
    out
}
