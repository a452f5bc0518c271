//! `ourspace doctor`: what is wrong, and what to do.

use std::{
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

use clap::Args;
use serde::Serialize;

use super::Outcome;
use crate::{
    context::Context,
    control::{Client, Request},
    view::NetworkView,
};

/// Clocks may differ by so much, in milliseconds.
const CLOCK: i64 = 2 * 60 * 1000;

/// Bytes for which there must be room.
const SPACE: usize = 1 << 20;

/// What it takes: nothing.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ourspace doctor\n  ourspace doctor --json")]
pub(crate) struct Arguments {}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    /// What.
    what: &'static str,
    /// Whether it is as it should be.
    ok: bool,
    /// What is the case, and what to do.
    text: String,
}

/// Looks.
pub(crate) fn run(context: &Context) -> Outcome {
    let mut findings = match Client::connect(&context.home)? {
        None => {
            // Where there is no home, that is what is said.
            context.open_reader()?;
            vec![Finding {
                what: "node",
                ok: false,
                text: "no node runs on this home, so nothing is fetched, announced or served: \
                       start it with `ourspace`"
                    .to_owned(),
            }]
        }
        Some(mut node) => look(&serde_json::from_value(node.one(&Request::Network)?)?),
    };
    findings.push(disk(&context.home));
    let lines: Vec<String> = findings
        .iter()
        .map(|one| {
            format!(
                "{:8} {:4} {}",
                one.what,
                if one.ok { "ok" } else { "!" },
                one.text
            )
        })
        .collect();
    context.output.answer(&findings, lines.join("\n"))?;
    let well = findings.iter().all(|finding| finding.ok);
    Ok(if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn look(network: &NetworkView) -> Vec<Finding> {
    vec![
        ports(network),
        peers(network),
        reach(network),
        clock(network),
    ]
}

fn ports(network: &NetworkView) -> Finding {
    let ok = !network.listen.is_empty();
    Finding {
        what: "ports",
        ok,
        text: match ok {
            true => format!("listening at {}", network.listen.join(", ")),
            false => "nothing is listened at: another program may hold the port; choose one \
                      with --node-port"
                .to_owned(),
        },
    }
}

fn peers(network: &NetworkView) -> Finding {
    let ours = network.peers.iter().filter(|peer| peer.ourspace).count();
    Finding {
        what: "peers",
        ok: ours > 0,
        text: match ours {
            0 => "no other node is known: start a second one in your local network, or name one \
                  that you know (`ourspace peers --dial MULTIADDR`)"
                .to_owned(),
            1 => "1 node is connected".to_owned(),
            ours => format!("{ours} nodes are connected"),
        },
    }
}

fn reach(network: &NetworkView) -> Finding {
    if keeps_to_itself(network) {
        return Finding {
            what: "reach",
            ok: true,
            text: "this node keeps to this machine (--local): nobody elsewhere reaches it"
                .to_owned(),
        };
    }
    let count = |name: &str| network.counts.get(name).copied().unwrap_or(0);
    let relayed = network
        .listen
        .iter()
        .any(|address| address.contains("p2p-circuit"));
    let (ok, text) = match (network.confirmed.is_empty(), relayed, count("unreachable")) {
        (false, ..) => (true, "others can reach this node directly".to_owned()),
        (true, true, _) => (
            true,
            "a router is in the way; others reach this node through a relay or by a hole that \
             both punch"
                .to_owned(),
        ),
        (true, false, 0) => (
            true,
            "nobody has tried yet whether this node can be reached".to_owned(),
        ),
        (true, false, _) => (
            false,
            "others cannot reach this node: let UDP and TCP through to its port in your router, \
             or go on with what it fetches by itself"
                .to_owned(),
        ),
    };
    Finding {
        what: "reach",
        ok,
        text,
    }
}

/// Whether it listens on this machine alone.
fn keeps_to_itself(network: &NetworkView) -> bool {
    let here = |address: &String| address.starts_with("/ip4/127.");
    !network.listen.is_empty() && network.listen.iter().all(here)
}

/// Whether something can be written.
fn disk(home: &Path) -> Finding {
    let written = tempfile::tempfile_in(home).and_then(|mut file| {
        file.write_all(&[0; SPACE])?;
        file.sync_data()
    });
    let text = match &written {
        Ok(()) => "there is room for more".to_owned(),
        Err(error) if error.kind() == io::ErrorKind::StorageFull => format!(
            "the disk that holds {} is full: nothing new is kept until some space is free",
            home.display()
        ),
        Err(error) => format!("nothing can be written in {}: {error}", home.display()),
    };
    Finding {
        what: "disk",
        ok: written.is_ok(),
        text,
    }
}

fn clock(network: &NetworkView) -> Finding {
    let (ok, text) = match network.clock {
        None => (
            true,
            "too few nodes are connected to compare clocks".to_owned(),
        ),
        Some(ahead) if ahead.abs() <= CLOCK => (true, "agrees with the others'".to_owned()),
        Some(ahead) => {
            let seconds = ahead.abs() / 1000;
            let which = if ahead > 0 { "behind" } else { "ahead of" };
            let text = format!(
                "the clock of this machine is {seconds} s {which} most others: set it right, \
                 since what is signed bears its time"
            );
            (false, text)
        }
    };
    Finding {
        what: "clock",
        ok,
        text,
    }
}
