//! The media of a feed: the newest first, as much as the quotas allow.

use std::{collections::HashSet, sync::Arc};

use ourspace_protocol::{
    account::Account,
    dag::{Block, Cid, Codec, file::tsize_of},
    feed::{
        check::forms::media_cid,
        model::{File, ItemKey},
        state::FeedState as _,
    },
    limits,
    seams::{Session, Want},
    time::Millis,
};
use ourspace_store::{Reader, Stage, StoreError, TreeState};

use super::{
    error::MirrorError,
    pool::{ask, parts},
    purge::{drop_oldest, evict, make_room},
};
use crate::home::Home;

/// Posts that are looked at together.
const POSTS: usize = 200;
/// Bytes that are kept in one change.
const BATCH_BYTES: u64 = 16 << 20;
/// Pieces of a large file that are asked for at once.
const PIECES: usize = 16;

/// How much may be kept of the feeds of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Bytes of media of one account, where its follow says nothing else.
    pub account: u64,
    /// Bytes of kept files in all, the own ones included.
    pub total: u64,
}

/// The setting that holds the quota in all, where a person has chosen one.
const TOTAL: &str = "node.quota_total";

impl Quotas {
    /// Those of a home: as they are by default, but for what its person has chosen.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn of(home: &Home) -> Result<Self, StoreError> {
        let usual = Self::default();
        let total = home.store().read()?.setting(TOTAL)?;
        Ok(Self {
            total: total.unwrap_or(usual.total),
            ..usual
        })
    }
}

/// Keeps at most so many bytes of files in all from now on, the own ones included; what is over
/// that is dropped at once, as by [`evict`].
///
/// # Errors
/// [`MirrorError`].
pub fn limit(home: &Home, total: u64) -> Result<(), MirrorError> {
    home.store().write(|writer| {
        writer.put_setting(TOTAL, &total)?;
        writer.reopen_trees()
    })?;
    // How many others mirror an account is not known here: all count the same.
    evict(home, total, &|_| 0)?;
    Ok(())
}

impl Default for Quotas {
    /// A gibibyte of each, twenty in all.
    fn default() -> Self {
        Self {
            account: 1 << 30,
            total: 20 << 30,
        }
    }
}

/// What became of the media of a feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MediaDone {
    /// Files that were fetched.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Files that nobody had who was asked: to be asked for again.
    pub missing: u64,
    /// Files that were left out: the quota, the deny-list, or no file of this profile.
    pub left_out: u64,
}

/// Fetches the media of a feed that are not here. Those of the own account have no quota.
/// Where this is stopped, the next call goes on.
///
/// # Errors
/// [`MirrorError`]; what was fetched stays.
pub async fn media(
    home: &Home,
    account: Account,
    quotas: Quotas,
    session: &mut dyn Session,
    watch: &mut (dyn FnMut(MediaDone) + Send),
) -> Result<MediaDone, MirrorError> {
    let budget = budget(home, account, quotas)?;
    let used = cut(home, account, budget.unwrap_or(0))?;
    let Some(budget) = budget else {
        return Ok(MediaDone::default());
    };
    let kept = home.store().read()?.kept()?.bytes;
    let mut porter = Porter {
        home,
        account,
        left: budget.saturating_sub(used),
        left_in_all: match budget {
            u64::MAX => budget,
            _ => quotas.total.saturating_sub(kept),
        },
        done: MediaDone::default(),
        seen: HashSet::new(),
    };
    porter.portraits(session).await?;
    let mut before = None;
    loop {
        let (files, last) = porter.wanted(before)?;
        porter.fetch(files, session).await?;
        watch(porter.done);
        match last {
            Some(last) => before = Some(last),
            None => break,
        }
    }
    if porter.done.missing == 0 {
        porter.note_whole()?;
    }
    Ok(porter.done)
}

/// Drops what is too much, where a quota was lowered or media are no longer wanted: the oldest
/// first, never portraits. Gives the bytes that are left.
fn cut(home: &Home, account: Account, budget: u64) -> Result<u64, MirrorError> {
    let (used, portraits, pinned) = {
        let reader = home.store().read()?;
        let used = reader.media_bytes(account)?;
        if used <= budget {
            return Ok(used);
        }
        let mut portraits = 0;
        for file in reader.feed(account)?.profile()?.files() {
            let cid = media_cid(&file.path).and_then(|cid| cid.parse().ok());
            if cid.is_some_and(|cid| reader.has_file(cid).unwrap_or(false)) {
                portraits += file.size;
            }
        }
        let pinned = reader.follow(account)?.is_some_and(|follow| follow.pinned);
        (used, portraits, pinned)
    };
    let excess = used.saturating_sub(budget.max(portraits));
    if pinned || excess == 0 {
        return Ok(used);
    }
    Ok(used.saturating_sub(drop_oldest(home, account, excess)?))
}

/// Bytes that may be kept of an account; none where no media are fetched.
fn budget(home: &Home, account: Account, quotas: Quotas) -> Result<Option<u64>, MirrorError> {
    let reader = home.store().read()?;
    if reader.denies_account(account)? {
        return Err(MirrorError::DeniedAccount(account));
    }
    if home.account()? == account {
        return Ok(Some(u64::MAX));
    }
    let follow = reader
        .follow(account)?
        .ok_or(MirrorError::NotFollowed(account))?;
    Ok((!follow.text_only).then(|| follow.quota.unwrap_or(quotas.account)))
}

/// A file that is to be fetched, and the date of its post.
type Wanted = (File, Cid, Millis);

struct Porter<'h> {
    home: &'h Home,
    account: Account,
    /// Bytes that may still be kept of the account, and of everybody.
    left: u64,
    left_in_all: u64,
    done: MediaDone,
    seen: HashSet<Cid>,
}

impl<'h> Porter<'h> {
    /// The pictures of the profile.
    async fn portraits(&mut self, session: &mut dyn Session) -> Result<(), MirrorError> {
        let mut files = Vec::new();
        {
            let reader = self.home.store().read()?;
            let profile = reader.feed(self.account)?.profile()?;
            for file in profile.files() {
                self.add(&reader, file, (Millis::MAX, &mut files))?;
            }
        }
        self.fetch(files, session).await
    }

    /// The files that are missing of some posts before a key, and the last of these.
    fn wanted(
        &mut self,
        before: Option<ItemKey>,
    ) -> Result<(Vec<Wanted>, Option<ItemKey>), MirrorError> {
        let reader = self.home.store().read()?;
        let posts = reader.timeline(self.account, before, POSTS)?;
        let mut files = Vec::new();
        for post in &posts {
            for file in post.files() {
                self.add(&reader, file, (post.date, &mut files))?;
            }
        }
        Ok((files, posts.last().map(|last| last.key())))
    }

    fn add(
        &mut self,
        reader: &Reader<'_>,
        file: &File,
        (date, files): (Millis, &mut Vec<Wanted>),
    ) -> Result<(), MirrorError> {
        let name = media_cid(&file.path);
        let Some(cid) = name.and_then(|cid| cid.parse::<Cid>().ok()) else {
            return Ok(());
        };
        if !self.seen.insert(cid) || reader.has_file(cid)? {
            return Ok(());
        }
        if reader.denies(&cid)? {
            self.done.left_out += 1;
            return Ok(());
        }
        files.push((file.clone(), cid, date));
        Ok(())
    }

    async fn fetch(
        &mut self,
        files: Vec<Wanted>,
        session: &mut dyn Session,
    ) -> Result<(), MirrorError> {
        let mut stage = self.home.store().stage()?;
        let mut staged = 0;
        for (file, cid, date) in files {
            if !self.has_room(file.size, date)? {
                self.done.left_out += 1;
                continue;
            }
            match self.one(&mut stage, (&file, cid), session).await {
                Ok(true) => {
                    staged += file.size;
                    self.left = self.left.saturating_sub(file.size);
                    self.left_in_all = self.left_in_all.saturating_sub(file.size);
                    self.done.files += 1;
                    self.done.bytes += file.size;
                }
                Ok(false) => self.done.left_out += 1,
                Err(MirrorError::Missing(_)) => self.done.missing += 1,
                Err(error) => return Err(error),
            }
            if staged >= BATCH_BYTES {
                self.keep(stage)?;
                (stage, staged) = (self.home.store().stage()?, 0);
            }
        }
        self.keep(stage)
    }

    /// Whether there is room for a file of a post of this date, after older ones of the feed
    /// were dropped.
    fn has_room(&mut self, size: u64, date: Millis) -> Result<bool, MirrorError> {
        let left = self.left.min(self.left_in_all);
        if size <= left {
            return Ok(true);
        }
        let freed = make_room(self.home, self.account, size - left, date)?;
        self.left = self.left.saturating_add(freed);
        self.left_in_all = self.left_in_all.saturating_add(freed);
        Ok(size <= self.left.min(self.left_in_all))
    }

    /// Makes the staged files durable, if the account is still one that is mirrored.
    fn keep(&self, stage: Stage<'h>) -> Result<(), MirrorError> {
        let own = self.home.account()?;
        self.home.store().write(|writer| {
            let stays = self.account == own || writer.follow(self.account)?.is_some();
            if stays && !writer.denies_account(self.account)? {
                writer.keep(stage)?;
            }
            Ok(())
        })
    }

    /// Fetches one file; false for what is no file of this size by the profile.
    async fn one(
        &self,
        stage: &mut Stage<'h>,
        (file, cid): (&File, Cid),
        session: &mut dyn Session,
    ) -> Result<bool, MirrorError> {
        let path: Arc<str> = Arc::from(file.path.as_str());
        if cid.codec() == Codec::Raw {
            let wants = vec![Want {
                cid,
                place: Some((path, 0)),
            }];
            let came = ask(session, wants).await;
            came.complete()?;
            let bytes = came.blocks.first().map_or(&[][..], Block::bytes);
            if bytes.len() as u64 != file.size {
                return Ok(false);
            }
            return Ok(stage.add(&mut &*bytes)?.cid == cid);
        }
        let Some(pieces) = self.pieces((file, cid), session).await? else {
            return Ok(false);
        };
        let mut incoming = stage.receive()?;
        let mut start = 0;
        for some in pieces.chunks(PIECES) {
            let mut wants = Vec::with_capacity(some.len());
            for (cid, size) in some {
                wants.push(Want {
                    cid: *cid,
                    place: Some((Arc::clone(&path), start)),
                });
                start += size;
            }
            let came = ask(session, wants).await;
            came.complete()?;
            for (cid, _) in some {
                let block = came.blocks.iter().find(|block| block.cid() == *cid);
                if !block.map_or(Ok(false), |block| incoming.push(block))? {
                    return Ok(false);
                }
            }
        }
        Ok(incoming.size() == file.size && stage.received(incoming, cid)?)
    }

    /// The pieces of a large file with their sizes, in order; none when its nodes are not
    /// those of a file of its size by the profile.
    async fn pieces(
        &self,
        (file, root): (&File, Cid),
        session: &mut dyn Session,
    ) -> Result<Option<Vec<(Cid, u64)>>, MirrorError> {
        let most = file.size.div_ceil(limits::CHUNK_BYTES as u64);
        let mut level = vec![(root, file.size)];
        // Three layers of nodes make more than a tebibyte.
        for _ in 0..4 {
            if level.iter().all(|(cid, _)| cid.codec() == Codec::Raw) {
                let sum: u64 = level.iter().map(|(_, size)| size).sum();
                return Ok((sum == file.size).then_some(level));
            }
            let wants = level.iter().map(|(cid, _)| Want::block(*cid)).collect();
            let came = ask(session, wants).await;
            came.complete()?;
            let mut below = Vec::new();
            for (cid, size) in &level {
                let block = came.blocks.iter().find(|block| block.cid() == *cid);
                let parts = block.and_then(|block| parts(block.bytes()));
                let Some(parts) = parts.filter(|parts| adds_up(parts, *size)) else {
                    return Ok(None);
                };
                below.extend(parts);
            }
            if below.len() as u64 > most {
                return Ok(None);
            }
            level = below;
        }
        Ok(None)
    }

    fn note_whole(&self) -> Result<(), MirrorError> {
        self.home.store().write(|writer| {
            for tree in writer.trees(self.account)? {
                if tree.state == TreeState::Sources {
                    writer.put_tree_state(self.account, tree.root, TreeState::Whole)?;
                }
            }
            Ok(())
        })
    }
}

fn adds_up(parts: &[(Cid, u64)], size: u64) -> bool {
    let sum = parts
        .iter()
        .try_fold(0u64, |sum, (_, size)| sum.checked_add(*size));
    sum == Some(size) && !parts.is_empty() && tsize_of(size) >= size
}
