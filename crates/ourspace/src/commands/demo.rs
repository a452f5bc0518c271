//! `ourspace demo`: five neighbours to look around at, real nodes on this machine in homes that
//! are thrown away. Nothing of them is announced beyond it.

mod neighbours;
mod samples;

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use tokio::signal::unix::{Signal, SignalKind, signal};

use self::{
    neighbours::Neighbour,
    samples::{Person, prepare},
};
use super::Outcome;
use crate::{context::Context, failure::Failure, people::push};

/// What it takes: nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
The neighbours live in a folder that is removed when you stop them with Ctrl-C. They talk to \
each other on this machine only.

Examples:
  ourspace demo
  ourspace demo --json")]
pub(crate) struct Arguments {}

/// What it answers, on one line.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    folder: String,
    people: Vec<PersonAnswer<'a>>,
}

/// A neighbour.
#[derive(Debug, Serialize)]
struct PersonAnswer<'a> {
    name: &'a str,
    account: String,
    home: String,
    url: &'a str,
    timeline: String,
    listen: &'a [String],
}

/// Runs them until it is told to stop.
pub(crate) fn run(context: &Context) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let folder = tempfile::Builder::new()
        .prefix("ourspace-demo-")
        .tempdir()?;
    let done = runtime.block_on(until_stopped(context, folder.path()));
    // Whatever still reads there has ended.
    drop(runtime);
    folder.close()?;
    done
}

async fn until_stopped(context: &Context, folder: &std::path::Path) -> Outcome {
    // A window that is closed hangs up: what was made goes then, too.
    let mut signals = [
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
        signal(SignalKind::hangup())?,
    ];
    let steps = context.output.progress(samples::steps(), "getting ready");
    let (path, bar) = (folder.to_owned(), steps.clone());
    let preparing = tokio::task::spawn_blocking(move || prepare(&path, &|| bar.inc(1)));
    let people = tokio::select! {
        () = stopped(&mut signals) => None,
        people = preparing => Some(people.map_err(|error| Failure::refused(error.to_string()))??),
    };
    steps.finish_and_clear();
    let Some(people) = people else {
        return Ok(ExitCode::SUCCESS);
    };
    let mut neighbours: Vec<Neighbour> = Vec::new();
    for person in people {
        let peers = neighbours.iter().filter_map(|one| one.listen.first());
        let peers = peers.cloned().collect();
        neighbours.push(Neighbour::start(person, peers).await?);
    }
    tell(context, folder, &neighbours)?;
    stopped(&mut signals).await;
    for neighbour in neighbours {
        neighbour.stop().await;
    }
    Ok(ExitCode::SUCCESS)
}

async fn stopped([interrupt, terminate, hangup]: &mut [Signal; 3]) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}

fn tell(
    context: &Context,
    folder: &std::path::Path,
    neighbours: &[Neighbour],
) -> Result<(), Failure> {
    if context.json {
        let people = neighbours.iter().map(|one| PersonAnswer {
            name: &one.person.name,
            account: one.person.account.to_string(),
            home: one.person.home.display().to_string(),
            url: &one.url,
            timeline: format!("{}timeline/", one.url),
            listen: &one.listen,
        });
        let answer = Answer {
            folder: folder.display().to_string(),
            people: people.collect(),
        };
        let line = serde_json::to_string(&answer)?;
        return context.output.raw(&format!("{line}\n"));
    }
    let mut out = "Five neighbours are here, on this machine only:\n\n".to_owned();
    for one in neighbours {
        let Person { name, account, .. } = &one.person;
        push(
            &mut out,
            format_args!("{name}\n  {account}\n  {}\n", one.url),
        );
    }
    if let Some(first) = neighbours.first() {
        let home = first.person.home.display();
        push(
            &mut out,
            format_args!(
                "\nWhat {} reads:\n  {}timeline/\n",
                first.person.name, first.url
            ),
        );
        push(
            &mut out,
            format_args!(
                "\nTry, in another terminal:\n  \
                 ourspace --home {home} timeline\n  \
                 ourspace --home {home} post \"Hello, neighbours\"\n  \
                 ourspace --home {home} notifications\n"
            ),
        );
        if let Some(address) = first.listen.iter().find(|one| one.contains("/tcp/")) {
            push(
                &mut out,
                format_args!(
                    "and, with a place of your own (`ourspace init`, then `ourspace run --local`):\n  \
                     ourspace follow {} --peer {address}\n",
                    first.person.account
                ),
            );
        }
    }
    push(
        &mut out,
        format_args!("\nThey and their folder are gone when you stop them with Ctrl-C.\n"),
    );
    context.output.raw(&out)
}
