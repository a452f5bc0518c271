//! Other people's IPFS nodes, stock and each in a process of its own: Kubo and Helia.
//!
//! They take orders as lines of JSON and end with the value that stands for them. They
//! listen on this machine's loopback, or on a host of a [`Lab`](crate::lab::Lab), and know
//! nobody but whom a test tells them of.

mod lines;

use std::{
    collections::BTreeMap,
    env,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tempfile::TempDir;

pub use self::lines::Lines;
use crate::lab::Host;

/// How long an order may take: far longer than any does.
const LIMIT: Duration = Duration::from_secs(300);

/// What a node has used so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Used {
    /// CPU time of all its threads.
    pub cpu: Duration,
    /// The most memory that it ever had, in bytes.
    pub peak: u64,
}

/// A running node.
#[derive(Debug)]
pub struct IpfsNode {
    lines: Lines,
    /// Where it listens, with its peer id at the end.
    pub address: String,
    /// Its peer id.
    pub id: String,
    _folder: TempDir,
}

impl IpfsNode {
    /// Kubo 0.22 with its defaults. With `sync` it flushes blocks to the disk, as it does by
    /// default.
    ///
    /// # Errors
    /// When `OURSPACE_PEERS` does not say where Kubo is, or it does not start.
    pub fn kubo(sync: bool) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        Self::start(kubo(folder.path(), sync, Ipv4Addr::LOCALHOST)?, folder)
    }

    /// Kubo on a host of a lab, without flushing.
    ///
    /// # Errors
    /// As [`kubo`](Self::kubo).
    pub fn kubo_on(host: &Host) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let kubo = kubo(folder.path(), false, host.address())?;
        Self::start(host.moved(&kubo), folder)
    }

    /// Helia, with its blocks in memory.
    ///
    /// # Errors
    /// When `OURSPACE_PEERS` does not say where Helia is, or it does not start.
    pub fn helia() -> Result<Self> {
        Self::start(helia()?, tempfile::tempdir()?)
    }

    /// Helia on a host of a lab. It dials others and is not dialled.
    ///
    /// # Errors
    /// As [`helia`](Self::helia).
    pub fn helia_on(host: &Host) -> Result<Self> {
        Self::start(host.moved(&helia()?), tempfile::tempdir()?)
    }

    /// Any program that takes the same orders; its last argument is an empty folder that
    /// lives as long as the value.
    ///
    /// # Errors
    /// When it does not start.
    pub fn other(mut command: Command) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        command.arg(folder.path());
        Self::start(command, folder)
    }

    fn start(command: Command, folder: TempDir) -> Result<Self> {
        let mut lines = Lines::start(command)?;
        let told = lines.next(LIMIT).context("the node did not start")?;
        Ok(Self {
            address: text(&told, "address")?,
            id: text(&told, "id")?,
            lines,
            _folder: folder,
        })
    }

    /// Gives an order that only some programs know, and its answer.
    ///
    /// # Errors
    /// When it cannot be done, or not in time.
    pub fn order(&mut self, order: &Value) -> Result<Value> {
        self.lines.order(order, LIMIT)
    }

    /// Connects to another node.
    ///
    /// # Errors
    /// When it cannot.
    pub fn connect(&mut self, address: &str) -> Result<()> {
        let order = json!({ "do": "connect", "address": address });
        self.lines.order(&order, LIMIT).map(drop)
    }

    /// Adds a folder with all that is in it; gives its CID as the node writes it.
    ///
    /// # Errors
    /// When it cannot.
    pub fn add(&mut self, folder: &Path) -> Result<String> {
        let order = json!({ "do": "add", "path": folder });
        text(&self.lines.order(&order, LIMIT)?, "cid")
    }

    /// Fetches a folder from whoever it is connected to and writes it to `into`, which is
    /// not there yet. Gives what the node says about it.
    ///
    /// # Errors
    /// When it cannot, or not in time.
    pub fn fetch(&mut self, cid: &str, into: &Path) -> Result<Value> {
        let order = json!({ "do": "fetch", "cid": cid, "path": into });
        self.lines.order(&order, LIMIT)
    }

    /// Keeps a tree, and says in the DHT that it does (Kubo only).
    ///
    /// # Errors
    /// When it cannot, or not in time.
    pub fn pin(&mut self, cid: &str) -> Result<()> {
        let order = json!({ "do": "pin", "cid": cid });
        self.lines.order(&order, LIMIT).map(drop)
    }

    /// The peers that the DHT names as having something, with their addresses (Helia only).
    ///
    /// # Errors
    /// When it cannot ask.
    pub fn providers(&mut self, cid: &str) -> Result<BTreeMap<String, Vec<String>>> {
        let order = json!({ "do": "providers", "cid": cid });
        let mut told = self.lines.order(&order, LIMIT)?;
        Ok(serde_json::from_value(told["found"].take())?)
    }

    /// What it has used.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn used(&mut self) -> Result<Used> {
        let told = self.lines.order(&json!({ "do": "cost" }), LIMIT)?;
        let cpu = told["cpu"].as_f64().context("no CPU time")?;
        Ok(Used {
            cpu: Duration::from_secs_f64(cpu),
            peak: told["peak"].as_u64().context("no memory")?,
        })
    }
}

fn kubo(folder: &Path, sync: bool, host: Ipv4Addr) -> Result<Command> {
    let mut python = Command::new(peers()?.join("venv-kubo/bin/python"));
    python
        .args(["-c", include_str!("kubo.py")])
        .arg(folder)
        .arg(if sync { "sync" } else { "nosync" })
        .arg(host.to_string())
        // It looks there for a repository even where it is told of another.
        .env("HOME", folder);
    Ok(python)
}

fn helia() -> Result<Command> {
    let peers = peers()?;
    let mut node = Command::new(peers.join("node22/bin/node"));
    node.args(["--input-type=module", "--eval", include_str!("helia.mjs")])
        .current_dir(peers.join("node"));
    Ok(node)
}

fn text(value: &Value, name: &str) -> Result<String> {
    let text = value[name].as_str();
    Ok(text
        .with_context(|| format!("no {name} in {value}"))?
        .to_owned())
}

fn peers() -> Result<PathBuf> {
    let folder = env::var_os("OURSPACE_PEERS");
    let folder = folder.context("OURSPACE_PEERS is not set: `cargo xtask test` installs the peers");
    Ok(PathBuf::from(folder?))
}
