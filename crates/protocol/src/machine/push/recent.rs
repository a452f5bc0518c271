//! The last announcements, for those who have only heard of them; and those that this node has
//! only heard of.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use crate::{
    announcement::Announcement,
    message::{Short, Topic},
    time::Millis,
};

/// Bytes of them that are kept.
const MOST: usize = 1024 * 1024;

/// The last announcements.
#[derive(Debug, Default)]
pub(super) struct Recent {
    by_short: HashMap<Short, Arc<Announcement>>,
    order: VecDeque<(Short, usize)>,
    size: usize,
}

impl Recent {
    pub(super) fn put(&mut self, news: &Arc<Announcement>) {
        let short = Short::of(&news.record().digest());
        if self.by_short.insert(short, Arc::clone(news)).is_some() {
            return;
        }
        let size = news.size();
        self.order.push_back((short, size));
        self.size += size;
        while self.size > MOST
            && let Some((oldest, size)) = self.order.pop_front()
        {
            self.by_short.remove(&oldest);
            self.size -= size;
        }
    }

    pub(super) fn get(&self, short: Short) -> Option<Arc<Announcement>> {
        self.by_short.get(&short).cloned()
    }
}

/// News that others have and this node does not.
#[derive(Debug)]
pub(super) struct Wait<P> {
    pub(super) topic: Topic,
    /// Who has it; the first one is asked next.
    pub(super) peers: Vec<P>,
    pub(super) at: Millis,
    pub(super) tries: usize,
}
