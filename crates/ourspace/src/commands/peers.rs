//! `ourspace peers`: the nodes that this one is connected to.

use std::process::ExitCode;

use clap::Args;

use super::Outcome;
use crate::{
    context::Context,
    control::{Client, Request},
    failure::Failure,
    people::push,
    view::NetworkView,
};

/// What it takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ourspace peers
  ourspace peers --dial /ip4/192.0.2.7/tcp/4011/p2p/12D3Koo…")]
pub(crate) struct Arguments {
    /// Connect to this node first
    #[arg(long, value_name = "MULTIADDR")]
    dial: Option<String>,
}

/// The node of a home, or what to do when there is none.
///
/// # Errors
/// [`Failure`] when none runs.
pub(super) fn node(context: &Context) -> Result<Client, Failure> {
    Client::connect(&context.home)?.ok_or_else(|| {
        Failure::refused("no node runs on this home; start it with `ourspace` in another terminal")
    })
}

/// Shows them.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    let mut node = node(context)?;
    if let Some(address) = &arguments.dial {
        let address = address.clone();
        node.one(&Request::Dial { address })?;
    }
    let view: NetworkView = serde_json::from_value(node.one(&Request::Network)?)?;
    context.output.answer(&view.peers, describe(&view))?;
    Ok(ExitCode::SUCCESS)
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
