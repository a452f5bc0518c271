//! `ourspace verify [PATH]`.

use std::{fmt::Write as _, path::PathBuf, process::ExitCode};

use clap::Args;
use ourspace_node::verify::{self, Report, State};
use ourspace_protocol::time::rfc3339;

use super::Outcome;
use crate::{context::Context, failure::REFUSED};

const EXAMPLES: &str = "\
Examples:
  ourspace verify                             the own home
  ourspace verify site                        a folder that `ourspace export` made, or its copy
  ourspace verify tree --record record.cbor   a feed's files alone, with a record beside them

Nothing is asked of the network. Exit code 0: all is as it was signed; 1: it is not.";

/// Errors that people are shown; JSON has more.
const SHOWN: usize = 20;

/// What it takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// A folder with a feed; without one, the own home is checked
    path: Option<PathBuf>,
    /// The record that the folder should match, where it is not in the folder
    #[arg(long, value_name = "FILE", requires = "path")]
    record: Option<PathBuf>,
}

impl Arguments {
    /// Whether it is about another feed than this home's.
    pub(crate) fn is_of_a_folder(&self) -> bool {
        self.path.is_some()
    }
}

/// Checks it.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    let bar = context.output.counter("files");
    let mut progress = || bar.inc(1);
    let report = match &arguments.path {
        None => verify::home(&context.open_reader()?, context.now()?, &mut progress)?,
        Some(path) => {
            let record = arguments.record.as_deref();
            verify::site(path, record, context.now()?, &mut progress)?
        }
    };
    bar.finish_and_clear();
    context.output.answer(&report, describe(&report))?;
    Ok(if report.valid {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(REFUSED)
    })
}

/// The lines for people.
fn describe(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            writeln!(text, "{name:<10} {value}").unwrap_or(());
        }
    };
    line("account", report.account.map(|account| account.to_string()));
    line("signer", report.signer.map(|signer| signer.to_string()));
    line("signed at", report.timestamp.map(rfc3339));
    line("root", report.root.map(|root| root.to_string()));
    for note in &report.notes {
        line("note", Some(note.clone()));
    }
    for fault in report.errors.iter().take(SHOWN) {
        // Names come from strangers: what a terminal would obey is not passed on.
        let path: String = fault.path.escape_debug().collect();
        line("error", Some(format!("{path}: {}", fault.error)));
    }
    if report.errors.len() > SHOWN {
        let more = report.errors.len() - SHOWN;
        line("error", Some(format!("and {more} more")));
    }
    text.push_str(match report.state {
        State::Complete => "valid: everything is as it was signed",
        State::Unfinished => "not valid yet: another version is being written here; run the export or upload to its end",
        State::Damaged => "NOT VALID",
    });
    text
}
