//! `ourspace mirror`: what is kept of others, and how much.

use std::{
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use clap::{ArgGroup, Args};
use ourspace_node::{
    Home,
    follows::{self, Wish},
    mirror::{self, MirrorView, MirrorsView},
};
use ourspace_protocol::account::Account;

use super::Outcome;
use crate::{
    context::Context,
    control::{Client, Request},
    failure::Failure,
    parse,
    people::{self, push},
};

/// How often it is looked how far the node has come.
const LOOK: Duration = Duration::from_millis(200);
/// Nothing more comes after so long, where the node has tried everything.
const SETTLED: Duration = Duration::from_secs(3);
/// Whoever waits is told after so long that nothing comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// What it takes.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("pin_or_not").args(["pin", "unpin"]),
    group = ArgGroup::new("media_or_not").args(["text_only", "with_media"]),
    after_help = "Examples:
  ourspace mirror
  ourspace mirror --wait
  ourspace mirror 0x52908400098527886E0F7030069857D2E4169EE7 --pin
  ourspace mirror 0x52908400098527886E0F7030069857D2E4169EE7 --quota 200MB --json
  ourspace mirror --total 50GB"
)]
pub(crate) struct Arguments {
    /// Only this account, whom you follow
    #[arg(value_name = "ADDRESS", value_parser = parse::account)]
    whom: Option<Account>,
    /// Never make room by dropping what is theirs
    #[arg(long, requires = "whom")]
    pin: bool,
    /// Make room by dropping what is theirs, too
    #[arg(long, requires = "whom")]
    unpin: bool,
    /// Fetch no pictures, sound and video of theirs
    #[arg(long, requires = "whom")]
    text_only: bool,
    /// Fetch pictures, sound and video of theirs
    #[arg(long, requires = "whom")]
    with_media: bool,
    /// How much media to keep of theirs at most: 500MB, 2GiB
    #[arg(long, value_name = "SIZE", requires = "whom", value_parser = parse::size)]
    quota: Option<u64>,
    /// How much to keep in all at most, your own included [at first: 20GiB]
    #[arg(long, value_name = "SIZE", conflicts_with = "whom", value_parser = parse::size)]
    total: Option<u64>,
    /// Wait until everything is here, and show how far it is
    #[arg(long)]
    wait: bool,
}

impl Arguments {
    fn changes(&self) -> bool {
        self.pin || self.unpin || self.text_only || self.with_media || self.quota.is_some()
    }
}

/// Shows it, or changes it.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Outcome {
    if let Some(whom) = arguments.whom.filter(|_| arguments.changes()) {
        change(arguments, whom, context)?;
    }
    if let Some(total) = arguments.total {
        mirror::limit(&context.open()?, total)?;
        if let Some(mut node) = Client::connect(&context.home)? {
            node.one(&Request::Again)?;
        }
    }
    let home = context.open_reader()?;
    if arguments.wait {
        wait(arguments, &home, context)?;
    }
    let shown = look(arguments, &home)?;
    context.output.answer(&shown, text(&shown))?;
    Ok(ExitCode::SUCCESS)
}

fn look(arguments: &Arguments, home: &Home) -> Result<MirrorsView, Failure> {
    let mut shown = mirror::mirrors(home)?;
    if let Some(whom) = arguments.whom {
        shown.accounts.retain(|one| one.account == whom);
        if shown.accounts.is_empty() {
            return Err(not_followed(whom));
        }
    }
    Ok(shown)
}

fn not_followed(whom: Account) -> Failure {
    Failure::refused(format!(
        "you do not follow {whom}, so nothing of theirs is mirrored; `ourspace follow {whom}` begins"
    ))
}

fn change(arguments: &Arguments, whom: Account, context: &Context) -> Result<(), Failure> {
    let home = context.open()?;
    let known = follows::wish_of(&home, whom)?.ok_or_else(|| not_followed(whom))?;
    let wish = Wish {
        pinned: (known.pinned || arguments.pin) && !arguments.unpin,
        text_only: (known.text_only || arguments.text_only) && !arguments.with_media,
        quota: arguments.quota.or(known.quota),
        ..known
    };
    follows::follow(&home, context.signing_time()?, whom, wish)?;
    if let Some(mut node) = Client::connect(&context.home)? {
        node.one(&Request::Changed)?;
        node.one(&Request::Find {
            account: whom,
            locations: Vec::new(),
        })?;
    }
    Ok(())
}

/// Waits while the node fetches.
fn wait(arguments: &Arguments, home: &Home, context: &Context) -> Result<(), Failure> {
    if Client::connect(&context.home)?.is_none() {
        return Err(Failure::refused(
            "no node runs that would fetch anything: run it (`ourspace`), then wait",
        ));
    }
    let bar = context.output.progress(0, "bytes of media");
    let mut last = (look(arguments, home)?, Instant::now());
    loop {
        let shown = look(arguments, home)?;
        if shown != last.0 {
            last = (shown.clone(), Instant::now());
        }
        let all = shown.accounts.iter().map(|one| one.media.media_bytes);
        let here = shown.accounts.iter().map(|one| one.media.media_bytes_here);
        bar.set_length(all.sum());
        bar.set_position(here.sum());
        if shown.accounts.iter().all(MirrorView::is_whole) {
            bar.finish_and_clear();
            return Ok(());
        }
        let quiet = last.1.elapsed();
        // What the quota or the deny-list leave out never comes.
        let settled = |one: &MirrorView| one.state.settled || one.is_whole();
        if quiet >= SETTLED && shown.accounts.iter().all(settled) {
            bar.finish_and_clear();
            return Ok(());
        }
        if quiet >= PATIENCE {
            bar.finish_and_clear();
            return Err(nothing_comes(&shown));
        }
        if Client::connect(&context.home)?.is_none() {
            bar.finish_and_clear();
            return Err(Failure::refused(
                "the node has ended; run it (`ourspace`), then wait again",
            ));
        }
        thread::sleep(LOOK);
    }
}

/// Says of whom something is missing, and why, where that is known.
fn nothing_comes(shown: &MirrorsView) -> Failure {
    let mut said = format!(
        "nothing has come for {} seconds, and the node goes on asking; missing:",
        PATIENCE.as_secs()
    );
    let missing = shown.accounts.iter();
    for one in missing.filter(|one| !one.state.settled && !one.is_whole()) {
        let files = one.media.media_files - one.media.media_files_here.min(one.media.media_files);
        let what = match one.mirrored {
            true => people::counted(files, "file"),
            false => "everything".to_owned(),
        };
        push(&mut said, format_args!("\n  {what} of {}", one.account));
        if let Some(trouble) = &one.state.trouble {
            push(&mut said, format_args!(": {}", people::harmless(trouble)));
        }
    }
    Failure::refused(said)
}

fn text(shown: &MirrorsView) -> String {
    if shown.accounts.is_empty() {
        return "you follow nobody yet; `ourspace follow ADDRESS` begins".to_owned();
    }
    let mut out = String::new();
    for one in &shown.accounts {
        let media = &one.media;
        push(&mut out, format_args!("{}", one.account));
        if !one.display_name.is_empty() {
            let name = people::harmless(&one.display_name);
            push(&mut out, format_args!("  {name}"));
        }
        let posts = people::counted(one.posts, "post");
        push(
            &mut out,
            format_args!(
                "\n  {posts}, media {} of {} files, {} of {}",
                media.media_files_here,
                media.media_files,
                people::size(media.media_bytes_here),
                people::size(media.media_bytes)
            ),
        );
        let notes = [
            (!one.mirrored, "being fetched"),
            (!one.served, "quiet: served to nobody"),
            (one.pinned, "pinned"),
            (one.text_only, "text only"),
        ];
        for (_, note) in notes.iter().filter(|(on, _)| *on) {
            push(&mut out, format_args!(", {note}"));
        }
        if let Some(trouble) = &one.state.trouble {
            push(
                &mut out,
                format_args!("\n  nothing comes from {}", people::harmless(trouble)),
            );
        }
        out.push('\n');
    }
    push(
        &mut out,
        format_args!(
            "in all {} of at most {}",
            people::size(shown.media_bytes),
            people::size(shown.quota)
        ),
    );
    out
}
