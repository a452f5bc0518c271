//! `ourspace unfollow`: forgetting somebody's feed.

use std::process::ExitCode;

use clap::Args;
use ourspace_node::{follows, webfeeds};
use ourspace_protocol::feed::model::Followee;
use serde::Serialize;

use super::Outcome;
use crate::{context::Context, parse};

/// What it takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  ourspace unfollow 0x52908400098527886E0F7030069857D2E4169EE7")]
pub(crate) struct Arguments {
    /// Whom: an address, or the URL of a web feed
    #[arg(value_name = "ADDRESS|URL", value_parser = parse::followee)]
    whom: Followee,
}

/// What it answers.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    whom: &'a str,
}

/// Forgets.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    let home = context.open()?;
    let now = context.signing_time()?;
    let whom = match &arguments.whom {
        Followee::Account(account) => {
            follows::unfollow(&home, now, *account)?;
            account.to_string()
        }
        Followee::Feed(url) => {
            webfeeds::unfollow(&home, now, url)?;
            url.clone()
        }
    };
    let text = format!("you no longer follow {whom}; what was kept of their feed is gone");
    context.output.done(&Answer { whom: &whom }, &text)?;
    Ok(ExitCode::SUCCESS)
}
