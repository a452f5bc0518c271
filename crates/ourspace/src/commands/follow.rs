//! `ourspace follow`: keeping somebody's feed.

use std::process::ExitCode;

use clap::Args;
use ourspace_node::follows::{self, Wish};
use ourspace_protocol::account::Account;
use serde::Serialize;

use super::Outcome;
use crate::{
    context::Context,
    control::{Client, Request},
    parse,
};

/// What it takes.
#[derive(Debug, Args)]
#[command(after_help = "\
A follow is public: your feed says so, and your node tells others that it keeps theirs. A \
quiet one is known to nobody but this home.

Examples:
  ourspace follow 0x52908400098527886E0F7030069857D2E4169EE7
  ourspace follow 0x52908400098527886E0F7030069857D2E4169EE7 --quiet
  ourspace follow 0x52908400098527886E0F7030069857D2E4169EE7 --peer /ip4/192.0.2.7/tcp/4011/p2p/12D3Koo…")]
pub(crate) struct Arguments {
    /// Whom
    #[arg(value_name = "ADDRESS", value_parser = parse::account)]
    account: Account,
    /// Tell nobody
    #[arg(long)]
    quiet: bool,
    /// Fetch no pictures, sound and video
    #[arg(long)]
    text_only: bool,
    /// Never make room by dropping what is theirs
    #[arg(long)]
    pin: bool,
    /// Bytes of media to keep at most [default: 1 GiB]
    #[arg(long, value_name = "BYTES")]
    quota: Option<u64>,
    /// What you call them, in your public list
    #[arg(long, value_name = "NAME")]
    title: Option<String>,
    /// A node that has their feed
    #[arg(long = "peer", value_name = "MULTIADDR")]
    peers: Vec<String>,
}

/// What it answers.
#[derive(Debug, Serialize)]
struct Answer {
    account: Account,
    quiet: bool,
    /// Whether a node runs that fetches the feed now.
    node: bool,
}

/// Follows.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    {
        let home = context.open()?;
        let wish = Wish {
            quiet: arguments.quiet,
            text_only: arguments.text_only,
            pinned: arguments.pin,
            quota: arguments.quota,
            title: arguments.title.as_deref(),
        };
        follows::follow(&home, context.signing_time()?, arguments.account, wish)?;
    }
    let mut node = Client::connect(&context.home)?;
    if let Some(node) = &mut node {
        for peer in &arguments.peers {
            let address = peer.clone();
            node.one(&Request::Dial { address })?;
        }
        node.one(&Request::Changed)?;
        let account = arguments.account;
        node.one(&Request::Fetch { account })?;
    }
    let answer = Answer {
        account: arguments.account,
        quiet: arguments.quiet,
        node: node.is_some(),
    };
    let text = match &node {
        Some(_) => format!(
            "you follow {}; what they have posted is being fetched",
            answer.account
        ),
        None => format!(
            "you follow {}; run the node (`ourspace`) to fetch what they have posted",
            answer.account
        ),
    };
    context.output.done(&answer, &text)?;
    Ok(ExitCode::SUCCESS)
}
