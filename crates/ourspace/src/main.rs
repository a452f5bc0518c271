//! `ourspace`: a person's place in the network, on their own machine.
//!
//! One file for each command lies in `commands`; this one only leads there. The program
//! alone reads the clock, asks on the terminal and opens sockets.

mod ask;
mod clock;
mod commands;
mod context;
mod control;
mod failure;
mod file;
mod link;
mod log;
mod look;
mod media_args;
mod meet;
mod net;
mod output;
mod parse;
mod password;
mod people;
mod qr;
mod view;
mod wallet;
mod wire;
mod words;

use std::{env, process::ExitCode};

use clap::Parser as _;

use crate::{commands::Arguments, context::Context, failure::Failure};

/// The allocator: after a first fetch of many feeds, that of the C library keeps a third more
/// memory than is in use.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[global_allocator]
static MEMORY: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // Without readable arguments nothing else tells whether JSON was asked for.
        Err(error) if error.use_stderr() && asks_for_json() => {
            return Failure::arguments(&error).report(true);
        }
        // Help and the version, and errors in clap's own layout.
        Err(error) => error.exit(),
    };
    log::begin();
    let json = arguments.global.json;
    let done =
        Context::new(&arguments.global).and_then(|context| commands::run(arguments, &context));
    done.unwrap_or_else(|failure| failure.report(json))
}

/// Whether `--json` is among the arguments that are options.
fn asks_for_json() -> bool {
    env::args_os()
        .skip(1)
        .take_while(|argument| argument != "--")
        .any(|argument| argument == "--json")
}
