//! Items that are known here: those of the feeds, and those that notices have brought.
//!
//! A notice was verified when it came and is verified again when it is read. An item that the
//! home has in a feed is given as it is there; one that its author deleted is not given.

use ourspace_protocol::{
    account::Account,
    announcement::Announcement,
    feed::{
        model::{Item, ItemId},
        state::FeedState as _,
    },
    machine::mailbox::Key,
    notice::{FOLLOW, Notice},
    time::MAX_MILLIS,
    verify::{Context, KnownGrants},
};
use ourspace_store::{KeptNotice, Reader};

use crate::read::ReadError;

/// Reads notices and items.
pub(crate) struct Desk<'r, 's> {
    reader: &'r Reader<'s>,
    known: KnownGrants,
}

impl<'r, 's> Desk<'r, 's> {
    pub(crate) fn new(reader: &'r Reader<'s>) -> Self {
        Self {
            reader,
            known: KnownGrants::new(),
        }
    }

    /// The item of a notice, none inside for a follow; none at all when it is not shown.
    #[expect(
        clippy::option_option,
        reason = "a notice that is shown may have no item"
    )]
    pub(crate) fn item(&mut self, kept: &KeptNotice) -> Result<Option<Option<Item>>, ReadError> {
        let (account, id) = kept.key;
        if id == FOLLOW {
            return Ok(Some(None));
        }
        if self.reader.feed(account)?.tombstone(id)?.is_some() {
            return Ok(None);
        }
        if let Some(item) = self.reader.item(account, id)? {
            return Ok(Some(Some(item)));
        }
        Ok(self.of_notice(kept).map(Some))
    }

    fn of_notice(&mut self, kept: &KeptNotice) -> Option<Item> {
        let context = Context {
            now: MAX_MILLIS,
            highest_epoch: 0,
        };
        let delta = Some(kept.delta.as_slice());
        let announcement = Announcement::check(&kept.record, delta, context, &mut self.known);
        let notice = Notice::of(announcement.ok()?).ok()?;
        notice.item(kept.key.1).cloned()
    }

    /// An item of a feed that is here, or of a notice.
    pub(crate) fn find(&mut self, account: Account, id: ItemId) -> Result<Option<Item>, ReadError> {
        if let Some(item) = self.reader.item(account, id)? {
            return Ok(Some(item));
        }
        match self.reader.notice_of((account, id))? {
            Some(kept) => Ok(self.item(&kept)?.flatten()),
            None => Ok(None),
        }
    }

    /// What is about an item: in the feeds that are here, and in notices.
    pub(crate) fn about(
        &mut self,
        account: Account,
        id: ItemId,
        limit: usize,
    ) -> Result<Vec<(Key, Item)>, ReadError> {
        let mut all = Vec::new();
        for (by, answer) in self.reader.answers(account, id, limit)? {
            if let Some(item) = self.reader.item(by, answer)? {
                all.push(((by, answer), item));
            }
        }
        for kept in self.reader.notices_about(account, id)? {
            if kept.reason.is_some()
                && let Some(item) = self.item(&kept)?.flatten()
            {
                all.push((kept.key, item));
            }
        }
        Ok(all)
    }
}
