//! The program, whole: started, asked, measured from outside, stopped.

use std::{
    env,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// The program, built as this bench is; or that which `OURSPACE_PROGRAM` names.
///
/// # Errors
/// When it cannot be built.
pub fn build() -> Result<PathBuf> {
    if let Some(named) = env::var_os("OURSPACE_PROGRAM") {
        return Ok(named.into());
    }
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = Command::new(cargo);
    cargo.args(["build", "--quiet", "-p", "ourspace"]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let built = cargo
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .status()?;
    ensure!(built.success(), "the program is not built");
    let own = env::current_exe()?;
    Ok(own.with_file_name("ourspace"))
}

/// A program that runs; it ends with the value.
#[derive(Debug)]
pub struct Running {
    child: Child,
    home: PathBuf,
    /// When it was started.
    pub began: Instant,
    /// Where it listens: multiaddrs with its peer id.
    pub listen: Vec<String>,
}

impl Running {
    /// Starts it on a home. `command` is the program, in its place; `more` goes to `run`.
    ///
    /// # Errors
    /// When it does not start, or listens nowhere.
    pub fn start(mut command: Command, home: &Path, more: &[&str]) -> Result<Self> {
        command
            .args(["run", "--json", "--port", "0"])
            .args(more)
            .env("OURSPACE_HOME", home)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let began = Instant::now();
        let mut child = command.spawn().context("the program does not start")?;
        let out = child.stdout.take().context("no output")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        let said: Value = serde_json::from_str(&line).context("the program has ended")?;
        let listen = said["listen"].as_array().context("it listens nowhere")?;
        let listen = listen.iter().filter_map(Value::as_str).map(str::to_owned);
        Ok(Self {
            child,
            home: home.to_owned(),
            began,
            listen: listen.collect(),
        })
    }

    /// CPU time of all its threads so far in seconds, by its own clock: ticks are too coarse.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn cpu(&self) -> Result<f64> {
        // The clock of a process is named by its number (clock_getcpuclockid(3)); only unsafe
        // code gets at it from here.
        let clock = (!i64::from(self.child.id()) << 3) | 2;
        let ask = format!("import time; print(time.clock_gettime({clock}))");
        let output = Command::new("python3").args(["-c", &ask]).output()?;
        let said = String::from_utf8(output.stdout)?;
        said.trim().parse().context("its CPU clock is not read")
    }

    /// Bytes of its memory: what is resident, what of it is its own, and the most that was
    /// ever resident.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn memory(&self) -> Result<(f64, f64, f64)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = |name: &str| -> Result<f64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next());
            let number: f64 = number.context("no such line in its status")?.parse()?;
            Ok(number * 1024.0)
        };
        Ok((line("VmRSS:")?, line("RssAnon:")?, line("VmHWM:")?))
    }

    /// What it says of its network.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn network(&self) -> Result<Value> {
        let ask = "import socket, sys; node = socket.socket(socket.AF_UNIX); \
                   node.settimeout(30); node.connect(sys.argv[1]); \
                   node.sendall(b'{\"do\":\"network\"}\\n'); print(node.makefile().readline())";
        let socket = self.home.join("node.sock");
        let output = Command::new("python3")
            .args(["-c", ask])
            .arg(socket)
            .output()?;
        let line = String::from_utf8(output.stdout)?;
        let said: Value = serde_json::from_str(&line)?;
        Ok(said["part"].clone())
    }

    /// Ends it as Ctrl-C does.
    ///
    /// # Errors
    /// When it ends with a failure.
    pub fn stop(mut self) -> Result<()> {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM)?;
        let ended = self.child.wait()?;
        ensure!(ended.success(), "the program ended with {ended}");
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            drop(self.child.wait());
        }
    }
}
