//! An ordinary web server for one folder: Python's.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result};

/// A web server on loopback; it ends with the value.
#[derive(Debug)]
pub struct WebHost {
    child: Child,
    /// Where it is: `http://127.0.0.1:40563/`.
    pub url: String,
}

impl WebHost {
    /// Serves a folder.
    ///
    /// # Errors
    /// When there is no `python3`, or it does not say where it listens.
    pub fn start(folder: &Path) -> Result<Self> {
        let mut child = Command::new("python3")
            .args(["-u", "-m", "http.server", "--bind", "127.0.0.1", "0"])
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let out = child.stdout.take().context("no output")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        // "Serving HTTP on 127.0.0.1 port 40563 (http://127.0.0.1:40563/) ..."
        let url = line.split(['(', ')']).nth(1);
        let url = url.with_context(|| line.clone())?.to_owned();
        Ok(Self { child, url })
    }
}

impl Drop for WebHost {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _killed = self.child.kill();
        let _ended = self.child.wait();
    }
}
