//! `ourspace import PATH`.

use std::{fs, io, path::PathBuf, process::ExitCode};

use clap::Args;
use ourspace_node::import::{self, Options, Progress, Report, Source};

use super::Outcome;
use crate::{context::Context, failure::Failure, people};

/// What it takes.
#[derive(Debug, Args)]
#[command(
    after_help = "Dates, links and threads are kept. Importing the same again adds nothing twice; what was \
edited at its source becomes a new version, what you deleted here stays deleted. Nothing is \
fetched from the network: files that the source only links to stay links.

Examples:
  ourspace import blog.xml
  ourspace import --profile archive-20261124.zip
  ourspace import --dry-run --since 2020-01-01 feed.json
  curl https://blog.example/feed | ourspace import -"
)]
pub(crate) struct Arguments {
    /// A feed (RSS, Atom, JSON), a Mastodon archive (as it came, or unpacked), an exported
    /// OurSpace feed; - for standard input
    path: PathBuf,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Leave out what was published before this date
    #[arg(long, value_name = "DATE")]
    since: Option<String>,
    /// Take over name, description, pictures and links of the person as well
    #[arg(long)]
    profile: bool,
}

/// Imports.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    let since = match &arguments.since {
        Some(text) => Some(import::parse_date(text).ok_or_else(|| {
            Failure::usage(format!(
                "--since {text:?} is no date: write it as 2020-01-31 or 2020-01-31T12:00:00Z"
            ))
        })?),
        None => None,
    };
    let options = Options {
        dry_run: arguments.dry_run,
        since,
        profile: arguments.profile,
    };
    let home = match arguments.dry_run {
        true => context.open_reader()?,
        false => context.open()?,
    };
    let size = fs::metadata(&arguments.path).map_or(0, |file| file.len());
    let bar = context.output.progress(size, "reading");
    let mut progress = |progress: Progress| match progress {
        Progress::Read(bytes) => bar.set_position(bytes),
        Progress::Write(posts) => {
            bar.set_length(posts);
            bar.set_position(0);
            bar.set_message("writing");
        }
    };
    let now = context.signing_time()?;
    let report = if arguments.path.as_os_str() == "-" {
        let mut pipe = io::stdin().lock();
        import::import(&home, now, Source::Pipe(&mut pipe), options, &mut progress)
    } else {
        let source = Source::Path(&arguments.path);
        import::import(&home, now, source, options, &mut progress)
    };
    bar.finish_and_clear();
    let report = report?;
    context
        .output
        .answer(&report, text(&report, arguments.dry_run))?;
    Ok(ExitCode::SUCCESS)
}

fn text(report: &Report, dry_run: bool) -> String {
    let would = if dry_run { "would be " } else { "" };
    let mut text = format!(
        "{} found: {} {would}added, {} {would}updated, {} skipped",
        people::counted(report.found, "post"),
        report.added,
        report.updated,
        report.skipped
    );
    if report.media > 0 {
        let files = people::counted(report.media, "file");
        text.push_str(&format!("; {files} {would}taken in"));
    }
    for warning in &report.warnings {
        text.push_str("\n  ");
        text.push_str(warning);
    }
    text
}
