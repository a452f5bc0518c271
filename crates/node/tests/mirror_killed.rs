//! A process that mirrors is killed at any instant: what it had taken is there, and the next
//! one goes on.
//!
//! The test starts itself again as that process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod filled;
mod peer;
mod place;

use std::{
    env,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use filled::{change, date, filled, item};
use futures::executor::block_on;
use ourspace_node::{
    Home,
    follows::{Wish, follow},
    mirror::{Quotas, fetch, index_pages, media, wanted},
    publish::publish,
};
use ourspace_protocol::{
    account::Account,
    feed::{model::Item, set::Changes},
};
use ourspace_store::StoreError;
use ourspace_testkit::{random::Random, signing::NOW};
use peer::{Line, all_blocks, root, served, tell};
use place::Place;

/// The homes of the process to be killed: whom it follows, and its own.
const AUTHOR: &str = "OURSPACE_MIRROR_AUTHOR";
const OWN: &str = "OURSPACE_MIRROR_OWN";

/// Does the work if this is the process to be killed: says how many posts it has, then
/// mirrors to the end.
fn is_the_worker() -> bool {
    let (Some(author), Some(own)) = (env::var_os(AUTHOR), env::var_os(OWN)) else {
        return false;
    };
    let author = Home::open_reader(Path::new(&author)).unwrap();
    let account = author.account().unwrap();
    let source = served(&author);
    let home = Home::open(Path::new(&own)).unwrap();
    let mut line = Line::new(&source);
    say(&home, account);
    for record in wanted(&home, account).unwrap() {
        let mut watch = |_| say(&home, account);
        block_on(fetch(&home, &record, &mut line, &mut watch)).unwrap();
    }
    let mut watch = |_| {};
    let work = media(&home, account, Quotas::default(), &mut line, &mut watch);
    block_on(work).unwrap();
    while index_pages(&home, 100).unwrap() {}
    say(&home, account);
    let mut out = std::io::stdout().lock();
    writeln!(out, "done").unwrap();
    true
}

fn say(home: &Home, account: Account) {
    let posts = home.store().read().unwrap().counts(account).unwrap().posts;
    let mut out = std::io::stdout().lock();
    writeln!(out, "has {posts}").unwrap();
    out.flush().unwrap();
}

/// The last number of posts that was said, and whether the end was reached.
fn said(text: &str) -> (u64, bool) {
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let mut numbers = whole.lines().filter_map(|line| line.strip_prefix("has "));
    let last = numbers
        .next_back()
        .map_or(0, |number| number.parse().unwrap());
    (last, whole.lines().any(|line| line == "done"))
}

/// Starts the process and kills it some moments after it said that it has more than so many
/// posts, or after its first word; gives what it said.
///
/// Its words are the clock: how fast the machine is must not decide whether it is killed at work.
fn killed(author: &Path, own: &Path, more: Option<u64>, random: &mut Random) -> String {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["killed_while_mirroring", "--exact", "--nocapture"])
        .env(AUTHOR, author)
        .env(OWN, own)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    let heard = |text: &str| match more {
        Some(more) => said(text) > (more, false),
        None => text.contains("has "),
    };
    while !heard(&text) && out.read_line(&mut text).unwrap() != 0 {}
    std::thread::sleep(Duration::from_micros(random.number() % 5_000));
    child.kill().unwrap();
    out.read_to_string(&mut text).unwrap();
    child.wait().unwrap();
    text
}

#[test]
fn killed_while_mirroring() {
    if is_the_worker() {
        return;
    }
    let author = filled();
    let many = Changes {
        items: (1_000..1_700)
            .map(|n| Item {
                date: date(n % 300) + u64::from(n),
                ..item(n)
            })
            .collect(),
        ..Changes::default()
    };
    publish(&author.home, NOW + 15, |_| Ok(many)).unwrap();
    change(&author);
    let account = author.account();
    let mut random = Random::new(u64::from(std::process::id()));
    println!("seed {}", std::process::id());
    let mut at_work = 0;
    while at_work < 5 {
        let reader = Place::of("follower");
        follow(&reader.home, NOW, account, Wish::default()).unwrap();
        tell(&author.home, &reader.home, account);
        let Place { folder, home } = reader;
        drop(home);
        let path = folder.path().join("home");
        let (mut taken, mut kills) = (0, 0);
        loop {
            let more = (kills % 2 == 0).then(|| taken + random.number() % 100);
            let text = killed(author.home.path(), &path, more, &mut random);
            let (posts, done) = said(&text);
            let home = Home::open(&path).unwrap();
            let now = check(&home, account);
            assert!(
                now >= posts && now >= taken,
                "{posts} were taken, {now} are here"
            );
            at_work += u32::from(now > taken);
            taken = now;
            kills += 1;
            if done {
                let signed = root(&author.home, account).unwrap();
                assert_eq!(root(&home, account), Some(signed));
                let all = all_blocks(&served(&author.home), signed);
                assert_eq!(all_blocks(&served(&home), signed), all);
                println!("{kills} kills");
                break;
            }
        }
    }
}

/// The home holds together; gives how many posts of an account it has.
fn check(home: &Home, account: Account) -> u64 {
    let reader = home.store().read().unwrap();
    assert_eq!(reader.integrity().unwrap(), [""; 0]);
    let files = reader.files::<StoreError>(|cid, size| {
        let mut file = reader.file(cid)?.unwrap();
        let read = std::io::copy(&mut file, &mut std::io::sink()).unwrap();
        assert_eq!(read, size);
        Ok(())
    });
    files.unwrap();
    reader.counts(account).unwrap().posts
}
