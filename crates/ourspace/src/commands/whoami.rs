//! `ourspace whoami`.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;
use ourspace_node::{
    account::{self, WalletPlace, Whoami},
    recover,
};
use serde::Serialize;

use super::Outcome;
use crate::{
    context::Context,
    control::{Client, Request},
    failure::Failure,
    file, link,
    people::push,
    qr::Qr,
    view::NetworkView,
};

/// What it takes.
#[derive(Debug, Args)]
#[command(
    after_help = "The link holds up to four addresses of your node, when it runs: others follow you with it at \
once (`ourspace follow LINK`).\n\nExamples:\n  ourspace whoami\n  ourspace whoami --link-qr link.svg\n  ourspace whoami --qr card.svg\n  ourspace whoami --statement succession.cbor\n  ourspace whoami --json"
)]
pub(crate) struct Arguments {
    /// Write the account's QR code into this file (.svg or .png)
    #[arg(long, value_name = "FILE")]
    qr: Option<PathBuf>,
    /// Write the QR code of the link to follow you by into this file (.svg or .png)
    #[arg(long, value_name = "FILE")]
    link_qr: Option<PathBuf>,
    /// Write the statement that this account continues a lost one (`ourspace recover`) into this file
    #[arg(long, value_name = "FILE")]
    statement: Option<PathBuf>,
}

/// What it answers.
#[derive(Debug, Serialize)]
struct Answer {
    #[serde(flatten)]
    whoami: Whoami,
    /// Whom to follow, and nodes to begin with.
    link: String,
}

/// Shows whose home it is.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    let home = context.open_reader()?;
    let whoami = account::whoami(&home, context.now()?)?;
    if let Some(path) = &arguments.statement {
        let statement = recover::kept(&home)?.ok_or_else(|| {
            Failure::refused(
                "this account continues no lost one, so there is no statement: `ourspace \
                 recover` makes an account that does",
            )
        })?;
        file::write_new(path, &statement.to_bytes())?;
    }
    // What every wallet's camera reads (EIP-681); the 1 says nothing about a chain here.
    let qr = Qr::of(&format!("ethereum:{}@1", whoami.account))?;
    if let Some(path) = &arguments.qr {
        qr.write(path)?;
    }
    let network = match Client::connect(&context.home)? {
        Some(mut node) => serde_json::from_value(node.one(&Request::Network)?)?,
        None => NetworkView::default(),
    };
    let link = link::of(whoami.account, &network).to_string();
    if let Some(path) = &arguments.link_qr {
        Qr::of(&link)?.write(path)?;
    }
    let mut text = String::new();
    if io::stdout().is_terminal() {
        text.push_str(&qr.terminal());
    }
    text.push_str(&describe(&whoami));
    push(&mut text, format_args!("\nlink         {link}"));
    context.output.answer(&Answer { whoami, link }, text)?;
    if let Some(path) = &arguments.link_qr {
        let said = format!("the QR code of the link is in {}", path.display());
        context.output.say(said);
    }
    if let Some(path) = &arguments.qr {
        let said = format!("the QR code of the account is in {}", path.display());
        context.output.say(said);
    }
    if let Some(path) = &arguments.statement {
        let said = format!("the statement of the account is in {}", path.display());
        context.output.say(said);
    }
    Ok(ExitCode::SUCCESS)
}

/// The lines for people.
fn describe(whoami: &Whoami) -> String {
    let mut text = format!(
        "account      {}\nfingerprint  {}\ndevice       {}\n",
        whoami.account, whoami.fingerprint, whoami.device
    );
    let wallet = match whoami.wallet {
        WalletPlace::Here => "in this home, under its password",
        WalletPlace::Elsewhere => "elsewhere",
    };
    // Writing to a `String` cannot fail.
    write!(
        text,
        "wallet       {wallet}\nmay publish  until {}",
        whoami.grant.expires
    )
    .unwrap_or(());
    text
}
