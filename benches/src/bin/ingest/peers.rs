//! The same posts through nostr-sdk (LMDB) and ssb-db2. Each signs them in its own way and writes
//! them to a file, off the clock; another process of it then reads, verifies, stores and indexes
//! them. The files of its store are flushed to the disk on the clock.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use ourspace_bench::line;
use serde::Deserialize;

use crate::Figures;

/// What one of them took.
#[derive(Debug, Deserialize)]
struct Took {
    count: f64,
    /// CPU and wall time in seconds.
    cpu: f64,
    wall: f64,
    /// Bytes on the disk.
    disk: f64,
    /// Bytes of anonymous memory, at most, while taking in; and after the questions.
    memory: f64,
    memory_asked: Option<f64>,
    /// CPU seconds of the first question, where it differs, and the middle of the others.
    home_first: Option<f64>,
    home: f64,
}

struct Peer {
    name: &'static str,
    script: &'static str,
}

const PEERS: [Peer; 2] = [
    Peer {
        name: "nostr-sdk",
        script: "ingest_nostr.py",
    },
    Peer {
        name: "ssb-db2",
        script: "ingest_ssb.js",
    },
];

impl Peer {
    fn run(&self, installed: &Path, arguments: &[&Path]) -> Result<Vec<u8>> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
        let mut command = match self.script.ends_with(".py") {
            true => Command::new(installed.join("venv/bin/python")),
            false => Command::new("node"),
        };
        let output = command
            .arg(script.join(self.script))
            .args(arguments)
            .env("NODE_PATH", installed.join("node/node_modules"))
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot start {}", self.name))?;
        ensure!(output.status.success(), "{} failed", self.name);
        Ok(output.stdout)
    }

    fn take(&self, installed: &Path, posts: &Path, follows: usize) -> Result<Took> {
        let folder = tempfile::tempdir()?;
        let (signed, store) = (folder.path().join("signed"), folder.path().join("store"));
        fs::create_dir(&store)?;
        self.run(installed, &[Path::new("sign"), posts, &signed])?;
        let follows = follows.to_string();
        let words = [Path::new("take"), &signed, &store, Path::new(&follows)];
        let said = self.run(installed, &words)?;
        let last = said.trim_ascii_end().rsplit(|byte| *byte == b'\n').next();
        Ok(serde_json::from_slice(last.unwrap_or_default())?)
    }
}

/// Runs both on a file of posts, and prints what they took and how ours stands beside them.
pub(crate) fn compare(posts: &Path, follows: usize, ours: &Figures) -> Result<()> {
    let installed = env::var_os("OURSPACE_BENCH_PEERS")
        .context("no peers to compare with: run this as `cargo xtask bench ingest`")?;
    let installed = PathBuf::from(installed);
    for peer in PEERS {
        let took = peer.take(&installed, posts, follows)?;
        tell(&peer, &took, ours);
    }
    Ok(())
}

fn tell(peer: &Peer, took: &Took, ours: &Figures) {
    let name = peer.name;
    let say = |what: &str, figure: f64, unit: &str| {
        line(&format!("{name}: {what}"), figure, unit, None);
    };
    let speed = took.count / took.cpu;
    let disk = took.disk / took.count;
    say("taken in", took.count, "posts");
    say("taken in", speed, "posts per CPU-second");
    say("taken in", took.wall, "s wall");
    say("on the disk", disk, "bytes a post");
    say("anonymous memory, at most", took.memory / 1e6, "MB");
    if let Some(memory) = took.memory_asked {
        say("anonymous memory after the timelines", memory / 1e6, "MB");
    }
    if let Some(first) = took.home_first {
        say("the 50 newest, first time", first * 1e3, "ms CPU");
    }
    say("the 50 newest", took.home * 1e3, "ms CPU");
    let beside = |what: &str, figure: f64| {
        line(&format!("{what}, {name} = 1"), figure, "times", None);
    };
    beside("taken in per CPU-second", ours.speed / speed);
    beside("bytes on the disk", ours.disk / disk);
    beside("memory", ours.memory / took.memory);
    beside("the 50 newest per CPU-second", took.home / ours.home);
}
