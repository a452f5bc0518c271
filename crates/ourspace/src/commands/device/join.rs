//! `ourspace device join`: this machine becomes a device of an account.

use std::{
    io::{self, IsTerminal as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;
use ourspace_node::{
    Home,
    account::{self, InitError, Place},
    devices,
};
use ourspace_protocol::{account::Account, time::rfc3339};
use ourspace_wallet::{fingerprint::fingerprint, join::Request};
use serde::Serialize;

use super::{super::Outcome, address};
use crate::{ask, context::Context, failure::Failure, qr::Qr};

/// What it takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ourspace --home new-home device join\n  ourspace device join --account 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 --qr code.png\n  ourspace device join --answer ourspace-grant:AbCd…\n\nFirst without --answer: the code that it shows is given to `ourspace device add` on the first\ndevice, which answers. The answer of a renewal is taken in the same way."
)]
pub(super) struct Arguments {
    /// The answer of the first device (`-`: from standard input)
    #[arg(long, value_name = "CODE")]
    answer: Option<String>,
    /// The account to join; answers of others are refused
    #[arg(long, value_name = "ADDRESS")]
    account: Option<String>,
    /// Write this device's QR code into this file (.svg or .png)
    #[arg(long, value_name = "FILE", conflicts_with = "answer")]
    qr: Option<PathBuf>,
}

/// `spec/schemas/device-join.json`.
#[derive(Serialize)]
struct Answer {
    device: Account,
    fingerprint: String,
    /// What the first device answers; null once it has.
    code: Option<String>,
    /// Whether this machine is a device of the account now.
    complete: bool,
    account: Option<Account>,
    expires: Option<String>,
}

/// Shows the code, or takes the answer.
pub(super) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    let expected = arguments.account.as_deref().map(address).transpose()?;
    if let Some(text) = &arguments.answer {
        let answer = match text.as_str() {
            "-" => ask::piped("an answer")?.to_string(),
            text => text.to_owned(),
        };
        return take(&waiting(context)?, &answer, expected, context);
    }
    if let Some(path) = &arguments.qr {
        Qr::check(path)?;
    }
    let home = account::begin(&context.home)?;
    let request = devices::ask_to_join(&home)?;
    let code = request.encode();
    // In upper case it fits the denser mode of QR codes, and means the same.
    let qr = Qr::of(&code.to_ascii_uppercase())?;
    if let Some(path) = &arguments.qr {
        qr.write(path)?;
    }
    show(&request, &qr, context)?;
    if !context.can_ask() {
        return Ok(ExitCode::SUCCESS);
    }
    let typed = ask::line("Paste the answer here (Enter: later, with --answer): ")?;
    match typed.is_empty() {
        true => Ok(ExitCode::SUCCESS),
        false => take(&home, &typed, expected, context),
    }
}

/// A home that waits for an answer, or one that has its account already: then the answer
/// renews its permission.
fn waiting(context: &Context) -> Result<Home, Failure> {
    match account::place(&context.home) {
        Ok(Place::Free) => Err(Failure::refused(format!(
            "{} waits for no answer: show its code to the first device with `ourspace device \
             join`",
            context.home.display()
        ))),
        Ok(Place::Begun) => Ok(account::begin(&context.home)?),
        Err(InitError::Exists { .. }) => context.open(),
        Err(error) => Err(error.into()),
    }
}

fn show(request: &Request, qr: &Qr, context: &Context) -> Result<(), Failure> {
    let (device, code) = (request.device(), request.encode());
    let mut text = String::new();
    if io::stdout().is_terminal() {
        text.push_str(&qr.terminal());
    }
    text.push_str(&code);
    let value = Answer {
        device,
        fingerprint: fingerprint(&device),
        code: Some(code),
        complete: false,
        account: None,
        expires: None,
    };
    context.output.answer(&value, text)?;
    context.output.say(format!(
        "On the first device: ourspace device add CODE\n\
         It must show these words: {}\n\
         Then here: ourspace device join --answer ANSWER",
        fingerprint(&device)
    ));
    Ok(())
}

fn take(home: &Home, answer: &str, expected: Option<Account>, context: &Context) -> Outcome {
    let joined = devices::join(home, answer, expected, context.signing_time()?)?;
    let grant = &joined.grant.get().grant;
    let value = Answer {
        device: grant.device,
        fingerprint: fingerprint(&grant.device),
        code: None,
        complete: true,
        account: Some(grant.account),
        expires: Some(rfc3339(grant.expires_at)),
    };
    let text = format!(
        "account      {}\nfingerprint  {}\ndevice       {}\nmay publish  until {}",
        grant.account,
        fingerprint(&grant.account),
        grant.device,
        rfc3339(grant.expires_at)
    );
    context.output.done(&value, &text)?;
    if joined.new {
        context.output.say(
            "The posts of the account come here over the network when the node runs (`ourspace`). \
             What you publish here stands beside them: nothing is replaced.",
        );
    }
    Ok(ExitCode::SUCCESS)
}
