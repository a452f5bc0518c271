//! `ourspace device`: which devices may publish for the account.

mod add;
mod join;
mod revoke;

use std::{fmt::Write as _, process::ExitCode};

use clap::{Args, Subcommand};
use ourspace_node::devices::{self, DeviceState, DeviceView};
use ourspace_protocol::account::Account;

use super::Outcome;
use crate::{context::Context, failure::Failure};

const ABOUT: &str = "\
Examples:
  ourspace device list
  ourspace device join                 on the new machine: shows a code
  ourspace device add ourspace-join:…  on the first one: answers it
  ourspace device renew
  ourspace device revoke 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266

A device may publish, edit and delete posts for a year. It cannot move money, allow other
devices or change the account. When its year is over, what it published stays valid.
A lost or stolen device should be revoked: the end of its year does not keep a thief from
signing posts that bear an earlier date.";

/// What it takes.
#[derive(Debug, Args)]
#[command(after_help = ABOUT)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the devices that are known here
    #[command(
        after_help = "Examples:\n  ourspace device list\n  ourspace device list --json\n\nThe device that this home is comes with a mark. One that is not here is not known here yet."
    )]
    List,
    /// Allow a new device; CODE is what `device join` shows there
    Add(add::AddArguments),
    /// Allow a device for another year: this one, or another by its address or code
    Renew(add::RenewArguments),
    /// Take a device's permission away
    Revoke(revoke::Arguments),
    /// Make this machine a device of an account that is on another one
    Join(join::Arguments),
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    match &arguments.command {
        Command::List => list(context),
        Command::Add(arguments) => add::add(arguments, context),
        Command::Renew(arguments) => add::renew(arguments, context),
        Command::Revoke(arguments) => revoke::run(arguments, context),
        Command::Join(arguments) => join::run(arguments, context),
    }
}

fn list(context: &Context) -> Outcome {
    let home = context.open_reader()?;
    let devices = devices::list(&home, context.now()?)?;
    let lines: Vec<String> = devices.iter().map(describe).collect();
    context.output.answer(&devices, lines.join("\n\n"))?;
    Ok(ExitCode::SUCCESS)
}

fn describe(view: &DeviceView) -> String {
    let state = match view.state {
        DeviceState::Valid => format!("may publish until {}", view.expires),
        DeviceState::Expired => format!("may not publish since {}", view.expires),
        DeviceState::Revoked => "revoked".to_owned(),
    };
    let mut text = format!("{}", view.device);
    // Writing to a `String` cannot fail.
    if view.this {
        write!(text, "  (this device)").unwrap_or(());
    }
    write!(text, "\n  {}\n  {state}", view.fingerprint).unwrap_or(());
    text
}

/// Reads an address that a person typed.
fn address(text: &str) -> Result<Account, Failure> {
    text.parse()
        .map_err(|error| Failure::usage(format!("{text:?}: {error}")))
}
