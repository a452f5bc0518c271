//! `ourspace resolve`: somebody's newest record.

use std::process::ExitCode;

use clap::Args;
use ourspace_protocol::account::Account;
use serde::Serialize;

use super::Outcome;
use crate::{
    context::Context,
    control::{Client, Request},
    failure::Failure,
    look::{Looking, Visitor},
    parse,
    people::{self, push},
    view::{RecordView, WayView},
};

/// What it takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ourspace resolve 0x52908400098527886E0F7030069857D2E4169EE7
  ourspace resolve 0x52908400098527886E0F7030069857D2E4169EE7 --trace

The node that runs on this home is asked. Where none runs, one is there for this question.")]
pub(crate) struct Arguments {
    /// Whose
    #[arg(value_name = "ADDRESS", value_parser = parse::account)]
    account: Account,
    /// A web site that may have their feed (may be given again)
    #[arg(long = "at", value_name = "URL", value_parser = parse::web_url)]
    locations: Vec<String>,
    /// Begin with this node, when none runs on this home (may be given again)
    #[arg(long = "peer", value_name = "MULTIADDR", value_parser = parse::peer)]
    peers: Vec<String>,
    /// Ask on this machine only, when no node runs on this home
    #[arg(long)]
    local: bool,
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
    let mut take = |step: WayView| {
        if arguments.trace && !context.json {
            context.output.say(line(&step));
        }
        steps.push(step);
    };
    match Client::connect(&context.home)? {
        Some(mut node) => {
            let request = Request::Resolve {
                account,
                locations: arguments.locations.clone(),
            };
            node.ask(&request, |part| {
                take(serde_json::from_value(part)?);
                Ok(())
            })?;
        }
        None => visit(arguments, context, &mut take)?,
    }
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

/// Where no node runs, one is there for this question.
fn visit(
    arguments: &Arguments,
    context: &Context,
    take: &mut dyn FnMut(WayView),
) -> Result<(), Failure> {
    let home = context.open_reader()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let visitor = Visitor::enter(&context.home, &arguments.peers, arguments.local).await?;
        let wanted = (arguments.account, arguments.locations.clone());
        let mut looking = Looking::begin(&home, &visitor.ways, wanted)?;
        while let Some(step) = looking.next().await {
            take(step);
        }
        visitor.leave().await;
        Ok(())
    })
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
