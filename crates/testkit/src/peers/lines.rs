//! A program that takes a line and answers with a line.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// The running program; it ends with the value.
#[derive(Debug)]
pub struct Lines {
    child: Child,
    input: ChildStdin,
    output: Receiver<String>,
}

impl Lines {
    /// Starts a program; what it writes to its standard error goes nowhere.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(mut command: Command) -> Result<Self> {
        let name = command.get_program().to_os_string();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", name.display()))?;
        let input = child.stdin.take().context("no input")?;
        let output = BufReader::new(child.stdout.take().context("no output")?);
        let (send, receive) = channel();
        // It ends with the program.
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self {
            child,
            input,
            output: receive,
        })
    }

    /// The next line that the program writes.
    ///
    /// # Errors
    /// When there is none within `limit`, or it is not JSON.
    pub fn next(&mut self, limit: Duration) -> Result<Value> {
        let line = self.output.recv_timeout(limit);
        let line = line.with_context(|| format!("no answer within {limit:?}, or it has ended"))?;
        serde_json::from_str(&line).with_context(|| format!("not JSON: {line}"))
    }

    /// Writes a line and gives the next one that the program writes.
    ///
    /// # Errors
    /// As [`Lines::next`], and what the program says in a field `error`.
    pub fn order(&mut self, order: &Value, limit: Duration) -> Result<Value> {
        writeln!(self.input, "{order}")?;
        let answer = self.next(limit)?;
        if let Some(error) = answer["error"].as_str() {
            bail!("{order}: {error}");
        }
        Ok(answer)
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        // It may be in the middle of something that never ends.
        if self.child.kill().is_ok() {
            drop(self.child.wait());
        }
    }
}
