//! The folder of volumes: files that hold the bytes of kept files.
//!
//! A pack (`N.pack`) holds many small files one after another, and grows until it is full;
//! a larger file has a file of its own (`N.file`). What counts is what the database names:
//! a volume is written and synced first, the row that names it comes after, and a file
//! that no row names is nothing but rubbish, which the next open removes. So nothing is
//! ever renamed, and no number is used twice while it could be mistaken.

use std::{
    collections::{BTreeMap, HashSet},
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rusqlite::{Connection, params};

use crate::{
    error::StoreError,
    steps::{Observer, Step},
};

/// Bytes at which a pack is full: what compaction copies at most is half of it.
pub(crate) const PACK_BYTES: u64 = 64 << 20;

/// What a volume holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Many small files.
    Pack,
    /// One larger file.
    Whole,
}

/// A volume by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct VolumeId {
    pub(crate) number: i64,
    pub(crate) kind: Kind,
}

impl VolumeId {
    /// Its file in `folder`.
    pub(crate) fn path(self, folder: &Path) -> PathBuf {
        let ending = match self.kind {
            Kind::Pack => "pack",
            Kind::Whole => "file",
        };
        folder.join(format!("{}.{ending}", self.number))
    }

    fn of_name(name: &str) -> Option<Self> {
        let (number, ending) = name.split_once('.')?;
        let kind = match ending {
            "pack" => Kind::Pack,
            "file" => Kind::Whole,
            _ => return None,
        };
        let number = number.parse().ok()?;
        Some(Self { number, kind })
    }
}

/// The folder of volumes of a home.
pub(crate) fn folder(home: &Path) -> PathBuf {
    home.join("files")
}

/// A pack that is being appended to.
#[derive(Debug)]
pub(crate) struct OpenPack {
    pub(crate) number: i64,
    pub(crate) file: File,
    /// Bytes of it that the database knows; 0 for a new one.
    pub(crate) kept: u64,
}

/// How a process uses the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Folder {
    /// Nobody else makes files there, or only guests do.
    Own,
    /// As a guest of a node: what no row names may be the node's, which is at work, and so
    /// may be any pack; a guest only adds files and removes whole ones.
    Guests,
}

/// The writing side of the folder.
#[derive(Debug)]
pub(crate) struct Volumes {
    folder: PathBuf,
    used: Folder,
    pub(crate) observer: Arc<dyn Observer>,
    slots: Mutex<Slots>,
}

/// Which packs are free to be appended to.
#[derive(Debug, Default)]
struct Slots {
    next: i64,
    /// Packs with room, and the bytes of each that the database knows.
    open: BTreeMap<i64, u64>,
    /// Packs that somebody appends to, or that must not be touched before the next open.
    busy: HashSet<i64>,
}

impl Volumes {
    /// Makes the folder if there is none, and removes from it what no row names: left by
    /// a crash.
    pub(crate) fn open(
        home: &Path,
        conn: &Connection,
        used: Folder,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, StoreError> {
        let folder = folder(home);
        make(&folder, home)?;
        let volumes = Self {
            folder,
            used,
            observer,
            slots: Mutex::default(),
        };
        let highest = volumes.tidy(conn)?;
        let mut find = conn.prepare("SELECT max(number) FROM volume")?;
        let known: Option<i64> = find.query_row([], |row| row.get(0))?;
        volumes.slots().next = highest.max(known.unwrap_or(0)) + 1;
        Ok(volumes)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn path(&self, volume: VolumeId) -> PathBuf {
        volume.path(&self.folder)
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes and shortens what a crash has left, finds a pack with room; gives the
    /// highest number seen.
    fn tidy(&self, conn: &Connection) -> Result<i64, StoreError> {
        let mut find = conn.prepare("SELECT size FROM volume WHERE number = ? AND cid IS ?")?;
        let mut whole = conn.prepare("SELECT cid IS NOT NULL FROM volume WHERE number = ?")?;
        let listing = fs::read_dir(&self.folder).map_err(self.failed("list"))?;
        let mut highest = 0;
        for entry in listing {
            let entry = entry.map_err(self.failed("list"))?;
            let name = entry.file_name();
            let Some(volume) = name.to_str().and_then(VolumeId::of_name) else {
                continue;
            };
            highest = highest.max(volume.number);
            if self.used == Folder::Guests {
                continue;
            }
            let known = match volume.kind {
                Kind::Whole => {
                    let mut rows = whole.query([volume.number])?;
                    rows.next()?.is_some_and(|row| row.get(0) == Ok(true))
                }
                Kind::Pack => {
                    let mut rows = find.query(params![volume.number, None::<Vec<u8>>])?;
                    match rows.next()? {
                        None => false,
                        Some(row) => {
                            let size: i64 = row.get(0)?;
                            self.tidy_pack(volume.number, size.unsigned_abs())?;
                            true
                        }
                    }
                }
            };
            if !known {
                self.remove(volume)?;
            }
        }
        Ok(highest)
    }

    fn tidy_pack(&self, number: i64, size: u64) -> Result<(), StoreError> {
        let volume = VolumeId {
            number,
            kind: Kind::Pack,
        };
        let path = self.path(volume);
        let found = fs::metadata(&path)
            .map_err(StoreError::file("look at", &path))?
            .len();
        if found > size {
            let file = self.reopen(volume)?;
            self.shorten(volume, &file, size)?;
        }
        let mut slots = self.slots();
        // A pack that is shorter than it should be is damaged: nothing is added to it.
        if found >= size && size < PACK_BYTES {
            slots.open.insert(number, size);
        }
        Ok(())
    }

    fn failed(&self, doing: &'static str) -> impl FnOnce(io::Error) -> StoreError {
        StoreError::file(doing, &self.folder)
    }

    fn reopen(&self, volume: VolumeId) -> Result<File, StoreError> {
        let path = self.path(volume);
        let file = OpenOptions::new().read(true).write(true).open(&path);
        file.map_err(StoreError::file("open", &path))
    }

    /// Makes the file of a new volume.
    pub(crate) fn create(&self, kind: Kind) -> Result<(VolumeId, File), StoreError> {
        loop {
            let number = self.next_number();
            let volume = VolumeId { number, kind };
            let path = self.path(volume);
            let mut options = OpenOptions::new();
            options.read(true).write(true).create_new(true).mode(0o600);
            match options.open(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(StoreError::file("make", &path)(error)),
                Ok(file) => return Ok((volume, file)),
            }
        }
    }

    /// Even numbers, and odd ones for guests: so neither takes the other's.
    fn next_number(&self) -> i64 {
        let odd = i64::from(self.used == Folder::Guests);
        let mut slots = self.slots();
        let number = slots.next + (slots.next + odd) % 2;
        slots.next = number + 1;
        number
    }

    /// A pack to append to, and nobody else does.
    pub(crate) fn take_pack(&self) -> Result<OpenPack, StoreError> {
        let open = {
            let mut slots = self.slots();
            // The oldest, so that packs become full and there are few.
            let open = slots.open.pop_first();
            slots.busy.extend(open.map(|(number, _)| number));
            open
        };
        if let Some((number, kept)) = open {
            let kind = Kind::Pack;
            let file = self.reopen(VolumeId { number, kind })?;
            return Ok(OpenPack { number, file, kept });
        }
        let (volume, file) = self.create(Kind::Pack)?;
        self.slots().busy.insert(volume.number);
        self.observer.reached(Step::PackStarted);
        Ok(OpenPack {
            number: volume.number,
            file,
            kept: 0,
        })
    }

    /// A pack that was appended to is free again, with `kept` bytes that count.
    pub(crate) fn give_back(&self, number: i64, kept: u64) {
        let mut slots = self.slots();
        slots.busy.remove(&number);
        if kept > 0 && kept < PACK_BYTES {
            slots.open.insert(number, kept);
        }
    }

    /// Takes a pack away from those that are appended to, to do away with it; false when
    /// somebody is at it.
    pub(crate) fn withdraw(&self, number: i64) -> bool {
        if self.used == Folder::Guests {
            return false;
        }
        let mut slots = self.slots();
        if slots.busy.contains(&number) {
            return false;
        }
        slots.open.remove(&number);
        true
    }

    /// Removes a volume's file; one that is not there is no failure.
    pub(crate) fn remove(&self, volume: VolumeId) -> Result<(), StoreError> {
        self.observer.reached(Step::Removing);
        let path = self.path(volume);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::file("remove", &path)(error))
            }
            _ => Ok(()),
        }
    }

    /// Cuts off what was appended to a pack but never kept.
    pub(crate) fn shorten(
        &self,
        volume: VolumeId,
        file: &File,
        kept: u64,
    ) -> Result<(), StoreError> {
        self.observer.reached(Step::Shortening);
        file.set_len(kept)
            .map_err(StoreError::file("shorten", &self.path(volume)))
    }

    /// Makes the names of new volumes durable.
    pub(crate) fn sync_folder(&self) -> Result<(), StoreError> {
        sync_folder(&self.folder)?;
        self.observer.reached(Step::FolderSynced);
        Ok(())
    }
}

/// Makes the entries of a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    match File::open(folder).and_then(|opened| opened.sync_all()) {
        // Some file systems sync no folders, since they need not.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        result => result.map_err(StoreError::file("sync", folder)),
    }
}

fn make(folder: &Path, home: &Path) -> Result<(), StoreError> {
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => sync_folder(home),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::file("make", folder)(error)),
    }
}

/// Reads exactly `length` bytes at `start`; `None` when the file is shorter.
pub(crate) fn read_at(file: &File, start: u64, length: usize) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = vec![0; length];
    match file.read_exact_at(&mut bytes, start) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}
