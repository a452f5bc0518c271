//! `ourspace search`: posts by their words.

use std::process::ExitCode;

use clap::Args;
use ourspace_node::read;

use super::Outcome;
use crate::{context::Context, failure::Failure, parse, people};

/// What it takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ourspace search green tea
  ourspace search '\"green tea\"' --limit 5
  ourspace search '#garden'

Posts that have all of the words, newest first; the last word may be unfinished.")]
pub(crate) struct Arguments {
    /// Words, "phrases in quotes", #tags
    #[arg(required = true)]
    words: Vec<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = parse::limit)]
    limit: usize,
}

/// Shows what is found.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    if arguments.words.iter().all(|words| words.trim().is_empty()) {
        return Err(Failure::usage(
            "there is nothing to look for: give words or a #tag",
        ));
    }
    let home = context.open_reader()?;
    let (items, _) = read::search(&home, &arguments.words.join(" "), None, arguments.limit)?;
    let text = match items.as_slice() {
        [] => "nothing found".to_owned(),
        items => people::items(items),
    };
    context.output.answer(&items, text)?;
    Ok(ExitCode::SUCCESS)
}
