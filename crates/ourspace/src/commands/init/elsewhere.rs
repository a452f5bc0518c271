//! `ourspace init --wallet`: the account's key is in another program, which signs the
//! grant of this device once.

use std::process::ExitCode;

use clap::Args;
use ourspace_node::{
    Home,
    account::{self, InitError, Leftover, Place},
};
use ourspace_protocol::{account::Account, eip712::TypedData as _, grant::Grant};
use ourspace_wallet::successor::Successor;

use super::{
    super::Outcome,
    Arguments,
    answer::{Answer, Shown},
    words::{self, New},
};
use crate::{ask, context::Context, failure::Failure};

/// The options.
#[derive(Debug, Args)]
pub(super) struct Elsewhere {
    /// The account is in a wallet elsewhere: print what it is to sign
    #[arg(long, value_name = "ADDRESS")]
    wallet: Option<String>,
    /// The wallet's signature of what was printed (`-`: from standard input)
    #[arg(long, value_name = "0x…", requires = "wallet")]
    signature: Option<String>,
    /// Print a text for `personal_sign` instead of typed data
    #[arg(long, requires = "wallet")]
    personal_text: bool,
}

impl Elsewhere {
    /// The account, if its wallet is elsewhere.
    pub(super) fn wallet(&self) -> Result<Option<Account>, Failure> {
        let parse = |text: &String| {
            text.parse()
                .map_err(|error| Failure::usage(format!("--wallet: {error}")))
        };
        self.wallet.as_ref().map(parse).transpose()
    }
}

/// Makes what the wallet is to sign, or takes its signature.
pub(super) fn run(arguments: &Arguments, wallet: Account, context: &Context) -> Outcome {
    let tells = arguments.yes || arguments.elsewhere.signature.is_some();
    if !tells && !context.can_ask() {
        return Err(Failure::usage(
            "nobody can be asked here: add --yes (the words of the successor are then printed \
             once, on standard error or in the JSON answer)",
        ));
    }
    let asks = !tells;
    let place = account::place(&context.home)?;
    let signature = match &arguments.elsewhere.signature {
        Some(_) if place == Place::Free => return Err(InitError::NothingPending.into()),
        Some(text) => Some(signature(text)?),
        None => None,
    };
    let home = account::begin(&context.home)?;
    let asking = Asking {
        arguments,
        context,
        home: &home,
        asks,
    };
    match (account::leftover(&home)?, signature) {
        (Leftover::Key(account), _) => Err(Failure::refused(format!(
            "{} holds the key of {account}, whose making was interrupted: finish it with \
             `ourspace init`, or move that folder away",
            home.path().join("keys").display()
        ))),
        (Leftover::Waiting(grant), Some(text)) if grant.account == wallet => {
            finish(&home, &text, context)
        }
        (_, Some(_)) => Err(InitError::NothingPending.into()),
        (Leftover::Waiting(grant), None) if grant.account == wallet => asking.again(&grant),
        (_, None) => asking.begin(wallet),
    }
}

/// Reads a signature where it is said to be.
pub(crate) fn signature(text: &str) -> Result<String, Failure> {
    match text {
        "-" => Ok(ask::piped("a signature")?.to_string()),
        text => Ok(text.to_owned()),
    }
}

/// What is asked of a wallet that is elsewhere.
struct Asking<'a> {
    arguments: &'a Arguments,
    context: &'a Context,
    home: &'a Home,
    asks: bool,
}

impl Asking<'_> {
    /// Makes the grant and the successor, shows all of it and keeps the grant.
    fn begin(&self, wallet: Account) -> Outcome {
        account::set_aside(self.home)?;
        let successor = match self.arguments.no_successor {
            true => None,
            false => Some(New::successor(self.arguments.source.length())?),
        };
        let named = successor.as_ref().map(|list| Successor::of(&list.key));
        let grant =
            account::draft_elsewhere(self.home, wallet, named, self.context.signing_time()?)?;
        if self.asks {
            if let Some(successor) = &successor {
                words::show(successor)?;
            }
            account::wait_elsewhere(self.home, &grant, named)?;
            return self.wait(&grant);
        }
        // The words come first: nothing waits whose words were not shown.
        self.print(&grant, successor.as_ref())?;
        account::wait_elsewhere(self.home, &grant, named)?;
        Ok(ExitCode::SUCCESS)
    }

    /// Asks again for what waits already.
    fn again(&self, grant: &Grant) -> Outcome {
        if self.asks {
            return self.wait(grant);
        }
        self.print(grant, None)?;
        Ok(ExitCode::SUCCESS)
    }

    /// What the wallet is to sign, in the form that was asked for.
    fn request(&self, grant: &Grant) -> Result<String, Failure> {
        match self.arguments.elsewhere.personal_text {
            true => Ok(grant.personal_text()),
            false => Ok(serde_json::to_string_pretty(&grant.typed_data())?),
        }
    }

    fn print(&self, grant: &Grant, successor: Option<&New>) -> Result<(), Failure> {
        let answer = Answer::of(grant)
            .waiting_for(grant)
            .with_successor(successor);
        if !self.context.json {
            // Standard output is for the wallet alone.
            self.context.output.tell(&answer.words_text())?;
        }
        answer.give_as(self.context, &self.request(grant)?)?;
        self.context.output.say(format!(
            "Sign this with {account} ({}), then: ourspace init --wallet {account} --signature 0x…",
            method(self.arguments),
            account = grant.account
        ));
        Ok(())
    }

    /// Waits for the signature to be pasted.
    fn wait(&self, grant: &Grant) -> Outcome {
        let output = &self.context.output;
        output.raw(&format!("{}\n", self.request(grant)?))?;
        loop {
            let typed = ask::line(&format!(
                "Sign this in the wallet of {} ({}) and paste the signature \
                 (Enter: later, with --signature): ",
                grant.account,
                method(self.arguments)
            ))?;
            if typed.is_empty() {
                return Ok(ExitCode::SUCCESS);
            }
            match finish(self.home, &typed, self.context) {
                Err(Failure::Refused(error)) => output.say(error),
                done => return done,
            }
        }
    }
}

fn method(arguments: &Arguments) -> &'static str {
    match arguments.elsewhere.personal_text {
        true => "personal_sign",
        false => "eth_signTypedData_v4",
    }
}

fn finish(home: &Home, signature: &str, context: &Context) -> Outcome {
    account::finish_elsewhere(home, signature, context.signing_time()?)?;
    let identity = ourspace_node::identity::Identity::load(home)?;
    let answer = Answer::of(&identity.grant.get().grant);
    answer.give(context, Shown::Already)
}
