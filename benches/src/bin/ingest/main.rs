//! What it costs to take in the feeds of others, 100,000 posts by 1,000 accounts: verified,
//! checked, indexed and durable; and what the timeline of 500 of them costs then. The same posts
//! through nostr-sdk and ssb-db2. With the argument `alone`, ours only.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

mod peers;

use std::{
    collections::HashMap,
    fs::File,
    io::{BufWriter, Write as _},
    os::unix::fs::FileExt as _,
    path::Path,
    pin::pin,
    task::{Context, Poll, Waker},
};

use anyhow::{Context as _, Result, bail, ensure};
use ourspace_bench::{
    Cost, Goal, TABLE, line, median, memory,
    place::{NOW, Posts, make},
};
use ourspace_node::{
    Home,
    follows::{Wish, follow, unfollow},
    mirror::{Batch, Fetcher, MirrorError, commit, take},
    read,
};
use ourspace_protocol::{
    account::Account,
    dag::{Block, Cid, update_tree},
    feed::{
        error::Budget, model::Item, read::rendered, set::Changes, state::MemoryState, tree::merge,
    },
    record::Record,
    seams::{Arrival, BoxFuture, Session, Want},
    verify::{Context as Reader, KnownGrants, Verified, verify},
};
use ourspace_testkit::signing::{TestKey, grant, record, sign_grant, sign_record};

const ACCOUNTS: usize = 1_000;
const EACH: usize = 100;
/// Those of them that are followed when the timeline is asked for.
const FOLLOWS: usize = 500;
/// Feeds that are taken in one change.
const TOGETHER: usize = 50;

/// The blocks of all feeds, in a file: only what is taken in shall count as memory.
struct Blocks {
    file: File,
    size: u64,
    places: HashMap<Cid, (u64, usize)>,
}

impl Blocks {
    fn put(&mut self, block: &Block) -> Result<()> {
        self.file.write_all_at(block.bytes(), self.size)?;
        let length = block.bytes().len();
        self.places.insert(block.cid(), (self.size, length));
        self.size += length as u64;
        Ok(())
    }

    fn get(&self, cid: Cid) -> Result<Block> {
        let (start, length) = *self.places.get(&cid).context("a block that nobody has")?;
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(Block::check(cid, bytes)?)
    }

    /// Makes the feed of one account; gives its record.
    fn feed(&mut self, name: &str, items: Vec<Item>) -> Result<Vec<u8>> {
        let (wallet, device) = (TestKey::named(name), TestKey::named("device"));
        let account = wallet.address();
        let mut state = MemoryState::new();
        let changes = Changes {
            items,
            ..Changes::default()
        };
        let paths = merge(&mut state, account, &changes, Budget::OWN)?;
        for path in paths.keys() {
            let is_source = path.ends_with(".json");
            if is_source && let Some(bytes) = rendered(&state, account, path)? {
                self.put(&Block::new(ourspace_protocol::dag::Codec::Raw, bytes))?;
            }
        }
        let links: Vec<_> = paths
            .iter()
            .map(|(path, link)| (path.as_str(), *link))
            .collect();
        let mut directories = Vec::new();
        let root = update_tree(&HashMap::new(), None, &links, &mut |block| {
            directories.push(block);
        })?;
        directories.iter().try_for_each(|block| self.put(block))?;
        let draft = Record {
            root: root.cid,
            ..record(&wallet)
        };
        let granted = sign_grant(grant(&wallet, &device), &wallet);
        Ok(sign_record(draft, Some(granted), &device).to_bytes())
    }
}

/// A session that has everything at once.
struct Line<'b> {
    blocks: &'b Blocks,
    waiting: Vec<Want>,
}

impl Session for Line<'_> {
    fn want(&mut self, wants: Vec<Want>) {
        self.waiting.extend(wants);
    }

    fn hurry(&mut self, wants: Vec<Want>) {
        self.waiting.extend(wants);
    }

    fn cancel(&mut self, cids: &[Cid]) {
        self.waiting.retain(|want| !cids.contains(&want.cid));
    }

    fn next(&mut self) -> BoxFuture<'_, Arrival> {
        let want = self.waiting.pop();
        let blocks = self.blocks;
        Box::pin(async move {
            match want {
                Some(want) => blocks
                    .get(want.cid)
                    .map_or(Arrival::Missing(want.cid), Arrival::Block),
                None => std::future::pending().await,
            }
        })
    }
}

/// Runs what never has to wait.
fn run<T>(work: impl Future<Output = T>) -> Result<T> {
    let mut work = pin!(work);
    match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Ok(value),
        Poll::Pending => bail!("something was waited for that never comes"),
    }
}

fn take_in(home: &Home, records: &[Vec<u8>], blocks: &Blocks) -> Result<()> {
    let mut known = KnownGrants::new();
    for some in records.chunks(TOGETHER) {
        let context = Reader {
            now: NOW,
            highest_epoch: 0,
        };
        let verified: Vec<Verified<_>> = some
            .iter()
            .map(|bytes| verify(bytes, context, &mut known))
            .collect::<Result<_, _>>()?;
        take(home, &verified)?;
        let mut fetchers = Vec::new();
        for record in &verified {
            fetchers.extend(Fetcher::begin(home, record)?);
        }
        while !fetchers.is_empty() {
            let mut batches = Vec::new();
            let mut going = Vec::new();
            for mut fetcher in fetchers {
                let waiting = Vec::new();
                let next = run(fetcher.next(&mut Line { blocks, waiting }))?;
                let next: Result<Option<Batch>, MirrorError> = next;
                if let Some(batch) = next? {
                    batches.push(batch);
                    going.push(fetcher);
                }
            }
            commit(home, batches)?;
            going.iter_mut().for_each(Fetcher::committed);
            fetchers = going;
        }
    }
    Ok(())
}

fn size(folder: &Path) -> Result<u64> {
    let names = ["store.db", "store.db-wal"].into_iter();
    let sizes = names.map(|name| std::fs::metadata(folder.join(name)).map_or(0, |file| file.len()));
    Ok(sizes.sum())
}

/// What ours took.
#[derive(Clone, Copy, Debug)]
struct Figures {
    /// Posts per CPU second.
    speed: f64,
    /// Bytes on the disk for each post.
    disk: f64,
    /// Bytes of memory, at most, the bench's own too.
    memory: f64,
    /// CPU seconds of a timeline.
    home: f64,
}

/// The posts by author; written to a file for the peers, if there is one.
fn posts(file: Option<&Path>) -> Result<Vec<Vec<Item>>> {
    let mut posts = Posts::new()?;
    let mut feeds: Vec<Vec<Item>> = vec![Vec::new(); ACCOUNTS];
    let mut out = file.map(File::create).transpose()?.map(BufWriter::new);
    for n in 0..ACCOUNTS * EACH {
        let (author, item) = (n % ACCOUNTS, posts.next_post());
        if let Some(out) = &mut out {
            let post = serde_json::json!([author, item.date, item.text]);
            writeln!(out, "{post}")?;
        }
        feeds[author].push(item);
    }
    if let Some(mut out) = out {
        out.flush()?;
    }
    Ok(feeds)
}

fn main() -> Result<()> {
    let alone = std::env::args().any(|argument| argument == "alone");
    let folder = tempfile::tempdir()?;
    let mut blocks = Blocks {
        file: tempfile::tempfile()?,
        size: 0,
        places: HashMap::new(),
    };
    let file = folder.path().join("posts");
    let mut records = Vec::new();
    let feeds = posts((!alone).then_some(&file))?;
    for (n, items) in feeds.into_iter().enumerate() {
        records.push(blocks.feed(&format!("author {n}"), items)?);
    }
    let path = folder.path().join("home");
    let (home, _) = make(&path)?;
    let accounts = (0..ACCOUNTS).map(|n| TestKey::named(&format!("author {n}")).address());
    let accounts: Vec<Account> = accounts.collect();
    for account in &accounts {
        let quiet = Wish {
            quiet: true,
            ..Wish::default()
        };
        follow(&home, NOW, *account, quiet)?;
    }
    println!(
        "{ACCOUNTS} feeds of {EACH} posts, {} MB to be fetched",
        blocks.size / 1_000_000
    );
    println!("{TABLE}");
    let mut ours = ours(&home, &path, (&records, &blocks))?;
    for account in &accounts[FOLLOWS..] {
        unfollow(&home, NOW, *account)?;
    }
    ours.home = timeline(&home)?;
    drop((home, records, blocks));
    match alone {
        true => Ok(()),
        false => peers::compare(&file, FOLLOWS, &ours),
    }
}

fn ours(home: &Home, path: &Path, (records, blocks): (&[Vec<u8>], &Blocks)) -> Result<Figures> {
    let before = (size(path)?, memory().0);
    let ((), cost) = Cost::of(|| take_in(home, records, blocks))?;
    let count = (ACCOUNTS * EACH) as u64;
    let speed = cost.per_cpu_second(count);
    let disk = (size(path)? - before.0) as f64 / count as f64;
    let most = memory().1 as f64;
    let say = |what: &str, figure: f64, unit: &str, goal| line(what, figure, unit, goal);
    let per = "posts per CPU-second";
    say("taken in", speed, per, Some(Goal::AtLeast(20_000.0)));
    say("taken in", cost.wall.as_secs_f64(), "s wall", None);
    say(
        "on the disk",
        disk,
        "bytes a post",
        Some(Goal::AtMost(400.0)),
    );
    say(
        "memory, at most",
        most / 1e6,
        "MB",
        Some(Goal::AtMost(100.0)),
    );
    say("of it before", before.1 as f64 / 1e6, "MB", None);
    Ok(Figures {
        speed,
        disk,
        memory: most,
        home: f64::NAN,
    })
}

fn timeline(home: &Home) -> Result<f64> {
    let mut views = Vec::new();
    let mut items = Vec::new();
    for _ in 0..50 {
        let ((shown, _), cost) = Cost::of(|| read::home_timeline(home, None, 50))?;
        ensure!(shown.len() == 50, "{} posts", shown.len());
        views.push(cost.cpu.as_secs_f64() * 1e3);
        let own = home.account()?;
        let (found, cost) = Cost::of(|| home.store().read()?.home_timeline(own, None, 50))?;
        let found: ourspace_store::Timeline = found;
        ensure!(found.hits.len() == 50, "{} posts", found.hits.len());
        items.push(cost.cpu.as_secs_f64() * 1e3);
    }
    let (items, views) = (median(items), median(views));
    let goal = Some(Goal::AtMost(2.0));
    line("the 50 newest", items, "ms CPU", goal);
    line("the 50 newest, as HTML", views, "ms CPU", goal);
    Ok(items / 1e3)
}
