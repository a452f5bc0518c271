//! Where the password comes from: a file, the environment, or the person at the terminal;
//! never the command line, which other programs can read.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use zeroize::Zeroizing;

use crate::{ask::without_mark, context::Context, failure::Failure};

/// The environment variable that may hold the password.
const VARIABLE: &str = "OURSPACE_PASSWORD";

/// A password file longer than this is no password file.
const LONGEST: u64 = 64 * 1024;

/// The options by which a password is given.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct PasswordArgs {
    /// Read the password from the first line of this file (else OURSPACE_PASSWORD, else the terminal)
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
}

impl PasswordArgs {
    /// The password in the first line of a file.
    pub(crate) fn file(path: &Path) -> Self {
        let password_file = Some(path.to_owned());
        Self { password_file }
    }

    /// The password that opens something.
    pub(crate) fn existing(
        &self,
        context: &Context,
        question: &str,
    ) -> Result<Zeroizing<String>, Failure> {
        match self.given()? {
            Some(password) => Ok(password),
            None if context.can_ask() => ask(question),
            None => Err(missing()),
        }
    }

    /// A new password, asked for twice.
    pub(crate) fn new_password(
        &self,
        context: &Context,
        question: &str,
    ) -> Result<Zeroizing<String>, Failure> {
        if let Some(password) = self.given()? {
            return not_empty(password);
        }
        if !context.can_ask() {
            return Err(missing());
        }
        loop {
            let first = ask(question)?;
            if first.is_empty() {
                context.output.say("An empty password protects nothing.");
            } else if *ask("The same again: ")? == *first {
                return Ok(first);
            } else {
                context.output.say("The two were different; once more.");
            }
        }
    }

    fn given(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        if let Some(path) = &self.password_file {
            return read_file(path).map(Some);
        }
        match std::env::var(VARIABLE) {
            Ok(password) => Ok(Some(Zeroizing::new(password))),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(Failure::usage(format!("{VARIABLE} is not valid UTF-8")))
            }
        }
    }
}

fn read_file(path: &PathBuf) -> Result<Zeroizing<String>, Failure> {
    let failed =
        |what: String| Failure::usage(format!("the password file {}: {what}", path.display()));
    let length = fs::metadata(path).map_err(|e| failed(e.to_string()))?.len();
    if length > LONGEST {
        return Err(failed(format!("{length} bytes are no password")));
    }
    let text = fs::read_to_string(path).map_err(|e| failed(e.to_string()))?;
    let text = Zeroizing::new(text);
    Ok(Zeroizing::new(
        without_mark(&text)
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned(),
    ))
}

fn not_empty(password: Zeroizing<String>) -> Result<Zeroizing<String>, Failure> {
    if password.is_empty() {
        return Err(Failure::usage(
            "the password is empty, which protects nothing",
        ));
    }
    Ok(password)
}

fn missing() -> Failure {
    Failure::usage(format!(
        "a password is needed and nobody can be asked: give --password-file FILE or set {VARIABLE}"
    ))
}

fn ask(question: &str) -> Result<Zeroizing<String>, Failure> {
    Ok(Zeroizing::new(rpassword::prompt_password(question)?))
}
