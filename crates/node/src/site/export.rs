//! Writing a feed into a folder, in an order in which it is never wrong.
//!
//! Whoever reads by the record finds every block either in the file at its path or in
//! `blocks/`, at every instant: blocks of the new version come first, the bytes that a
//! file had are lent to `blocks/` before they are replaced, the record comes last, and
//! only then goes what belongs to the old version alone.

use std::{fs, io, ops::ControlFlow, path::Path};

use ourspace_protocol::{
    account::Account,
    dag::{
        Block, BlockSink, Cid, Codec, DagError, FileBuilder, FileDag, Leaf, Link, load, pb::PbNode,
    },
    feed::all,
    limits,
    record::SignedRecord,
    time::Millis,
    verify::Verified,
};
use ourspace_store::Reader;

use super::{
    ABSOLUTE, FOLDER, RECORD, RECORD_JSON, RECORD_MOST, SUCCESSION, block_path,
    blocks::{Part, each_part},
    error::{BaseUrl, ExportError},
    folder::{FileError, Folder, Found},
    list::{self, Lists},
    newer, place,
    record::record_json,
    sums::Sums,
};
use crate::{home::Home, recover};

/// Bytes of a page that are held in memory to be kept reachable.
const PAGE_MOST: u64 = 2 * limits::JSON_BYTES as u64;

/// What was exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// Whose feed.
    pub account: Account,
    /// Root of its tree.
    pub root: Cid,
    /// When the record was signed.
    pub timestamp: Millis,
    /// Files of the tree.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Files written, blocks and records too.
    pub written: u64,
    /// Files removed.
    pub removed: u64,
}

/// How far an export has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// This many posts, likes, tombstones and media files will be gone through.
    Total(u64),
    /// One of them is done.
    Done,
    /// A file is about to be written.
    Write(&'a str),
    /// A file is about to be removed.
    Remove(&'a str),
}

/// Whoever wants to know how far an export has come; [`ControlFlow::Break`] stops it
/// before the step that it is told of.
pub type Watch<'w> = dyn FnMut(Step<'_>) -> ControlFlow<()> + 'w;

/// Writes the feed of a home into the folder `to`, which is made if it is not there. Of
/// an earlier export only what is different is touched.
///
/// Takes memory for the largest page, not for the feed.
///
/// # Errors
/// [`ExportError`]. Whatever the error, the record in the folder is one whose blocks are
/// all there.
pub fn export(
    home: &Home,
    to: &Path,
    base: Option<&BaseUrl>,
    watch: &mut Watch<'_>,
) -> Result<Exported, ExportError> {
    let account = home.account()?;
    let reader = home.store().read()?;
    let root = reader.root(account)?.ok_or(ExportError::NotSigned)?;
    let heads = reader.heads(account)?;
    let record = heads
        .iter()
        .filter(|head| head.record().root == root.cid)
        .max_by_key(|head| head.order())
        .ok_or(ExportError::NotSigned)?;
    place::admit(home, to)?;
    let made = fs::create_dir_all(to);
    made.map_err(|source| FileError {
        doing: "make the folder",
        path: to.to_owned(),
        source,
    })?;
    let folder = Folder::open(to)?;
    let _lock = folder
        .lock()?
        .ok_or_else(|| ExportError::Busy(to.to_owned()))?;
    admit(&folder, account)?;
    newer::admit(&folder, &reader, record)?;
    let mut export = Export {
        folder: &folder,
        reader: &reader,
        lists: Lists::begin(&folder, account)?,
        watch,
        sums: Sums::default(),
        succession: recover::kept(home)?.map(|statement| statement.to_bytes()),
        done: Exported {
            account,
            root: root.cid,
            timestamp: record.record().timestamp,
            files: 0,
            bytes: 0,
            written: 0,
            removed: 0,
        },
    };
    export.run(record, base)
}

/// Lets only an empty folder pass, or one with an earlier export of the same account.
fn admit(folder: &Folder, account: Account) -> Result<(), ExportError> {
    let owner = match list::owner(folder)? {
        Some(owner) => Some(owner),
        None => folder
            .read(RECORD, RECORD_MOST)?
            .and_then(|bytes| SignedRecord::from_bytes(&bytes).ok())
            .map(|signed| signed.record.account),
    };
    match owner {
        Some(owner) if owner == account => Ok(()),
        Some(owner) => Err(ExportError::OtherAccount {
            folder: folder.path().to_owned(),
            owner,
        }),
        None if is_bare(folder)? => Ok(()),
        None => Err(ExportError::NotOurs(folder.path().to_owned())),
    }
}

/// Whether nothing is in a folder but what the very first step of an export makes.
fn is_bare(folder: &Folder) -> Result<bool, FileError> {
    for (path, only) in [
        ("", ".well-known"),
        (".well-known", "ourspace"),
        (FOLDER, "new"),
    ] {
        let mut bare = true;
        folder.names::<FileError>(path, &mut |name, _| {
            bare &= name == only;
            Ok(())
        })?;
        if !bare {
            return Ok(false);
        }
    }
    Ok(true)
}

struct Export<'e, 'w> {
    folder: &'e Folder,
    reader: &'e Reader<'e>,
    lists: Lists<'e>,
    watch: &'e mut Watch<'w>,
    sums: Sums,
    /// What the successor of a lost account says, encoded.
    succession: Option<Vec<u8>>,
    done: Exported,
}

impl Export<'_, '_> {
    fn run(
        &mut self,
        record: &Verified<SignedRecord>,
        base: Option<&BaseUrl>,
    ) -> Result<Exported, ExportError> {
        let account = self.done.account;
        let counts = self.reader.counts(account)?;
        self.tell(Step::Total(counts.posts))?;
        self.directories()?;
        let feed = self.reader.feed(account)?;
        all::each_file(&feed, account, &mut |files| self.files(&files))?;
        let live = all::live(&feed, account)?;
        for (_, bytes) in &live {
            self.live_blocks(bytes)?;
        }
        for (path, bytes) in &live {
            let FileDag { cid, tsize, .. } = self.page(path, bytes)?;
            self.sums.made(&[(path, Link { cid, tsize })])?;
        }
        if let Some(base) = base {
            let bytes = all::absolute(&feed, account, base.as_str())?;
            self.put(ABSOLUTE, &bytes)?;
        }
        if !self.sums.agree() {
            return Err(ExportError::Disagree);
        }
        self.folder.sync()?;
        if let Some(statement) = self.succession.take() {
            self.put(SUCCESSION, &statement)?;
        }
        self.put(RECORD_JSON, &record_json(record))?;
        self.put(RECORD, &record.get().to_bytes())?;
        self.folder.sync()?;
        self.sweep()?;
        Ok(self.done.clone())
    }

    fn tell(&mut self, step: Step<'_>) -> Result<(), ExportError> {
        match (self.watch)(step) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(ExportError::Stopped),
        }
    }

    /// Directory blocks, and all media.
    fn directories(&mut self) -> Result<(), ExportError> {
        let reader = self.reader;
        each_part(reader, self.done.root, &mut |part| match part {
            Part::Block(block) => self.block(block.cid(), block.bytes()),
            Part::Entry(path, link) => {
                if path.starts_with("media/") {
                    return self.media(path, link.cid);
                }
                self.sums.named(path, link.cid);
                Ok(())
            }
        })
    }

    /// A kept file and its inner nodes.
    fn media(&mut self, path: &str, cid: Cid) -> Result<(), ExportError> {
        let missing = || ExportError::Missing(path.to_owned());
        let mut stack = vec![cid];
        while let Some(node) = stack.pop().filter(|_| cid.codec() == Codec::DagPb) {
            let block = load(self.reader, node)?;
            let links = PbNode::decode(block.bytes());
            let links = links.map_err(|error| DagError::Node { cid: node, error })?;
            let inner = links.links.iter().map(|link| link.cid);
            stack.extend(inner.filter(|cid| cid.codec() == Codec::DagPb));
            self.block(node, block.bytes())?;
        }
        let mut kept = self.reader.file(cid)?.ok_or_else(missing)?;
        self.count(kept.size());
        self.lists.want(path)?;
        // The path says what is in it, and it was written whole or not at all.
        let there = matches!(self.folder.find(path)?, Found::File(_, size) if size == kept.size());
        if !there {
            self.begin_write(path)?;
            self.folder
                .write(path, &mut |file| io::copy(&mut kept, file).map(|_| ()))?;
        }
        Ok(())
    }

    /// The files of a page, or all those of one post.
    fn files(&mut self, files: &[(String, Vec<u8>)]) -> Result<(), ExportError> {
        let mut links = Vec::with_capacity(files.len());
        for (path, bytes) in files {
            let FileDag { cid, tsize, .. } = self.page(path, bytes)?;
            links.push((path.as_str(), Link { cid, tsize }));
        }
        let blocks = self.sums.made(&links)?;
        for block in &blocks {
            self.block(block.cid(), block.bytes())?;
        }
        if blocks.is_empty() {
            return Ok(());
        }
        self.tell(Step::Done)
    }

    /// A rendered file; inner nodes, if it has any, come before it.
    fn page(&mut self, path: &str, bytes: &[u8]) -> Result<FileDag, ExportError> {
        let dag = build(bytes, &mut |cid, bytes| match cid.codec() {
            Codec::Raw => Ok(()),
            _ => self.block(cid, bytes),
        })?;
        self.count(dag.size);
        self.put(path, bytes)?;
        Ok(dag)
    }

    /// The files at the top change with every version, so their blocks lie in `blocks/`
    /// as well: whoever copies a site file by file finds them there whatever comes first.
    fn live_blocks(&mut self, bytes: &[u8]) -> Result<(), ExportError> {
        build(bytes, &mut |cid, bytes| self.block(cid, bytes))?;
        Ok(())
    }

    /// A file with just these bytes.
    fn put(&mut self, path: &str, bytes: &[u8]) -> Result<(), ExportError> {
        self.lists.want(path)?;
        match self.folder.find(path)? {
            Found::File(..)
                if self.folder.read(path, bytes.len() as u64)?.as_deref() == Some(bytes) =>
            {
                return Ok(());
            }
            Found::File(_, size) => self.lend(path, size)?,
            _ => {}
        }
        self.begin_write(path)?;
        Ok(self.folder.put(path, bytes)?)
    }

    /// Keeps what a file holds reachable until the new record is there, and until the next
    /// export: whoever copies the folder elsewhere copies it with the new version, and
    /// there the old record may still be in place.
    fn lend(&mut self, path: &str, size: u64) -> Result<(), ExportError> {
        // What is larger than any page is nothing that an export has written.
        if path.starts_with(FOLDER) || path == ABSOLUTE || size > PAGE_MOST {
            return Ok(());
        }
        let Some(old) = self.folder.read(path, size)? else {
            return Ok(());
        };
        build(&old, &mut |cid, bytes| {
            let path = block_path(&cid);
            if self.is_block(&path, bytes)? {
                return Ok(());
            }
            self.lists.want(&path)?;
            self.begin_write(&path)?;
            Ok(self.folder.put(&path, bytes)?)
        })?;
        Ok(())
    }

    fn block(&mut self, cid: Cid, bytes: &[u8]) -> Result<(), ExportError> {
        let path = block_path(&cid);
        self.lists.want(&path)?;
        if self.is_block(&path, bytes)? {
            return Ok(());
        }
        self.begin_write(&path)?;
        Ok(self.folder.put(&path, bytes)?)
    }

    /// Whether a block is there; its bytes are what its name says, as it came whole.
    fn is_block(&self, path: &str, bytes: &[u8]) -> Result<bool, ExportError> {
        let found = self.folder.find(path)?;
        Ok(matches!(found, Found::File(_, size) if size == bytes.len() as u64))
    }

    fn begin_write(&mut self, path: &str) -> Result<(), ExportError> {
        self.tell(Step::Write(path))?;
        self.done.written += 1;
        Ok(())
    }

    fn count(&mut self, bytes: u64) {
        self.done.files += 1;
        self.done.bytes += bytes;
    }

    /// Removes what only older versions have.
    fn sweep(&mut self) -> Result<(), ExportError> {
        let Self {
            folder,
            lists,
            watch,
            done,
            ..
        } = self;
        lists.sweep::<ExportError>(&mut |path| {
            if !matches!(folder.find(path)?, Found::File(..)) {
                return Ok(());
            }
            if watch(Step::Remove(path)).is_break() {
                return Err(ExportError::Stopped);
            }
            done.removed += u64::from(folder.remove(path)?);
            Ok(())
        })?;
        Ok(lists.finish()?)
    }
}

/// Hands all blocks of a file to `take`.
fn build(bytes: &[u8], take: &mut Take<'_>) -> Result<FileDag, ExportError> {
    let mut sink = Taker(take);
    let mut builder = FileBuilder::new();
    builder.push(bytes, &mut sink)?;
    builder.finish(&mut sink)
}

type Take<'t> = dyn FnMut(Cid, &[u8]) -> Result<(), ExportError> + 't;

struct Taker<'t, 'f>(&'t mut Take<'f>);

impl BlockSink for Taker<'_, '_> {
    type Error = ExportError;

    fn leaf(&mut self, leaf: Leaf<'_>) -> Result<(), ExportError> {
        (self.0)(leaf.cid, leaf.bytes)
    }

    fn node(&mut self, block: Block) -> Result<(), ExportError> {
        (self.0)(block.cid(), block.bytes())
    }
}
