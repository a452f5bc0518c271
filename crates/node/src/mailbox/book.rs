//! Taking notices in: the own ones when they are published, those of others when they are
//! handed over.

use std::collections::BTreeSet;

use ourspace_protocol::{
    account::Account,
    announcement::Announcement,
    feed::{
        model::ItemId,
        set::Changes,
        state::{FeedState as _, StateError},
    },
    limits,
    machine::mailbox::{Entry, Key, Mailbox, Offered, Standing},
    message::Answer,
    notice::{self, FOLLOW, Matter, Notice, State},
    time::Millis,
    verify::{Context, KnownGrants},
};
use ourspace_store::{Feed, KeptNotice, StoreError, Writer};

use crate::read::ReadError;

/// Mirrors of somebody that a notice is handed to.
const MIRRORS: u32 = 3;
/// Items that a notice can speak of, at most: each takes some thirty bytes of its delta.
const MATTERS: usize = limits::DELTA_BYTES / 30;

/// A notice as somebody handed it over.
#[derive(Clone, Debug)]
pub(crate) struct Handed {
    pub(crate) target: Account,
    pub(crate) record: Vec<u8>,
    pub(crate) delta: Vec<u8>,
    /// The part of the network that it came from.
    pub(crate) origin: u64,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// The answer; none to what is no notice.
    pub(crate) answer: Result<Answer, Fault>,
    /// When it was signed, where something of it is new here.
    pub(crate) new: Option<Millis>,
}

/// Why it is no notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    /// Whether whoever handed it over should have known better.
    pub(crate) is_theirs: bool,
}

impl Taken {
    fn answered(answer: Answer) -> Self {
        Self {
            answer: Ok(answer),
            new: None,
        }
    }
}

/// Whom items concerned before a change: they are told of it. Another device may have told
/// them of the items, so the feed says it and not what this home has sent.
pub(crate) type Concerned = BTreeSet<(Account, ItemId)>;

/// Whom the items that a change brings or deletes concern as they are in the feed.
pub(crate) fn concerned(feed: &Feed<'_>, changes: &Changes) -> Result<Concerned, StateError> {
    let mut all = Concerned::new();
    // More of them fit into no notice.
    if changes.items.len() + changes.tombstones.len() > MATTERS {
        return Ok(all);
    }
    let changed = changes.items.iter().map(|item| item.id);
    let dead = changes.tombstones.iter().map(|dead| dead.id);
    for id in changed.chain(dead) {
        for item in feed.versions(id)? {
            all.extend(notice::concerned(&item).into_iter().map(|who| (who, id)));
        }
    }
    Ok(all)
}

/// Notes what a version of the own feed says to others, as a part of its publication.
pub(crate) fn note(
    writer: &Writer<'_>,
    announcement: Announcement,
    mut before: Concerned,
    now: Millis,
) -> Result<(), StoreError> {
    // What is too large for a notice is found by those who follow this feed.
    let Ok(notice) = Notice::of(announcement) else {
        return Ok(());
    };
    let sender = notice.sender();
    for matter in notice.matters(sender) {
        let told = writer.noticed(sender, matter.item)?.into_iter();
        before.extend(told.map(|who| (who, matter.item)));
    }
    let mut targets = notice.targets();
    targets.extend(before.iter().map(|(who, _)| who));
    targets.remove(&sender);
    for target in targets {
        let mut place = Place::open(writer, target)?;
        for matter in notice.matters(target) {
            let is_there = matches!(matter.state, State::There { .. }) || matter.item == FOLLOW;
            if is_there || before.contains(&(target, matter.item)) {
                let entry = entry(&notice, &matter, Standing::Own);
                place.put(writer, (&notice, &matter, entry), now)?;
            }
        }
    }
    Ok(())
}

/// Takes in what was handed over for an account whose mailbox this home keeps.
pub(crate) fn take(
    writer: &Writer<'_>,
    own: Account,
    handed: &Handed,
    place: &mut Place,
    (known, now): (&mut KnownGrants, Millis),
) -> Result<Taken, ReadError> {
    let context = Context {
        now,
        highest_epoch: 0,
    };
    let notice = match Notice::check(&handed.record, &handed.delta, context, known) {
        Ok(notice) => notice,
        Err(error) => {
            return Ok(Taken {
                answer: Err(Fault {
                    name: error.name(),
                    is_theirs: error.is_fault(),
                }),
                new: None,
            });
        }
    };
    let (sender, target) = (notice.sender(), handed.target);
    if sender == target || writer.denies_account(sender)? || is_revoked(writer, &notice)? {
        return Ok(Taken::answered(Answer::Passed));
    }
    let standing = if sender == own {
        Standing::Own
    } else if writer.is_near(target, sender)? {
        Standing::Near
    } else {
        Standing::Stranger(handed.origin)
    };
    let mut all: Option<Answer> = None;
    let mut new = None;
    for matter in notice.matters(target) {
        if matter.state != State::Gone && writer.is_dead(sender, matter.item)? {
            continue;
        }
        if !place.speaks((sender, matter.item), &matter, standing) {
            continue;
        }
        let entry = entry(&notice, &matter, standing);
        let answer = match place.put(writer, (&notice, &matter, entry), now)? {
            Offered::In(_) => {
                new = Some(notice.date());
                Answer::Kept
            }
            Offered::Known => Answer::Kept,
            Offered::Older | Offered::Expired | Offered::Full => Answer::Passed,
        };
        all = Some(match all {
            Some(Answer::Passed) => Answer::Passed,
            _ => answer,
        });
    }
    Ok(Taken {
        answer: Ok(all.unwrap_or(Answer::Passed)),
        new,
    })
}

/// Whether the sender's account has revoked the epoch of the record, as far as is known here.
fn is_revoked(writer: &Writer<'_>, notice: &Notice) -> Result<bool, StoreError> {
    let heads = writer.heads(notice.sender())?;
    Ok(heads.epoch() > notice.announcement().record().record().epoch)
}

fn entry(notice: &Notice, matter: &Matter, standing: Standing) -> Entry {
    Entry {
        mark: notice.mark(matter.item),
        date: notice.date(),
        gone: matter.state == State::Gone,
        written: matter.written,
        standing,
    }
}

/// The mailbox of one account, while a change to it goes on.
pub(crate) struct Place {
    target: Account,
    mailbox: Mailbox,
    /// When the last one came: no two come at the same time.
    last: Millis,
}

impl Place {
    /// Reads it.
    pub(crate) fn open(writer: &Writer<'_>, target: Account) -> Result<Self, StoreError> {
        Ok(Self {
            target,
            mailbox: writer.mailbox(target, secret(writer)?)?,
            last: writer.last_notice(target)?.unwrap_or(0),
        })
    }

    /// Offers what a notice says of one item.
    fn put(
        &mut self,
        writer: &Writer<'_>,
        (notice, matter, entry): (&Notice, &Matter, Entry),
        now: Millis,
    ) -> Result<Offered, StoreError> {
        let key = (notice.sender(), matter.item);
        let offered = self.mailbox.offer(key, entry, now);
        let Offered::In(out) = offered else {
            return Ok(offered);
        };
        if let Some(out) = out.filter(|out| *out != key) {
            writer.drop_notice(self.target, out)?;
        }
        self.last = now.max(self.last.saturating_add(1));
        let announcement = notice.announcement();
        let kept = KeptNotice {
            key,
            entry: *self.mailbox.get(&key).unwrap_or(&entry),
            reason: match matter.state {
                State::There { reason, about } => Some((reason, about)),
                State::Withdrawn | State::Gone => None,
            },
            came: self.last,
            record: announcement.record().get().to_bytes(),
            delta: announcement.delta().unwrap_or_default().to_vec(),
        };
        let is_own = entry.standing == Standing::Own;
        writer.put_notice(self.target, &kept, if is_own { MIRRORS } else { 0 })?;
        Ok(offered)
    }

    /// Whether it says anything. That something is gone, or that somebody follows no longer,
    /// may come before the opposite; but only people who are near are believed that it was
    /// there at all, else a stranger's deletions would fill the mailbox.
    fn speaks(&self, key: Key, matter: &Matter, standing: Standing) -> bool {
        let ends = matter.state == State::Gone || matter.item == FOLLOW;
        let known = self.mailbox.get(&key).is_some();
        let is_near = !matches!(standing, Standing::Stranger(_));
        matches!(matter.state, State::There { .. }) || known || (ends && is_near)
    }
}

/// A number that decides which strangers stay when there is no room: nobody else knows it.
fn secret(writer: &Writer<'_>) -> Result<u64, StoreError> {
    const NAME: &str = "notices.secret";
    if let Some(secret) = writer.setting(NAME)? {
        return Ok(secret);
    }
    let mut secret = [0; 8];
    // Without randomness strangers could foresee which of them stay, and nothing worse.
    getrandom::fill(&mut secret).unwrap_or_default();
    let secret = u64::from_le_bytes(secret);
    writer.put_setting(NAME, &secret)?;
    Ok(secret)
}
