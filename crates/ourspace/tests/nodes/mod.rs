//! Nodes: real programs on loopback.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test binary uses a part of this; a test's helpers fail by panicking"
)]

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{schema, support::Place};

/// A node that runs until it is killed.
pub(crate) struct Node {
    pub(crate) place: Place,
    child: Option<Child>,
    pub(crate) account: String,
    pub(crate) listen: String,
}

impl Node {
    pub(crate) fn new() -> Self {
        Self::of(Place::new())
    }

    pub(crate) fn of(place: Place) -> Self {
        let account = place.json(&["whoami"])["account"]
            .as_str()
            .unwrap()
            .to_owned();
        let mut node = Self {
            place,
            child: None,
            account,
            listen: String::new(),
        };
        node.start();
        node
    }

    pub(crate) fn start(&mut self) {
        let arguments = [
            "run",
            "--local",
            "--port",
            "0",
            "--node-port",
            "0",
            "--json",
        ];
        let mut command = self.place.command(&arguments);
        let log = self.place.folder().join("node.log");
        let log = std::fs::File::options().create(true).append(true).open(log);
        command.stderr(log.unwrap());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let out = child.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        self.listen = said["listen"][0].as_str().unwrap().to_owned();
        self.child = Some(child);
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// CPU seconds of the process so far.
    pub(crate) fn cpu(&self) -> f64 {
        let child = self.child.as_ref().unwrap();
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
        let fields: Vec<&str> = stat
            .rsplit_once(')')
            .unwrap()
            .1
            .split_whitespace()
            .collect();
        let ticks = |at: usize| fields[at].parse::<u32>().unwrap();
        // In hundredths of a second, whatever the kernel counts in (proc_pid_stat(5)).
        f64::from(ticks(11) + ticks(12)) / 100.0
    }

    pub(crate) fn post(&self, words: &[&str]) -> String {
        let posted = self.place.json(&[&["post"], words].concat());
        posted["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn follow(&self, whom: &str, by: &Self) {
        self.place.run(&["follow", whom, "--peer", &by.listen]).ok();
    }

    pub(crate) fn dial(&self, other: &Self) {
        self.place.run(&["peers", "--dial", &other.listen]).ok();
    }

    /// The texts of an account's posts that are here, newest first.
    pub(crate) fn texts(&self, of: &str) -> Vec<String> {
        let items = self.place.json(&["timeline", "--account", of]);
        let items = items.as_array().unwrap().iter();
        items
            .map(|item| item["content_text"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// The texts of the answers to an item.
    pub(crate) fn answers(&self, target: &str) -> Vec<String> {
        let thread = self.place.json(&["thread", target]);
        schema::holds("thread", &thread);
        let replies = thread["replies"].as_array().unwrap().iter();
        let texts = replies.map(|one| one["item"]["content_text"].as_str().unwrap().to_owned());
        texts.collect()
    }

    /// What others have done that concerns this account, and was not read.
    pub(crate) fn unread(&self) -> Vec<Value> {
        let all = self.place.json(&["notifications", "--unread"]);
        schema::holds("notifications", &all);
        all.as_array().unwrap().clone()
    }

    /// What `follows` says of an account.
    pub(crate) fn followed(&self, whom: &str) -> Value {
        let all = self.place.json(&["follows"]);
        let mut all = all["accounts"].as_array().unwrap().iter();
        all.find(|one| one["account"] == whom).unwrap().clone()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
        let log = std::fs::read_to_string(self.place.folder().join("node.log"));
        let log = log.unwrap_or_default();
        assert!(thread::panicking() || !log.contains("panicked"), "{log}");
    }
}

/// Waits until `holds`; fails when it never does.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(
            begin.elapsed() < Duration::from_secs(60),
            "{what} did not come about"
        );
        thread::sleep(Duration::from_millis(50));
    }
}

/// A sound of its own: a quarter of a second, 16 bits, 8,000 a second.
pub(crate) fn sound(number: u8) -> Vec<u8> {
    let samples: Vec<u8> = (0..2_000_u32)
        .flat_map(|at| (((at * u32::from(number) * 37) % 4_001) as u16).to_le_bytes())
        .collect();
    let mut wav = b"RIFF".to_vec();
    let length = u32::try_from(samples.len()).unwrap();
    wav.extend((36 + length).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16_u32.to_le_bytes());
    wav.extend([1, 0, 1, 0]);
    wav.extend(8_000_u32.to_le_bytes());
    wav.extend(16_000_u32.to_le_bytes());
    wav.extend([2, 0, 16, 0]);
    wav.extend(b"data");
    wav.extend(length.to_le_bytes());
    wav.extend(samples);
    wav
}
