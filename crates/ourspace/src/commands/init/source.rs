//! Where the account's key comes from when it is not made anew.

use std::{
    convert::Infallible,
    fmt,
    io::{self, Write as _},
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::Args;
use ourspace_node::account::InitError;
use ourspace_wallet::{KeystoreError, SecretKey, keystore, mnemonic::Length};
use zeroize::Zeroizing;

use super::words::read_list;
use crate::{ask, context::Context, failure::Failure, password::PasswordArgs};

/// A word of the command line that may be a secret by mistake: never printed.
#[derive(Clone)]
pub(crate) struct Unread(Zeroizing<String>);

impl FromStr for Unread {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

impl fmt::Debug for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Unread {
    /// Only `-`, standard input, is taken, and no words beside it.
    pub(crate) fn check(given: Option<&Self>, rest: &[Self]) -> Result<(), Failure> {
        match given {
            _ if !rest.is_empty() => {}
            Some(word) if word.0.as_str() != "-" => {}
            _ => return Ok(()),
        }
        Err(Failure::usage(
            "words are not taken from the command line, where other programs see them: use \
             `--mnemonic -` and give them on standard input (and if these were real words, think \
             of them as known to others)",
        ))
    }
}

/// The options.
#[derive(Debug, Args)]
pub(super) struct Source {
    /// Read an existing word list from standard input; only `-`
    #[arg(long, value_name = "-", conflicts_with_all = ["import_keystore", "wallet"])]
    mnemonic: Option<Unread>,
    /// What follows a word list on the command line: taken so that nothing prints it
    #[arg(hide = true)]
    rest: Vec<Unread>,
    /// Take the key out of this key store file (Web3 Secret Storage, version 3)
    #[arg(long, value_name = "FILE", conflicts_with = "wallet")]
    import_keystore: Option<PathBuf>,
    /// The password of that file, in the first line of another [default: the new password]
    #[arg(long, value_name = "FILE", requires = "import_keystore")]
    keystore_password_file: Option<PathBuf>,
    /// Words of a new list: 12 or 24
    #[arg(long, value_name = "NUMBER", default_value = "12", value_parser = ["12", "24"])]
    words: String,
}

/// Keys that were given.
#[derive(Debug, Default)]
pub(super) struct Lists {
    /// The account's.
    pub(super) wallet: Option<SecretKey>,
    /// The successor's.
    pub(super) successor: Option<SecretKey>,
}

impl Source {
    /// Refuses what cannot be meant, before anything is touched.
    pub(super) fn check(&self) -> Result<(), Failure> {
        Unread::check(self.mnemonic.as_ref(), &self.rest)
    }

    /// How long new lists are.
    pub(super) fn length(&self) -> Length {
        match self.words.as_str() {
            "24" => Length::TwentyFour,
            _ => Length::Twelve,
        }
    }

    /// The keys that were given.
    pub(super) fn lists(
        &self,
        context: &Context,
        asks: bool,
        password: &PasswordArgs,
    ) -> Result<Lists, Failure> {
        if let Some(path) = &self.import_keystore {
            let password = match &self.keystore_password_file {
                Some(file) => PasswordArgs::file(file),
                None => password.clone(),
            };
            let password = password.existing(context, "The password of the key store file: ")?;
            let wallet = Some(open(path, &password)?);
            return Ok(Lists {
                wallet,
                successor: None,
            });
        }
        match &self.mnemonic {
            None => Ok(Lists::default()),
            Some(_) if asks => asked(),
            Some(_) => piped(),
        }
    }
}

/// Opens the file with the account's key; its password may be another than the new one.
fn open(path: &Path, password: &str) -> Result<SecretKey, Failure> {
    match keystore::open(path, password) {
        Ok(key) => Ok(key),
        Err(KeystoreError::WrongPassword) => Err(Failure::refused(format!(
            "wrong password for {} (or that file was altered): give the password of that file \
             with --keystore-password-file FILE",
            path.display()
        ))),
        Err(error) => Err(error.into()),
    }
}

/// Both lists from the person at the terminal.
fn asked() -> Result<Lists, Failure> {
    let wallet = read_list("The words of the account (not shown): ", false)?;
    let successor = loop {
        let successor = read_list(
            "The words of its successor, if there are any yet (not shown; Enter: make new ones): ",
            true,
        )?;
        match differ(wallet.as_ref(), successor.as_ref()) {
            Ok(()) => break successor,
            Err(error) => writeln!(io::stderr().lock(), "{error}")?,
        }
    };
    Ok(Lists { wallet, successor })
}

/// Who has the account's words must not have its successor's.
fn differ(wallet: Option<&SecretKey>, successor: Option<&SecretKey>) -> Result<(), InitError> {
    match (wallet, successor) {
        (Some(wallet), Some(successor)) if wallet.address() == successor.address() => {
            Err(InitError::OwnSuccessor)
        }
        _ => Ok(()),
    }
}

/// Both lists from standard input, one a line.
fn piped() -> Result<Lists, Failure> {
    let text = ask::piped("words")?;
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let mut next = |name| -> Result<Option<SecretKey>, Failure> {
        lines
            .next()
            .map(|line| super::words::key_of(line, name))
            .transpose()
    };
    let wallet = next("the word list on standard input")?;
    let successor = next("the second word list on standard input")?;
    if wallet.is_none() {
        return Err(Failure::usage("standard input holds no words"));
    }
    differ(wallet.as_ref(), successor.as_ref())?;
    Ok(Lists { wallet, successor })
}
