//! `ourspace recover`: the successor of a lost account goes on.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use ourspace_node::{
    Home,
    account::{self, Leftover, Place},
    recover,
};
use ourspace_protocol::{
    account::Account,
    limits,
    succession::SignedSuccession,
    time::{Millis, rfc3339},
};
use ourspace_wallet::{
    SecretKey, fingerprint::fingerprint, mnemonic::Length, successor::Successor,
};
use serde::Serialize;
use zeroize::Zeroizing;

use super::{
    Outcome,
    init::{
        self,
        source::Unread,
        words::{self, New},
    },
};
use crate::{ask, context::Context, failure::Failure, file, password::PasswordArgs};

const EXAMPLES: &str = "\
Examples:
  ourspace recover --account 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266
  ourspace recover --account 0xf39F… --record record.cbor --yes --mnemonic - < successor.txt

For an account whose words are lost or in wrong hands. It asks for the SECOND word list and
makes a new home, whose account is the successor's. The statement that it writes says so to
everybody, and needs no secret to be checked; `export` puts it on the new account's site, and
`ourspace whoami --statement FILE` writes it once more.

What followers see: whoever followed the lost account follows the successor from then on, and
both feeds are shown as one person's. That holds for those who had seen the lost account
before; newcomers see two accounts. If somebody else has its words, they can still publish
under the old address, and those who saw the account before the theft are not deceived by it.
What the old address owns on a chain is not recovered by this.";

const UNCHECKED: &str = "\
Nothing was compared with what the lost account had promised. Its record tells whether these
are the right words: it lies on every copy of its site, .well-known/ourspace/record.cbor
(--record FILE).";

/// What it takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The lost account
    #[arg(long, value_name = "ADDRESS")]
    account: String,
    #[command(flatten)]
    password: PasswordArgs,
    /// Read the second word list from standard input; only `-`
    #[arg(long, value_name = "-")]
    mnemonic: Option<Unread>,
    /// What follows a word list on the command line: taken so that nothing prints it
    #[arg(hide = true)]
    rest: Vec<Unread>,
    /// A record of the lost account, to check the words against: record.cbor of its site
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Where the statement goes
    #[arg(long, value_name = "FILE", default_value = "succession.cbor")]
    statement: PathBuf,
    /// Ask nothing; new words are printed once on standard output
    #[arg(long)]
    yes: bool,
}

/// `spec/schemas/recover.json`.
#[derive(Serialize)]
struct Answer {
    /// The account that continues the lost one.
    account: Account,
    fingerprint: String,
    device: Account,
    expires: String,
    /// The lost account.
    continues: Account,
    /// Whether a record of the lost account names this successor.
    checked: bool,
    statement: PathBuf,
    /// Words of the next successor, shown this once; null when they were confirmed.
    successor_words: Option<Vec<&'static str>>,
}

/// Recovers.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    Unread::check(arguments.mnemonic.as_ref(), &arguments.rest)?;
    let lost: Account = arguments
        .account
        .parse()
        .map_err(|error| Failure::usage(format!("--account: {error}")))?;
    let asks = init::asks(arguments.yes, context)?;
    if !asks && arguments.mnemonic.is_none() {
        return Err(Failure::usage(
            "the second word list is needed: give it on standard input, with --mnemonic -",
        ));
    }
    let given = match asks {
        true => None,
        false => Some(arguments.password.new_password(context, "")?),
    };
    let place = account::place(&context.home)?;
    if place == Place::Free {
        // Where a recovery was interrupted, the statement may be there.
        arguments.check_statement()?;
    }
    let key = read_key(asks)?;
    let now = context.signing_time()?;
    let statement = recover::statement(&key, lost, now)?;
    if let Some(path) = &arguments.record {
        recover::check(&statement, &read_record(path)?, now)?;
    }
    let password = match given {
        Some(password) => password,
        None => arguments.password.new_password(
            context,
            "A password for the successor's key on this machine: ",
        )?,
    };
    let recovering = Recovering {
        arguments,
        context,
        home: &account::begin(&context.home)?,
        asks,
        now,
    };
    recovering.run(key, &statement, &password)
}

impl Arguments {
    /// A statement is never written over another file. What cannot be written is known before
    /// anything is made.
    fn check_statement(&self) -> Result<(), Failure> {
        file::check_new(&self.statement).map_err(|error| match error {
            Failure::Refused(error) => Failure::refused(format!("--statement: {error}")),
            other => other,
        })
    }
}

fn read_key(asks: bool) -> Result<SecretKey, Failure> {
    let missing = || Failure::usage("the second word list is empty");
    if asks {
        let question = "The words of the SECOND list (not shown): ";
        return words::read_list(question, false)?.ok_or_else(missing);
    }
    let text = ask::piped("words")?;
    if text.trim().is_empty() {
        return Err(missing());
    }
    words::key_of(&text, "the word list on standard input")
}

fn read_record(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::refused(format!("could not read {}: {error}", path.display()));
    let mut bytes = Vec::new();
    // One byte more than a record has shows that it is none.
    fs::File::open(path)
        .map_err(failed)?
        .take(limits::RECORD_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(bytes)
}

struct Recovering<'r> {
    arguments: &'r Arguments,
    context: &'r Context,
    home: &'r Home,
    asks: bool,
    now: Millis,
}

impl Recovering<'_> {
    fn run(
        &self,
        key: SecretKey,
        statement: &SignedSuccession,
        password: &Zeroizing<String>,
    ) -> Outcome {
        let key = match account::leftover(self.home)? {
            Leftover::Key(account) if account == key.address() => {
                account::resume(self.home, password, self.now)?;
                return self.done(statement, None);
            }
            Leftover::Key(account) => {
                return Err(Failure::refused(format!(
                    "{} holds the key of {account}, whose making was interrupted: move that \
                     folder away, or use another home (--home DIR)",
                    self.home.path().join("keys").display()
                )));
            }
            _ => key,
        };
        self.arguments.check_statement()?;
        account::set_aside(self.home)?;
        let wallet = New::given(key);
        let next = New::successor(Length::Twelve)?;
        let named = Some(Successor::of(&next.key));
        let prepared = account::prepare(self.home, &wallet.key, named, self.now)?;
        if self.asks {
            self.context.output.say(
                "The successor needs a successor of its own: a new list, in place of the one \
                 that you have just used.",
            );
            words::show(&next)?;
        } else {
            // The words come first: no account without words that were shown.
            let grant = &prepared.identity.grant.get().grant;
            self.answer(statement, (grant.device, grant.expires_at), Some(&next))?;
        }
        recover::keep(self.home, statement)?;
        account::finish(self.home, &prepared, &wallet.key, password, self.now)?;
        self.write(statement)?;
        match self.asks {
            true => self.done(statement, None),
            false => Ok(ExitCode::SUCCESS),
        }
    }

    /// After an interruption, or when the words were confirmed.
    fn done(&self, statement: &SignedSuccession, words: Option<&New>) -> Outcome {
        let identity = ourspace_node::identity::Identity::load(self.home)?;
        let grant = &identity.grant.get().grant;
        if !self.arguments.statement.exists() {
            recover::keep(self.home, statement)?;
            self.write(statement)?;
        }
        self.answer(statement, (grant.device, grant.expires_at), words)?;
        Ok(ExitCode::SUCCESS)
    }

    fn write(&self, statement: &SignedSuccession) -> Result<(), Failure> {
        let written = file::write_new(&self.arguments.statement, &statement.to_bytes());
        written.map_err(|error| match error {
            Failure::Refused(error) => Failure::refused(format!(
                "the account is made and keeps the statement, but {error}; \
                 `ourspace whoami --statement FILE` writes it again"
            )),
            other => other,
        })
    }

    fn answer(
        &self,
        statement: &SignedSuccession,
        (device, expires): (Account, Millis),
        words: Option<&New>,
    ) -> Result<(), Failure> {
        let successor = statement.succession.successor;
        let value = Answer {
            account: successor,
            fingerprint: fingerprint(&successor),
            device,
            expires: rfc3339(expires),
            continues: statement.succession.account,
            checked: self.arguments.record.is_some(),
            statement: self.arguments.statement.clone(),
            successor_words: words.and_then(New::words),
        };
        let mut text = format!(
            "account      {}\nfingerprint  {}\ncontinues    {}\nstatement    {}\nmay publish  until {}",
            value.account,
            value.fingerprint,
            value.continues,
            value.statement.display(),
            value.expires
        );
        if let Some(words) = &value.successor_words {
            text = format!(
                "words of the next successor (shown only now; keep them on paper):\n{}\n\n{text}",
                words.join(" ")
            );
        }
        self.context.output.answer(&value, text)?;
        if !value.checked {
            self.context.output.say(UNCHECKED);
        }
        Ok(())
    }
}
