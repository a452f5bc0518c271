//! How fast files become durable: adds a file, or every file below a folder, in one
//! change, to a home of its own, and says what it took.
//!
//! ```text
//! add_speed FILE-OR-FOLDER [FOLDER-FOR-THE-HOME]
//! ```
//!
//! The home is made in the second folder (else the system's for temporary files) and
//! removed again. Prints one line of JSON: files, bytes, wall seconds, CPU seconds (user
//! and system, all threads), greatest resident memory; then what raw SHA-256 takes for the
//! same bytes on one core, and reading them back, checked.

#![expect(clippy::print_stdout, reason = "its purpose")]

use std::{
    error::Error,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    time::Instant,
};

use ourspace_protocol::{dag::Cid, hash::sha256};
use ourspace_store::Store;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Ticks of the processor clock in a second: the same on every Linux.
const TICKS: f64 = 100.0;

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let what = arguments
        .next()
        .ok_or("say which file or folder to add, and perhaps where")?;
    let place = arguments.next().unwrap_or_else(std::env::temp_dir);
    let mut paths = Vec::new();
    list(&what, &mut paths)?;
    let home = tempfile::tempdir_in(place)?;
    let store = Store::open(home.path())?;

    let (begin, cpu) = (Instant::now(), cpu_seconds()?);
    let (cids, bytes) = add(&store, &paths)?;
    let (wall, cpu) = (begin.elapsed().as_secs_f64(), cpu_seconds()? - cpu);
    let peak = peak_memory()?;

    let begin = Instant::now();
    for cid in &cids {
        let file = store.read()?.file(*cid)?;
        let mut file = file.ok_or("an added file is not there")?;
        io::copy(&mut file, &mut io::sink())?;
    }
    let read = begin.elapsed().as_secs_f64();
    println!(
        "{{\"files\":{},\"bytes\":{bytes},\"wall_seconds\":{wall:.3},\"cpu_seconds\":{cpu:.2},\
         \"peak_memory_bytes\":{peak},\"sha256_seconds\":{:.3},\"read_seconds\":{read:.3}}}",
        paths.len(),
        sha256_seconds(bytes),
    );
    Ok(())
}

/// The files below a path, sorted.
fn list(path: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    if !path.is_dir() {
        paths.push(path.to_owned());
        return Ok(());
    }
    let entries = fs::read_dir(path)?.map(|entry| Ok(entry?.path()));
    let mut entries = entries.collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    entries.iter().try_for_each(|entry| list(entry, paths))
}

fn add(store: &Store, paths: &[PathBuf]) -> Result<(Vec<Cid>, u64)> {
    let mut stage = store.stage()?;
    let mut cids = Vec::with_capacity(paths.len());
    let mut bytes = 0;
    for path in paths {
        let dag = stage.add(&mut File::open(path)?)?;
        bytes += dag.size;
        cids.push(dag.cid);
    }
    store.write(|w| w.keep(stage))?;
    Ok((cids, bytes))
}

/// Raw SHA-256 of as many bytes on one core, in pieces of 1 MiB.
fn sha256_seconds(bytes: u64) -> f64 {
    let piece = vec![7; 1 << 20];
    let begin = Instant::now();
    for _ in 0..bytes.div_ceil(1 << 20) {
        std::hint::black_box(sha256(std::hint::black_box(&piece)));
    }
    begin.elapsed().as_secs_f64()
}

fn cpu_seconds() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, after_name) = stat.rsplit_once(')').ok_or("odd /proc/self/stat")?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |at: usize| -> Result<f64> {
        let field = fields.get(at).ok_or("odd /proc/self/stat")?;
        Ok(field.parse()?)
    };
    Ok((ticks(11)? + ticks(12)?) / TICKS)
}

fn peak_memory() -> Result<u64> {
    let mut status = String::new();
    File::open("/proc/self/status")?.read_to_string(&mut status)?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib.ok_or("odd /proc/self/status")?.parse::<u64>()? * 1024)
}
