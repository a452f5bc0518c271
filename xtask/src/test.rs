//! `cargo xtask test`: the peers, every test, the examples in the documentation.
//!
//! Ends with a line `N passed, N failed`. Exit codes: 0 all passed, 1 some failed,
//! 3 all passed but those that need peers did not run.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context as _, Result, bail};

use crate::{
    nextest::{self, Counts, Nextest},
    peers::Peers,
    run,
};

/// Some tests did not run, and all that ran passed.
const INCOMPLETE: u8 = 3;

#[derive(Debug, PartialEq, Eq)]
struct Call {
    peers: bool,
    filters: Vec<String>,
}

fn parse(arguments: &[String]) -> Result<Call> {
    let mut call = Call {
        peers: true,
        filters: Vec::new(),
    };
    for argument in arguments {
        match argument.as_str() {
            "--no-peers" => call.peers = false,
            option if option.starts_with('-') => {
                bail!("there is no option {option}: cargo xtask test [--no-peers] [FILTER...]")
            }
            filter => call.filters.push(filter.to_owned()),
        }
    }
    Ok(call)
}

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let call = parse(arguments)?;
    let peers = call.peers.then(Peers::install).transpose()?;
    let nextest = Nextest::find_or_build()?;
    let mut tests = nextest.run();
    tests.arg("--workspace").args(&call.filters);
    prepare(&mut tests, peers.as_ref())?;
    let mut counts = nextest::run_counted(&mut tests)?;
    if call.filters.is_empty() {
        counts = counts.add(run_examples(peers.as_ref())?);
    }
    let not_run = match peers {
        Some(_) => 0,
        None => nextest.count_peers()?,
    };
    if not_run > 0 {
        println!("{not_run} tests that need other people's programs did not run");
    }
    println!("{} passed, {} failed", counts.passed, counts.failed);
    Ok(verdict(counts, not_run))
}

fn verdict(counts: Counts, not_run: u64) -> ExitCode {
    ExitCode::from(exit_code(counts, not_run))
}

const fn exit_code(counts: Counts, not_run: u64) -> u8 {
    match (counts.failed, not_run) {
        (0, 0) => 0,
        (0, _) => INCOMPLETE,
        _ => 1,
    }
}

/// Leaves a person's own home and password out of it, and lends or leaves out the peers.
fn prepare(tests: &mut Command, peers: Option<&Peers>) -> Result<()> {
    for name in ["OURSPACE_HOME", "OURSPACE_PASSWORD", "OURSPACE_PEERS"] {
        tests.env_remove(name);
    }
    match peers {
        Some(peers) => peers.lend(tests),
        None => {
            tests.args(["-E", nextest::WITHOUT_PEERS]);
            Ok(())
        }
    }
}

/// The examples in the documentation, which nextest does not run.
fn run_examples(peers: Option<&Peers>) -> Result<Counts> {
    let mut cargo = run::cargo();
    cargo.args(["test", "--quiet", "--workspace", "--doc", "--no-fail-fast"]);
    if let Some(peers) = peers {
        peers.lend(&mut cargo)?;
    }
    let mut child = cargo
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo test --doc")?;
    let mut counts = Counts::default();
    let output = child.stdout.take().context("no output of cargo test")?;
    for line in BufReader::new(output).lines() {
        let line = line?;
        counts = counts.add(counted(&line).unwrap_or_default());
        writeln!(std::io::stdout(), "{line}")?;
    }
    let status = child.wait()?;
    if status.success() != (counts.failed == 0) {
        bail!("cargo test --doc ended with {status} after {counts:?}");
    }
    Ok(counts)
}

/// Reads "test result: ok. 3 passed; 0 failed; …".
fn counted(line: &str) -> Option<Counts> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let number = |what: &str| {
        let part = counts.split("; ").find(|part| part.ends_with(what))?;
        part.strip_suffix(what)?.trim().parse().ok()
    };
    Some(Counts {
        passed: number(" passed")?,
        failed: number(" failed")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn options_and_filters_are_told_apart() {
        let call = parse(&words("--no-peers publish feed")).unwrap();
        assert!(!call.peers);
        assert_eq!(call.filters, ["publish", "feed"]);
        assert!(parse(&words("")).unwrap().peers);
        assert!(parse(&words("--peerless")).is_err());
    }

    #[test]
    fn the_closing_line_of_documentation_tests_is_counted() {
        let line = "test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.20s";
        let expected = Counts {
            passed: 3,
            failed: 1,
        };
        assert_eq!(counted(line), Some(expected));
        assert_eq!(counted("running 3 tests"), None);
    }

    #[test]
    fn what_did_not_run_is_not_a_pass() {
        let counts = |failed| Counts { passed: 5, failed };
        assert_eq!(exit_code(counts(0), 0), 0);
        assert_eq!(exit_code(counts(0), 7), 3);
        assert_eq!(exit_code(counts(1), 7), 1);
        assert_eq!(exit_code(counts(1), 0), 1);
    }
}
