//! `ourspace follows`: whom this home follows.

use std::process::ExitCode;

use clap::Args;
use ourspace_node::{
    follows::{self, FollowedView},
    webfeeds::{self, WebFeedView},
};
use serde::Serialize;

use super::Outcome;
use crate::{
    context::Context,
    people::{self, push},
};

/// What it takes: nothing.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ourspace follows\n  ourspace follows --json")]
pub(crate) struct Arguments {}

/// What it answers.
#[derive(Debug, Serialize)]
struct Answer {
    accounts: Vec<FollowedView>,
    feeds: Vec<WebFeedView>,
}

/// Shows them.
pub(crate) fn run(context: &Context) -> Outcome {
    let home = context.open_reader()?;
    let answer = Answer {
        accounts: follows::list_all(&home)?,
        feeds: webfeeds::list_all(&home)?,
    };
    let accounts = answer.accounts.iter().map(describe);
    let lines: Vec<String> = accounts
        .chain(answer.feeds.iter().map(describe_feed))
        .collect();
    let text = match lines.is_empty() {
        true => "you follow nobody yet; `ourspace follow ADDRESS` begins".to_owned(),
        false => lines.join("\n"),
    };
    context.output.answer(&answer, text)?;
    Ok(ExitCode::SUCCESS)
}

fn describe_feed(feed: &WebFeedView) -> String {
    let mut text = people::harmless(&feed.url);
    if !feed.title.is_empty() {
        push(
            &mut text,
            format_args!("  {}", people::harmless(&feed.title)),
        );
    }
    push(
        &mut text,
        format_args!("  media {}", people::size(feed.media_bytes)),
    );
    if let Some(error) = &feed.error {
        push(
            &mut text,
            format_args!("\n  not read: {}", people::harmless(error)),
        );
    }
    text
}

fn describe(followed: &FollowedView) -> String {
    let mut text = followed.account.to_string();
    if !followed.display_name.is_empty() {
        push(
            &mut text,
            format_args!("  {}", people::harmless(&followed.display_name)),
        );
    }
    if let Some(title) = &followed.title {
        push(
            &mut text,
            format_args!("  (called {})", people::harmless(title)),
        );
    }
    push(
        &mut text,
        format_args!("  media {}", people::size(followed.media_bytes)),
    );
    let switches = [
        (followed.quiet, "quiet"),
        (followed.text_only, "text only"),
        (followed.pinned, "pinned"),
    ];
    for (_, name) in switches.iter().filter(|(on, _)| *on) {
        push(&mut text, format_args!("  {name}"));
    }
    text
}
