//! cargo-nextest: finding or building it, running it, counting what it ran.

use std::{
    fs,
    path::PathBuf,
    process::{Command, ExitStatus},
};

use anyhow::{Context as _, Result, bail};

use crate::run;

/// Built where there is none, for machines that have Rust and a C compiler only.
const VERSION: &str = "0.9.143";

/// Tests that need no peers: all but those in binaries called `peers*`.
pub(crate) const WITHOUT_PEERS: &str = "not binary(/^peers/)";
const ONLY_PEERS: &str = "binary(/^peers/)";

/// Where the report lies: below the workspace's root, wherever cargo builds.
const REPORT: &str = "target/nextest/default/junit.xml";

/// A nextest that is there.
pub(crate) struct Nextest {
    /// The program, if it is not the system's.
    built: Option<PathBuf>,
}

impl Nextest {
    /// The system's one, or the one in the cache; built into the cache if there is neither.
    pub(crate) fn find_or_build() -> Result<Self> {
        if run::find("cargo-nextest").is_some() {
            return Ok(Self { built: None });
        }
        let tools = run::cache()?.join(format!("nextest-{VERSION}"));
        let program = tools.join("bin/cargo-nextest");
        if !program.exists() {
            println!(
                "building cargo-nextest {VERSION} into {} (once, some minutes)",
                tools.display()
            );
            let mut install = run::cargo();
            install
                .args(["install", "--quiet", "--locked", "--root"])
                .arg(&tools)
                .arg(format!("cargo-nextest@{VERSION}"));
            run::succeed(&mut install)?;
        }
        Ok(Self {
            built: Some(program),
        })
    }

    fn command(&self, verb: &str) -> Command {
        // Called itself and not through cargo, which looks for it on a `PATH` that whoever
        // runs the command may still change.
        let mut nextest = match &self.built {
            Some(program) => run::like_cargo(program),
            None => run::cargo(),
        };
        nextest.args(["nextest", verb]);
        nextest
    }

    pub(crate) fn run(&self) -> Command {
        self.command("run")
    }

    /// How many tests there are in binaries called `peers*`.
    pub(crate) fn count_peers(&self) -> Result<u64> {
        let mut list = self.command("list");
        list.args(["--workspace", "--message-format", "json", "-E", ONLY_PEERS]);
        let listed: serde_json::Value = serde_json::from_str(&run::output(&mut list)?)?;
        count_matching(&listed).context("cargo nextest list gave another form than expected")
    }
}

fn count_matching(listed: &serde_json::Value) -> Option<u64> {
    let mut count = 0;
    for suite in listed["rust-suites"].as_object()?.values() {
        let Some(tests) = suite["testcases"].as_object() else {
            continue;
        };
        let matching = tests
            .values()
            .filter(|test| test["filter-match"]["status"] == "matches");
        count += u64::try_from(matching.count()).ok()?;
    }
    Some(count)
}

/// How many tests passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Counts {
    pub(crate) const fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
        }
    }
}

/// Runs tests and reads the report that `.config/nextest.toml` orders.
pub(crate) fn run_counted(command: &mut Command) -> Result<Counts> {
    let report = run::root().join(REPORT);
    if report.exists() {
        fs::remove_file(&report).with_context(|| format!("cannot remove {}", report.display()))?;
    }
    let status = command.status().context("cannot start cargo nextest")?;
    let Ok(text) = fs::read_to_string(&report) else {
        bail!("no test ran: cargo nextest ended with {status}");
    };
    agree(counts(&text)?, status)
}

/// A report of nothing but passed tests and a failed run cannot both be true.
fn agree(counts: Counts, status: ExitStatus) -> Result<Counts> {
    if counts == Counts::default() {
        bail!("no test ran: none has such a name");
    }
    if status.success() != (counts.failed == 0) {
        bail!("cargo nextest ended with {status}, its report says {counts:?}");
    }
    Ok(counts)
}

/// Reads the counts off the report's root element.
fn counts(report: &str) -> Result<Counts> {
    let start = report
        .find("<testsuites ")
        .context("no <testsuites> in the report")?;
    let root = report[start..].split('>').next().unwrap_or_default();
    let number = |name: &str| -> Result<u64> {
        let (_, rest) = root
            .split_once(&format!(" {name}=\""))
            .with_context(|| format!("no {name} in {root}"))?;
        let digits = rest.split('"').next().unwrap_or_default();
        digits.parse().with_context(|| format!("{name} in {root}"))
    };
    let failed = number("failures")? + number("errors")?;
    let passed = number("tests")?
        .checked_sub(failed)
        .with_context(|| format!("more failures than tests in {root}"))?;
    Ok(Counts { passed, failed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_is_counted() {
        let report = r#"<?xml version="1.0" encoding="UTF-8"?>
            <testsuites name="nextest-run" tests="21" failures="2" errors="1" uuid="x">
            <testsuite name="a" tests="20" disabled="0" errors="0" failures="0">"#;
        let expected = Counts {
            passed: 18,
            failed: 3,
        };
        assert_eq!(counts(report).unwrap(), expected);
        assert!(counts("<testsuites tests=\"1\">").is_err());
        assert!(counts("").is_err());
    }

    #[test]
    fn a_listing_is_counted() {
        let listed = serde_json::json!({"rust-suites": {
            "a": {"testcases": {
                "one": {"filter-match": {"status": "matches"}},
                "two": {"filter-match": {"status": "mismatch"}},
            }},
            "b": {"status": "skipped", "testcases": {}},
            "c": {"testcases": {"three": {"filter-match": {"status": "matches"}}}},
        }});
        assert_eq!(count_matching(&listed), Some(2));
        assert_eq!(count_matching(&serde_json::json!({})), None);
    }
}
