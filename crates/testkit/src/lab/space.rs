//! Network namespaces: made, entered, and gone with the value.

use std::{
    fs,
    fs::File,
    os::fd::AsFd as _,
    path::Path,
    process::{Command, Stdio},
    thread,
};

use anyhow::{Context as _, Result, bail};
use rustix::{
    process::{Pid, Signal, kill_process},
    thread::{LinkNameSpaceType, move_into_link_name_space},
};

/// Begins the names of all namespaces that are ours.
const PREFIX: &str = "ourspace-lab";
/// Where `ip` keeps them.
const FOLDER: &str = "/run/netns";

/// A network namespace. What runs in it ends with the value.
#[derive(Debug)]
pub(super) struct Space {
    name: String,
}

impl Space {
    /// Makes one; its name says which process made it, and when that began.
    pub(super) fn new(label: &str) -> Result<Self> {
        let own = std::process::id();
        let began = began(own).context("no start time of the own process in /proc")?;
        let name = format!("{PREFIX}-{own}-{began}-{label}");
        ip(&["netns", "add", &name])?;
        let space = Self { name };
        space.ip(&["link", "set", "lo", "up"])?;
        Ok(space)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Runs `ip` in it.
    pub(super) fn ip(&self, words: &[&str]) -> Result<()> {
        ip(&[&["-n", &self.name], words].concat())
    }

    /// A program that will run in it.
    pub(super) fn command(&self, program: &std::ffi::OsStr) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }

    /// Does something on a thread that is in it: sockets that are opened stay there.
    pub(super) fn within<T: Send>(&self, act: impl FnOnce() -> T + Send) -> Result<T> {
        let path = Path::new(FOLDER).join(&self.name);
        let file = File::open(&path).with_context(|| format!("no {}", path.display()))?;
        let enter = || {
            move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
                .with_context(|| format!("cannot enter {}", path.display()))?;
            Ok(act())
        };
        thread::scope(|scope| match scope.spawn(enter).join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        // A test that fails is ending, and what cannot be removed the next start sweeps.
        drop(remove(&self.name));
    }
}

/// Removes what processes left that were killed before they could.
///
/// # Errors
/// When there is no `ip`.
pub(super) fn sweep() -> Result<()> {
    let Ok(entries) = fs::read_dir(FOLDER) else {
        // Nothing was ever made here.
        return Ok(());
    };
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if is_abandoned(&name) && remove(&name).is_err() && Path::new(FOLDER).join(&name).exists() {
            bail!("{name} was left by a process that is gone, and cannot be removed");
        }
    }
    Ok(())
}

/// Whether it is a name of ours whose maker has ended.
fn is_abandoned(name: &str) -> bool {
    let Some(rest) = name.strip_prefix(PREFIX) else {
        return false;
    };
    let mut parts = rest.trim_start_matches('-').split('-');
    let pid = parts.next().and_then(|pid| pid.parse().ok());
    match (pid, parts.next()) {
        (Some(pid), Some(then)) => began(pid).as_deref() != Some(then),
        _ => false,
    }
}

/// When a process began, in ticks since the machine did; the 22nd field of `stat`, after a
/// name in brackets that may hold anything.
fn began(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(19).map(str::to_owned)
}

/// Ends what runs there, and removes it.
fn remove(name: &str) -> Result<()> {
    let pids = output(Command::new("ip").args(["netns", "pids", name]))?;
    for pid in pids.lines().filter_map(|line| line.trim().parse().ok()) {
        // It may have ended by itself.
        let _gone = Pid::from_raw(pid).map(|pid| kill_process(pid, Signal::KILL));
    }
    ip(&["netns", "delete", name])
}

pub(super) fn ip(words: &[&str]) -> Result<()> {
    output(Command::new("ip").args(words)).map(drop)
}

/// Runs a program to its end; what it wrote, or why it failed.
pub(super) fn output(command: &mut Command) -> Result<String> {
    let told = || format!("{command:?}").replace('"', "");
    let words = told();
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| {
        format!("cannot start {words}: the lab needs iproute2, nftables and ping")
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{words}: {} (the lab needs root and the kernel's network namespaces, TUN, veth and \
             nftables)",
            said.trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_gone_processes_left_is_swept() {
        let own = std::process::id();
        let began = began(own).unwrap();
        assert!(!is_abandoned(&format!("{PREFIX}-{own}-{began}-x")));
        assert!(is_abandoned(&format!("{PREFIX}-{own}-1-x")));
        assert!(!is_abandoned("somebody-else"));
        assert!(!is_abandoned(&format!("{PREFIX}-word")));
    }
}
