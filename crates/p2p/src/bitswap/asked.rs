//! What was asked of one peer: by it an answer is told from what nobody asked for.
//!
//! A block may come long after its want was taken back, and after its session is gone. It
//! is no lie then. So wants are remembered after they are over, the last ones of them.

use std::collections::{HashMap, VecDeque};

use ourspace_protocol::dag::Cid;

/// Wants that are over and still remembered.
const REMEMBERED: usize = 8192;

/// One want.
#[derive(Debug)]
struct Want {
    /// How often it was asked and not answered with the block: each may be.
    times: u32,
    /// Whether an answer is waited for.
    open: bool,
    /// Of which session it was.
    session: u64,
}

/// The wants of one peer.
#[derive(Debug, Default)]
pub(super) struct Asked {
    wants: HashMap<Cid, Want>,
    over: VecDeque<Cid>,
}

impl Asked {
    /// Whether an answer is waited for.
    pub(super) fn is_open(&self, cid: &Cid) -> bool {
        self.wants.get(cid).is_some_and(|want| want.open)
    }

    /// A want is sent.
    pub(super) fn ask(&mut self, cid: Cid, session: u64) {
        let want = self.wants.entry(cid).or_insert(Want {
            times: 0,
            open: false,
            session,
        });
        want.times += u32::from(!want.open);
        want.open = true;
        want.session = session;
    }

    /// A want is taken back or was answered with no: its block may come all the same.
    pub(super) fn close(&mut self, cid: &Cid) {
        let Some(want) = self.wants.get_mut(cid) else {
            return;
        };
        if std::mem::take(&mut want.open) {
            self.over.push_back(*cid);
        }
        while self.over.len() > REMEMBERED
            && let Some(oldest) = self.over.pop_front()
        {
            if !self.is_open(&oldest) {
                self.wants.remove(&oldest);
            }
        }
    }

    /// A block came: the session that asked for it, if any has.
    pub(super) fn got(&mut self, cid: &Cid) -> Option<u64> {
        let want = self.wants.get_mut(cid)?;
        let session = want.session;
        want.times -= 1;
        want.open = false;
        if want.times == 0 {
            self.wants.remove(cid);
        }
        Some(session)
    }
}

#[cfg(test)]
mod tests {
    use ourspace_protocol::dag::Codec;

    use super::*;

    fn cid(n: usize) -> Cid {
        Cid::of(Codec::Raw, &n.to_le_bytes())
    }

    #[test]
    fn a_block_is_expected_as_often_as_it_was_asked() {
        let mut asked = Asked::default();
        assert_eq!(asked.got(&cid(1)), None);
        asked.ask(cid(1), 7);
        // Asked with more urgency: still once.
        asked.ask(cid(1), 7);
        assert_eq!((asked.got(&cid(1)), asked.got(&cid(1))), (Some(7), None));
        // Taken back and asked again: both may come.
        asked.ask(cid(2), 7);
        asked.close(&cid(2));
        assert!(!asked.is_open(&cid(2)));
        asked.ask(cid(2), 8);
        assert_eq!(asked.got(&cid(2)), Some(8));
        assert_eq!((asked.got(&cid(2)), asked.got(&cid(2))), (Some(8), None));
    }

    #[test]
    fn what_is_over_is_forgotten_at_last() {
        let mut asked = Asked::default();
        for n in 0..REMEMBERED * 3 {
            asked.ask(cid(n), 1);
            asked.close(&cid(n));
        }
        assert_eq!(asked.wants.len(), REMEMBERED);
        assert_eq!(asked.got(&cid(0)), None);
        assert_eq!(asked.got(&cid(REMEMBERED * 3 - 1)), Some(1));
    }
}
