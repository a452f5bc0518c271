//! Writing a file that is larger than a block: read and written by one thread, hashed by
//! others, in pieces of 1 MiB and few of them at a time.

use std::{
    fs::File,
    io::{self, Read, Write},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use ourspace_protocol::{
    dag::{Assembler, Block, Cid, Codec, FileDag, Layout},
    limits::CHUNK_BYTES,
};

use crate::{
    error::StoreError,
    steps::Step,
    volume::{Kind, VolumeId, Volumes},
};

/// Threads that hash, at most: one keeps up with most disks where the processor knows
/// SHA-256, and four do where it does not.
const HASHERS: usize = 4;

/// Bytes after which the disk is sent to work, so that it does not begin at the end.
const SYNC_EVERY: u64 = 64 << 20;

/// A large file that is written and synced.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) number: i64,
    pub(crate) dag: FileDag,
    /// The digests of its pieces, in order; all but the last have 1 MiB.
    pub(crate) pieces: Vec<[u8; 32]>,
    /// Its inner nodes, the root last.
    pub(crate) nodes: Vec<Block>,
}

pub(crate) fn volume(number: i64) -> VolumeId {
    let kind = Kind::Whole;
    VolumeId { number, kind }
}

/// A buffer for one piece.
pub(crate) fn buffer() -> Vec<u8> {
    vec![0; CHUNK_BYTES]
}

/// Reads until `buffer` is full or the input ends; gives how much was read.
pub(crate) fn fill(input: &mut dyn Read, buffer: &mut [u8]) -> Result<usize, StoreError> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(StoreError::Input(error)),
        }
    }
    Ok(filled)
}

/// Writes the pieces `begin` and the rest of `input` to a file of their own.
pub(crate) fn write(
    volumes: &Volumes,
    begin: [Vec<u8>; 2],
    input: &mut dyn Read,
) -> Result<Whole, StoreError> {
    let (volume, file) = volumes.create(Kind::Whole)?;
    let written = write_to(volumes, (volume, &file), begin, input);
    if written.is_err()
        && let Err(error) = volumes.remove(volume)
    {
        tracing::warn!(%error, "left until the next start");
    }
    written
}

fn write_to(
    volumes: &Volumes,
    (volume, file): (VolumeId, &File),
    begin: [Vec<u8>; 2],
    input: &mut dyn Read,
) -> Result<Whole, StoreError> {
    let path = volumes.path(volume);
    let pieces = thread::scope(|scope| {
        let (work, jobs) = channel();
        let (report, done) = channel();
        let (flush, flushes) = channel();
        let jobs = Arc::new(Mutex::new(jobs));
        let hashers = thread::available_parallelism().map_or(1, usize::from);
        let hashers = hashers.min(HASHERS);
        for _ in 0..hashers {
            let report = report.clone();
            let jobs = Arc::clone(&jobs);
            scope.spawn(move || hash(&jobs, &report));
        }
        drop((report, jobs));
        let syncing = scope.spawn(move || flushes.iter().try_for_each(|()| file.sync_data()));
        let mut pump = Pump {
            work,
            done,
            flush,
            spare: 2 * hashers,
            digests: Vec::new(),
            size: 0,
        };
        let pumped = pump.run(file, begin, input);
        let pieces = pumped.and_then(|()| pump.finish());
        let synced = syncing.join().unwrap_or_else(|_| Err(stopped()));
        synced.map_err(PumpError::Write)?;
        pieces
    });
    let failed = |error| match error {
        PumpError::Input(error) => error,
        PumpError::Write(error) => StoreError::file("write", &path)(error),
    };
    let (pieces, size) = pieces.map_err(failed)?;
    volumes.observer.reached(Step::WholeWritten);
    let synced = file.sync_data();
    synced.map_err(StoreError::file("sync", &path))?;
    volumes.observer.reached(Step::WholeSynced);
    let (dag, nodes) = assemble(&pieces, size);
    Ok(Whole {
        number: volume.number,
        dag,
        pieces,
        nodes,
    })
}

fn stopped() -> io::Error {
    io::Error::other("a thread that was needed has stopped")
}

/// A piece and its place in the file.
type Job = (usize, Vec<u8>);
/// A piece's digest, and its buffer to be used again.
type Done = (usize, [u8; 32], Vec<u8>);

fn hash(jobs: &Mutex<Receiver<Job>>, report: &Sender<Done>) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((at, bytes)) = job else {
            return;
        };
        let cid = Cid::of(Codec::Raw, &bytes);
        if report.send((at, *cid.digest(), bytes)).is_err() {
            return;
        }
    }
}

enum PumpError {
    Input(StoreError),
    Write(io::Error),
}

/// Reads, writes, and keeps the hashers and the disk busy.
struct Pump {
    work: Sender<Job>,
    done: Receiver<Done>,
    flush: Sender<()>,
    /// Buffers that may still be made.
    spare: usize,
    digests: Vec<[u8; 32]>,
    size: u64,
}

impl Pump {
    fn run(
        &mut self,
        file: &File,
        begin: [Vec<u8>; 2],
        input: &mut dyn Read,
    ) -> Result<(), PumpError> {
        for piece in begin {
            self.piece(file, piece)?;
        }
        loop {
            let mut buffer = if self.spare > 0 {
                self.spare -= 1;
                buffer()
            } else {
                self.one_done()?
            };
            let filled = fill(input, &mut buffer).map_err(PumpError::Input)?;
            if filled == 0 {
                return Ok(());
            }
            buffer.truncate(filled);
            self.piece(file, buffer)?;
        }
    }

    fn piece(&mut self, mut file: &File, piece: Vec<u8>) -> Result<(), PumpError> {
        let before = self.size;
        self.size += piece.len() as u64;
        let at = self.digests.len();
        self.digests.push([0; 32]);
        // Hashed while it is being written would be better still, but a buffer has one
        // owner; the next piece is read and written meanwhile.
        file.write_all(&piece).map_err(PumpError::Write)?;
        let stopped = |_| PumpError::Write(stopped());
        self.work.send((at, piece)).map_err(stopped)?;
        if before / SYNC_EVERY != self.size / SYNC_EVERY {
            // When the syncing thread has failed, it says why at the end.
            self.flush
                .send(())
                .map_err(|_| PumpError::Write(self::stopped()))?;
        }
        Ok(())
    }

    fn one_done(&mut self) -> Result<Vec<u8>, PumpError> {
        let done = self.done.recv();
        let (at, digest, buffer) = done.map_err(|_| PumpError::Write(stopped()))?;
        self.digests[at] = digest;
        Ok(buffer)
    }

    /// Waits for the last hashes; gives all of them, and the file's size.
    fn finish(self) -> Result<(Vec<[u8; 32]>, u64), PumpError> {
        let Self {
            work,
            done,
            mut digests,
            size,
            ..
        } = self;
        drop(work);
        for (at, digest, _) in done {
            digests[at] = digest;
        }
        Ok((digests, size))
    }
}

/// The DAG over pieces of 1 MiB.
fn assemble(pieces: &[[u8; 32]], size: u64) -> (FileDag, Vec<Block>) {
    let mut nodes = Vec::new();
    let mut keep = |block: Block| -> Result<(), std::convert::Infallible> {
        nodes.push(block);
        Ok(())
    };
    let mut assembler = Assembler::new(Layout::UNIXFS_V1_2025);
    let mut left = size;
    for digest in pieces {
        let length = left.min(CHUNK_BYTES as u64);
        left -= length;
        let cid = Cid::from_digest(Codec::Raw, *digest);
        let Ok(()) = assembler.push(cid, length, &mut keep);
    }
    let Ok(root) = assembler.finish(&mut keep);
    let dag = FileDag {
        cid: root.cid,
        size,
        tsize: root.tsize,
    };
    (dag, nodes)
}
