//! `ourspace device add` and `renew`: the wallet signs a grant.

use std::{
    io::{self, IsTerminal as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;
use ourspace_node::{Home, devices, identity::Identity};
use ourspace_protocol::{account::Account, grant::Grant, time::rfc3339};
use ourspace_wallet::{
    fingerprint::fingerprint,
    join::{self, Request as JoinRequest},
};
use serde::Serialize;

use super::{super::Outcome, address};
use crate::{
    ask,
    context::Context,
    failure::Failure,
    qr::Qr,
    wallet::{Request, Wallet, WalletArgs, elsewhere},
};

/// What `device add` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ourspace device add ourspace-join:AbCd…\n  ourspace device add ourspace-join:AbCd… --qr answer.png\n  ourspace device add ourspace-join:AbCd… --yes --password-file password.txt --json\n\nThe new device shows six words; they must be the same here. What this prints is given to\n`ourspace device join --answer` there."
)]
pub(super) struct AddArguments {
    /// The code that the new device shows
    code: String,
    #[command(flatten)]
    wallet: WalletArgs,
    /// Do not ask whether the new device shows the same words
    #[arg(long)]
    yes: bool,
    /// Write the answer's QR code into this file (.svg or .png)
    #[arg(long, value_name = "FILE")]
    qr: Option<PathBuf>,
}

/// What `device renew` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ourspace device renew\n  ourspace device renew 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266\n\nFor another device it prints an answer, which is given to `ourspace device join --answer`\nthere."
)]
pub(super) struct RenewArguments {
    /// Address or code of another device of the account [default: this device]
    device: Option<String>,
    #[command(flatten)]
    wallet: WalletArgs,
    /// Write the answer's QR code into this file (.svg or .png)
    #[arg(long, value_name = "FILE")]
    qr: Option<PathBuf>,
}

/// `spec/schemas/device-add.json`.
#[derive(Serialize)]
struct Answer {
    device: Account,
    fingerprint: String,
    /// Whether the wallet has signed.
    complete: bool,
    expires: String,
    /// What the other device takes; null for this device and before the signature.
    answer: Option<String>,
    /// What the wallet is to sign; null when it has.
    request: Option<Request>,
}

/// Allows a new device.
pub(super) fn add(arguments: &AddArguments, context: &Context) -> Outcome {
    let request = JoinRequest::decode(&arguments.code)?;
    if let Some(path) = &arguments.qr {
        Qr::check(path)?;
    }
    let home = context.open()?;
    let device = request.device();
    if !arguments.yes && !arguments.wallet.signed() {
        if !context.can_ask() {
            return Err(Failure::usage(format!(
                "compare the new device's words with \"{}\" and add --yes",
                fingerprint(&device)
            )));
        }
        context.output.say(format!(
            "The new device must show these words: {}\n\
             If it shows others, somebody put their own device in its place.",
            fingerprint(&device)
        ));
        if !ask::yes("Does it show them?")? {
            return Err(Failure::refused("the device was not allowed"));
        }
    }
    let granting = Granting {
        home: &home,
        context,
        wallet: &arguments.wallet,
        qr: arguments.qr.as_ref(),
    };
    granting.run(device, false, "device add CODE")
}

/// Renews a device.
pub(super) fn renew(arguments: &RenewArguments, context: &Context) -> Outcome {
    if let Some(path) = &arguments.qr {
        Qr::check(path)?;
    }
    let home = context.open()?;
    let device = match &arguments.device {
        None => Identity::load(&home)?.device.address(),
        Some(text) if text.starts_with("0x") => address(text)?,
        Some(text) => JoinRequest::decode(text)?.device(),
    };
    let granting = Granting {
        home: &home,
        context,
        wallet: &arguments.wallet,
        qr: arguments.qr.as_ref(),
    };
    granting.run(device, true, &format!("device renew {device}"))
}

struct Granting<'g> {
    home: &'g Home,
    context: &'g Context,
    wallet: &'g WalletArgs,
    qr: Option<&'g PathBuf>,
}

impl Granting<'_> {
    fn run(&self, device: Account, known: bool, command: &str) -> Outcome {
        if self.wallet.signed() {
            devices::waits(self.home, device)?;
        }
        let now = self.context.signing_time()?;
        // What is refused anyhow is refused before the password is asked for.
        devices::propose(self.home, device, known, now)?;
        let wallet = self.wallet.open(self.home, self.context)?;
        let draft = devices::draft(self.home, device, known, now)?;
        match wallet.consent() {
            Some(consent) => {
                let grant = devices::grant(self.home, draft, consent)?;
                self.done(&grant.get().grant, join::encode_answer(grant.get()))
            }
            None => self.wait(&draft, command),
        }
    }

    fn done(&self, grant: &Grant, answer: String) -> Outcome {
        let this = Identity::load(self.home)?.device.address() == grant.device;
        let mut text = format!(
            "device       {}\nmay publish  until {}",
            grant.device,
            rfc3339(grant.expires_at)
        );
        if !this {
            if let Some(path) = self.qr {
                Qr::of(&answer)?.write(path)?;
            }
            text.push_str("\n\nGive the new device this answer (it is no secret):\n");
            if io::stdout().is_terminal() {
                text.push_str(&Qr::of(&answer)?.terminal());
            }
            text.push_str(&answer);
        }
        let value = Answer {
            device: grant.device,
            fingerprint: fingerprint(&grant.device),
            complete: true,
            expires: rfc3339(grant.expires_at),
            answer: (!this).then_some(answer),
            request: None,
        };
        self.context.output.done(&value, &text)?;
        Ok(ExitCode::SUCCESS)
    }

    /// Prints what the wallet is to sign; on a terminal, waits for the signature.
    fn wait(&self, grant: &Grant, command: &str) -> Outcome {
        let value = Answer {
            device: grant.device,
            fingerprint: fingerprint(&grant.device),
            complete: false,
            expires: rfc3339(grant.expires_at),
            answer: None,
            request: Some(Request::of(grant)),
        };
        let output = &self.context.output;
        output.answer(&value, self.wallet.request(grant)?)?;
        if let Some(hint) = elsewhere(self.home, command)? {
            output.say(hint);
        }
        output.say(format!(
            "Sign this with {} ({}), then: ourspace {command} --signature 0x…",
            grant.account,
            self.wallet.method(),
        ));
        if !self.context.can_ask() {
            return Ok(ExitCode::SUCCESS);
        }
        let typed = ask::line("Or paste the signature here (Enter: later): ")?;
        if typed.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        let signed = Wallet::Signed(vec![typed.to_string()]);
        let consent = signed
            .consent()
            .ok_or_else(|| Failure::usage("no signature"))?;
        let grant = devices::grant(self.home, grant.clone(), consent)?;
        self.done(&grant.get().grant, join::encode_answer(grant.get()))
    }
}
