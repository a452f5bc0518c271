//! Answers on standard output, for people or as JSON, and progress on the terminal.

use std::{
    fmt::Display,
    io::{self, IsTerminal as _, Write as _},
};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::failure::Failure;

/// Where answers go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Gives an answer: `value` as one JSON document, or `text` for people.
    pub(crate) fn answer<T: Serialize>(
        &self,
        value: &T,
        text: impl Display,
    ) -> Result<(), Failure> {
        let mut document = if self.json {
            serde_json::to_string_pretty(value)?
        } else {
            text.to_string()
        };
        document.push('\n');
        self.raw(&document)
    }

    /// As [`answer`](Self::answer), for what is done already and stays done when the answer
    /// cannot be written: then that is said on standard error.
    pub(crate) fn done<T: Serialize>(&self, value: &T, text: &str) -> Result<(), Failure> {
        match self.answer(value, text) {
            Err(Failure::Refused(error)) => Err(Failure::refused(format!(
                "it is done ({text}), but {error}"
            ))),
            other => other,
        }
    }

    /// Writes exactly this to standard output.
    pub(crate) fn raw(&self, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        written.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::Hangup,
            _ => Failure::refused(format!("standard output could not be written: {error}")),
        })
    }

    /// Says what must not get lost on standard error.
    pub(crate) fn tell(&self, text: &str) -> Result<(), Failure> {
        let mut err = io::stderr().lock();
        err.write_all(text.as_bytes())?;
        err.flush()?;
        Ok(())
    }

    /// Says something on standard error that is no answer: a hint, a warning, a question.
    pub(crate) fn say(&self, text: impl Display) {
        // Where standard error is gone, there is nobody left to tell.
        writeln!(io::stderr().lock(), "{text}").ok();
    }

    /// A counter for work of unknown length; drawn only for a person at a terminal.
    pub(crate) fn counter(&self, what: &'static str) -> ProgressBar {
        if self.json || !io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new_spinner().with_message(what);
        match ProgressStyle::with_template("{pos} {msg} {elapsed}") {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }

    /// A bar for long work; drawn only for a person at a terminal.
    pub(crate) fn progress(&self, total: u64, what: &'static str) -> ProgressBar {
        if self.json || !io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new(total).with_message(what);
        let style = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len} {eta}");
        match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }
}
