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
quiet one is known to nobody but this home. Where you follow somebody already, what you do not \
name stays as it is.

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
    #[command(flatten)]
    manner: Manner,
    /// A web site that has their feed (may be given again)
    #[arg(long = "at", value_name = "URL", value_parser = parse::web_url)]
    locations: Vec<String>,
    /// A node that has their feed
    #[arg(long = "peer", value_name = "MULTIADDR", value_parser = parse::peer)]
    peers: Vec<String>,
}

/// How.
#[derive(Debug, Args)]
#[group(skip)]
struct Manner {
    /// Tell nobody
    #[arg(long, conflicts_with = "public")]
    quiet: bool,
    /// Say so in your public list, where it was quiet before
    #[arg(long)]
    public: bool,
    /// The web feed may be on this machine or in a private network; it is followed quietly
    #[arg(long)]
    private: bool,
    /// Fetch no pictures, sound and video
    #[arg(long, conflicts_with = "with_media")]
    text_only: bool,
    /// Fetch pictures, sound and video, where that was switched off before
    #[arg(long)]
    with_media: bool,
    /// Never make room by dropping what is theirs
    #[arg(long)]
    pin: bool,
    /// How much media to keep at most: 500MB, 2GiB [default: 1GiB]
    #[arg(long, value_name = "SIZE", value_parser = parse::size)]
    quota: Option<u64>,
    /// What you call them, in your public list
    #[arg(long, value_name = "NAME")]
    title: Option<String>,
}

impl Manner {
    fn is_quiet(&self, before: bool) -> bool {
        self.quiet || (before && !self.public)
    }

    fn is_text_only(&self, before: bool) -> bool {
        self.text_only || (before && !self.with_media)
    }
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
    let (account, quiet) = match web {
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
        quiet,
        node: node.is_some(),
    };
    let whom = match web {
        true => arguments.whom.clone(),
        false => account.to_string(),
    };
    let somewhere = web || link.is_some() || !arguments.locations.is_empty();
    let text = said(
        &whom,
        node.as_mut(),
        somewhere || !arguments.peers.is_empty(),
    )?;
    context.output.done(&answer, &text)?;
    Ok(ExitCode::SUCCESS)
}

/// What a person is told: also where nothing can come yet.
fn said(whom: &str, node: Option<&mut Client>, somewhere: bool) -> Result<String, Failure> {
    let Some(node) = node else {
        return Ok(format!(
            "you follow {whom}; run the node (`ourspace`) to fetch what they have posted"
        ));
    };
    let network: NetworkView = serde_json::from_value(node.one(&Request::Network)?)?;
    let alone = !network.peers.iter().any(|peer| peer.ourspace);
    Ok(match alone && !somewhere {
        true => format!(
            "you follow {whom}; no other node is known yet, so nothing of theirs can be fetched \
             before one is: `ourspace doctor` says more, and --peer or a link names one"
        ),
        false => format!("you follow {whom}; what they have posted is being fetched"),
    })
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

/// Why it names nobody, and how a web site is named.
fn whom_instead(whom: &str, why: String) -> String {
    match whom.contains('.') && !whom.contains(char::is_whitespace) {
        true => format!("{why}; a web site is followed by its URL: https://{whom}"),
        false => why,
    }
}

fn follow(
    arguments: &Arguments,
    context: &Context,
    link: Option<&Link>,
) -> Result<(Account, bool), Failure> {
    if arguments.manner.private {
        return Err(Failure::usage(
            "--private is for feeds of the ordinary web, which are followed by their URL",
        ));
    }
    let account = match link {
        Some(link) => link.account,
        None => parse::account(&arguments.whom)
            .map_err(|why| Failure::usage(whom_instead(&arguments.whom, why)))?,
    };
    let home = context.open()?;
    let known = follows::wish_of(&home, account)?.unwrap_or_default();
    let wish = Wish {
        quiet: arguments.manner.is_quiet(known.quiet),
        text_only: arguments.manner.is_text_only(known.text_only),
        pinned: known.pinned || arguments.manner.pin,
        quota: arguments.manner.quota.or(known.quota),
        title: arguments.manner.title.as_deref(),
    };
    if wish.quiet && wish.title.is_some() {
        return Err(untitled());
    }
    follows::follow(&home, context.signing_time()?, account, wish)?;
    Ok((account, wish.quiet))
}

fn untitled() -> Failure {
    Failure::usage(
        "--title is for your public list, where a quiet follow is not: leave it out, or follow \
         with --public",
    )
}

/// A feed of the ordinary web.
fn follow_web(arguments: &Arguments, context: &Context) -> Result<(Account, bool), Failure> {
    if !arguments.locations.is_empty() || !arguments.peers.is_empty() {
        return Err(Failure::usage(
            "--at and --peer are for people's feeds; a feed of the ordinary web is at its URL",
        ));
    }
    if arguments.manner.pin {
        return Err(Failure::usage(
            "--pin is for people's feeds: of the ordinary web the newest episodes are kept",
        ));
    }
    let home = context.open()?;
    let known = webfeeds::wish_of(&home, &arguments.whom)?;
    // An address in a private network is nothing for a public list.
    let quiet = known.map_or(arguments.manner.private, |known| known.quiet);
    let known = known.unwrap_or_default();
    let wish = WebWish {
        quiet: arguments.manner.is_quiet(quiet),
        text_only: arguments.manner.is_text_only(known.text_only),
        quota: arguments.manner.quota.or(known.quota),
        title: arguments.manner.title.as_deref(),
        private: known.private || arguments.manner.private,
    };
    if wish.quiet && wish.title.is_some() {
        return Err(untitled());
    }
    let account = webfeeds::follow(&home, context.signing_time()?, &arguments.whom, wish)?;
    Ok((account, wish.quiet))
}
