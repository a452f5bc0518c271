//! Reading source files out of blocks, and asking for those that are missing.

use std::{mem, sync::Arc};

use ourspace_protocol::{
    dag::{BlockSource as _, Cid, Codec, DagError, Link, entries},
    feed::{
        model::{Item, ItemId},
        set::Changes,
    },
    seams::{Session, Want},
};

use super::{
    super::{
        error::{Halt, MirrorError, halt, of_dag},
        pool::{ask, parts},
    },
    Fetcher, Job,
};
use crate::sources::{
    FOLLOWS, LinkedFiles, PROFILE, REACTIONS, Sources, TOMBSTONES, history_path, needed,
};

/// A block that is missing.
struct Need {
    cid: Cid,
    /// The file that it is for.
    path: Option<String>,
    /// The root of that file, where it is known.
    file: Option<Cid>,
}

impl Fetcher<'_> {
    /// Reads source files, and the older versions of the posts in them.
    pub(super) async fn sources(
        &mut self,
        session: &mut dyn Session,
        jobs: Vec<Job>,
    ) -> Result<(), MirrorError> {
        let mut edited = Vec::new();
        let mut waiting = jobs;
        while !waiting.is_empty() {
            let mut needs = Vec::new();
            let mut rest = Vec::new();
            for job in mem::take(&mut waiting) {
                match self.read(&job) {
                    Ok(changes) => {
                        let items = changes.items.iter();
                        let own = items.filter(|item| item.edits > 0 || item.written.is_some());
                        edited.extend(own.filter(|item| item.kind.is_post()).map(|item| item.id));
                        self.batch.add(changes);
                        self.batch.files.push(job.link.cid);
                    }
                    Err(Halt::Failed(error)) => return Err(error),
                    Err(Halt::Absent(cid)) => {
                        needs.push(Need {
                            cid,
                            path: Some(job.path.clone()),
                            file: Some(job.link.cid),
                        });
                        rest.push(job);
                    }
                }
            }
            self.bring(session, needs).await?;
            waiting = rest;
        }
        self.histories(session, edited).await
    }

    fn read(&self, job: &Job) -> Result<Changes, Halt> {
        let path = job.path.as_str();
        let files = LinkedFiles::new(&self.pool, [(job.path.clone(), job.link.cid)]);
        let at = self.record.record().timestamp;
        let sources = Sources::signed(&files, self.account(), at);
        let mut changes = Changes::default();
        let fault = |fault| halt(path, fault);
        match path.split('/').next() {
            Some(PROFILE) => {
                changes.profile = Some(needed(path, sources.profile()).map_err(fault)?);
            }
            Some(FOLLOWS) => changes.follows = needed(path, sources.follows()).map_err(fault)?,
            Some(TOMBSTONES) => {
                changes.tombstones = needed(path, sources.tombstones(path)).map_err(fault)?;
            }
            Some(REACTIONS) => {
                changes.items = needed(path, sources.reactions(path)).map_err(fault)?;
            }
            _ => changes.items = needed(path, sources.page(path)).map_err(fault)?.items,
        }
        Ok(changes)
    }

    /// Reads the older versions of posts.
    async fn histories(
        &mut self,
        session: &mut dyn Session,
        mut waiting: Vec<ItemId>,
    ) -> Result<(), MirrorError> {
        while !waiting.is_empty() {
            let mut needs = Vec::new();
            let mut rest = Vec::new();
            for id in mem::take(&mut waiting) {
                match self.history(id) {
                    Ok(older) => self.batch.changes.items.extend(older),
                    Err(Halt::Failed(error)) => return Err(error),
                    Err(Halt::Absent(cid)) => {
                        needs.push(Need {
                            cid,
                            path: Some(history_path(id)),
                            file: None,
                        });
                        rest.push(id);
                    }
                }
            }
            self.bring(session, needs).await?;
            waiting = rest;
        }
        Ok(())
    }

    fn history(&self, id: ItemId) -> Result<Vec<Item>, Halt> {
        let path = history_path(id);
        let wrong = |error: DagError| match error {
            DagError::Absent(cid) => Halt::Absent(cid),
            error => Halt::Failed(of_dag(&path, error)),
        };
        let find = |root: Cid| {
            let root = Link {
                cid: root,
                tsize: 0,
            };
            entries::lookup(&self.pool, root, &path)
        };
        let Some(link) = find(self.root()).map_err(wrong)? else {
            return Ok(Vec::new());
        };
        let files = LinkedFiles::new(&self.pool, [(path.clone(), link.cid)]);
        let at = self.record.record().timestamp;
        let sources = Sources::signed(&files, self.account(), at);
        needed(&path, sources.history(id)).map_err(|fault| halt(&path, fault))
    }

    /// Fetches what is missing for files: blocks of the directories that lead to them, which
    /// are remembered, and blocks of the files.
    async fn bring(
        &mut self,
        session: &mut dyn Session,
        needs: Vec<Need>,
    ) -> Result<(), MirrorError> {
        let mut wants = Vec::new();
        for Need { cid, path, file } in needs {
            let path = path.map(Arc::from);
            match file.filter(|file| *file != cid) {
                Some(file) => self.parts_of(file, (0, path.as_ref()), &mut wants)?,
                None => wants.push(Want {
                    cid,
                    place: path
                        .filter(|_| cid.codec() == Codec::Raw)
                        .map(|path| (path, 0)),
                }),
            }
        }
        self.pool.admit(&wants)?;
        let came = ask(session, wants).await;
        let complete = came.complete();
        for block in came.blocks {
            self.spend(&block);
            if block.cid().codec() == Codec::DagPb {
                self.batch.nodes.push(block.clone());
            }
            self.pool.insert(block);
        }
        complete
    }

    /// The blocks of a file that are missing, with their places.
    fn parts_of(
        &self,
        cid: Cid,
        (start, path): (u64, Option<&Arc<str>>),
        wants: &mut Vec<Want>,
    ) -> Result<(), MirrorError> {
        let found = self.pool.get(&cid);
        let found = found.map_err(|error| of_dag("a file", error.into()))?;
        let Some(bytes) = found else {
            let place = path.filter(|_| cid.codec() == Codec::Raw);
            wants.push(Want {
                cid,
                place: place.map(|path| (path.clone(), start)),
            });
            return Ok(());
        };
        let parts = match cid.codec() {
            Codec::DagPb => parts(&bytes).unwrap_or_default(),
            _ => Vec::new(),
        };
        let mut start = start;
        for (cid, size) in parts {
            self.parts_of(cid, (start, path), wants)?;
            start = start.saturating_add(size);
        }
        Ok(())
    }
}
