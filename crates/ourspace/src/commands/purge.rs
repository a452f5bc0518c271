//! `ourspace purge`: dropping something at once and for good.

use std::{
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use ourspace_node::{
    Home, follows,
    mirror::{self, Purge},
};
use ourspace_protocol::{account::Account, dag::Cid};
use serde::Serialize;

use super::Outcome;
use crate::{
    context::Context,
    control::{Client, Request},
    failure::Failure,
    parse,
};

/// How often it is looked whether the node has dropped the bytes, and for how long.
const LOOK: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(30);

/// What it takes.
#[derive(Debug, Args)]
#[command(after_help = "\
What is purged is put on the deny-list of this home: it is neither fetched, kept nor served \
again, until --undo takes it off. An account is also taken out of your public list.

Examples:
  ourspace purge 0x52908400098527886E0F7030069857D2E4169EE7
  ourspace purge bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy
  ourspace purge 0x52908400098527886E0F7030069857D2E4169EE7 --undo")]
pub(crate) struct Arguments {
    /// An account, or a file's CID
    #[arg(value_name = "ADDRESS|CID")]
    what: String,
    /// Take it off the deny-list
    #[arg(long)]
    undo: bool,
}

/// What it answers.
#[derive(Debug, Serialize)]
struct Answer {
    purged: String,
    undone: bool,
}

/// Purges.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    let what = named(&arguments.what)?;
    let home = context.open()?;
    match arguments.undo {
        true => mirror::unpurge(&home, what)?,
        false => {
            mirror::purge(&home, what)?;
            if let Purge::Account(account) = what {
                follows::unlist(&home, context.signing_time()?, account)?;
            }
        }
    }
    if let Some(mut node) = Client::connect(&context.home)? {
        node.one(&Request::Again)?;
    }
    let answer = Answer {
        purged: arguments.what.clone(),
        undone: arguments.undo,
    };
    let mut at_once = true;
    if !arguments.undo {
        // The node writes when this program has ended its turn.
        drop(home);
        at_once = wait(&context.open_reader()?)?;
    }
    let text = match arguments.undo {
        true => "it is off the deny-list",
        false if at_once => "it is gone, and will not be fetched again",
        false => {
            "it is neither shown nor served nor fetched any more; its bytes go from the disk when \
             the node next starts"
        }
    };
    context.output.done(&answer, text)?;
    Ok(ExitCode::SUCCESS)
}

/// Waits until the node that runs has rewritten its packs; says whether it has.
fn wait(home: &Home) -> Result<bool, Failure> {
    let until = Instant::now() + PATIENCE;
    while home.store().read()?.purges()? > 0 {
        if Instant::now() >= until {
            return Ok(false);
        }
        thread::sleep(LOOK);
    }
    Ok(true)
}

fn named(text: &str) -> Result<Purge, Failure> {
    if let Ok(account) = parse::account(text) {
        let account: Account = account;
        return Ok(Purge::Account(account));
    }
    match text.parse::<Cid>() {
        Ok(cid) => Ok(Purge::Cid(cid)),
        Err(_) => Err(Failure::usage(format!(
            "{:?} is neither an address nor a CID",
            text.escape_debug().to_string()
        ))),
    }
}
