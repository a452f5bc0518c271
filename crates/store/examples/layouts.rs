//! What the layout of files on the disk costs, without hashing and without a database:
//! the figures behind packs for small files and a file of its own for each large one.
//!
//! ```text
//! layouts FOLDER
//! ```
//!
//! Writes 10,000 x 4 KiB and 512 MiB in several ways below the folder, each durable when
//! the clock stops, and removes them again. Prints the best wall time of three, and the
//! CPU time of that run.

#![expect(clippy::print_stdout, reason = "its purpose")]

use std::{
    error::Error,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Instant,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Ticks of the processor clock in a second: the same on every Linux.
const TICKS: f64 = 100.0;
/// How often each is tried.
const RUNS: usize = 3;

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let place = arguments.next().ok_or("say in which folder to write")?;
    let small = vec![7; 4096];
    let piece = vec![7; 1 << 20];
    best(&place, "10,000 x 4 KiB, one pack, one sync", |folder| {
        one_file(folder, &small, 10_000)
    })?;
    best(
        &place,
        "10,000 x 4 KiB, a file each, one sync of all",
        |folder| many_files(folder, &small, 10_000, false),
    )?;
    best(
        &place,
        "10,000 x 4 KiB, a file each, a sync each",
        |folder| many_files(folder, &small, 10_000, true),
    )?;
    best(&place, "512 MiB, one file, one sync", |folder| {
        one_file(folder, &piece, 512)
    })?;
    best(
        &place,
        "512 MiB, a file per MiB, one sync of all",
        |folder| many_files(folder, &piece, 512, false),
    )?;
    best(&place, "512 MiB, a file per MiB, a sync each", |folder| {
        many_files(folder, &piece, 512, true)
    })
}

fn best(place: &Path, what: &str, write: impl Fn(&Path) -> io::Result<()>) -> Result<()> {
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        let folder = tempfile::tempdir_in(place)?;
        let (begin, cpu) = (Instant::now(), cpu_seconds()?);
        write(folder.path())?;
        runs.push((begin.elapsed().as_secs_f64(), cpu_seconds()? - cpu));
    }
    runs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (wall, cpu) = runs.first().ok_or("nothing was run")?;
    println!("{what}: {wall:.3} s, {cpu:.2} s CPU");
    Ok(())
}

fn one_file(folder: &Path, bytes: &[u8], times: usize) -> io::Result<()> {
    let mut file = File::create(folder.join("all"))?;
    for _ in 0..times {
        file.write_all(bytes)?;
    }
    file.sync_data()?;
    File::open(folder)?.sync_all()
}

fn many_files(folder: &Path, bytes: &[u8], times: usize, each: bool) -> io::Result<()> {
    for n in 0..times {
        let mut file = File::create(folder.join(n.to_string()))?;
        file.write_all(bytes)?;
        if each {
            file.sync_data()?;
        }
    }
    let opened = File::open(folder)?;
    if !each {
        rustix::fs::syncfs(&opened)?;
    }
    opened.sync_all()
}

fn cpu_seconds() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, after_name) = stat.rsplit_once(')').ok_or("odd /proc/self/stat")?;
    let mut fields = after_name.split_whitespace().skip(11);
    let mut ticks = || -> Result<f64> { Ok(fields.next().ok_or("odd /proc/self/stat")?.parse()?) };
    Ok((ticks()? + ticks()?) / TICKS)
}
