//! `ourspace peers`: the nodes that this one is connected to.

use std::{
    collections::BTreeSet,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use clap::Args;

use super::Outcome;
use crate::{
    context::Context,
    control::{Client, Request},
    failure::Failure,
    parse,
    people::push,
    view::NetworkView,
};

/// How often it is looked whether a node has answered, and for how long.
const LOOK: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(10);

/// What it takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ourspace peers
  ourspace peers --dial /ip4/192.0.2.7/tcp/4011/p2p/12D3Koo…")]
pub(crate) struct Arguments {
    /// Connect to this node first
    #[arg(long, value_name = "MULTIADDR", value_parser = parse::peer)]
    dial: Option<String>,
}

/// The node of a home, or what to do when there is none.
///
/// # Errors
/// [`Failure`] when none runs.
pub(super) fn node(context: &Context) -> Result<Client, Failure> {
    if let Some(node) = Client::connect(&context.home)? {
        return Ok(node);
    }
    // Where there is no home, that is what is said.
    context.open_reader()?;
    Err(Failure::refused(
        "no node runs on this home; start it with `ourspace` in another terminal",
    ))
}

/// Shows them.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    let mut node = node(context)?;
    let view = match &arguments.dial {
        Some(address) => dial(&mut node, address)?,
        None => look(&mut node)?,
    };
    context.output.answer(&view.peers, describe(&view))?;
    Ok(ExitCode::SUCCESS)
}

fn look(node: &mut Client) -> Result<NetworkView, Failure> {
    Ok(serde_json::from_value(node.one(&Request::Network)?)?)
}

/// Connects to a node, and waits until it answers.
fn dial(node: &mut Client, address: &str) -> Result<NetworkView, Failure> {
    let named = address.rsplit_once("/p2p/").map(|(_, peer)| peer);
    let known: BTreeSet<String> = look(node)?.peers.into_iter().map(|one| one.peer).collect();
    let request = Request::Dial {
        address: address.to_owned(),
    };
    node.one(&request)?;
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        let view = look(node)?;
        let here = view.peers.iter().any(|one| match named {
            Some(peer) => one.peer == peer,
            // It is somebody who was not there before, or who is at this address.
            None => !known.contains(&one.peer) || one.address.starts_with(address),
        });
        if here {
            return Ok(view);
        }
        thread::sleep(LOOK);
    }
    Err(Failure::refused(format!(
        "{address} does not answer: no node listens there, or another one than is named, or \
         something between keeps it away"
    )))
}

fn describe(view: &NetworkView) -> String {
    if view.peers.is_empty() {
        return "no other node is connected; `ourspace doctor` says what to do".to_owned();
    }
    let mut lines = Vec::new();
    for peer in &view.peers {
        let mut line = format!("{}\n  {}  {}", peer.peer, peer.agent, peer.address);
        if let Some(time) = peer.round_trip_ms {
            push(&mut line, format_args!("  {time:.1} ms"));
        }
        if peer.overlap > 0 {
            push(
                &mut line,
                format_args!("  {} follows in common", peer.overlap),
            );
        }
        if peer.relayed {
            line.push_str("  through a relay");
        }
        if peer.punched {
            line.push_str("  directly, after a relay");
        }
        lines.push(line);
    }
    lines.join("\n")
}
