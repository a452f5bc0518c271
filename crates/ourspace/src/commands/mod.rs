//! The commands, one file each, and what clap knows of them.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{
    context::{Context, Global},
    control,
    failure::Failure,
};

mod backup;
mod completions;
mod delete;
mod demo;
mod device;
mod doctor;
mod edit;
mod export;
mod follow;
mod follows;
mod import;
mod init;
mod mirror;
mod notifications;
mod peers;
mod post;
mod posted;
mod profile;
mod publish;
mod purge;
mod recover;
mod resolve;
mod run;
mod search;
mod show;
mod status;
mod thread;
mod timeline;
mod unfollow;
mod verify;
mod whoami;

/// What a command gives: an exit code, or why it did not do what it was asked.
pub(crate) type Outcome = Result<ExitCode, Failure>;

const NOTES: &str = "\
Exit codes: 0 done; 1 refused or failed, also where a file, item, code or signature that was
named does not fit; 2 used wrongly: an unknown option, a value of a wrong form, options that
do not go together, or something missing that only a person can give.

OURSPACE_LOG=debug notes more of what goes on, on standard error.";

/// A place of your own in a social network without servers.
///
/// Without a command it serves your feed to this machine's browser and prints the address.
#[derive(Debug, Parser)]
#[command(
    name = "ourspace",
    version,
    about,
    long_about,
    propagate_version = true,
    after_help = NOTES
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(flatten)]
    pub(crate) run: run::Arguments,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make an account, or use one that a wallet holds
    Init(init::Arguments),
    /// Show the account of this home
    Whoami(whoami::Arguments),
    /// Publish a post, reply, quote, repost or like
    Post(Box<post::Arguments>),
    /// Publish a new version of an item
    Edit(edit::Arguments),
    /// Take items back
    Delete(delete::Arguments),
    /// Show or change who you say you are
    Profile(Box<profile::Arguments>),
    /// Show what was published, newest first
    Timeline(timeline::Arguments),
    /// Show what others have done that concerns you
    Notifications(notifications::Arguments),
    /// Show an item with the answers to it
    Thread(thread::Arguments),
    /// Show items
    Show(show::Arguments),
    /// Find posts by their words
    Search(search::Arguments),
    /// Run the node of this home, as without a command
    Run(run::Arguments),
    /// Follow somebody: their feed is kept here, and served on
    Follow(follow::Arguments),
    /// Follow somebody no longer, and forget their feed
    Unfollow(unfollow::Arguments),
    /// Show whom you follow, and what of it is here
    Follows(follows::Arguments),
    /// Find out what somebody's newest record is
    Resolve(resolve::Arguments),
    /// Announce your newest feed again
    Publish(publish::Arguments),
    /// Show the nodes that this one is connected to, or connect to one
    Peers(peers::Arguments),
    /// Show and set what is kept of those whom you follow
    Mirror(mirror::Arguments),
    /// Drop somebody's feed or one file at once and for good
    Purge(purge::Arguments),
    /// Look around: five neighbours on this machine, gone when you stop them
    Demo(demo::Arguments),
    /// Say what is wrong, and what to do
    Doctor(doctor::Arguments),
    /// Show how this place is doing
    Status(status::Arguments),
    /// Take in posts from a feed or an archive
    Import(import::Arguments),
    /// Write the feed as a web site into a folder
    Export(export::Arguments),
    /// Check a feed's folder, or the own home, without a network
    Verify(verify::Arguments),
    /// Show, allow, renew and revoke the devices that may publish
    Device(device::Arguments),
    /// Seal everything of this home into one file
    Backup(backup::Arguments),
    /// Make a home out of a backup
    Restore(backup::RestoreArguments),
    /// Continue a lost account with its second word list
    Recover(recover::Arguments),
    /// Print a completion script for a shell
    Completions(completions::Arguments),
}

/// Runs a command.
pub(crate) fn run(arguments: Arguments, context: &Context) -> Outcome {
    let Some(command) = arguments.command else {
        // It may run for weeks: what is to be said comes first.
        warn(context);
        return run::run(&arguments.run, context);
    };
    let told = match &command {
        // Its own answer holds them.
        Command::Status(_) => true,
        // Beside a verdict of another feed they would be taken for a part of it.
        Command::Verify(arguments) => arguments.is_of_a_folder(),
        _ => false,
    };
    let done = dispatch(command, context)?;
    control::changed(&context.home);
    if !told {
        warn(context);
    }
    Ok(done)
}

/// Says what the person should know soon. Where that cannot be found out, the command has
/// nothing to do with it.
fn warn(context: &Context) {
    let warnings = context.open_reader().ok().and_then(|home| {
        let now = context.now().ok()?;
        ourspace_node::account::warnings(&home, now).ok()
    });
    for warning in warnings.unwrap_or_default() {
        context.output.say(format!("warning: {warning}"));
    }
}

fn dispatch(command: Command, context: &Context) -> Outcome {
    match command {
        Command::Init(arguments) => init::run(&arguments, context),
        Command::Whoami(arguments) => whoami::run(&arguments, context),
        Command::Post(arguments) => post::run(*arguments, context),
        Command::Edit(arguments) => edit::run(arguments, context),
        Command::Delete(arguments) => delete::run(&arguments, context),
        Command::Profile(arguments) => profile::run(&arguments, context),
        Command::Timeline(arguments) => timeline::run(&arguments, context),
        Command::Notifications(arguments) => notifications::run(&arguments, context),
        Command::Thread(arguments) => thread::run(&arguments, context),
        Command::Show(arguments) => show::run(&arguments, context),
        Command::Search(arguments) => search::run(&arguments, context),
        Command::Run(arguments) => run::run(&arguments, context),
        Command::Follow(arguments) => follow::run(&arguments, context),
        Command::Unfollow(arguments) => unfollow::run(&arguments, context),
        Command::Follows(follows::Arguments {}) => follows::run(context),
        Command::Resolve(arguments) => resolve::run(&arguments, context),
        Command::Publish(publish::Arguments {}) => publish::run(context),
        Command::Peers(arguments) => peers::run(&arguments, context),
        Command::Mirror(arguments) => mirror::run(&arguments, context),
        Command::Purge(arguments) => purge::run(&arguments, context),
        Command::Demo(demo::Arguments {}) => demo::run(context),
        Command::Doctor(doctor::Arguments {}) => doctor::run(context),
        Command::Status(status::Arguments {}) => status::run(context),
        Command::Import(arguments) => import::run(&arguments, context),
        Command::Export(arguments) => export::run(&arguments, context),
        Command::Verify(arguments) => verify::run(&arguments, context),
        Command::Device(arguments) => device::run(&arguments, context),
        Command::Backup(arguments) => backup::run(&arguments, context),
        Command::Restore(arguments) => backup::restore(&arguments, context),
        Command::Recover(arguments) => recover::run(&arguments, context),
        Command::Completions(arguments) => completions::run(&arguments, context),
    }
}
