//! The last announcements, for those who have only heard of them.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use crate::{announcement::Announcement, message::Short};

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
