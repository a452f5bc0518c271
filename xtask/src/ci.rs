//! `cargo xtask ci`: what a change must pass, the quick steps first.

use std::{process::ExitCode, time::Instant};

use anyhow::{Context as _, Result};

use crate::{no_arguments, run, test, tidy};

/// A step's headline, and what it does.
type Step = (&'static str, fn() -> Result<()>);

const STEPS: [Step; 4] = [
    ("format", format),
    ("tidy", tidy::tidy),
    ("lints", lints),
    ("docs", docs),
];

/// Runs the task. The first step that fails ends it.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    no_arguments(arguments)?;
    for (name, step) in STEPS {
        timed(name, step)?;
    }
    timed("test", || test::run(&[]))
}

fn timed<T>(name: &str, step: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("\n== {name}");
    let start = Instant::now();
    let result = step().with_context(|| format!("{name} failed"));
    println!("== {name}: {:.1} s", start.elapsed().as_secs_f64());
    result
}

fn format() -> Result<()> {
    run::succeed(run::cargo().args(["fmt", "--all", "--check"]))
}

fn lints() -> Result<()> {
    let arguments = [
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    run::succeed(run::cargo().args(arguments))
}

/// Private items too: their links must not rot either.
fn docs() -> Result<()> {
    let arguments = [
        "doc",
        "--quiet",
        "--workspace",
        "--no-deps",
        "--document-private-items",
    ];
    run::succeed(
        run::cargo()
            .args(arguments)
            .env("RUSTDOCFLAGS", "-D warnings"),
    )
}
