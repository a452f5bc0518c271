//! What posting, searching and reading cost behind 1,000, 10,000 and 1,000,000 posts, and
//! how the program starts with the largest.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::{
    env,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use ourspace_bench::{
    Cost, Goal, TABLE, line,
    place::{NOW, Posts, make},
};
use ourspace_node::{Home, publish::publish};
use ourspace_protocol::{
    account::Account,
    dag::{BlockSource, Cid, Codec, DagError, load, pb::PbNode},
    feed::set::Changes,
};
use ourspace_store::Search;
use ourspace_testkit::random::Random;

/// Posts measured: pages of about 64, so some eight page cycles. They are the same for
/// every size, and so are those before them that the live feed shows.
const MEASURED: u32 = 512;
const BEFORE: u32 = 256;
const SIZES: [u64; 3] = [1_000, 10_000, 1_000_000];
const QUERIES: usize = 400;

/// Bytes of the blocks of `new` that `old` does not share, rendered files included.
fn new_bytes(old: &dyn BlockSource, new: &dyn BlockSource, roots: (Cid, Cid)) -> Result<u64> {
    if roots.0 == roots.1 {
        return Ok(0);
    }
    let read = |source: &dyn BlockSource, cid| match load(source, cid) {
        Ok(block) => Ok(Some(block.into_bytes())),
        // The directory of a post is not kept.
        Err(DagError::Absent(_)) => Ok(None),
        Err(error) => Err(error),
    };
    let Some(block) = read(new, roots.1)? else {
        return Ok(0);
    };
    let before = read(old, roots.0)?.unwrap_or_default();
    let (node, before) = (PbNode::decode(&block)?, PbNode::decode(&before).ok());
    let mut bytes = block.len() as u64;
    for link in &node.links {
        let same = |old: &&ourspace_protocol::dag::pb::PbLink<'_>| old.name == link.name;
        let old_link = before
            .as_ref()
            .and_then(|node| node.links.iter().find(same));
        let old_cid = old_link.map(|link| link.cid);
        if old_cid == Some(link.cid) {
            continue;
        }
        let kept = link.cid.codec() == Codec::DagPb && new.get(&link.cid)?.is_some();
        bytes += if kept {
            new_bytes(old, new, (old_cid.unwrap_or(roots.0), link.cid))?
        } else {
            link.tsize
        };
    }
    Ok(bytes)
}

struct Publishing {
    cpu: f64,
    bytes: f64,
}

fn publishing(home: &Home, account: Account, posts: &mut Posts) -> Result<Publishing> {
    let (mut cpu, mut bytes) = (Duration::ZERO, 0);
    posts.begin_anew();
    for n in 0..BEFORE + MEASURED {
        let before = home.store().read()?;
        let changes = Changes {
            items: vec![posts.next_post()],
            ..Changes::default()
        };
        let (_, cost) = Cost::of(|| publish(home, NOW, |_| Ok(changes)))?;
        if n < BEFORE {
            continue;
        }
        cpu += cost.cpu;
        let after = home.store().read()?;
        let root = |link: Option<ourspace_protocol::dag::Link>| link.map(|link| link.cid);
        let roots = root(before.root(account)?).zip(root(after.root(account)?));
        bytes += new_bytes(&before, &after, roots.context("no root")?)?;
    }
    #[expect(clippy::cast_precision_loss, reason = "a mean")]
    Ok(Publishing {
        cpu: cpu.as_secs_f64() * 1e3 / f64::from(MEASURED),
        bytes: bytes as f64 / f64::from(MEASURED),
    })
}

fn p95(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    let at = times.len() * 95 / 100;
    times
        .get(at)
        .map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}

fn reading(home: &Home, account: Account) -> Result<()> {
    let mut random = Random::new(2);
    let words = [
        "the",
        "love",
        "computer",
        "never",
        "women",
        "time is",
        "unix",
        "god",
        "money fool",
        "programming language",
        "\"and the\"",
        "murphy",
        "zebra",
        "shakespeare",
        "coffee",
    ];
    let mut searches = Vec::new();
    for query in words {
        let mut times = Vec::new();
        for _ in 0..QUERIES / words.len() {
            let began = Instant::now();
            let search = Search {
                query,
                account: None,
                from: None,
                limit: 20,
            };
            home.store().read()?.search(&search)?;
            times.push(began.elapsed());
        }
        times.sort_unstable();
        let middle = times[times.len() / 2].as_secs_f64() * 1e3;
        line(&format!("search for {query}, median"), middle, "ms", None);
        searches.append(&mut times);
    }
    line("search, p95", p95(searches), "ms", Some(Goal::AtMost(10.0)));
    let (mut pages, mut before) = (Vec::new(), None);
    for _ in 0..QUERIES {
        let began = Instant::now();
        let items = home.store().read()?.timeline(account, before, 20)?;
        pages.push(began.elapsed());
        // Anywhere in the feed, not only at its top.
        before = items.last().map(|item| item.key()).map(|mut key| {
            key.date -= 60_000 * random.below(4_000) as u64;
            key
        });
    }
    line("timeline, p95", p95(pages), "ms", Some(Goal::AtMost(10.0)));
    Ok(())
}

/// Starts the real program, waits for the line with its address, looks at its memory.
fn starting(folder: &Path) -> Result<()> {
    let program = env::current_exe()?.with_file_name("ourspace");
    let began = Instant::now();
    let mut child = Command::new(&program)
        .args(["--json", "--port", "0", "--home"])
        .arg(folder)
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{}: build it first", program.display()))?;
    let mut first = String::new();
    let out = child.stdout.take().context("no output")?;
    BufReader::new(out).read_line(&mut first)?;
    let ready = began.elapsed().as_secs_f64() * 1e3;
    std::thread::sleep(Duration::from_secs(2));
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()))?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let resident: f64 = resident
        .and_then(|line| line.split_whitespace().next()?.parse().ok())
        .context("no memory")?;
    child.kill()?;
    child.wait()?;
    anyhow::ensure!(first.contains("http://127.0.0.1"), "it said: {first}");
    line("start to ready", ready, "ms", Some(Goal::AtMost(300.0)));
    line(
        "memory at rest",
        resident / 1024.0,
        "MiB",
        Some(Goal::AtMost(60.0)),
    );
    Ok(())
}

/// Only reading and starting, with a home that stays.
fn read_only(folder: &Path) -> Result<()> {
    let home = if folder.exists() {
        Home::open(folder)?
    } else {
        let (home, _) = make(folder)?;
        Posts::new()?.fill(&home, SIZES[2])?;
        home
    };
    reading(&home, home.account()?)?;
    drop(home);
    starting(folder)
}

fn main() -> Result<()> {
    println!("{TABLE}");
    if let [_, flag, folder] = &env::args().collect::<Vec<_>>()[..]
        && flag == "--home"
    {
        return read_only(Path::new(folder));
    }
    let (mut cpu, mut bytes) = (Vec::new(), Vec::new());
    for size in SIZES {
        let folder = tempfile::tempdir()?;
        let (home, account) = make(folder.path())?;
        let mut posts = Posts::new()?;
        posts.fill(&home, size)?;
        let Publishing {
            cpu: ms,
            bytes: new,
        } = publishing(&home, account, &mut posts)?;
        line(
            &format!("publish behind {size} posts"),
            ms,
            "ms CPU",
            Some(Goal::AtMost(10.0)),
        );
        line(
            &format!("new bytes behind {size} posts"),
            new,
            "bytes",
            None,
        );
        cpu.push(ms);
        bytes.push(new);
        if size == SIZES[2] {
            reading(&home, account)?;
            drop(home);
            starting(folder.path())?;
        }
    }
    let spread = |values: &[f64]| {
        let (least, most) = values
            .iter()
            .fold((f64::MAX, 0f64), |(a, b), v| (a.min(*v), b.max(*v)));
        most / least
    };
    line(
        "CPU, most over least",
        spread(&cpu),
        "times",
        Some(Goal::AtMost(1.5)),
    );
    line(
        "new bytes, most over least",
        spread(&bytes),
        "times",
        Some(Goal::AtMost(1.5)),
    );
    Ok(())
}
