//! Asks other people's programs: a script gets JSON on its standard input and answers
//! with JSON on its standard output.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a peer that is absent or fails ends the test"
)]

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::Value;

/// The folder with the real peers: `venv/bin/python` and `node/node_modules`.
pub(crate) fn peers() -> PathBuf {
    match std::env::var_os("OURSPACE_PEERS") {
        Some(folder) => folder.into(),
        None => panic!("OURSPACE_PEERS is not set: `cargo xtask test` installs the peers"),
    }
}

/// Runs a peer to its end.
pub(crate) fn ask(mut command: Command, input: &Value) -> Value {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.to_string().as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "the peer failed: {}",
        output.status
    );
    serde_json::from_slice(&output.stdout).unwrap()
}
