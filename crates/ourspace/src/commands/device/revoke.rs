//! `ourspace device revoke`: the wallet ends the epoch of a device.

use std::{fmt::Write as _, process::ExitCode};

use clap::Args;
use ourspace_node::{
    Home,
    devices::{self, Revocation},
};
use ourspace_protocol::{account::Account, time::Millis};
use ourspace_wallet::join;
use serde::Serialize;

use super::{super::Outcome, address};
use crate::{
    context::Context,
    failure::Failure,
    wallet::{Request, WalletArgs, elsewhere},
};

/// What it takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ourspace device revoke 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266\n  ourspace device revoke 0xf39F… --signature 0x… --signature 0x…   (the wallet is elsewhere)\n\nThe devices that stay get answers, which are given to `ourspace device join --answer` there."
)]
pub(super) struct Arguments {
    /// The device's address
    device: String,
    #[command(flatten)]
    wallet: WalletArgs,
}

/// A device that stays, with what it is to be given.
#[derive(Serialize)]
struct Staying {
    device: Account,
    answer: String,
}

/// `spec/schemas/device-revoke.json`.
#[derive(Serialize)]
struct Answer {
    device: Account,
    /// Whether the wallet has signed, and the device is revoked.
    complete: bool,
    epoch: u64,
    root: String,
    timestamp: Millis,
    /// Other devices that stay and what each takes with `device join --answer`.
    staying: Vec<Staying>,
    /// What the wallet is to sign: the revocation, then a grant for each device.
    requests: Vec<Request>,
}

const LIMITS: &str = "\
Whoever holds that device's key can sign nothing any more that is believed by those who have
seen this revocation, with whatever date. Until it reaches them, they may be deceived. What
is in your feed now is kept; posts that only the revoked device had are not.";

/// Revokes a device.
pub(super) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    let device = address(&arguments.device)?;
    let home = context.open()?;
    let now = context.signing_time()?;
    devices::may_revoke(&home, device, now)?;
    let wallet = arguments.wallet.open(&home, context)?;
    let revocation = devices::draft_revocation(&home, device, now)?;
    match wallet.consent() {
        None => ask(arguments, (&home, &revocation), context),
        Some(consent) => {
            let grants = devices::revoke(&home, &revocation, consent, now)?;
            let others = grants.iter().skip(1).map(|grant| Staying {
                device: grant.get().grant.device,
                answer: join::encode_answer(grant.get()),
            });
            done(&revocation, others.collect(), context)
        }
    }
}

fn answer(revocation: &Revocation) -> Answer {
    Answer {
        device: revocation.device,
        complete: false,
        epoch: revocation.record.epoch,
        root: revocation.record.root.to_string(),
        timestamp: revocation.record.timestamp,
        staying: Vec::new(),
        requests: Vec::new(),
    }
}

/// Prints what the wallet is to sign.
fn ask(
    arguments: &Arguments,
    (home, revocation): (&Home, &Revocation),
    context: &Context,
) -> Outcome {
    let mut texts = vec![arguments.wallet.request(&revocation.record)?];
    let mut requests = vec![Request::of(&revocation.record)];
    for grant in &revocation.grants {
        texts.push(arguments.wallet.request(grant)?);
        requests.push(Request::of(grant));
    }
    let value = Answer {
        requests,
        ..answer(revocation)
    };
    context.output.answer(&value, texts.join("\n\n"))?;
    if let Some(hint) = elsewhere(home, &format!("device revoke {}", revocation.device))? {
        context.output.say(hint);
    }
    context.output.say(format!(
        "Sign each of these {} with {} ({}): the revocation, and a grant for each device that \
         stays, this one first. Then: ourspace device revoke {} --signature 0x… --signature 0x…",
        texts.len(),
        revocation.record.account,
        arguments.wallet.method(),
        revocation.device,
    ));
    Ok(ExitCode::SUCCESS)
}

fn done(
    revocation: &Revocation,
    staying: Vec<Staying>,
    context: &Context,
) -> Result<ExitCode, Failure> {
    let mut text = format!("revoked  {}\n\n{LIMITS}", revocation.device);
    if !staying.is_empty() {
        text.push_str("\n\nThe devices that stay need these answers (device join --answer …):");
    }
    // Writing to a `String` cannot fail.
    for other in &staying {
        write!(text, "\n{}\n{}", other.device, other.answer).unwrap_or(());
    }
    for grant in revocation.grants.iter().skip(1) {
        if !staying.iter().any(|other| other.device == grant.device) {
            write!(
                text,
                "\nNot signed yet: ourspace device renew {}",
                grant.device
            )
            .unwrap_or(());
        }
    }
    let value = Answer {
        complete: true,
        staying,
        ..answer(revocation)
    };
    context.output.done(&value, &text)?;
    Ok(ExitCode::SUCCESS)
}
