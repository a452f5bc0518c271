//! `ourspace publish`: announcing the newest feed again.

use std::process::ExitCode;

use clap::Args;
use serde::{Deserialize, Serialize};

use super::{Outcome, peers::node};
use crate::{context::Context, control::Request};

/// What it takes: nothing.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ourspace publish")]
pub(crate) struct Arguments {}

/// What it answers.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    /// Nodes that keep the record now.
    holders: usize,
    /// Nodes that were asked to.
    asked: usize,
}

/// Announces.
pub(crate) fn run(context: &Context) -> Outcome {
    let mut node = node(context)?;
    node.one(&Request::Changed)?;
    let answer: Answer = serde_json::from_value(node.one(&Request::Publish)?)?;
    let text = match answer.asked {
        0 => "there is no other node yet that could keep your record".to_owned(),
        asked => format!(
            "{} of {asked} nodes keep your newest record",
            answer.holders
        ),
    };
    context.output.done(&answer, &text)?;
    Ok(ExitCode::SUCCESS)
}
