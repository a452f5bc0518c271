//! What it costs to take in the feeds of others, 100,000 posts by 1,000 accounts: verified,
//! checked, indexed and durable; and what the timeline of all of them costs then.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::{
    collections::HashMap,
    fs::File,
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
    follows::{Wish, follow},
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

fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut blocks = Blocks {
        file: tempfile::tempfile()?,
        size: 0,
        places: HashMap::new(),
    };
    let mut posts = Posts::new()?;
    let mut feeds: Vec<Vec<Item>> = vec![Vec::new(); ACCOUNTS];
    for n in 0..ACCOUNTS * EACH {
        feeds[n % ACCOUNTS].push(posts.next_post());
    }
    drop(posts);
    let mut records = Vec::new();
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
    for account in &accounts {
        home.store()
            .write::<_, ourspace_store::StoreError>(|writer| {
                writer.put_follow(&ourspace_store::Follow::new(*account, NOW))
            })?;
    }
    println!(
        "{ACCOUNTS} feeds of {EACH} posts, {} MB to be fetched",
        blocks.size / 1_000_000
    );
    println!("{TABLE}");
    let before = (size(&path)?, memory().0);
    let ((), cost) = Cost::of(|| take_in(&home, &records, &blocks))?;
    let count = (ACCOUNTS * EACH) as u64;
    let goal = Some(Goal::AtLeast(20_000.0));
    line(
        "taken in",
        cost.per_cpu_second(count),
        "posts per CPU-second",
        goal,
    );
    line("taken in", cost.wall.as_secs_f64(), "s wall", None);
    let each = (size(&path)? - before.0) as f64 / count as f64;
    line(
        "on the disk",
        each,
        "bytes a post",
        Some(Goal::AtMost(400.0)),
    );
    let most = memory().1 as f64 / 1e6;
    line("memory, at most", most, "MB", Some(Goal::AtMost(100.0)));
    line("of it before", before.1 as f64 / 1e6, "MB", None);
    timeline(&home)
}

fn timeline(home: &Home) -> Result<()> {
    let mut views = Vec::new();
    let mut items = Vec::new();
    for _ in 0..50 {
        let ((shown, _), cost) = Cost::of(|| read::home_timeline(home, None, 50))?;
        ensure!(shown.len() == 50, "{} posts", shown.len());
        views.push(cost.cpu.as_secs_f64() * 1e3);
        let own = home.account()?;
        let (found, cost) = Cost::of(|| home.store().read()?.home_timeline(own, None, 50))?;
        let found: ourspace_store::Found = found;
        ensure!(found.hits.len() == 50, "{} posts", found.hits.len());
        items.push(cost.cpu.as_secs_f64() * 1e3);
    }
    let goal = Some(Goal::AtMost(2.0));
    line("the 50 newest", median(items), "ms CPU", goal);
    line("the 50 newest, as HTML", median(views), "ms CPU", goal);
    Ok(())
}
