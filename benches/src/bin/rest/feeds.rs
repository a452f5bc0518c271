//! The feeds that the home follows: signed, in two versions each.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use anyhow::Result;
use ourspace_bench::place::Posts;
use ourspace_protocol::{
    account::Account,
    announcement::Announcement,
    dag::{Block, Cid, Codec, Link, update_tree},
    feed::{
        error::Budget, model::Item, read::rendered, set::Changes, state::MemoryState, tree::merge,
    },
    grant::Grant,
    record::{Record, SignedRecord},
    time::Millis,
    verify::{Context, KnownGrants, Verified, verify},
};
use ourspace_testkit::signing::{DAY, TestKey, grant, record, sign_grant, sign_record};

/// One author.
pub(crate) struct Author {
    wallet: TestKey,
    device: TestKey,
    state: MemoryState,
    directories: HashMap<Cid, Vec<u8>>,
    root: Option<Link>,
    last: Option<Verified<SignedRecord>>,
}

/// What publishing gave.
pub(crate) struct Published {
    pub(crate) record: Verified<SignedRecord>,
    /// Bytes of the blocks that a mirror has to fetch.
    pub(crate) new_bytes: u64,
}

/// Whose feed it is that has a number.
pub(crate) fn account(number: usize) -> Account {
    wallet(number).address()
}

fn wallet(number: usize) -> TestKey {
    TestKey::named(&format!("author {number}"))
}

impl Author {
    pub(crate) fn new(number: usize) -> Self {
        Self {
            wallet: wallet(number),
            device: TestKey::named("device"),
            state: MemoryState::new(),
            directories: HashMap::new(),
            root: None,
            last: None,
        }
    }

    /// Adds posts; the new blocks go to `out`.
    pub(crate) fn publish(
        &mut self,
        items: Vec<Item>,
        now: Millis,
        out: &mut BTreeMap<Cid, Vec<u8>>,
    ) -> Result<Published> {
        let account = self.wallet.address();
        let changes = Changes {
            items,
            ..Changes::default()
        };
        let paths = merge(&mut self.state, account, &changes, Budget::OWN)?;
        let mut new = Vec::new();
        for path in paths.keys().filter(|path| path.ends_with(".json")) {
            if let Some(bytes) = rendered(&self.state, account, path)? {
                new.push(Block::new(Codec::Raw, bytes));
            }
        }
        let links = paths.iter().map(|(path, link)| (path.as_str(), *link));
        let links: Vec<_> = links.collect();
        let mut directories = Vec::new();
        let root = update_tree(
            &self.directories,
            self.root.as_ref(),
            &links,
            &mut |block| {
                directories.push(block);
            },
        )?;
        for block in &directories {
            self.directories.insert(block.cid(), block.bytes().to_vec());
        }
        new.extend(directories);
        let record = self.sign(root.cid, now)?;
        self.root = Some(root);
        self.last = Some(record.clone());
        let new_bytes = new.iter().map(|block| block.bytes().len() as u64).sum();
        out.extend(
            new.into_iter()
                .map(|block| (block.cid(), block.into_bytes())),
        );
        Ok(Published { record, new_bytes })
    }

    fn sign(&self, root: Cid, now: Millis) -> Result<Verified<SignedRecord>> {
        let granted = Grant {
            issued_at: now - DAY,
            expires_at: now + 300 * DAY,
            ..grant(&self.wallet, &self.device)
        };
        let draft = Record {
            root,
            timestamp: now,
            parents: self.last.iter().map(Verified::digest).collect(),
            ..record(&self.wallet)
        };
        let granted = sign_grant(granted, &self.wallet);
        let signed = sign_record(draft, Some(granted), &self.device);
        let context = Context {
            now,
            highest_epoch: 0,
        };
        Ok(verify(
            &signed.to_bytes(),
            context,
            &mut KnownGrants::new(),
        )?)
    }
}

/// The next posts of real text, as if written in the minutes before `now`.
pub(crate) fn posts(from: &mut Posts, count: usize, now: Millis) -> Vec<Item> {
    let minutes = (1..=count as u64).rev();
    let next = minutes.map(|ago| Item {
        date: now - ago * 60_000,
        ..from.next_post()
    });
    next.collect()
}

/// A record as news.
pub(crate) fn news(record: Verified<SignedRecord>) -> Result<Arc<Announcement>> {
    Ok(Arc::new(Announcement::of(record, None)?))
}
