//! `ourspace init`: makes an account, or uses one that a wallet holds.

mod answer;
mod elsewhere;
pub(super) mod source;
pub(super) mod words;

use std::process::ExitCode;

use clap::{Args, Parser};
use ourspace_node::{
    Home,
    account::{self, InitError, Leftover, Place},
};
use ourspace_protocol::account::Account;
use ourspace_wallet::{KeystoreError, SecretKey, successor::Successor};
use zeroize::Zeroizing;

use super::Outcome;
use crate::{ask, context::Context, failure::Failure, password::PasswordArgs};

use answer::{Answer, Shown};
use source::Lists;
use words::New;

const EXAMPLES: &str = "\
Examples:
  ourspace init
  ourspace init --yes --password-file password.txt --json
  ourspace init --yes --mnemonic - < words.txt
  ourspace init --import-keystore UTC--2026-01-01--f39fd6e5
  ourspace init --wallet 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266

The words are never taken from the command line, which other programs can read.
--mnemonic - reads them from standard input: the account's list on the first line and, if
there is one already, the successor list on the second.";

/// What it takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    source: source::Source,
    #[command(flatten)]
    elsewhere: elsewhere::Elsewhere,
    /// Ask nothing; the words are printed once on standard output
    #[arg(long)]
    yes: bool,
    /// Name no successor: nobody can continue the account when its key is lost
    #[arg(long)]
    no_successor: bool,
}

impl Arguments {
    /// Those of `ourspace init` alone: everything is asked.
    pub(crate) fn asking() -> Self {
        #[derive(Parser)]
        struct Only {
            #[command(flatten)]
            arguments: Arguments,
        }
        Only::parse_from(["init"]).arguments
    }
}

/// Makes the account.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    arguments.source.check()?;
    if let Some(wallet) = arguments.elsewhere.wallet()? {
        return elsewhere::run(arguments, wallet, context);
    }
    let place = account::place(&context.home)?;
    let asks = asks(arguments.yes, context)?;
    // Everything is asked, read and checked before the home is made.
    let mut password = match asks {
        true => None,
        false => Some(arguments.password.new_password(context, "")?),
    };
    let lists = arguments.source.lists(context, asks, &arguments.password)?;
    if asks && place == Place::Free {
        context.output.say(WELCOME);
        password = Some(arguments.password.new_password(context, QUESTION)?);
    }
    let made = Making {
        arguments,
        context,
        home: &account::begin(&context.home)?,
        asks,
    };
    made.run(lists, password)
}

/// Whether the person is asked; where that is impossible, `--yes` must say that it is meant.
pub(super) fn asks(yes: bool, context: &Context) -> Result<bool, Failure> {
    if yes {
        return Ok(false);
    }
    if !context.can_ask() {
        return Err(Failure::usage(
            "nobody can be asked here: add --yes, with --password-file FILE or \
             OURSPACE_PASSWORD (the words are then printed on standard output)",
        ));
    }
    Ok(true)
}

struct Making<'m> {
    arguments: &'m Arguments,
    context: &'m Context,
    home: &'m Home,
    asks: bool,
}

impl Making<'_> {
    fn run(&self, lists: Lists, given: Option<Zeroizing<String>>) -> Outcome {
        let source = &self.arguments.source;
        if let Leftover::Key(account) = account::leftover(self.home)?
            && self.goes_on(account, lists.wallet.as_ref())?
        {
            return self.resume(account, given);
        }
        if let Some(aside) = account::set_aside(self.home)? {
            self.context.output.say(format!(
                "keys of an earlier try were moved to {}",
                aside.display()
            ));
        }
        let password = match given {
            Some(password) => password,
            None => {
                self.context.output.say(WELCOME);
                let password = &self.arguments.password;
                password.new_password(self.context, QUESTION)?
            }
        };
        let wallet = match lists.wallet {
            Some(key) => New::given(key),
            None => New::wallet(source.length())?,
        };
        let successor = match lists.successor {
            _ if self.arguments.no_successor => None,
            Some(key) => Some(New::given(key)),
            None => Some(New::successor(source.length())?),
        };
        self.make(&wallet, successor.as_ref(), &password)
    }

    fn make(&self, wallet: &New, successor: Option<&New>, password: &str) -> Outcome {
        let now = self.context.signing_time()?;
        let named = successor.map(|list| Successor::of(&list.key));
        let prepared = account::prepare(self.home, &wallet.key, named, now)?;
        let grant = &prepared.identity.grant.get().grant;
        let answer = Answer::of(grant).here().with_words(wallet, successor);
        if self.asks {
            words::show(wallet)?;
            if let Some(successor) = successor {
                words::show(successor)?;
            }
            account::finish(self.home, &prepared, &wallet.key, password, now)?;
            answer.give(self.context, Shown::Already)
        } else {
            // The words come first: no account without words that were shown.
            answer.give(self.context, Shown::Now)?;
            let made = account::finish(self.home, &prepared, &wallet.key, password, now);
            made.map(|_| ExitCode::SUCCESS)
                .map_err(|error| unfinished(error.into()))
        }
    }

    /// Whether an interrupted `init` is to be finished.
    fn goes_on(&self, account: Account, wanted: Option<&SecretKey>) -> Result<bool, Failure> {
        match wanted {
            Some(key) if key.address() == account => return Ok(true),
            None if !self.asks => return Ok(true),
            Some(_) if !self.asks => {
                return Err(Failure::refused(format!(
                    "{} holds the key of {account}, whose making was interrupted: move that \
                     folder away first, or finish it with `ourspace init`",
                    self.home.path().join("keys").display()
                )));
            }
            _ => {}
        }
        self.context.output.say(format!(
            "The making of the account {account} was interrupted after its words were shown."
        ));
        ask::yes("Finish it?")
    }

    fn resume(&self, account: Account, given: Option<Zeroizing<String>>) -> Outcome {
        let password = match given {
            Some(password) => password,
            None => self
                .arguments
                .password
                .existing(self.context, "The password that you chose for it: ")?,
        };
        let now = self.context.signing_time()?;
        match account::resume(self.home, &password, now) {
            Ok(_) => {}
            Err(InitError::Keystore(KeystoreError::WrongPassword)) => {
                return Err(Failure::refused(format!(
                    "wrong password: {} holds the key of {account}, whose making was \
                     interrupted; give its password, or move that folder away to begin anew",
                    self.home.path().join("keys").display()
                )));
            }
            Err(error) => return Err(error.into()),
        }
        let grant = ourspace_node::identity::Identity::load(self.home)?.grant;
        let answer = Answer::of(&grant.get().grant).here();
        answer.give(self.context, Shown::Already)
    }
}

/// The words are out already: what is to be thought of them.
fn unfinished(failure: Failure) -> Failure {
    match failure {
        Failure::Refused(error) => Failure::Refused(
            error.context("the account was not made, and the words that were printed are of no use unless `ourspace init` finishes it"),
        ),
        other => other,
    }
}

const QUESTION: &str = "A password for the account's key on this machine: ";

const WELCOME: &str = "\
This makes your account: an Ethereum address that is yours alone. You will see two lists of
words to write down on paper.
  1. The list of your account. Whoever has it is you; without it nobody can help you.
  2. The successor list. It stays in another place, and is needed only when the first one is
     lost or stolen: it lets another account continue yours, and your followers go along.
";
