//! `ourspace resolve`: somebody's newest record.

use std::process::ExitCode;

use clap::Args;
use ourspace_protocol::account::Account;
use serde::Serialize;

use super::{Outcome, peers::node};
use crate::{
    context::Context,
    control::Request,
    failure::Failure,
    parse,
    people::{self, push},
    view::{RecordView, WayView},
};

/// What it takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ourspace resolve 0x52908400098527886E0F7030069857D2E4169EE7
  ourspace resolve 0x52908400098527886E0F7030069857D2E4169EE7 --trace")]
pub(crate) struct Arguments {
    /// Whose
    #[arg(value_name = "ADDRESS", value_parser = parse::account)]
    account: Account,
    /// A web site that may have their feed (may be given again)
    #[arg(long = "at", value_name = "URL")]
    locations: Vec<String>,
    /// Show each step
    #[arg(long)]
    trace: bool,
}

/// What it answers.
#[derive(Debug, Serialize)]
struct Answer {
    #[serde(flatten)]
    record: RecordView,
    source: String,
    elapsed_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<Vec<WayView>>,
}

/// Looks.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    let account = arguments.account;
    let mut steps: Vec<WayView> = Vec::new();
    let request = Request::Resolve {
        account,
        locations: arguments.locations.clone(),
    };
    node(context)?.ask(&request, |part| {
        let step: WayView = serde_json::from_value(part)?;
        if arguments.trace && !context.json {
            context.output.say(line(&step));
        }
        steps.push(step);
        Ok(())
    })?;
    // Each one that was found is newer than, or beside, what was found before.
    let newest = steps
        .iter()
        .filter_map(|step| Some((step.record.as_ref()?, step)));
    let newest = newest.max_by_key(|(record, _)| record.timestamp);
    let Some((record, step)) = newest else {
        return Err(Failure::refused(format!(
            "nobody who was asked knows {account}; if they have just begun, or their node and \
             those of their followers are off, try again later"
        )));
    };
    let answer = Answer {
        record: record.clone(),
        source: step.source.clone(),
        elapsed_ms: step.elapsed_ms,
        trace: arguments.trace.then(|| steps.clone()),
    };
    context.output.answer(&answer, describe(&answer))?;
    Ok(ExitCode::SUCCESS)
}

fn line(step: &WayView) -> String {
    let mut text = format!(
        "{:9.1} ms  {:6} {}",
        step.elapsed_ms, step.source, step.step
    );
    if let Some(record) = &step.record {
        push(
            &mut text,
            format_args!("  {} {}", record.timestamp, record.root),
        );
    }
    if let Some(from) = &step.from {
        push(&mut text, format_args!("  from {}", people::harmless(from)));
    }
    if let Some(why) = &step.why {
        push(&mut text, format_args!("  {}", people::harmless(why)));
    }
    text
}

fn describe(answer: &Answer) -> String {
    let record = &answer.record;
    let mut text = format!(
        "account    {}\nroot       {}\nsigned     {}\nsigner     {}\nfound by   {} in {:.1} ms",
        record.account,
        record.root,
        people::local_date(&ourspace_protocol::time::rfc3339(record.timestamp)),
        record.signer,
        answer.source,
        answer.elapsed_ms
    );
    for location in &record.locations {
        push(
            &mut text,
            format_args!("\nlocation   {}", people::harmless(location)),
        );
    }
    text
}
