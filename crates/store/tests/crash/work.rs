//! What the process does: change number `n` is the same in every run.

use std::{
    io::Write,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use ourspace_protocol::{
    dag::{Cid, FileDag, Link},
    feed::{
        error::Budget,
        model::{Attachment, File, Item, ItemId, Tombstone},
        set::Changes,
        tree::{PathChanges, merge},
    },
    record::{Record, SignedRecord},
    verify::{Context, KnownGrants, Verified, verify},
};
use ourspace_store::{
    Store, StoreError, Writer,
    steps::{Observer, Step},
};
use ourspace_testkit::{
    random::Random,
    signing::{NOW, TestKey, grant, record, sign_grant, sign_record},
};
use rustix::process::{Signal, getpid, kill_process};

/// A post is deleted when so many came after it: an even number, so that it is its author who does it.
pub(crate) const LIFE: u64 = 6;
/// Announcements that wait.
pub(crate) const WAITING: u64 = 5;
/// The last change that was made.
pub(crate) const DONE: &str = "crash.done";

/// Kills the process when it comes to a step for the `time`-th time.
#[derive(Debug)]
struct Killer {
    at: Option<(Step, u32)>,
    times: AtomicU32,
}

impl Observer for Killer {
    fn reached(&self, step: Step) {
        let Some((at, time)) = self.at else { return };
        if at == step && self.times.fetch_add(1, Ordering::SeqCst) + 1 == time {
            kill_process(getpid(), Signal::KILL).unwrap();
            loop {
                std::thread::park();
            }
        }
    }
}

/// Makes changes up to number `changes` and acknowledges each.
pub(crate) fn work(home: &Path, at: Option<(Step, u32)>, changes: u64) {
    let times = AtomicU32::new(0);
    let store = Store::open_observed(home, Arc::new(Killer { at, times })).unwrap();
    let done: Option<u64> = store.read().unwrap().setting(DONE).unwrap();
    for n in done.unwrap_or(0) + 1..=changes {
        if n % 7 == 3 {
            // Somebody changes his mind.
            let mut stage = store.stage().unwrap();
            stage.add(&mut bytes(n + 1_000_000).as_slice()).unwrap();
            stage.add(&mut large(n).as_slice()).unwrap();
        }
        change(&store, n);
        let mut out = std::io::stdout().lock();
        writeln!(out, "made {n}").unwrap();
        out.flush().unwrap();
    }
}

/// Two people post in turn, both the same file.
pub(crate) fn author(n: u64) -> TestKey {
    TestKey::named(if n.is_multiple_of(2) { "alice" } else { "bob" })
}

pub(crate) fn id(n: u64) -> ItemId {
    ItemId::of_import(&n.to_string())
}

/// The file of post `n`: one in eleven pairs has a large one.
pub(crate) fn bytes(n: u64) -> Vec<u8> {
    let pair = n / 2;
    if pair % 11 == 1 {
        return large(pair);
    }
    random(pair, 500 + usize::try_from(pair % 7).unwrap() * 3000)
}

fn large(seed: u64) -> Vec<u8> {
    random(seed, (1 << 20) + 77)
}

/// Quickly made, also without optimisation.
fn random(seed: u64, length: usize) -> Vec<u8> {
    let mut random = Random::new(seed);
    let words = std::iter::repeat_with(|| random.number().to_le_bytes());
    let pattern: Vec<u8> = words.flatten().take(1000).collect();
    let mut bytes = pattern.repeat(length.div_ceil(1000));
    bytes.truncate(length);
    bytes
}

fn change(store: &Store, n: u64) {
    let mut stage = store.stage().unwrap();
    let dag = stage.add(&mut bytes(n).as_slice()).unwrap();
    let oldest = store.read().unwrap().outbox(1).unwrap();
    let make = |w: &Writer<'_>| {
        w.keep(stage)?;
        let root = publish(w, n, dag)?;
        let record = signed(n, root.cid);
        w.put_record(&record)?;
        w.put_outgoing(&record, Some(&n.to_le_bytes()))?;
        if let Some(oldest) = oldest.first().filter(|_| n > WAITING) {
            w.announced(oldest.number)?;
        }
        w.put_setting(DONE, &n)
    };
    store.write(make).unwrap();
}

fn publish(w: &Writer<'_>, n: u64, dag: FileDag) -> Result<Link, StoreError> {
    let us = author(n).address();
    let mut changes = Changes::default();
    changes.items.push(item(n, dag));
    if n % 4 == 1 && n > 2 {
        // The post before is edited; its file stays.
        let mut edited = w.feed(us)?.versions_of(id(n - 2)).remove(0);
        edited.edits += 1;
        edited.written = Some(edited.date + 5);
        edited.text.push_str(", edited");
        changes.items.push(edited);
    }
    if n > LIFE {
        changes.tombstones.push(Tombstone {
            date: date(n),
            id: id(n - LIFE),
        });
    }
    let paths = merge(&mut w.feed(us)?, us, &changes, Budget::OWN).unwrap();
    for cid in left(&paths) {
        w.release(cid)?;
    }
    w.update_tree(us, &paths)
}

/// The kept files that leave the tree.
fn left(paths: &PathChanges) -> Vec<Cid> {
    let gone = paths.iter().filter(|(_, link)| link.is_none());
    let names = gone.filter_map(|(path, _)| path.strip_prefix("media/2023/11/"));
    names
        .map(|name| name.split_once('.').unwrap().0.parse().unwrap())
        .collect()
}

fn date(n: u64) -> u64 {
    1_700_000_000_000 + n * 60_000
}

fn item(n: u64, dag: FileDag) -> Item {
    let mut item = Item::new(id(n), date(n), format!("post {n}"));
    let file = File {
        path: format!("media/2023/11/{}.webp", dag.cid),
        size: dag.size,
        mime: "image/webp".to_owned(),
        pixels: None,
    };
    item.attachments.push(Attachment::new(file, "a picture"));
    item
}

fn signed(n: u64, root: Cid) -> Verified<SignedRecord> {
    let (wallet, device) = (author(n), TestKey::named("device"));
    let draft = Record {
        timestamp: NOW - 1_000_000 + n,
        root,
        ..record(&wallet)
    };
    let granted = sign_grant(grant(&wallet, &device), &wallet);
    let signed = sign_record(draft, Some(granted), &device);
    let context = Context {
        now: NOW,
        highest_epoch: 0,
    };
    verify(&signed.to_bytes(), context, &mut KnownGrants::new()).unwrap()
}

/// All versions of an item.
trait Versions {
    fn versions_of(&self, id: ItemId) -> Vec<Item>;
}

impl<T: ourspace_protocol::feed::state::FeedState> Versions for T {
    fn versions_of(&self, id: ItemId) -> Vec<Item> {
        self.versions(id).unwrap()
    }
}
