//! Places that hold blocks and give them in their own way.

use std::{
    sync::{Condvar, Mutex},
    thread,
    time::Duration,
};

use ourspace_protocol::dag::{BlockSource, Cid, SourceError};

use super::tree::Blocks;

/// Gives other bytes than asked for.
pub(crate) struct Lying(pub(crate) Blocks);

impl BlockSource for Lying {
    fn get(&self, cid: &Cid) -> Result<Option<Vec<u8>>, SourceError> {
        let bytes = self.0.get(cid).cloned();
        Ok(bytes.map(|mut bytes| {
            bytes[0] ^= 1;
            bytes
        }))
    }
}

/// Takes its time for every block.
pub(crate) struct Slow(pub(crate) Blocks, pub(crate) Duration);

impl BlockSource for Slow {
    fn get(&self, cid: &Cid) -> Result<Option<Vec<u8>>, SourceError> {
        thread::sleep(self.1);
        Ok(self.0.get(cid).cloned())
    }
}

/// Answers nothing before it is let go.
#[derive(Default)]
pub(crate) struct Silent {
    free: Mutex<bool>,
    changed: Condvar,
}

impl Silent {
    pub(crate) fn let_go(&self) {
        *self.free.lock().unwrap() = true;
        self.changed.notify_all();
    }
}

impl BlockSource for Silent {
    fn get(&self, _: &Cid) -> Result<Option<Vec<u8>>, SourceError> {
        let free = self.free.lock().unwrap();
        drop(self.changed.wait_while(free, |free| !*free).unwrap());
        Ok(None)
    }
}
