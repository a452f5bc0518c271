//! Writing a file that is larger than a block: read and written by one thread, hashed by
//! others, in pieces of 1 MiB and few of them at a time.

use std::{
    fs::File,
    io::{self, Read},
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
    piece::{Output, Piece},
    steps::Step,
    volume::{Kind, VolumeId, Volumes},
};

/// Threads that hash, at most: one keeps up with most disks where the processor knows
/// SHA-256, and four do where it does not.
const HASHERS: usize = 4;

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

/// Writes the pieces `begin` and the rest of `input` to a file of their own.
pub(crate) fn write(
    volumes: &Volumes,
    begin: [Piece; 2],
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
    begin: [Piece; 2],
    input: &mut dyn Read,
) -> Result<Whole, StoreError> {
    let path = volumes.path(volume);
    let mut output = Output::new(file, &path);
    let pieces = thread::scope(|scope| {
        let (work, jobs) = channel();
        let (report, done) = channel();
        let jobs = Arc::new(Mutex::new(jobs));
        let hashers = thread::available_parallelism().map_or(1, usize::from);
        let hashers = hashers.min(HASHERS);
        for _ in 0..hashers {
            let report = report.clone();
            let jobs = Arc::clone(&jobs);
            scope.spawn(move || hash(&jobs, &report));
        }
        drop((report, jobs));
        let mut pump = Pump {
            work,
            done,
            spare: 2 * hashers,
            digests: Vec::new(),
        };
        pump.run(&mut output, begin, input)?;
        Ok(pump.finish())
    });
    let failed = |error| match error {
        PumpError::Input(error) => error,
        PumpError::Write(error) => StoreError::file("write", &path)(error),
    };
    let pieces = pieces.map_err(failed)?;
    volumes.observer.reached(Step::WholeWritten);
    let synced = output.sync();
    synced.map_err(StoreError::file("sync", &path))?;
    volumes.observer.reached(Step::WholeSynced);
    let size = output.size();
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
type Job = (usize, Piece);
/// A piece's digest, and its room to be used again.
type Done = (usize, [u8; 32], Piece);

fn hash(jobs: &Mutex<Receiver<Job>>, report: &Sender<Done>) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((at, piece)) = job else {
            return;
        };
        let cid = Cid::of(Codec::Raw, piece.bytes());
        if report.send((at, *cid.digest(), piece)).is_err() {
            return;
        }
    }
}

enum PumpError {
    Input(StoreError),
    Write(io::Error),
}

/// Reads, writes, and keeps the hashers busy.
struct Pump {
    work: Sender<Job>,
    done: Receiver<Done>,
    /// Pieces that may still be made.
    spare: usize,
    digests: Vec<[u8; 32]>,
}

impl Pump {
    fn run(
        &mut self,
        output: &mut Output<'_>,
        begin: [Piece; 2],
        input: &mut dyn Read,
    ) -> Result<(), PumpError> {
        for piece in begin {
            self.piece(output, piece)?;
        }
        loop {
            let mut piece = if self.spare > 0 {
                self.spare -= 1;
                Piece::new()
            } else {
                self.one_done()?
            };
            piece.fill(input).map_err(PumpError::Input)?;
            if piece.is_empty() {
                return Ok(());
            }
            self.piece(output, piece)?;
        }
    }

    fn piece(&mut self, output: &mut Output<'_>, piece: Piece) -> Result<(), PumpError> {
        let at = self.digests.len();
        self.digests.push([0; 32]);
        // Hashed while it is being written would be better still, but a piece has one
        // owner; the next one is read and written meanwhile.
        output.push(&piece).map_err(PumpError::Write)?;
        let stopped = |_| PumpError::Write(stopped());
        self.work.send((at, piece)).map_err(stopped)
    }

    fn one_done(&mut self) -> Result<Piece, PumpError> {
        let done = self.done.recv();
        let (at, digest, piece) = done.map_err(|_| PumpError::Write(stopped()))?;
        self.digests[at] = digest;
        Ok(piece)
    }

    /// Waits for the last hashes; gives all of them.
    fn finish(self) -> Vec<[u8; 32]> {
        let Self {
            work,
            done,
            mut digests,
            ..
        } = self;
        drop(work);
        for (at, digest, _) in done {
            digests[at] = digest;
        }
        digests
    }
}

/// The DAG over pieces of 1 MiB.
pub(crate) fn assemble(pieces: &[[u8; 32]], size: u64) -> (FileDag, Vec<Block>) {
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
