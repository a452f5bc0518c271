//! Blocks in one file: read by their places, written one after the other.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{BufWriter, Write as _},
    os::unix::fs::FileExt as _,
    path::Path,
};

use anyhow::{Context as _, Result};
use ourspace_protocol::dag::{
    Block, BlockSink, BlockSource, Change, Cid, FileBuilder, Leaf, Link, SourceError, update_tree,
};

/// Writes blocks.
pub(crate) struct Writer {
    file: BufWriter<File>,
    places: HashMap<Cid, (u64, usize)>,
    end: u64,
}

impl Writer {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)?;
        Ok(Self {
            file: BufWriter::with_capacity(1 << 20, file),
            places: HashMap::new(),
            end: 0,
        })
    }

    pub(crate) fn put(&mut self, cid: Cid, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes)?;
        self.places.insert(cid, (self.end, bytes.len()));
        self.end += bytes.len() as u64;
        Ok(())
    }

    /// Flushes all to the disk.
    pub(crate) fn finish(self) -> Result<Pack> {
        let file = self.file.into_inner()?;
        file.sync_all()?;
        Ok(Pack {
            file,
            places: self.places,
        })
    }
}

impl BlockSink for Writer {
    type Error = anyhow::Error;

    fn leaf(&mut self, leaf: Leaf<'_>) -> Result<()> {
        self.put(leaf.cid, leaf.bytes)
    }

    fn node(&mut self, block: Block) -> Result<()> {
        self.put(block.cid(), block.bytes())
    }
}

/// Blocks that were written.
pub(crate) struct Pack {
    file: File,
    places: HashMap<Cid, (u64, usize)>,
}

impl BlockSource for Pack {
    fn get(&self, cid: &Cid) -> Result<Option<Vec<u8>>, SourceError> {
        let Some((start, length)) = self.places.get(cid) else {
            return Ok(None);
        };
        let mut bytes = vec![0; *length];
        self.file
            .read_exact_at(&mut bytes, *start)
            .map_err(SourceError::new)?;
        Ok(Some(bytes))
    }

    fn length(&self, cid: &Cid) -> Result<Option<usize>, SourceError> {
        Ok(self.places.get(cid).map(|(_, length)| *length))
    }
}

/// Packs a folder by the profile; gives its root.
pub(crate) fn add(folder: &Path, into: &Path) -> Result<(Pack, Cid)> {
    let mut writer = Writer::create(into)?;
    let mut links = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let mut builder = FileBuilder::new();
        builder.push(&fs::read(&path)?, &mut writer)?;
        let dag = builder.finish(&mut writer)?;
        let name = path.file_name().and_then(|name| name.to_str());
        let link = Link {
            cid: dag.cid,
            tsize: dag.tsize,
        };
        links.push((name.context("a name")?.to_owned(), Some(link)));
    }
    links.sort();
    let changes: Vec<Change<'_>> = links
        .iter()
        .map(|(name, link)| (&name[..], *link))
        .collect();
    let none = HashMap::<Cid, Vec<u8>>::new();
    let mut nodes = Vec::new();
    let root = update_tree(&none, None, &changes, &mut |block| nodes.push(block))?;
    for node in nodes {
        writer.put(node.cid(), node.bytes())?;
    }
    Ok((writer.finish()?, root.cid))
}
