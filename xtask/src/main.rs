//! The project's own tasks: `cargo xtask test`, `ci`, `tidy`, `bench`, `fuzz`, `soak`.
//!
//! The one door for people and CI alike. It runs other programs and reads source; it is
//! no part of what is shipped and may not be depended on.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that people read while it runs"
)]

mod bench;
mod ci;
mod fuzz;
mod nextest;
mod peers;
mod run;
mod soak;
mod test;
mod tidy;

use std::process::ExitCode;

use anyhow::Result;

/// A task: its name, what may follow it, and what it does.
struct Task {
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Result<ExitCode>,
}

const TASKS: &[Task] = &[
    Task {
        name: "test",
        arguments: "[--no-peers] [FILTER...]",
        about: "install the real peers and run every test (--no-peers: all that need none)",
        run: test::run,
    },
    Task {
        name: "ci",
        arguments: "",
        about: "format, tidy, lints, docs, then `test`: what a change must pass",
        run: ci::run,
    },
    Task {
        name: "tidy",
        arguments: "",
        about: "the rules of the house: dependencies, sockets, lengths, cycles, words",
        run: tidy::run,
    },
    Task {
        name: "peers",
        arguments: "",
        about: "install the real peers and print their folder",
        run: peers::run,
    },
    Task {
        name: "bench",
        arguments: "[NAME...]",
        about: "run the benches beside the peers they compare with",
        run: bench::run,
    },
    Task {
        name: "fuzz",
        arguments: "TARGET [--seconds N]",
        about: "look for bytes that break a parser, guided by coverage",
        run: fuzz::run,
    },
    Task {
        name: "soak",
        arguments: "",
        about: "kill the store a thousand times and look at what is left",
        run: soak::run,
    },
];

/// Exit code for a call that is not understood.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        return usage();
    };
    let Some(task) = TASKS.iter().find(|task| task.name == name) else {
        return usage();
    };
    match (task.run)(rest) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask {name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    for task in TASKS {
        let call = format!("cargo xtask {} {}", task.name, task.arguments);
        eprintln!("{call:<44} {}", task.about);
    }
    ExitCode::from(USAGE)
}

/// Refuses arguments where a task takes none.
fn no_arguments(arguments: &[String]) -> Result<()> {
    anyhow::ensure!(arguments.is_empty(), "takes no arguments: {arguments:?}");
    Ok(())
}
