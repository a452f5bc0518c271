//! Reading kept files and their blocks. Every byte is checked against its CID before
//! anybody gets it.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use ourspace_protocol::{
    dag::{Block, Cid, Codec, pb::PbNode},
    limits::{BLOCK_BYTES, CHUNK_BYTES},
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    error::StoreError,
    volume::{Kind, VolumeId, read_at},
};

const CHUNK: u64 = CHUNK_BYTES as u64;

/// A kept file, opened for reading; it can be read to its end whatever becomes of it in
/// the store meanwhile. Holds a piece of 1 MiB, and 32 bytes for each.
///
/// Reading gives only bytes that were checked; where the disk has damaged a piece, it
/// fails with [`io::ErrorKind::InvalidData`] and a [`StoreError::DamagedBlock`] inside.
#[derive(Debug)]
pub struct KeptFile {
    cid: Cid,
    size: u64,
    file: File,
    /// Where in the volume the file begins.
    start: u64,
    digests: Vec<[u8; 32]>,
    position: u64,
    /// The last piece that was read and checked.
    held: Option<(u64, Vec<u8>)>,
}

impl KeptFile {
    /// Its name.
    #[must_use]
    pub const fn cid(&self) -> Cid {
        self.cid
    }

    /// Bytes of it.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The piece with this number, checked.
    fn piece(&mut self, at: u64) -> io::Result<&[u8]> {
        if self.held.as_ref().is_none_or(|(held, _)| *held != at) {
            let mut buffer = self.held.take().map_or_else(Vec::new, |(_, buffer)| buffer);
            self.load(at, &mut buffer)?;
            self.held = Some((at, buffer));
        }
        Ok(self.held.as_ref().map_or(&[], |(_, bytes)| bytes))
    }

    fn load(&self, at: u64, buffer: &mut Vec<u8>) -> io::Result<()> {
        let digest = usize::try_from(at).ok().and_then(|at| self.digests.get(at));
        let digest = digest.ok_or(io::ErrorKind::UnexpectedEof)?;
        let cid = Cid::from_digest(Codec::Raw, *digest);
        let length = CHUNK.min(self.size - at * CHUNK);
        buffer.resize(usize::try_from(length).unwrap_or(CHUNK_BYTES), 0);
        let read =
            std::os::unix::fs::FileExt::read_exact_at(&self.file, buffer, self.start + at * CHUNK);
        match read {
            Ok(()) if cid.matches(buffer) => Ok(()),
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error),
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                StoreError::DamagedBlock(cid),
            )),
        }
    }
}

impl Read for KeptFile {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.size || out.is_empty() {
            return Ok(0);
        }
        let position = self.position;
        let within = usize::try_from(position % CHUNK).unwrap_or(CHUNK_BYTES);
        let piece = self.piece(position / CHUNK)?;
        let rest = piece.get(within..).unwrap_or_default();
        let count = rest.len().min(out.len());
        out[..count].copy_from_slice(&rest[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for KeptFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

/// What became of a look-up.
pub(crate) enum Lookup<T> {
    Here(T),
    Absent,
    /// The snapshot names it, but its volume is gone: a newer state has it elsewhere, or
    /// not at all.
    Gone,
}

/// Opens a kept file.
pub(crate) fn open(
    conn: &Connection,
    folder: &Path,
    cid: Cid,
) -> Result<Lookup<KeptFile>, StoreError> {
    let place = if cid.codec() == Codec::Raw {
        let mut find = conn.prepare_cached(
            "SELECT volume, start, length FROM block JOIN volume ON number = volume
             WHERE digest = ? AND cid IS NULL",
        )?;
        find.query_row([cid.digest()], columns).optional()?
    } else {
        let mut find = conn.prepare_cached("SELECT number, 0, size FROM volume WHERE cid = ?")?;
        find.query_row([cid.to_bytes()], columns).optional()?
    };
    let Some((number, start, size)) = place else {
        return Ok(Lookup::Absent);
    };
    let (kind, digests) = if cid.codec() == Codec::Raw {
        (Kind::Pack, vec![*cid.digest()])
    } else {
        (Kind::Whole, pieces(conn, number, (cid, size))?)
    };
    let Some(file) = open_volume(folder, VolumeId { number, kind })? else {
        return Ok(Lookup::Gone);
    };
    Ok(Lookup::Here(KeptFile {
        cid,
        size,
        file,
        start,
        digests,
        position: 0,
        held: None,
    }))
}

fn columns(row: &rusqlite::Row<'_>) -> Result<(i64, u64, u64), rusqlite::Error> {
    let (start, size): (i64, i64) = (row.get(1)?, row.get(2)?);
    Ok((row.get(0)?, start.unsigned_abs(), size.unsigned_abs()))
}

fn open_volume(folder: &Path, volume: VolumeId) -> Result<Option<File>, StoreError> {
    let path = volume.path(folder);
    match File::open(&path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::file("open", &path)(error)),
    }
}

/// The digests of a large file's pieces, in order, from its inner nodes.
fn pieces(
    conn: &Connection,
    volume: i64,
    (root, size): (Cid, u64),
) -> Result<Vec<[u8; 32]>, StoreError> {
    let mut find = conn.prepare_cached("SELECT body FROM block WHERE digest = ? AND volume = ?")?;
    let wanted = usize::try_from(size.div_ceil(CHUNK)).unwrap_or(usize::MAX);
    let mut pieces = Vec::new();
    let mut stack = vec![root];
    while let Some(cid) = stack.pop() {
        if cid.codec() == Codec::Raw {
            pieces.push(*cid.digest());
            continue;
        }
        let body: Option<Option<Vec<u8>>> = find
            .query_row(params![cid.digest(), volume], |row| row.get(0))
            .optional()?;
        let block = Block::check(cid, body.flatten().unwrap_or_default());
        let block = block.map_err(|_| StoreError::DamagedBlock(cid))?;
        let node = PbNode::decode(block.bytes()).map_err(|_| StoreError::DamagedBlock(cid))?;
        stack.extend(node.links.iter().rev().map(|link| link.cid));
        if pieces.len() > wanted {
            break;
        }
    }
    if pieces.len() != wanted {
        return Err(StoreError::damaged("size of a kept file"));
    }
    Ok(pieces)
}

/// A block of a kept file, checked.
pub(crate) fn block(
    conn: &Connection,
    folder: &Path,
    cid: &Cid,
) -> Result<Lookup<Vec<u8>>, StoreError> {
    let mut find = conn.prepare_cached(
        "SELECT volume, start, length, body, cid IS NULL
         FROM block JOIN volume ON number = volume WHERE digest = ?",
    )?;
    let mut rows = find.query([cid.digest()])?;
    let (mut gone, mut damaged) = (false, false);
    // Where one copy is damaged, another may be whole.
    while let Some(row) = rows.next()? {
        let (number, start, length) = columns(row)?;
        let bytes = match row.get(3)? {
            Some(body) => Some(body),
            None => {
                let is_pack: bool = row.get(4)?;
                let kind = if is_pack { Kind::Pack } else { Kind::Whole };
                let Some(file) = open_volume(folder, VolumeId { number, kind })? else {
                    gone = true;
                    continue;
                };
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                let path = VolumeId { number, kind }.path(folder);
                read_at(&file, start, length.min(BLOCK_BYTES))
                    .map_err(StoreError::file("read", &path))?
            }
        };
        match bytes.filter(|bytes: &Vec<u8>| cid.matches(bytes)) {
            Some(bytes) => return Ok(Lookup::Here(bytes)),
            None => damaged = true,
        }
    }
    match (gone, damaged) {
        (true, _) => Ok(Lookup::Gone),
        (false, true) => Err(StoreError::DamagedBlock(*cid)),
        (false, false) => Ok(Lookup::Absent),
    }
}
