//! Feeds that their authors signed to do harm: each ends with a clear error, and the store
//! goes on.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod filled;
mod peer;
mod place;

use std::collections::HashMap;

use filled::{filled, id, item};
use ourspace_node::{
    follows::{Wish, follow},
    mirror::{Applied, Fetched, MirrorError, apply, take, wanted},
    read,
};
use ourspace_protocol::{
    account::Account,
    dag::{
        Block, Cid, Codec, Link, empty_directory,
        pb::{PbLink, PbNode},
        tsize_of, update_tree,
    },
    delta::Delta,
    feed::{model::Tombstone, set::Changes, tree::link_of},
    hash::sha256,
    record::{Record, SignedRecord},
    verify::{Context, KnownGrants, Verified, verify},
};
use ourspace_testkit::{
    random::Random,
    signing::{NOW, TestKey, record, sign_record},
};
use peer::{Line, all_blocks, fetch_one, root, served};
use place::Place;

/// The key of the account whose feed [`filled`] makes.
fn wallet() -> TestKey {
    TestKey::named("compose")
}

/// A record that the author signs with the wallet itself, the `n`-th one.
fn signed(n: u64, root: Cid, delta: &[u8]) -> Verified<SignedRecord> {
    let draft = Record {
        timestamp: NOW + 1_000 + n,
        root,
        delta: if delta.is_empty() {
            [0; 32]
        } else {
            sha256(delta)
        },
        ..record(&wallet())
    };
    let context = Context {
        now: NOW + 1_000_000,
        highest_epoch: 0,
    };
    let bytes = sign_record(draft, None, &wallet()).to_bytes();
    verify(&bytes, context, &mut KnownGrants::new()).unwrap()
}

fn follower(of: Account) -> Place {
    let place = Place::of("follower");
    follow(&place.home, NOW, of, Wish::default()).unwrap();
    place
}

/// A feed's blocks, to be spoilt.
struct Spoilt {
    blocks: HashMap<Cid, Vec<u8>>,
    root: Link,
}

impl Spoilt {
    fn of(author: &Place) -> Self {
        let root = author.home.store().read().unwrap().root(author.account());
        let root = root.unwrap().unwrap();
        Self {
            blocks: all_blocks(&served(&author.home), root.cid),
            root,
        }
    }

    /// Puts other bytes at a path, or nothing.
    fn put(&mut self, path: &str, bytes: Option<&[u8]>) {
        let link = bytes.map(|bytes| {
            struct Keep<'k>(&'k mut HashMap<Cid, Vec<u8>>);
            impl ourspace_protocol::dag::BlockSink for Keep<'_> {
                type Error = std::convert::Infallible;
                fn leaf(
                    &mut self,
                    leaf: ourspace_protocol::dag::Leaf<'_>,
                ) -> Result<(), Self::Error> {
                    self.0.insert(leaf.cid, leaf.bytes.to_vec());
                    Ok(())
                }
                fn node(&mut self, block: Block) -> Result<(), Self::Error> {
                    self.0.insert(block.cid(), block.into_bytes());
                    Ok(())
                }
            }
            let mut builder = ourspace_protocol::dag::FileBuilder::new();
            let mut keep = Keep(&mut self.blocks);
            let Ok(()) = builder.push(bytes, &mut keep);
            let Ok(_) = builder.finish(&mut keep);
            link_of(bytes)
        });
        self.link(path, link);
    }

    fn link(&mut self, path: &str, link: Option<Link>) {
        let mut news = Vec::new();
        let root = update_tree(
            &self.blocks,
            Some(&self.root),
            &[(path, link)],
            &mut |block| {
                news.push(block);
            },
        );
        self.root = root.unwrap();
        for block in news {
            self.blocks.insert(block.cid(), block.into_bytes());
        }
    }

    fn read(&self, path: &str) -> Vec<u8> {
        let link = ourspace_protocol::dag::entries::lookup(&self.blocks, self.root, path);
        let link = link.unwrap().unwrap();
        ourspace_protocol::dag::read::read_file(&self.blocks, link.cid, 1 << 25).unwrap()
    }

    /// What a follower makes of it.
    fn fetched(&self, reader: &Place, n: u64) -> Result<Fetched, MirrorError> {
        let record = signed(n, self.root.cid, &[]);
        take(&reader.home, std::slice::from_ref(&record)).unwrap();
        fetch_one(&reader.home, &record, &mut Line::new(&self.blocks))
    }
}

/// The only page of the archive.
fn archived(spoilt: &Spoilt) -> String {
    let mut names = Vec::new();
    let link = ourspace_protocol::dag::entries::lookup(&spoilt.blocks, spoilt.root, "archive");
    ourspace_protocol::dag::entries::list(
        &spoilt.blocks,
        link.unwrap().unwrap().cid,
        &mut |name, _| {
            names.push(name.to_owned());
            std::ops::ControlFlow::Continue(())
        },
    )
    .unwrap();
    names.sort();
    let page = names.iter().find(|name| name.ends_with(".json")).unwrap();
    format!("archive/{page}")
}

/// A way to spoil a feed, and a part of what is said of it.
type Wrong = (&'static str, fn(&mut Spoilt));

const WRONG: &[Wrong] = &[
    ("missing", |feed| feed.put("feed.json", None)),
    ("missing", |feed| feed.put("profile.json", None)),
    ("not a file of a feed", |feed| {
        feed.put("feed.json", Some(b"{}"))
    }),
    ("missing or too large", |feed| {
        feed.put("follows.json", Some(&vec![b' '; 33 << 20]));
    }),
    ("another account", |feed| {
        let other = TestKey::named("bob").address().to_string();
        let text = String::from_utf8(feed.read("profile.json")).unwrap();
        let text = text.replace(&wallet().address().to_string(), &other);
        feed.put("profile.json", Some(text.as_bytes()));
    }),
    ("after", |feed| {
        let page = archived(feed);
        let text = String::from_utf8(feed.read(&page)).unwrap();
        let text = text.replacen("\"date_published\":\"2025", "\"date_published\":\"2095", 1);
        feed.put(&page, Some(text.as_bytes()));
    }),
    ("renderer 9", |feed| {
        let text = String::from_utf8(feed.read("feed.json")).unwrap();
        let text = text.replace("\"renderer\":1", "\"renderer\":9");
        feed.put("feed.json", Some(text.as_bytes()));
    }),
    ("too many files at the top", |feed| {
        for n in 0..80 {
            feed.put(&format!("file{n}"), Some(b"x"));
        }
    }),
    ("posts that no page names", |feed| {
        let link = link_of(b"x");
        for n in 5_000..5_100 {
            feed.link(&format!("posts/{}/index.html", id(n)), Some(link));
        }
    }),
    // A directory that is a file, and a file that is a directory.
    ("archive", |feed| {
        feed.link("archive", None);
        feed.put("archive", Some(b"no directory"));
    }),
    ("feed.json", |feed| {
        let empty = empty_directory();
        let link = Link {
            cid: empty.cid(),
            tsize: 4,
        };
        feed.blocks.insert(empty.cid(), empty.into_bytes());
        feed.link("feed.json", None);
        feed.link("feed.json", Some(link));
    }),
    // Shards in shards: deeper than a hash is long.
    ("", |feed| {
        let mut below = (link_of(b"x").cid, "00name");
        for _ in 0..20 {
            let data = [8, 5, 18, 1, 1, 40, 34, 48, 128, 2];
            let links = vec![PbLink {
                cid: below.0,
                name: below.1,
                tsize: 1,
            }];
            let bytes = PbNode { links, data: &data }.encode();
            let block = Block::new(Codec::DagPb, bytes);
            below = (block.cid(), "00");
            feed.blocks.insert(block.cid(), block.into_bytes());
        }
        let link = Link {
            cid: below.0,
            tsize: 1_000,
        };
        feed.link("archive", None);
        feed.link("archive", Some(link));
    }),
    // More than is mirrored, if its word is taken.
    ("larger than is mirrored", |feed| {
        let link = Link {
            cid: Cid::of(Codec::DagPb, b"endless"),
            tsize: tsize_of(1 << 40),
        };
        let page = archived(feed);
        feed.link(&page, Some(link));
    }),
];

#[test]
fn what_is_no_feed_is_refused_once() {
    let author = filled();
    let account = author.account();
    for (n, (says, spoil)) in (0..).zip(WRONG) {
        let reader = follower(account);
        let mut feed = Spoilt::of(&author);
        spoil(&mut feed);
        let fetched = feed.fetched(&reader, n);
        let Err(error) = fetched else {
            panic!("{says}: {fetched:?}");
        };
        assert!(error.is_the_authors(), "{says}: {error}");
        assert!(error.to_string().contains(says), "{says}: {error}");
        // It is not asked for again, and nothing of it is the feed's tree.
        assert!(wanted(&reader.home, account).unwrap().is_empty(), "{says}");
        let again = feed.fetched(&reader, n);
        assert!(again.is_err_and(|error| error.is_the_authors()), "{says}");
        assert_eq!(root(&reader.home, account), None);
        // The next version that is a feed is taken.
        let whole = Spoilt::of(&author);
        assert!(
            matches!(whole.fetched(&reader, 1_000).unwrap(), Fetched::Whole(_)),
            "{says}"
        );
        assert_eq!(root(&reader.home, account), Some(whole.root.cid));
        assert_eq!(
            read::home_timeline(&reader.home, None, 500)
                .unwrap()
                .0
                .len(),
            78
        );
    }
}

#[test]
fn spoilt_files_and_directories_never_panic() {
    let author = filled();
    let reader = follower(author.account());
    let mut random = Random::new(7);
    let whole = Spoilt::of(&author);
    let page = archived(&whole);
    let paths = ["feed.json", "profile.json", "follows.json", page.as_str()];
    let (mut refused, mut taken) = (0, 0);
    for n in 0..400 {
        let mut feed = Spoilt {
            blocks: whole.blocks.clone(),
            root: whole.root,
        };
        if random.once_in(3) {
            // A directory, and all above it named anew: only the top has nothing above.
            let mut bytes = feed.blocks[&feed.root.cid].clone();
            random.mutate(&mut bytes);
            let block = Block::new(Codec::DagPb, bytes);
            feed.root.cid = block.cid();
            feed.blocks.insert(block.cid(), block.into_bytes());
        } else {
            let path = *random.pick(&paths).unwrap();
            let mut bytes = feed.read(path);
            for _ in 0..=random.below(3) {
                random.mutate(&mut bytes);
            }
            feed.put(path, Some(&bytes));
        }
        match feed.fetched(&reader, n) {
            Ok(_) => taken += 1,
            Err(error) => {
                let blames = error.is_the_authors() || matches!(error, MirrorError::Missing(_));
                assert!(blames, "{error}");
                refused += 1;
            }
        }
    }
    assert!(refused > 100, "{refused} refused, {taken} taken");
    let reader = reader.home.store().read().unwrap();
    assert_eq!(reader.integrity().unwrap(), [""; 0]);
}

#[test]
fn spoilt_deltas_never_panic() {
    let author = filled();
    let account = author.account();
    let reader = follower(account);
    let whole = Spoilt::of(&author);
    whole.fetched(&reader, 0).unwrap();
    let base = root(&reader.home, account);
    let mut post = item(90);
    post.date = NOW;
    let delta = Delta {
        base,
        changes: Changes {
            items: vec![post],
            tombstones: vec![Tombstone {
                date: NOW,
                id: id(4),
            }],
            ..Changes::default()
        },
    };
    let delta = delta.to_bytes().unwrap();
    let mut random = Random::new(3);
    let mut early = 0;
    for n in 1..=10_000 {
        let mut bytes = delta.clone();
        for _ in 0..=random.below(3) {
            random.mutate(&mut bytes);
        }
        // Of those that are no delta, some are enough.
        if Delta::from_bytes(&bytes, &sha256(&bytes)).is_err() && n % 10 > 0 {
            continue;
        }
        // Signed all the same: only the author can do that.
        let record = signed(n, whole.root.cid, &bytes);
        match apply(&reader.home, &record, &bytes) {
            Ok(Applied::Fetch { early: some }) => early += some.len(),
            Ok(Applied::Nothing(_) | Applied::Whole { .. }) => {}
            Err(MirrorError::NotTheDelta) => assert!(bytes.is_empty() || bytes.len() > 16_384),
            Err(error) => panic!("{error}"),
        }
    }
    assert!(early > 0, "no mutant was a delta");
    // Somebody else's bytes are nobody's delta.
    let record = signed(20_000, whole.root.cid, &delta);
    let given = apply(&reader.home, &record, b"something else");
    assert!(matches!(given, Err(MirrorError::NotTheDelta)));
    // The whole tree takes all of that away again.
    let record = signed(30_000, whole.root.cid, &[]);
    take(&reader.home, std::slice::from_ref(&record)).unwrap();
    assert_eq!(root(&reader.home, account), base);
}

#[test]
fn what_a_revoked_device_has_published_leaves_the_feed() {
    let author = filled();
    let account = author.account();
    let reader = follower(account);
    let kept = Spoilt::of(&author);
    let mut stolen = item(400);
    stolen.date = NOW;
    let changes = Changes {
        items: vec![stolen],
        ..Changes::default()
    };
    filled::publish(&author, NOW + 500, changes, &[]);
    Spoilt::of(&author).fetched(&reader, 0).unwrap();
    let posts = || {
        read::home_timeline(&reader.home, None, 500)
            .unwrap()
            .0
            .len()
    };
    assert_eq!(posts(), 79);
    // The owner keeps all up to the version before.
    let draft = Record {
        epoch: 1,
        timestamp: NOW + 2_000,
        root: kept.root.cid,
        ..record(&wallet())
    };
    let context = Context {
        now: NOW + 1_000_000,
        highest_epoch: 0,
    };
    let bytes = sign_record(draft, None, &wallet()).to_bytes();
    let revocation = verify(&bytes, context, &mut KnownGrants::new()).unwrap();
    take(&reader.home, std::slice::from_ref(&revocation)).unwrap();
    assert_eq!(posts(), 0, "nothing of the other version is left");
    let heads = wanted(&reader.home, account).unwrap();
    assert_eq!(heads.len(), 1);
    fetch_one(&reader.home, &heads[0], &mut Line::new(&kept.blocks)).unwrap();
    assert_eq!(root(&reader.home, account), Some(kept.root.cid));
    assert_eq!(posts(), 78);
}
