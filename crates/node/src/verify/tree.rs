//! Comparing a folder with the tree that a root names: every file there is, and none
//! besides.
//!
//! The directory blocks beside the files say what is to be there. Where they are not (a
//! copy by hand), directories are made of the files that lie there, and must come out as
//! signed.

use std::{fs::File, io::Read as _, ops::ControlFlow, str::FromStr as _};

use ourspace_protocol::{
    dag::{
        Block, BlockSink, BlockSource, Cid, Codec, DagError, FileBuilder, FileDag, Leaf, Link,
        SourceError,
        block::is_name,
        entries::{Kind, find, kind, list},
        file::tsize_of,
        read::{FileReader, ReadLimits},
        update_tree,
    },
    limits,
};

use super::{
    faults::{CHANGED, Faults, Others},
    named::Named,
};
use crate::site::{
    ABSOLUTE, BLOCKS, FOLDER, block_path,
    folder::{FileError, Folder, Found},
    is_of_host,
};

/// Bytes that are read at once.
const PIECE: usize = limits::CHUNK_BYTES;

/// A file of more bytes is not read where nothing says how large it should be: 16 GiB.
const MOST: u64 = 16 << 30;

/// What may lie in [`FOLDER`].
const BESIDE: [&str; 7] = [
    "blocks",
    "files",
    "files.new",
    "new",
    "record.cbor",
    "record.json",
    "succession.cbor",
];

/// What is said of a block with other bytes than those of its CID.
const ALTERED: &str = "the block is altered: its bytes are not those that its name says";
/// What is said of a block that is not there.
const MISSING: &str = "the block is missing";

/// The blocks that lie beside the tree.
#[derive(Clone, Copy, Debug)]
struct Blocks<'f>(&'f Folder);

impl BlockSource for Blocks<'_> {
    fn get(&self, cid: &Cid) -> Result<Option<Vec<u8>>, SourceError> {
        let path = block_path(cid);
        let Found::File(file, _) = self.0.find(&path).map_err(SourceError::new)? else {
            return Ok(None);
        };
        // What is too large for a block is altered, not missing.
        let mut bytes = Vec::new();
        let read = file
            .take(limits::BLOCK_BYTES as u64)
            .read_to_end(&mut bytes);
        read.map_err(|error| SourceError::new(self.0.io("read", &path, error)))?;
        Ok(Some(bytes))
    }
}

/// A check of one folder.
pub(super) struct Tree<'t> {
    folder: &'t Folder,
    blocks: Blocks<'t>,
    has_blocks: bool,
    faults: &'t mut Faults,
    others: Others,
    /// What directories of any version name; read when it is asked for.
    named: Option<Named>,
    progress: &'t mut dyn FnMut(),
    buffer: Vec<u8>,
}

/// A directory that is being compared.
#[derive(Default)]
struct Seen {
    /// How many of its entries are on the disk.
    present: u64,
    failed: Option<FileError>,
}

impl<'t> Tree<'t> {
    pub(super) fn new(
        folder: &'t Folder,
        faults: &'t mut Faults,
        progress: &'t mut dyn FnMut(),
    ) -> Self {
        Self {
            folder,
            blocks: Blocks(folder),
            has_blocks: false,
            faults,
            others: Others::new(),
            named: None,
            progress,
            buffer: Vec::new(),
        }
    }

    /// Compares everything; gives the files that seem to be of another version.
    pub(super) fn check(&mut self, root: Cid) -> Result<Others, FileError> {
        self.has_blocks = matches!(self.folder.find(BLOCKS)?, Found::Folder);
        self.directory(root, "", 0)?;
        self.beside()?;
        if self.has_blocks {
            self.check_blocks()?;
        } else {
            let note = "there are no directory blocks beside the files, so only the root was compared; a wrong file is named only if the feed's own sources show which";
            self.faults.note(note);
        }
        Ok(std::mem::replace(&mut self.others, Others::new()))
    }

    pub(super) fn has_blocks(&self) -> bool {
        self.has_blocks
    }

    fn directory(&mut self, cid: Cid, path: &str, depth: usize) -> Result<(), FileError> {
        if depth == limits::PATH_DEPTH {
            self.faults.add(path, "the folders are nested too deep");
            return Ok(());
        }
        if !self.has_blocks {
            return self.compare_made(cid, path);
        }
        let blocks = self.blocks;
        let mut seen = Seen::default();
        let listed = list(&blocks, cid, &mut |name, link| {
            let path = join(path, name);
            match self.entry(&path, link, depth) {
                Ok(present) => {
                    seen.present += u64::from(present);
                    ControlFlow::Continue(())
                }
                Err(error) => {
                    seen.failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        });
        if let Some(error) = seen.failed {
            return Err(error);
        }
        match listed {
            Ok(()) => self.extras(cid, path, seen.present),
            Err(error) => {
                self.block_fault(cid, &error);
                self.compare_made(cid, path)
            }
        }
    }

    /// A directory block is missing or wrong: that is a fault of that block.
    fn block_fault(&mut self, directory: Cid, error: &DagError) {
        let (cid, text) = match error {
            DagError::Absent(cid) => (*cid, MISSING.to_owned()),
            DagError::Corrupt(cid) => (*cid, ALTERED.to_owned()),
            error => (directory, error.to_string()),
        };
        self.faults.add(&block_path(&cid), &text);
    }

    /// Compares one entry; says whether anything is there.
    fn entry(&mut self, path: &str, link: Link, depth: usize) -> Result<bool, FileError> {
        match self.folder.find(path)? {
            Found::Nothing => {
                self.missing(path, link, depth)?;
                return Ok(false);
            }
            Found::Other(what) => self.faults.add(path, &format!("it is {what}")),
            Found::Folder if link.cid.codec() == Codec::DagPb => {
                self.directory(link.cid, path, depth + 1)?;
            }
            Found::Folder => self
                .faults
                .add(path, "it is a folder, but a file was signed"),
            Found::File(..) if tsize_unlike(self.folder, path, link)? => self.wrong(path, link)?,
            Found::File(file, _) => {
                let (found, nodes) = self.hash(path, file)?;
                if found.cid == link.cid {
                    self.blocks_of(nodes)?;
                } else {
                    self.wrong(path, link)?;
                }
                (self.progress)();
            }
        }
        Ok(true)
    }

    /// Names what is not there: of a post, its files.
    fn missing(&mut self, path: &str, link: Link, depth: usize) -> Result<(), FileError> {
        let is_post = path.starts_with("posts/") && depth < limits::PATH_DEPTH;
        if is_post && matches!(kind(&self.blocks, link.cid), Ok(Kind::Directory)) {
            return self.directory(link.cid, path, depth + 1);
        }
        self.faults.add(path, "it is missing");
        Ok(())
    }

    /// A file has other bytes: perhaps those of another version, with the signed ones in
    /// `blocks/`.
    fn wrong(&mut self, path: &str, link: Link) -> Result<(), FileError> {
        let blocks = self.blocks;
        let lent = FileReader::open(&blocks, link.cid, ReadLimits::default()).is_ok_and(|file| {
            file.chunks(&blocks, 0..file.size())
                .all(|chunk| chunk.is_ok())
        });
        if !lent {
            self.faults.add(path, CHANGED);
            return Ok(());
        }
        let known = self.is_named(path)?;
        self.others.replace(path, known);
        Ok(())
    }

    /// Whether a directory in `blocks/`, of whichever version, names the file that lies at
    /// a path. Nothing is read that none of them can name by its length.
    fn is_named(&mut self, path: &str) -> Result<bool, FileError> {
        let Found::File(file, size) = self.folder.find(path)? else {
            return Ok(false);
        };
        let (name, tsize) = (path.rsplit('/').next().unwrap_or(path), tsize_of(size));
        let named = match self.named.take() {
            Some(named) => named,
            None => Named::collect(self.folder)?,
        };
        let known =
            named.may_be(name, tsize) && named.has(name, tsize, self.hash(path, file)?.0.cid);
        self.named = Some(named);
        Ok(known)
    }

    fn hash(&mut self, path: &str, mut file: File) -> Result<(FileDag, Nodes), FileError> {
        self.buffer.resize(PIECE, 0);
        let mut builder = FileBuilder::new();
        let mut nodes = Nodes {
            pieces: !path.contains('/'),
            ..Nodes::default()
        };
        loop {
            let read = file.read(&mut self.buffer);
            let read = read.map_err(|error| self.folder.io("read", path, error))?;
            let Ok(()) = builder.push(&self.buffer[..read], &mut nodes);
            if read == 0 {
                break;
            }
        }
        let Ok(dag) = builder.finish(&mut nodes);
        Ok((dag, nodes))
    }

    /// The blocks that are to lie beside a file as signed.
    fn blocks_of(&mut self, nodes: Nodes) -> Result<(), FileError> {
        for (cid, size) in nodes.found.into_iter().filter(|_| self.has_blocks) {
            let path = block_path(&cid);
            match self.folder.find(&path)? {
                Found::File(_, found) if found == size => {}
                Found::File(..) => self.faults.add(&path, ALTERED),
                _ => self.faults.add(&path, MISSING),
            }
        }
        Ok(())
    }

    /// Finds what is on the disk and not in the directory, where the numbers say that
    /// there is something.
    fn extras(&mut self, directory: Cid, path: &str, present: u64) -> Result<(), FileError> {
        let (folder, blocks) = (self.folder, self.blocks);
        let mut count = 0;
        folder.names::<FileError>(path, &mut |name, _| {
            count += u64::from(!is_beside(path, name));
            Ok(())
        })?;
        if count == present {
            return Ok(());
        }
        folder.names(path, &mut |name, whole| {
            if is_beside(path, name) {
                return Ok(());
            }
            let known = whole && matches!(find(&blocks, directory, name), Ok(Some(_)));
            match known {
                true => Ok(()),
                false if path.is_empty() && is_of_host(name) => {
                    self.faults.add_of_host(name);
                    Ok(())
                }
                false => self.extra(&join(path, name), 1),
            }
        })
    }

    /// Names the files below something that the tree does not have.
    fn extra(&mut self, path: &str, depth: usize) -> Result<(), FileError> {
        let is_folder = depth < limits::PATH_DEPTH
            && path.split('/').all(|name| !name.is_empty())
            && matches!(self.folder.find(path), Ok(Found::Folder));
        if !is_folder {
            match self.is_named_extra(path) {
                true => self.others.add(path),
                false => self.faults.add_extra(path),
            }
            return Ok(());
        }
        // A folder without files is nothing: copies leave them where files were removed.
        let folder = self.folder;
        folder.names(path, &mut |name, _| {
            self.extra(&join(path, name), depth + 1)
        })
    }

    /// As [`is_named`](Self::is_named), for what may be none of ours and not to be read.
    fn is_named_extra(&mut self, path: &str) -> bool {
        path.split('/').all(is_name) && self.is_named(path).unwrap_or(false)
    }

    /// Makes a directory of the files that are there, and compares its root.
    fn compare_made(&mut self, cid: Cid, path: &str) -> Result<(), FileError> {
        let mut files = Vec::new();
        self.collect(path, path, &mut files)?;
        files.sort_unstable();
        let changes: Vec<_> = files
            .iter()
            .map(|(path, link)| (path.as_str(), Some(*link)))
            .collect();
        let nothing = std::collections::HashMap::new();
        let made = update_tree(&nothing, None, &changes, &mut |_: Block| {});
        if !made.is_ok_and(|made| made.cid == cid) {
            let name = if path.is_empty() { "." } else { path };
            self.faults.add(
                name,
                "the files in this folder are not those that were signed",
            );
        }
        Ok(())
    }

    fn collect(
        &mut self,
        base: &str,
        path: &str,
        files: &mut Vec<(String, Link)>,
    ) -> Result<(), FileError> {
        if path.split('/').count() > limits::PATH_DEPTH {
            self.faults.add(path, "the folders are nested too deep");
            return Ok(());
        }
        let folder = self.folder;
        folder.names(path, &mut |name, whole| {
            if is_beside(path, name) {
                return Ok(());
            }
            if path.is_empty() && is_of_host(name) {
                self.faults.add_of_host(name);
                return Ok(());
            }
            let path = join(path, name);
            if !whole {
                self.faults.add(&path, "its name is not UTF-8");
                return Ok(());
            }
            match folder.find(&path)? {
                Found::Nothing => {}
                Found::Other(what) => self.faults.add(&path, &format!("it is {what}")),
                Found::Folder => self.collect(base, &path, files)?,
                Found::File(_, size) if size > MOST => self.faults.add(&path, "it is too large"),
                Found::File(file, _) => {
                    let FileDag { cid, tsize, .. } = self.hash(&path, file)?.0;
                    let from = if base.is_empty() { 0 } else { base.len() + 1 };
                    files.push((path[from..].to_owned(), Link { cid, tsize }));
                    (self.progress)();
                }
            }
            Ok(())
        })
    }

    /// Nothing unknown lies in our own folder beside the tree.
    fn beside(&mut self) -> Result<(), FileError> {
        let (folder, faults) = (self.folder, &mut *self.faults);
        folder.names(FOLDER, &mut |name, _| {
            if !BESIDE.contains(&name) {
                faults.add_extra(&join(FOLDER, name));
            }
            Ok(())
        })
    }

    /// Every block has the bytes that its name says.
    fn check_blocks(&mut self) -> Result<(), FileError> {
        let (folder, faults) = (self.folder, &mut *self.faults);
        folder.names(BLOCKS, &mut |name, whole| {
            let path = join(BLOCKS, name);
            let Some(cid) = Cid::from_str(name).ok().filter(|_| whole) else {
                faults.add_extra(&path);
                return Ok(());
            };
            match folder.read(&path, limits::BLOCK_BYTES as u64)? {
                Some(bytes) if cid.matches(&bytes) => {}
                _ => faults.add(&path, ALTERED),
            }
            Ok(())
        })
    }
}

/// The blocks of a file that are to lie in `blocks/`, and their sizes.
#[derive(Default)]
struct Nodes {
    found: Vec<(Cid, u64)>,
    /// Whether the pieces are to lie there as well.
    pieces: bool,
}

impl BlockSink for Nodes {
    type Error = std::convert::Infallible;

    fn leaf(&mut self, leaf: Leaf<'_>) -> Result<(), Self::Error> {
        if self.pieces {
            self.found.push((leaf.cid, leaf.bytes.len() as u64));
        }
        Ok(())
    }

    fn node(&mut self, block: Block) -> Result<(), Self::Error> {
        self.found.push((block.cid(), block.bytes().len() as u64));
        Ok(())
    }
}

/// Whether a file cannot be the signed one by its length: then it is not read at all.
fn tsize_unlike(folder: &Folder, path: &str, link: Link) -> Result<bool, FileError> {
    let found = folder.find(path)?;
    Ok(matches!(found, Found::File(_, size) if tsize_of(size) != link.tsize))
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}/{name}")
    }
}

/// What may lie at the top of a site without being of the tree.
fn is_beside(path: &str, name: &str) -> bool {
    path.is_empty() && (name == ".well-known" || name == ABSOLUTE)
}
