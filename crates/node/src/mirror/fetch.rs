//! Fetching what is new of a feed's tree.
//!
//! The newest items come first and are taken at once; then older pages, then what was
//! deleted, liked and followed, and at last the directories, with which the tree is whole.
//! The pages of single posts, RSS and HTML are not fetched at all: they follow from the
//! items, and their CIDs stand in the directories that the author signed.

mod reading;
mod walking;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    mem,
};

use ourspace_protocol::{
    account::Account,
    dag::{Cid, Link},
    record::SignedRecord,
    seams::Session,
    verify::Verified,
};
use ourspace_store::{Branch, TreeState};

use super::{
    batch::{Batch, commit},
    error::MirrorError,
    pool::Pool,
    take::is_here,
};
use crate::{
    home::Home,
    sources::{ARCHIVE, FOLLOWS, LIVE, PROFILE, REACTIONS, TOMBSTONES},
};

/// Bytes of sources in one batch: what is held in memory and taken at once.
const BATCH_BYTES: u64 = 2 << 20;
/// Source files in one batch.
const BATCH_FILES: usize = 32;
/// Bytes of sources that are fetched of one tree: a million long posts.
const SOURCE_BYTES: u64 = 2 << 30;
/// Names at the top of a tree.
const TOP_NAMES: usize = 64;

/// How far a fetch has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Versions of items that were taken.
    pub items: u64,
    /// Source files that were read.
    pub files: u64,
    /// Source files that are still to be read.
    pub waiting: u64,
    /// Blocks that were fetched.
    pub blocks: u64,
    /// Bytes of them.
    pub bytes: u64,
}

/// What a fetch has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The tree is here but for its media.
    Whole(Progress),
    /// It was here before.
    Here,
}

/// Fetches what is new of the tree that a head of a followed account names, and takes it as
/// it comes. Where this is stopped, by an error or a crash, the next fetch goes on.
///
/// # Errors
/// [`MirrorError`]; what was taken stays. A tree that is no feed is not fetched again.
pub async fn fetch(
    home: &Home,
    record: &Verified<SignedRecord>,
    session: &mut dyn Session,
    watch: &mut (dyn FnMut(Progress) + Send),
) -> Result<Fetched, MirrorError> {
    let Some(mut fetcher) = Fetcher::begin(home, record)? else {
        return Ok(Fetched::Here);
    };
    loop {
        let next = fetcher.next(session).await;
        if next.is_err() {
            fetcher.rescue()?;
        }
        let batches: Vec<Batch> = fetcher.judged(next)?.into_iter().collect();
        if batches.is_empty() {
            return Ok(Fetched::Whole(fetcher.progress()));
        }
        let committed = commit(home, batches);
        fetcher.judged(committed)?;
        fetcher.committed();
        watch(fetcher.progress());
    }
}

/// A fetch under way, for whoever takes what several of them bring in one
/// [change](commit).
#[derive(Debug)]
pub struct Fetcher<'h> {
    pool: Pool<'h>,
    record: Verified<SignedRecord>,
    /// The tree that is here.
    old: Option<Link>,
    /// Source files that are in the feed already.
    taken: HashSet<[u8; 32]>,
    /// Files that are still to be read; none before the top of the tree was.
    plan: Option<VecDeque<Job>>,
    /// Directories that are still to be looked at; none before that begins.
    branches: Option<Vec<Branch>>,
    /// What is next to be taken.
    batch: Batch,
    done: bool,
    spent: Spent,
}

/// A source file.
#[derive(Clone, Debug)]
struct Job {
    path: String,
    link: Link,
}

#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    progress: Progress,
    sources: u64,
    nodes: u64,
}

impl<'h> Fetcher<'h> {
    /// Begins, or goes on; `None` when the tree is here.
    ///
    /// # Errors
    /// [`MirrorError::NotFollowed`], [`MirrorError::DeniedAccount`], of the store; refused
    /// before: [`MirrorError::Refused`].
    pub fn begin(
        home: &'h Home,
        record: &Verified<SignedRecord>,
    ) -> Result<Option<Self>, MirrorError> {
        let account = record.record().account;
        let own = home.account()?;
        let reader = home.store().read()?;
        if reader.denies_account(account)? {
            return Err(MirrorError::DeniedAccount(account));
        }
        if account != own && reader.follow(account)?.is_none() {
            return Err(MirrorError::NotFollowed(account));
        }
        let (trees, root) = (reader.trees(account)?, record.record().root);
        let old = reader.root(account)?;
        let known = old.is_some_and(|old| old.cid == root);
        if known && account == own || is_here(&trees, root) {
            return Ok(None);
        }
        if trees.iter().any(|tree| tree.root.cid == root) {
            return Err(MirrorError::refused(".", "it was refused before"));
        }
        Ok(Some(Self {
            pool: Pool::new(home, account),
            old,
            taken: reader.taken(account)?,
            plan: None,
            branches: None,
            batch: Batch::new(record.clone()),
            done: false,
            spent: Spent::default(),
            record: record.clone(),
        }))
    }

    /// How far it has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.spent.progress
    }

    /// Passes a result on; a tree that is found to be no feed is noted as refused.
    ///
    /// # Errors
    /// The result's.
    pub fn judged<T>(&self, result: Result<T, MirrorError>) -> Result<T, MirrorError> {
        if let Err(error) = &result
            && error.is_the_authors()
        {
            let root = Link {
                cid: self.record.record().root,
                tsize: 0,
            };
            let note =
                self.pool.home().store().write(|writer| {
                    writer.put_tree_state(self.account(), root, TreeState::Refused)
                });
            note?;
        }
        result
    }

    /// Keeps the directories that were fetched for a batch that came to no end.
    ///
    /// # Errors
    /// [`MirrorError::Store`].
    pub fn rescue(&mut self) -> Result<(), MirrorError> {
        let (home, account) = (self.pool.home(), self.account());
        let nodes = mem::take(&mut self.batch.nodes);
        self.pool.refresh();
        home.store().write(|writer| {
            // Who was unfollowed meanwhile leaves nothing.
            match home.account()? == account || writer.follow(account)?.is_some() {
                true => Ok(writer.put_fetched(account, &nodes, &[])?),
                false => Ok(()),
            }
        })
    }

    /// What the last [`next`](Self::next) gave is taken.
    pub fn committed(&mut self) {
        self.pool.clear();
    }

    fn account(&self) -> Account {
        self.record.record().account
    }

    fn root(&self) -> Cid {
        self.record.record().root
    }

    /// The next batch, which is to be [committed](commit) before the one after it is asked
    /// for; `None` after the last.
    ///
    /// # Errors
    /// [`MirrorError`].
    pub async fn next(&mut self, session: &mut dyn Session) -> Result<Option<Batch>, MirrorError> {
        if self.done {
            return Ok(None);
        }
        if self.plan.is_none() {
            self.begin_tree(session).await?;
        }
        let jobs = self.next_jobs();
        if !jobs.is_empty() {
            self.sources(session, jobs).await?;
            if self.plan.as_ref().is_some_and(|plan| !plan.is_empty()) {
                return Ok(Some(self.take_batch()));
            }
        }
        if self.directories(session).await? {
            self.check_names()?;
            self.batch.whole = Some(self.tree()?);
            self.done = true;
        }
        Ok(Some(self.take_batch()))
    }

    fn take_batch(&mut self) -> Batch {
        self.pool.refresh();
        let batch = mem::replace(&mut self.batch, Batch::new(self.record.clone()));
        let progress = &mut self.spent.progress;
        progress.items += batch.items() as u64;
        progress.files += batch.files.len() as u64;
        progress.waiting = self.plan.as_ref().map_or(0, VecDeque::len) as u64;
        batch
    }

    /// Reads the top of the tree and the lists of pages, and plans what is to be read.
    async fn begin_tree(&mut self, session: &mut dyn Session) -> Result<(), MirrorError> {
        let root = self.root();
        self.bring_nodes(session, &[root]).await?;
        let top = self.names(".", Some(root))?;
        if top.len() > TOP_NAMES {
            return Err(MirrorError::refused(
                ".",
                "there are too many files at the top",
            ));
        }
        let before = match self.old {
            Some(old) => self.names(".", Some(old.cid))?,
            None => HashMap::new(),
        };
        let mut plan = VecDeque::new();
        for name in [LIVE, PROFILE] {
            self.plan_file(&mut plan, (name, top.get(name)), before.get(name))?;
        }
        for (folder, newest_first) in [(TOMBSTONES, false), (ARCHIVE, true), (REACTIONS, true)] {
            let (new, old) = (top.get(folder), before.get(folder));
            if new.map(|new| new.cid) == old.map(|old| old.cid) {
                continue;
            }
            if let Some(new) = new {
                self.bring_folder(session, new.cid).await?;
            }
            let there = self.names(folder, new.map(|new| new.cid))?;
            let here = self.names(folder, old.map(|old| old.cid))?;
            let mut jobs: Vec<(String, Link)> = there
                .into_iter()
                .filter(|(name, link)| {
                    let same = here.get(name).is_some_and(|old| old.cid == link.cid);
                    name.ends_with(".json") && !same
                })
                .map(|(name, link)| (format!("{folder}/{name}"), link))
                .collect();
            jobs.sort_unstable_by(|a, b| a.0.cmp(&b.0));
            if newest_first {
                jobs.reverse();
            }
            for (path, link) in jobs {
                self.plan_file(&mut plan, (&path, Some(&link)), None)?;
            }
        }
        self.plan_file(&mut plan, (FOLLOWS, top.get(FOLLOWS)), before.get(FOLLOWS))?;
        self.spent.progress.waiting = plan.len() as u64;
        self.plan = Some(plan);
        Ok(())
    }

    fn plan_file(
        &mut self,
        plan: &mut VecDeque<Job>,
        (path, new): (&str, Option<&Link>),
        old: Option<&Link>,
    ) -> Result<(), MirrorError> {
        let Some(link) = new else {
            return Err(MirrorError::refused(path, "it is missing"));
        };
        if old.is_some_and(|old| old.cid == link.cid) || self.taken.contains(link.cid.digest()) {
            return Ok(());
        }
        self.spent.sources = self.spent.sources.saturating_add(link.tsize);
        if self.spent.sources > SOURCE_BYTES {
            return Err(MirrorError::refused(
                path,
                "the feed is larger than is mirrored",
            ));
        }
        plan.push_back(Job {
            path: path.to_owned(),
            link: *link,
        });
        Ok(())
    }

    /// The files that are read next: the newest posts alone where much is to come, so that
    /// they are shown at once.
    fn next_jobs(&mut self) -> Vec<Job> {
        let first = self.spent.progress.files == 0;
        let Some(plan) = &mut self.plan else {
            return Vec::new();
        };
        let most = match first && plan.len() > 8 {
            true => 2,
            false => BATCH_FILES,
        };
        let mut jobs = Vec::new();
        let mut bytes = 0;
        while jobs.len() < most && bytes < BATCH_BYTES {
            let Some(job) = plan.pop_front() else { break };
            bytes += job.link.tsize;
            jobs.push(job);
        }
        jobs
    }
}
