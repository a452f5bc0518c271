//! `cargo xtask fuzz TARGET [--seconds N]`: looks for bytes that break a parser, guided by
//! coverage (libFuzzer; needs a C++ compiler).
//!
//! What it learns stays in the folder that cargo builds in; the corpus in the repository
//! is where it begins. Bytes that broke something are named at the end.

use std::{fs, process::ExitCode};

use anyhow::{Context as _, Result, bail, ensure};
use cargo_metadata::MetadataCommand;

use crate::run;

/// As cargo-fuzz does: count edges, and tell the fuzzer what is compared with what.
const FLAGS: &str = "--cfg fuzzing -Ccodegen-units=1 -Cdebug-assertions -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Strangers' bytes are no larger than this, but for media, which are longer in vain.
const LONGEST: u32 = 64 * 1024;

#[derive(Debug, PartialEq, Eq)]
struct Call {
    target: String,
    seconds: u32,
}

fn parse(arguments: &[String]) -> Result<Call> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (target, seconds) = match words.as_slice() {
        [target] => (target, 60),
        [target, "--seconds", seconds] | ["--seconds", seconds, target] => {
            (target, seconds.parse().context("--seconds takes a number")?)
        }
        _ => bail!("cargo xtask fuzz TARGET [--seconds N]"),
    };
    ensure!(!target.starts_with('-'), "there is no option {target}");
    Ok(Call {
        target: (*target).to_owned(),
        seconds,
    })
}

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let call = parse(arguments)?;
    let root = run::root();
    let corpus = root.join("fuzz/corpus").join(&call.target);
    ensure!(
        corpus.is_dir(),
        "there is no target {}: fuzz/corpus has a folder for each",
        call.target
    );
    let metadata = MetadataCommand::new().current_dir(&root).no_deps().exec()?;
    let work = metadata.target_directory.join("fuzz");
    let (learnt, broken) = (work.join("corpus").join(&call.target), work.join("broken"));
    for folder in [&learnt, &broken] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {folder}"))?;
    }
    let mut cargo = run::cargo();
    cargo
        .args([
            "run",
            "--release",
            "--manifest-path",
            "fuzz/libfuzzer/Cargo.toml",
        ])
        .args(["--target", &host()?, "--target-dir", work.as_str(), "--"])
        .arg(format!("-max_total_time={}", call.seconds))
        .arg(format!("-max_len={LONGEST}"))
        .arg(format!("-artifact_prefix={broken}/"))
        .arg(learnt)
        .arg(corpus)
        .env("RUSTFLAGS", FLAGS)
        .env("OURSPACE_FUZZ", &call.target);
    run::succeed(&mut cargo)?;
    Ok(ExitCode::SUCCESS)
}

/// Named to cargo, so that what runs while building is built without the fuzzer's flags.
fn host() -> Result<String> {
    let version = run::output(run::command("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not name its host")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_and_a_time_are_taken() {
        let words =
            |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
        let call = |target: &str, seconds| Call {
            target: target.to_owned(),
            seconds,
        };
        assert_eq!(parse(&words("record")).unwrap(), call("record", 60));
        assert_eq!(
            parse(&words("delta --seconds 5")).unwrap(),
            call("delta", 5)
        );
        for wrong in ["", "--seconds 5", "record --seconds soon", "--fast"] {
            assert!(parse(&words(wrong)).is_err(), "{wrong}");
        }
    }
}
