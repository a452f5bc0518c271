//! `ourspace follow`: keeping somebody's feed.

use std::process::ExitCode;

use clap::Args;
use ourspace_node::{
    follows::{self, Wish},
    webfeeds::{self, WebWish},
};
use ourspace_protocol::{
    account::Account,
    link::{Link, LinkError},
};
use ourspace_store::NetworkStore;
use serde::Serialize;

use super::Outcome;
use crate::{
    context::Context,
    control::{Client, Request},
    failure::Failure,
    link::worth_dialling,
    parse,
    view::NetworkView,
};

/// What it takes.
#[derive(Debug, Args)]
#[command(after_help = "\
A follow is public: your feed says so, and your node tells others that it keeps theirs. A \
quiet one is known to nobody but this home.

Examples:
  ourspace follow 0x52908400098527886E0F7030069857D2E4169EE7
  ourspace follow 0x52908400098527886E0F7030069857D2E4169EE7 --quiet
  ourspace follow 0x52908400098527886E0F7030069857D2E4169EE7 --at https://example.org/feed/
  ourspace follow https://example.org/podcast.xml
  ourspace follow 'ourspace:0x52908400098527886E0F7030069857D2E4169EE7?peer=/ip4/…'
  ourspace follow 0x52908400098527886E0F7030069857D2E4169EE7 --peer /ip4/192.0.2.7/tcp/4011/p2p/12D3Koo…")]
pub(crate) struct Arguments {
    /// Whom: an address, a link from `ourspace whoami`, or the URL of a feed or page of the
    /// ordinary web
    #[arg(value_name = "ADDRESS|LINK|URL")]
    whom: String,
    /// Tell nobody
    #[arg(long)]
    quiet: bool,
    /// The web feed may be on this machine or in a private network
    #[arg(long)]
    private: bool,
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
    /// A web site that has their feed (may be given again)
    #[arg(long = "at", value_name = "URL")]
    locations: Vec<String>,
    /// A node that has their feed
    #[arg(long = "peer", value_name = "MULTIADDR")]
    peers: Vec<String>,
}

/// What it answers.
#[derive(Debug, Serialize)]
struct Answer {
    account: Account,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    quiet: bool,
    /// Whether a node runs that fetches the feed now.
    node: bool,
}

/// Follows.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    let link = match Link::is_meant(&arguments.whom) {
        true => Some(link(&arguments.whom)?),
        false => None,
    };
    let web = link.is_none() && arguments.whom.contains("://");
    let account = match web {
        true => follow_web(arguments, context)?,
        false => follow(arguments, context, link.as_ref())?,
    };
    let mut node = Client::connect(&context.home)?;
    if let Some(link) = &link {
        begin_with(link, node.as_mut(), context)?;
    }
    if !web && !arguments.locations.is_empty() {
        follows::found_at(&context.open()?, account, &arguments.locations)?;
    }
    if node.is_none() && !arguments.peers.is_empty() {
        NetworkStore::open(&context.home)?.put_nodes(&arguments.peers, context.now()?)?;
    }
    if let Some(node) = &mut node {
        for peer in &arguments.peers {
            let address = peer.clone();
            node.one(&Request::Dial { address })?;
        }
        node.one(&Request::Changed)?;
        let locations = arguments.locations.clone();
        if !web {
            node.one(&Request::Find { account, locations })?;
        }
    }
    let answer = Answer {
        account,
        url: web.then(|| arguments.whom.clone()),
        quiet: arguments.quiet,
        node: node.is_some(),
    };
    let whom = match web {
        true => arguments.whom.clone(),
        false => account.to_string(),
    };
    let text = match &node {
        Some(_) => format!("you follow {whom}; what they have posted is being fetched"),
        None => {
            format!("you follow {whom}; run the node (`ourspace`) to fetch what they have posted")
        }
    };
    context.output.done(&answer, &text)?;
    Ok(ExitCode::SUCCESS)
}

fn link(text: &str) -> Result<Link, Failure> {
    text.parse()
        .map_err(|error: LinkError| Failure::usage(error.to_string()))
}

/// Connects to the nodes of a link; where no node runs, the next one does it at its start.
fn begin_with(link: &Link, node: Option<&mut Client>, context: &Context) -> Result<(), Failure> {
    if let Some(node) = node {
        let network: NetworkView = serde_json::from_value(node.one(&Request::Network)?)?;
        for peer in worth_dialling(link.peers(), &network.listen) {
            let address = peer.as_str().to_owned();
            node.one(&Request::Dial { address })?;
        }
        return Ok(());
    }
    // Which of them are worth dialling is seen when it is known where the node listens.
    let peers = link.peers().iter();
    let peers: Vec<String> = peers.map(|peer| peer.as_str().to_owned()).collect();
    NetworkStore::open(&context.home)?.put_linked(&peers)?;
    Ok(())
}

fn follow(
    arguments: &Arguments,
    context: &Context,
    link: Option<&Link>,
) -> Result<Account, Failure> {
    let account = match link {
        Some(link) => link.account,
        None => parse::account(&arguments.whom).map_err(Failure::usage)?,
    };
    let home = context.open()?;
    let wish = Wish {
        quiet: arguments.quiet,
        text_only: arguments.text_only,
        pinned: arguments.pin,
        quota: arguments.quota,
        title: arguments.title.as_deref(),
    };
    follows::follow(&home, context.signing_time()?, account, wish)?;
    Ok(account)
}

/// A feed of the ordinary web.
fn follow_web(arguments: &Arguments, context: &Context) -> Result<Account, Failure> {
    let home = context.open()?;
    let wish = WebWish {
        quiet: arguments.quiet,
        text_only: arguments.text_only,
        quota: arguments.quota,
        title: arguments.title.as_deref(),
        private: arguments.private,
    };
    Ok(webfeeds::follow(
        &home,
        context.signing_time()?,
        &arguments.whom,
        wish,
    )?)
}
