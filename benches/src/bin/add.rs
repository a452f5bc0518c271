//! Adding files durably, beside Kubo and raw SHA-256: one of 512 MiB, 10,000 of 4 KiB.
//!
//! The middle of three rounds that take turns. The files are in the page cache for both.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::{
    env, fs,
    hint::black_box,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use ourspace_bench::{Cost, Goal, TABLE, line, median, memory};
use ourspace_store::{Store, StoreError};
use ourspace_testkit::random::Random;
use sha2::{Digest as _, Sha256};

const LARGE: usize = 512 * 1024 * 1024;
const SMALL: usize = 4 * 1024;
const FILES: u64 = 10_000;
const ROUNDS: usize = 3;

/// Bytes that nothing compresses.
fn noise(random: &mut Random, size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        bytes.extend_from_slice(&random.number().to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// Writes what is to be added: one large file, and a folder of small ones.
fn write_files(folder: &Path) -> Result<(PathBuf, PathBuf)> {
    let mut random = Random::new(1);
    let (large, small) = (folder.join("large"), folder.join("small"));
    let mut file = fs::File::create(&large)?;
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

/// Adds a file, or all files of a folder, to a new store.
fn ours(path: &Path) -> Result<Cost> {
    let home = tempfile::tempdir_in(path.parent().context("no folder")?)?;
    let store = Store::open(home.path())?;
    let mut paths = vec![path.to_owned()];
    if path.is_dir() {
        paths = fs::read_dir(path)?
            .flatten()
            .map(|entry| entry.path())
            .collect();
    }
    let (files, cost) = Cost::of(|| {
        let mut stage = store.stage()?;
        let mut files = Vec::with_capacity(paths.len());
        for path in &paths {
            files.push(stage.add(&mut fs::File::open(path)?)?.cid);
        }
        store.write(|writer| writer.keep(stage))?;
        anyhow::Ok(files)
    })?;
    let reader = store.read()?;
    let kept = |cid: &_| reader.file(*cid).map(|file| file.is_some());
    let all = files
        .iter()
        .map(kept)
        .collect::<Result<Vec<bool>, StoreError>>()?;
    ensure!(all.iter().all(|kept| *kept), "a file was not kept");
    Ok(cost)
}

/// The same by Kubo.
fn kubo(path: &Path) -> Result<Cost> {
    let repo = tempfile::tempdir_in(path.parent().context("no folder")?)?;
    let peers = env::var("OURSPACE_PEERS").context("OURSPACE_PEERS is not set")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/kubo_add.py");
    let output = Command::new(Path::new(&peers).join("venv-kubo/bin/python"))
        .arg(script)
        .args([repo.path(), path])
        .output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    let answer: serde_json::Value =
        serde_json::from_slice(&output.stdout).with_context(|| format!("Kubo said {errors}"))?;
    let seconds = |name: &str| answer[name].as_f64().map(Duration::from_secs_f64);
    Ok(Cost {
        wall: seconds("wall").context("no time")?,
        cpu: seconds("cpu").context("no CPU time")?,
    })
}

fn sha256(path: &Path) -> Result<Cost> {
    let bytes = fs::read(path)?;
    let (_, cost) = Cost::of(|| anyhow::Ok(black_box(Sha256::digest(&bytes))))?;
    Ok(cost)
}

/// The memory that adding takes at most, in a process of its own.
fn peak(path: &Path) -> Result<f64> {
    let output = Command::new(env::current_exe()?)
        .arg("--peak")
        .arg(path)
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    text.trim()
        .parse()
        .with_context(|| format!("no figure: {text}"))
}

/// One thing to add, and how well it should go beside Kubo.
struct Case<'a> {
    path: &'a Path,
    what: &'a str,
    count: f64,
    unit: &'a str,
    wall: f64,
    cpu: f64,
}

fn compare(case: &Case<'_>) -> Result<Vec<Cost>> {
    let Case {
        path,
        what,
        count,
        unit,
        ..
    } = *case;
    let (mut our, mut their) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        our.push(ours(path)?);
        their.push(kubo(path)?);
    }
    let (ours, kubo) = (middle(&our), middle(&their));
    let say = |who: &str, figure: f64, unit: &str, goal| {
        line(&format!("{what}: {who}"), figure, unit, goal)
    };
    let rate = format!("{unit}/s");
    say("ours", count / ours.wall.as_secs_f64(), &rate, None);
    say("Kubo", count / kubo.wall.as_secs_f64(), &rate, None);
    let (wall, cpu) = (ratio(kubo.wall, ours.wall), ratio(kubo.cpu, ours.cpu));
    say(
        "wall speed, Kubo = 1",
        wall,
        "times",
        Some(Goal::AtLeast(case.wall)),
    );
    say(
        "per CPU second, Kubo = 1",
        cpu,
        "times",
        Some(Goal::AtLeast(case.cpu)),
    );
    say(
        "peak memory",
        peak(path)? / 1e6,
        "MB",
        Some(Goal::AtMost(100.0)),
    );
    Ok(our)
}

fn middle(costs: &[Cost]) -> Cost {
    let of = |time: fn(&Cost) -> Duration| {
        Duration::from_secs_f64(median(
            costs.iter().map(|cost| time(cost).as_secs_f64()).collect(),
        ))
    };
    Cost {
        wall: of(|cost| cost.wall),
        cpu: of(|cost| cost.cpu),
    }
}

fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().collect();
    if let [_, flag, path] = &arguments[..]
        && flag == "--peak"
    {
        ours(Path::new(path))?;
        println!("{}", memory().1);
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let (large, small) = write_files(folder.path())?;
    println!("{TABLE}");
    let one = Case {
        path: &large,
        what: "one file of 512 MiB",
        count: 536.870_912,
        unit: "MB",
        wall: 2.5,
        cpu: 4.0,
    };
    let our = middle(&compare(&one)?);
    let raw = (0..ROUNDS)
        .map(|_| sha256(&large))
        .collect::<Result<Vec<_>>>()?;
    let raw = middle(&raw);
    line(
        "raw SHA-256 on one core",
        one.count / raw.wall.as_secs_f64(),
        "MB/s",
        None,
    );
    let share = ratio(raw.wall, our.wall) * 100.0;
    line(
        "one file of 512 MiB: of raw SHA-256",
        share,
        "%",
        Some(Goal::AtLeast(45.0)),
    );
    compare(&Case {
        path: &small,
        what: "10,000 files of 4 KiB",
        count: 10_000.0,
        unit: "files",
        wall: 10.0,
        cpu: 1.0,
    })?;
    Ok(())
}
