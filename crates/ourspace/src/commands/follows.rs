//! `ourspace follows`: whom this home follows.

use std::process::ExitCode;

use clap::Args;
use ourspace_node::follows::{self, FollowedView};

use super::Outcome;
use crate::{
    context::Context,
    people::{self, push},
};

/// What it takes: nothing.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ourspace follows\n  ourspace follows --json")]
pub(crate) struct Arguments {}

/// Shows them.
pub(crate) fn run(context: &Context) -> Outcome {
    let home = context.open_reader()?;
    let all = follows::list_all(&home)?;
    let text = match all.as_slice() {
        [] => "you follow nobody yet; `ourspace follow ADDRESS` begins".to_owned(),
        all => all.iter().map(describe).collect::<Vec<_>>().join("\n"),
    };
    context.output.answer(&all, text)?;
    Ok(ExitCode::SUCCESS)
}

fn describe(followed: &FollowedView) -> String {
    let mut text = followed.account.to_string();
    if !followed.display_name.is_empty() {
        push(
            &mut text,
            format_args!("  {}", people::harmless(&followed.display_name)),
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
