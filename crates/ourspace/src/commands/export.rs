//! `ourspace export DIR`.

use std::{ops::ControlFlow, path::PathBuf, process::ExitCode};

use clap::Args;
use ourspace_node::site::{self, BaseUrl, Exported, Step};
use ourspace_protocol::{account::Account, dag::Cid, time::Millis};
use serde::Serialize;

use super::Outcome;
use crate::{context::Context, failure::Failure, people};

const EXAMPLES: &str = "\
Examples:
  ourspace export site
  ourspace export /var/www/blog --base-url https://example.org/blog/

The folder then holds the whole feed for any web host, and what proves that it is yours.
Export into the same folder again after new posts: only what is different is written, in
an order in which the site is never wrong. Copy it to a host in two steps, the record in
the second:
  rsync -a --exclude 'record.*' site/ host:blog/
  rsync -a --delete-after site/ host:blog/";

/// What it takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The folder: empty, new, or an earlier export of the same feed
    folder: PathBuf,
    /// Where the folder will lie on the web: adds podcast.xml, the feed with absolute addresses
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
}

/// What it answers.
#[derive(Debug, Serialize)]
struct Answer {
    account: Account,
    root: Cid,
    timestamp: Millis,
    files: u64,
    bytes: u64,
    written: u64,
    removed: u64,
}

impl From<Exported> for Answer {
    fn from(exported: Exported) -> Self {
        Self {
            account: exported.account,
            root: exported.root,
            timestamp: exported.timestamp,
            files: exported.files,
            bytes: exported.bytes,
            written: exported.written,
            removed: exported.removed,
        }
    }
}

/// Writes the site.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    let base = arguments.base_url.as_deref().map(BaseUrl::new);
    let base = base
        .transpose()
        .map_err(|error| Failure::usage(error.to_string()))?;
    let home = context.open_reader()?;
    let bar = context.output.progress(0, "posts");
    let exported = site::export(&home, &arguments.folder, base.as_ref(), &mut |step| {
        match step {
            Step::Total(total) => bar.set_length(total),
            Step::Done => bar.inc(1),
            Step::Write(_) | Step::Remove(_) => {}
        }
        ControlFlow::Continue(())
    })?;
    bar.finish_and_clear();
    let text = format!(
        "{} of {} bytes in {}; {} written, {} removed",
        people::counted(exported.files, "file"),
        exported.bytes,
        arguments.folder.display(),
        exported.written,
        exported.removed
    );
    context.output.answer(&Answer::from(exported), text)?;
    Ok(ExitCode::SUCCESS)
}
