//! How a command ends when it does not do what it was asked: a line on standard error
//! that says what to do, and an exit code.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap::error::ErrorKind;
use ourspace_node::{webfeeds::WebFeedError, which::WhichError};
use serde_json::json;

/// The person used the command wrongly.
pub(crate) const USAGE: u8 = 2;
/// The command was refused or failed.
pub(crate) const REFUSED: u8 = 1;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Exit code 2: the arguments do not fit each other, or something is missing that
    /// only the person can give.
    Usage(String),
    /// Exit code 1: it was refused or failed.
    Refused(anyhow::Error),
    /// Nobody reads the output any more: no error at all.
    Hangup,
}

impl Failure {
    /// An error of exit code 2.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    /// What is wrong with the arguments, in one line: without the usage that clap adds for
    /// people.
    pub(crate) fn arguments(error: &clap::Error) -> Self {
        if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
            return Self::usage("a command is missing: --help lists them");
        }
        let text = error.to_string();
        let said = text.split("\n\nUsage:").next().unwrap_or_default();
        let said = said
            .split("\n\nFor more information")
            .next()
            .unwrap_or_default();
        let words: Vec<&str> = said
            .trim_start_matches("error:")
            .split_whitespace()
            .collect();
        Self::Usage(words.join(" "))
    }

    /// An error of exit code 1 with a text of its own.
    pub(crate) fn refused(text: impl Into<String>) -> Self {
        Self::Refused(anyhow::Error::msg(text.into()))
    }

    /// Says it: one line, or one JSON object, on standard error.
    pub(crate) fn report(&self, as_json: bool) -> ExitCode {
        let (text, code) = match self {
            Self::Usage(text) => (text.clone(), USAGE),
            Self::Refused(error) => (chain(error), REFUSED),
            Self::Hangup => return ExitCode::SUCCESS,
        };
        let line = if as_json {
            json!({ "error": text, "code": code }).to_string()
        } else {
            format!("error: {text}")
        };
        // Where standard error is gone, there is nobody left to tell.
        writeln!(io::stderr().lock(), "{line}").ok();
        ExitCode::from(code)
    }
}

/// The error and its causes, each cause that the text before it does not hold already.
fn chain(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        let error = error.into();
        // A value of a wrong form, whichever option it was given to.
        if let Some(form @ WhichError::Form(_)) = error.downcast_ref() {
            return Self::Usage(form.to_string());
        }
        if let Some(
            address @ (WebFeedError::Address(_)
            | WebFeedError::Private(_)
            | WebFeedError::Secret(_)),
        ) = error.downcast_ref()
        {
            return Self::Usage(address.to_string());
        }
        match error.downcast_ref::<io::Error>() {
            Some(pipe) if pipe.kind() == io::ErrorKind::BrokenPipe => Self::Hangup,
            _ => Self::Refused(error),
        }
    }
}
