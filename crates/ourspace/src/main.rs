//! `ourspace`: a person's place in the network, on their own machine.
//!
//! One file for each command lies in `commands`; this one only leads there. The program
//! alone reads the clock, asks on the terminal and opens sockets.

mod ask;
mod commands;
mod context;
mod failure;
mod media_args;
mod net;
mod output;
mod parse;
mod password;
mod people;
mod qr;
mod wallet;
mod words;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{commands::Arguments, context::Context};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let context = match Context::new(&arguments.global) {
        Ok(context) => context,
        Err(failure) => return failure.report(false),
    };
    match commands::run(arguments, &context) {
        Ok(code) => code,
        Err(failure) => failure.report(context.json),
    }
}
