//! Bitswap between two nodes on this machine, ours and stock Kubo 0.22, in all pairings: one
//! file of 512 MiB, and 10,000 files of 4 KiB.
//!
//! Every node is a process of its own. Providers stay; each fetch is done by a new node,
//! and the pairings take turns. Ours writes the blocks to one file and flushes it to the
//! disk at the end; Kubo runs without flushing (nosync) and also writes the files, which are
//! compared with those that were given, byte by byte, off the clock. (Ours has hashed every
//! block that it wrote.)
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

mod node;
mod pack;

use std::{
    env, fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use ourspace_bench::{Goal, TABLE, line, median};
use ourspace_testkit::{peers::IpfsNode, random::Random};

const LARGE: usize = 512 * 1024 * 1024;
const SMALL: usize = 4 * 1024;
const FILES: u64 = 10_000;
const ROUNDS: usize = 3;

/// Who gives and who takes.
const PAIRS: [(Who, Who); 4] = [
    (Who::Ours, Who::Ours),
    (Who::Kubo, Who::Kubo),
    (Who::Kubo, Who::Ours),
    (Who::Ours, Who::Kubo),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Ours,
    Kubo,
}

impl Who {
    fn start(self) -> Result<IpfsNode> {
        match self {
            Self::Kubo => IpfsNode::kubo(false),
            Self::Ours => {
                let mut own = Command::new(env::current_exe()?);
                own.arg("--node");
                IpfsNode::other(own)
            }
        }
    }
}

/// What one fetch took.
#[derive(Clone, Copy, Debug, Default)]
struct Fetch {
    wall: f64,
    taker_cpu: f64,
    giver_cpu: f64,
    peak: f64,
    /// Bytes of messages for each byte of blocks, and duplicates in a hundred; of ours only.
    wire: f64,
    duplicates: f64,
}

/// Somebody who holds the folder.
struct Giver {
    node: IpfsNode,
    cid: String,
    folder: PathBuf,
}

fn noise(random: &mut Random, size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        bytes.extend_from_slice(&random.number().to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// Two folders: with one large file, and with many small ones.
fn write_files(folder: &Path) -> Result<(PathBuf, PathBuf)> {
    let mut random = Random::new(1);
    let (large, small) = (folder.join("large"), folder.join("small"));
    fs::create_dir(&large)?;
    let mut file = fs::File::create(large.join("file"))?;
    for _ in 0..LARGE / (1024 * 1024) {
        file.write_all(&noise(&mut random, 1024 * 1024))?;
    }
    file.sync_all()?;
    fs::create_dir(&small)?;
    for n in 0..FILES {
        fs::write(small.join(format!("{n:05}")), noise(&mut random, SMALL))?;
    }
    Ok((large, small))
}

fn give(who: Who, folder: &Path) -> Result<Giver> {
    let mut node = who.start()?;
    let cid = node.add(folder)?;
    Ok(Giver {
        node,
        cid,
        folder: folder.to_owned(),
    })
}

/// Whether two files of the same size have the same bytes.
fn equal(mut one: fs::File, mut other: fs::File) -> Result<bool> {
    let mut parts = [Vec::new(), Vec::new()];
    loop {
        for (part, file) in parts.iter_mut().zip([&mut one, &mut other]) {
            part.clear();
            file.take(1024 * 1024).read_to_end(part)?;
        }
        let [one, other] = &parts;
        if one != other || one.is_empty() {
            return Ok(one == other);
        }
    }
}

/// Compares the files of two folders without folders in them.
fn same(one: &Path, other: &Path) -> Result<()> {
    let mut files = 0;
    for entry in fs::read_dir(one)? {
        let path = entry?.path();
        let name = path.file_name().context("a file without a name")?;
        let (given, got) = (fs::File::open(&path)?, fs::File::open(other.join(name))?);
        ensure!(
            given.metadata()?.len() == got.metadata()?.len(),
            "{}: another size",
            path.display()
        );
        ensure!(equal(given, got)?, "{}: other bytes", path.display());
        files += 1;
    }
    ensure!(fs::read_dir(other)?.count() == files, "more files");
    Ok(())
}

fn fetch(from: &mut Giver, who: Who) -> Result<Fetch> {
    let folder = tempfile::tempdir()?;
    let mut taker = who.start()?;
    let before = (taker.used()?.cpu, from.node.used()?.cpu);
    let start = Instant::now();
    taker.connect(&from.node.address)?;
    let got = folder.path().join("got");
    let told = taker.fetch(&from.cid, &got)?;
    let wall = start.elapsed().as_secs_f64();
    let (used, gave) = (taker.used()?, from.node.used()?);
    if who == Who::Kubo {
        same(&from.folder, &got)?;
    }
    let cpu = |after: Duration, before: Duration| after.saturating_sub(before).as_secs_f64();
    let figure = |name: &str| told[name].as_f64().unwrap_or(f64::NAN);
    Ok(Fetch {
        wall,
        taker_cpu: cpu(used.cpu, before.0),
        giver_cpu: cpu(gave.cpu, before.1),
        peak: used.peak as f64 / 1e6,
        wire: figure("wire") / figure("bytes"),
        duplicates: 100.0 * figure("duplicates") / figure("blocks"),
    })
}

/// The middle of each figure.
fn middle(fetches: &[Fetch]) -> Fetch {
    let of = |figure: fn(&Fetch) -> f64| median(fetches.iter().map(figure).collect());
    Fetch {
        wall: of(|fetch| fetch.wall),
        taker_cpu: of(|fetch| fetch.taker_cpu),
        giver_cpu: of(|fetch| fetch.giver_cpu),
        peak: of(|fetch| fetch.peak),
        wire: of(|fetch| fetch.wire),
        duplicates: of(|fetch| fetch.duplicates),
    }
}

/// One folder, and how much faster than Kubo ours should be.
struct Case<'a> {
    folder: &'a Path,
    what: &'a str,
    count: f64,
    unit: &'a str,
    wall: f64,
    cpu: f64,
}

fn compare(case: &Case<'_>) -> Result<()> {
    let mut ours = give(Who::Ours, case.folder)?;
    let mut kubo = give(Who::Kubo, case.folder)?;
    let mut all: [Vec<Fetch>; 4] = Default::default();
    for _ in 0..ROUNDS {
        for ((giver, taker), fetches) in PAIRS.into_iter().zip(&mut all) {
            let from = if giver == Who::Ours {
                &mut ours
            } else {
                &mut kubo
            };
            let fetched = fetch(from, taker)
                .with_context(|| format!("{}: {giver:?} to {taker:?}", case.what))?;
            fetches.push(fetched);
        }
    }
    let middles = all.map(|fetches| middle(&fetches));
    for ((giver, taker), fetch) in PAIRS.into_iter().zip(&middles) {
        let name = format!("{}: {giver:?} to {taker:?}", case.what);
        let say = |what: &str, figure: f64, unit: &str| {
            line(&format!("{name}, {what}"), figure, unit, None);
        };
        say(
            "speed",
            case.count / fetch.wall,
            &format!("{}/s", case.unit),
        );
        say("CPU of the taker", fetch.taker_cpu, "s");
        say("CPU of the giver", fetch.giver_cpu, "s");
        say("peak memory of the taker", fetch.peak, "MB");
        if taker == Who::Ours {
            say("bytes on the wire for one of a block", fetch.wire, "");
            say("duplicates", fetch.duplicates, "%");
        }
    }
    goals(case, &middles);
    Ok(())
}

fn goals(case: &Case<'_>, [ours, kubo, ..]: &[Fetch; 4]) {
    let say = |what: &str, figure: f64, unit: &str, goal| {
        line(&format!("{}: {what}", case.what), figure, unit, Some(goal));
    };
    let cpu = |fetch: &Fetch| fetch.taker_cpu + fetch.giver_cpu;
    say(
        "speed of ours, Kubo = 1",
        kubo.wall / ours.wall,
        "times",
        Goal::AtLeast(case.wall),
    );
    say(
        "CPU of ours, both sides, Kubo = 1",
        cpu(ours) / cpu(kubo),
        "times",
        Goal::AtMost(case.cpu),
    );
    say(
        "peak memory of our taker",
        ours.peak,
        "MB",
        Goal::AtMost(150.0),
    );
}

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().collect();
    if let [_, flag, folder] = &arguments[..]
        && flag == "--node"
    {
        return node::run(Path::new(folder));
    }
    let folder = tempfile::tempdir()?;
    let (large, small) = write_files(folder.path())?;
    println!("{TABLE}");
    compare(&Case {
        folder: &large,
        what: "one file of 512 MiB",
        count: 536.870_912,
        unit: "MB",
        wall: 5.0,
        cpu: 1.0 / 3.0,
    })?;
    compare(&Case {
        folder: &small,
        what: "10,000 files of 4 KiB",
        count: 10_000.0,
        unit: "files",
        wall: 20.0,
        cpu: 1.0 / 3.0,
    })
}
