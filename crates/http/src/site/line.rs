//! A file that is being read from some place on, and the pieces of it that are waited for.
//!
//! Pieces that are wanted while the file comes are taken out of the same answer as long as
//! they lie ahead: so a large file is read in one go, also from hosts that know no ranges.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ourspace_protocol::{
    dag::{Block, Cid},
    limits::{BLOCK_BYTES, CHUNK_BYTES, TSIZE},
};
use tokio::{sync::Notify, time};
use url::Url;

use super::door::Door;
use super::plan::Fate;
use crate::{
    HttpError,
    client::{Answer, Body, Limits},
};

/// How long a file is held open for pieces that are wanted a little later.
const LINGER: Duration = Duration::from_secs(2);
/// How long may be waited for all of a file; it has to be fast enough too.
const WHOLE_FILE: Duration = Duration::from_secs(24 * 3600);

/// What came of a piece.
pub(super) type Piece = Result<Block, Fate>;

#[derive(Debug)]
struct State {
    /// Byte of the file up to which all has been given out.
    at: u64,
    wanted: BTreeMap<u64, Cid>,
    over: bool,
}

/// A file that is being read.
#[derive(Debug)]
pub(super) struct Line {
    state: Mutex<State>,
    more: Notify,
}

impl Line {
    /// From a first piece on.
    pub(super) fn new(offset: u64, cid: Cid) -> Self {
        Self {
            state: Mutex::new(State {
                at: offset,
                wanted: BTreeMap::from([(offset, cid)]),
                over: false,
            }),
            more: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for one more piece; false when it does not lie ahead any more.
    pub(super) fn add(&self, offset: u64, cid: Cid) -> bool {
        let mut state = self.state();
        if state.over || offset < state.at || state.wanted.contains_key(&offset) {
            return false;
        }
        state.wanted.insert(offset, cid);
        self.more.notify_one();
        true
    }

    /// No longer waits for a piece.
    pub(super) fn forget(&self, offset: u64) {
        self.state().wanted.remove(&offset);
    }

    /// Whether nothing more comes of it.
    pub(super) fn is_over(&self) -> bool {
        self.state().over
    }

    /// The next piece that is wanted, and where it ends at the latest; waits a little when
    /// there is none and the file goes `on`. None when it need not be read further.
    async fn next(&self, on: bool) -> Option<(u64, u64)> {
        let patience = if on { LINGER } else { Duration::ZERO };
        loop {
            if let Some(piece) = self.first() {
                return Some(piece);
            }
            let waited = time::timeout(patience, self.more.notified()).await;
            let mut state = self.state();
            if waited.is_err() && state.wanted.is_empty() {
                state.over = true;
                return None;
            }
        }
    }

    fn first(&self) -> Option<(u64, u64)> {
        let state = self.state();
        let mut ahead = state.wanted.keys();
        let first = *ahead.next()?;
        // Files made by the profile have pieces of this size; of smaller ones, the next
        // piece says where this one ends.
        let end = first.saturating_add(CHUNK_BYTES as u64);
        Some((first, ahead.next().map_or(end, |next| end.min(*next))))
    }

    /// Takes what was wanted at a place, and moves on behind it.
    fn take(&self, offset: u64, end: u64) -> Option<Cid> {
        let mut state = self.state();
        state.at = end;
        state.wanted.remove(&offset)
    }

    /// Ends; gives what is still waited for.
    fn end(&self) -> Vec<Cid> {
        let mut state = self.state();
        state.over = true;
        std::mem::take(&mut state.wanted).into_values().collect()
    }
}

/// Reads a file for as long as pieces of it are wanted; `tell` is told of each piece.
pub(super) async fn read(door: &Door, url: &Url, line: &Line, tell: impl Fn(Cid, Piece)) {
    let rest = match pieces(door, url, line, &tell).await {
        Ok(fate) => fate,
        Err(error) => {
            tracing::debug!(%url, %error, "a file could not be read to its end");
            fate_of(&error)
        }
    };
    for cid in line.end() {
        tell(cid, Err(rest));
    }
}

/// Gives out pieces as they come; then what became of the others.
async fn pieces(
    door: &Door,
    url: &Url,
    line: &Line,
    tell: &impl Fn(Cid, Piece),
) -> Result<Fate, HttpError> {
    let begin = line.state().at;
    let mut ask = door.ask(url, file_limits());
    ask.range = (begin > 0).then_some((begin, None));
    let answer = door.client.get(ask).await?;
    let at = match start(&answer, begin) {
        Ok(at) => at,
        Err(fate) => return Ok(fate),
    };
    let length = answer.head.length.map(|length| at.saturating_add(length));
    let mut stream = Bytes::new(answer.body, at);
    let goes_on = |stream: &Bytes| !stream.ended && length.is_none_or(|end| stream.at < end);
    while let Some((offset, end)) = line.next(goes_on(&stream)).await {
        if !stream.skip_to(offset).await? {
            // The file is shorter than the one that is signed.
            return Ok(Fate::Wrong);
        }
        let bytes = stream.take_to(end).await?;
        let Some(cid) = line.take(offset, offset + bytes.len() as u64) else {
            continue;
        };
        tell(cid, Block::check(cid, bytes).map_err(|_| Fate::Wrong));
    }
    Ok(Fate::Failed)
}

/// At which byte of the file an answer begins.
fn start(answer: &Answer, begin: u64) -> Result<u64, Fate> {
    match (answer.head.status, answer.head.range) {
        (206, Some((first, ..))) if first <= begin => Ok(first),
        (200, _) => Ok(0),
        (206, _) => Err(Fate::Wrong),
        // The file is shorter than the one that is signed.
        (416, _) => Err(Fate::Wrong),
        (status, _) => Err(fate_of_status(status)),
    }
}

const fn file_limits() -> Limits {
    Limits {
        total: WHOLE_FILE,
        ..Limits::bytes(TSIZE)
    }
}

/// Reads a block by its name.
pub(super) async fn block(door: &Door, url: &Url, accept: &str, cid: Cid) -> Piece {
    let mut ask = door.ask(url, Limits::bytes(BLOCK_BYTES as u64));
    ask.accept = accept;
    let whole = async {
        let answer = door.client.get(ask).await?;
        match answer.head.status {
            200 => answer.body.whole().await.map(Ok),
            status => Ok(Err(fate_of_status(status))),
        }
    };
    match whole.await {
        Ok(Ok(bytes)) => Block::check(cid, bytes).map_err(|_| Fate::Wrong),
        Ok(Err(fate)) => Err(fate),
        Err(error) => {
            tracing::debug!(%url, %error, "a block did not come");
            Err(fate_of(&error))
        }
    }
}

const fn fate_of_status(status: u16) -> Fate {
    match status {
        429 => Fate::Refused,
        // A gateway that found nothing in time says 504.
        400..=499 | 504 => Fate::Absent,
        500..=599 => Fate::Failed,
        _ => Fate::Absent,
    }
}

const fn fate_of(error: &HttpError) -> Fate {
    match error {
        HttpError::Later { .. } | HttpError::Private(_) => Fate::Refused,
        HttpError::TooLarge { .. } | HttpError::Packed(_) => Fate::Wrong,
        HttpError::Url { .. } | HttpError::Redirect { .. } => Fate::Absent,
        _ => Fate::Failed,
    }
}

/// A body by the places of its bytes.
struct Bytes {
    body: Body,
    ended: bool,
    /// Bytes that have come and are not given out, and where they begin.
    ahead: Vec<u8>,
    at: u64,
}

impl Bytes {
    const fn new(body: Body, at: u64) -> Self {
        Self {
            body,
            ended: false,
            ahead: Vec::new(),
            at,
        }
    }

    /// Passes over all before `offset`; false when the body ends before it.
    async fn skip_to(&mut self, offset: u64) -> Result<bool, HttpError> {
        while self.at < offset {
            let more = usize::try_from(offset - self.at).unwrap_or(usize::MAX);
            let gone = more.min(self.ahead.len());
            self.ahead.drain(..gone);
            self.at += gone as u64;
            if self.at < offset {
                self.more().await?;
                if self.ended && self.ahead.is_empty() {
                    return Ok(false);
                }
            }
        }
        Ok(self.at == offset)
    }

    async fn more(&mut self) -> Result<(), HttpError> {
        match self.body.chunk().await? {
            Some(chunk) => self.ahead.extend_from_slice(&chunk),
            None => self.ended = true,
        }
        Ok(())
    }

    /// All up to `end`, or to where the body ends.
    async fn take_to(&mut self, end: u64) -> Result<Vec<u8>, HttpError> {
        let length = usize::try_from(end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        while self.ahead.len() < length && !self.ended {
            self.more().await?;
        }
        let rest = self.ahead.split_off(length.min(self.ahead.len()));
        let taken = std::mem::replace(&mut self.ahead, rest);
        self.at += taken.len() as u64;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ourspace_protocol::dag::Codec;

    fn cid(n: u8) -> Cid {
        Cid::of(Codec::Raw, &[n])
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_takes_what_lies_ahead_and_then_ends() {
        const MIB: u64 = 1 << 20;
        let line = Line::new(MIB, cid(1));
        assert!(line.add(3 * MIB, cid(3)));
        assert!(line.add(3 * MIB / 2, cid(2)));
        assert!(!line.add(0, cid(0)), "that lies behind");
        assert!(!line.add(3 * MIB, cid(4)), "that is taken");
        assert_eq!(line.next(true).await, Some((MIB, 3 * MIB / 2)));
        assert_eq!(line.take(MIB, 3 * MIB / 2), Some(cid(1)));
        assert_eq!(line.next(true).await, Some((3 * MIB / 2, 5 * MIB / 2)));
        assert_eq!(line.take(3 * MIB / 2, 5 * MIB / 2), Some(cid(2)));
        line.forget(3 * MIB);
        let late = async {
            time::sleep(LINGER / 2).await;
            assert!(line.add(9 * MIB, cid(9)));
        };
        let (next, ()) = tokio::join!(line.next(true), late);
        assert_eq!(next, Some((9 * MIB, 10 * MIB)));
        assert_eq!(line.take(9 * MIB, 10 * MIB), Some(cid(9)));
        assert_eq!(line.next(true).await, None);
        assert!(line.is_over() && !line.add(99 * MIB, cid(1)));
    }
}
