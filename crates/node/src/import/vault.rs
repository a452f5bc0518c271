//! The files of a source: a folder, or an archive that nobody unpacks.
//!
//! Nothing that an archive says becomes a path on this machine: its files are found by
//! name in a table and read from where they lie in it. Still an archive with names that
//! lead out of it is refused, as are links and devices: somebody made it to do harm. In a
//! folder only what truly lies in it is opened.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    fs::File,
    io::{self, Read, Seek as _, SeekFrom},
    path::{Component, Path, PathBuf},
};

use flate2::read::MultiGzDecoder;
use zip::ZipArchive;

use super::{
    error::ImportError,
    spool::{Spool, SpoolError},
};

/// Files of an archive.
const FILES: usize = 1_000_000;
/// Bytes that an archive may hold unpacked: so many for one of its own, and [`BASE`].
/// Text packs to a tenth or twentieth, pictures not at all.
const RATIO: u64 = 100;
/// See [`RATIO`].
const BASE: u64 = 64 << 20;

/// The files of a source.
#[derive(Debug)]
pub(super) struct Vault {
    holder: Holder,
    /// The folder in it that holds everything, with a slash behind it.
    prefix: String,
    /// Bytes that may still be unpacked.
    left: Cell<u64>,
    /// Where unpacked files lie, without a name.
    scratch: PathBuf,
}

#[derive(Debug)]
enum Holder {
    Folder(PathBuf),
    Zip {
        archive: Box<RefCell<ZipArchive<File>>>,
        names: HashMap<String, usize>,
    },
    /// A tar file without compression: where each file begins, and its size.
    Tar {
        file: File,
        places: HashMap<String, (u64, u64)>,
    },
}

/// What kind of archive a file is, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    /// A zip file.
    Zip,
    /// A tar file, compressed by gzip.
    TarGz,
    /// A tar file.
    Tar,
}

impl Packing {
    /// `None` when it is no archive.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [b'P', b'K', 3 | 5, 4 | 6, ..] => Some(Self::Zip),
            [0x1f, 0x8b, ..] => Some(Self::TarGz),
            _ if head.get(257..262) == Some(b"ustar") => Some(Self::Tar),
            _ => None,
        }
    }
}

fn refuse<T>(why: impl Into<String>) -> Result<T, ImportError> {
    Err(ImportError::Archive(why.into()))
}

fn damaged(error: impl std::fmt::Display) -> ImportError {
    ImportError::Archive(format!("it is damaged ({error})"))
}

impl Vault {
    /// The files of a folder.
    ///
    /// # Errors
    /// [`ImportError::Open`].
    pub(super) fn folder(path: &Path, scratch: &Path) -> Result<Self, ImportError> {
        let whole = path.canonicalize().map_err(|source| ImportError::Open {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self::new(Holder::Folder(whole), u64::MAX, scratch))
    }

    /// The files of an archive.
    ///
    /// # Errors
    /// [`ImportError::Archive`], [`ImportError::Read`].
    pub(super) fn archive(
        file: File,
        packing: Packing,
        scratch: &Path,
    ) -> Result<Self, ImportError> {
        let size = file.metadata().map_err(ImportError::Read)?.len();
        let room = size.saturating_mul(RATIO).saturating_add(BASE);
        match packing {
            Packing::Zip => Ok(Self::new(zip(file)?, room, scratch)),
            Packing::Tar => Ok(Self::new(tar(file)?, room, scratch)),
            Packing::TarGz => {
                let mut packed = MultiGzDecoder::new(io::BufReader::new(file));
                let (plain, _) = unpack(&mut packed, scratch, room)?;
                Ok(Self::new(tar(plain)?, room, scratch))
            }
        }
    }

    fn new(holder: Holder, room: u64, scratch: &Path) -> Self {
        Self {
            holder,
            prefix: String::new(),
            left: Cell::new(room),
            scratch: scratch.to_owned(),
        }
    }

    /// Looks for a file at the top, or in the one folder that is there; everything else
    /// is then looked for beside it.
    pub(super) fn find(&mut self, name: &str) -> bool {
        self.prefix.clear();
        if self.has(name) {
            return true;
        }
        let inside: Option<String> = match &self.holder {
            Holder::Folder(_) => None,
            Holder::Zip { names, .. } => within(names.keys(), name),
            Holder::Tar { places, .. } => within(places.keys(), name),
        };
        let Some(prefix) = inside else { return false };
        self.prefix = prefix;
        true
    }

    /// Whether there is such a file.
    pub(super) fn has(&self, name: &str) -> bool {
        let whole = format!("{}{name}", self.prefix);
        match &self.holder {
            Holder::Folder(root) => inside(root, name).is_some(),
            Holder::Zip { names, .. } => names.contains_key(&whole),
            Holder::Tar { places, .. } => places.contains_key(&whole),
        }
    }

    /// The names of all files directly in a folder of it.
    pub(super) fn list(&self, folder: &str) -> Vec<String> {
        let whole = format!("{}{folder}/", self.prefix);
        let direct = |name: &&str| !name.is_empty() && !name.contains('/');
        let below = |name: &String| {
            let rest = name.strip_prefix(&whole).filter(|rest| direct(rest));
            rest.map(str::to_owned)
        };
        let mut names: Vec<String> = match &self.holder {
            Holder::Folder(root) => {
                let entries = std::fs::read_dir(root.join(folder)).into_iter().flatten();
                let names = entries.flatten().take(FILES).map(|entry| entry.file_name());
                names.filter_map(|name| name.into_string().ok()).collect()
            }
            Holder::Zip { names, .. } => names.keys().filter_map(below).collect(),
            Holder::Tar { places, .. } => places.keys().filter_map(below).collect(),
        };
        names.sort_unstable();
        names
    }

    /// The folder on the disk, where it is one.
    pub(super) fn path(&self) -> Option<&Path> {
        match &self.holder {
            Holder::Folder(root) => Some(root),
            Holder::Zip { .. } | Holder::Tar { .. } => None,
        }
    }

    /// Opens a file; `None` when there is none.
    ///
    /// # Errors
    /// [`ImportError::Archive`], [`ImportError::Read`].
    pub(super) fn open(&self, name: &str) -> Result<Option<File>, ImportError> {
        let whole = format!("{}{name}", self.prefix);
        match &self.holder {
            Holder::Folder(root) => match inside(root, name) {
                Some(path) => File::open(path).map(Some).map_err(ImportError::Read),
                None => Ok(None),
            },
            Holder::Zip { archive, names } => {
                let Some(at) = names.get(&whole) else {
                    return Ok(None);
                };
                let mut archive = archive.borrow_mut();
                let mut file = archive.by_index(*at).map_err(damaged)?;
                self.copy(&mut file).map(Some)
            }
            Holder::Tar { file, places } => {
                let Some((start, size)) = places.get(&whole) else {
                    return Ok(None);
                };
                let mut file = file;
                file.seek(SeekFrom::Start(*start))
                    .map_err(ImportError::Read)?;
                self.copy(&mut file.take(*size)).map(Some)
            }
        }
    }

    fn copy(&self, input: &mut dyn Read) -> Result<File, ImportError> {
        let (file, size) = unpack(input, &self.scratch, self.left.get())?;
        self.left.set(self.left.get() - size);
        Ok(file)
    }
}

/// Unpacks at most `room` bytes into a file without a name.
fn unpack(input: &mut dyn Read, scratch: &Path, room: u64) -> Result<(File, u64), ImportError> {
    let spool = Spool::new(scratch)?;
    match spool.fill(input, room) {
        Ok(filled) => Ok(filled),
        Err(SpoolError::Input(error)) => Err(damaged(error)),
        Err(SpoolError::TooMuch) => {
            refuse("it grows to more than a hundred times its size when it is unpacked")
        }
        Err(SpoolError::Import(error)) => Err(error),
    }
}

fn zip(file: File) -> Result<Holder, ImportError> {
    let mut archive = ZipArchive::new(file).map_err(damaged)?;
    if archive.len() > FILES {
        return refuse(format!("it holds more than {FILES} files"));
    }
    let mut names = HashMap::with_capacity(archive.len());
    for at in 0..archive.len() {
        let entry = archive.by_index_raw(at).map_err(damaged)?;
        if entry.is_symlink() {
            return refuse("it holds links, which may lead out of it");
        }
        if entry.encrypted() {
            return refuse("it is encrypted: unpack it first");
        }
        if !entry.is_dir()
            && let Some(name) = sound(entry.name_raw())?
            && names.insert(name, at).is_some()
        {
            return refuse("it holds two files of the same name");
        }
    }
    Ok(Holder::Zip {
        archive: Box::new(RefCell::new(archive)),
        names,
    })
}

fn tar(file: File) -> Result<Holder, ImportError> {
    let mut places = HashMap::new();
    let mut archive = tar::Archive::new(&file);
    for entry in archive.entries_with_seek().map_err(damaged)? {
        let entry = entry.map_err(damaged)?;
        let kind = entry.header().entry_type();
        if kind.is_dir() || kind.is_pax_global_extensions() {
            continue;
        }
        if !kind.is_file() {
            return refuse("it holds links or devices, which may lead out of it");
        }
        if places.len() >= FILES {
            return refuse(format!("it holds more than {FILES} files"));
        }
        let place = (entry.raw_file_position(), entry.size());
        if let Some(name) = sound(&entry.path_bytes())?
            && places.insert(name, place).is_some()
        {
            return refuse("it holds two files of the same name");
        }
    }
    Ok(Holder::Tar { file, places })
}

/// The name of a file in an archive; `None` for one that is no text.
fn sound(name: &[u8]) -> Result<Option<String>, ImportError> {
    let Ok(name) = std::str::from_utf8(name) else {
        return Ok(None);
    };
    let bare = name.strip_prefix("./").unwrap_or(name);
    let leads_out = bare.starts_with('/')
        || bare.contains(['\\', '\0'])
        || bare.split('/').any(|part| part == "..")
        || bare.get(1..3) == Some(":/");
    if leads_out {
        let shown: String = name.escape_debug().take(80).collect();
        return refuse(format!(
            "it holds a file named \"{shown}\", which leads out of it"
        ));
    }
    Ok(Some(bare.to_owned()))
}

/// The folder of the first name that is `name` in one folder.
fn within<'n>(names: impl Iterator<Item = &'n String>, name: &str) -> Option<String> {
    let folder = |whole: &String| {
        let folder = whole.strip_suffix(name)?;
        let one = folder.ends_with('/') && folder.matches('/').count() == 1;
        one.then(|| folder.to_owned())
    };
    names.filter_map(folder).min()
}

/// The path of a file that truly lies in a folder, links followed.
fn inside(root: &Path, name: &str) -> Option<PathBuf> {
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    if name.is_empty() || !Path::new(name).components().all(plain) {
        return None;
    }
    let path = root.join(name).canonicalize().ok()?;
    (path.starts_with(root) && path.is_file()).then_some(path)
}
