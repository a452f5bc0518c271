//! Notices: telling somebody that something in another feed is about them.
//!
//! A notice is the record and the delta with which its sender published the item, so it
//! proves itself, whoever hands it over. Nothing is fetched for one: what is shown of it
//! stands in the delta. Which items of a delta concern whom is decided here and nowhere
//! else; where notices wait is [`machine::mailbox`](crate::machine::mailbox).

use std::collections::BTreeSet;

use crate::{
    account::Account,
    announcement::{Announcement, AnnouncementError},
    delta::{Delta, DeltaError},
    feed::model::{About, Followee, Item, ItemId, Kind, Target},
    hash::sha256,
    limits,
    message::Short,
    time::Millis,
    verify::{Context, KnownGrants},
};

/// In place of an item: that somebody follows, or no longer does.
pub const FOLLOW: ItemId = ItemId([0; 10]);

/// Why bytes are no notice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoticeError {
    /// The record or the delta is not believed.
    #[error(transparent)]
    Announcement(#[from] AnnouncementError),
    /// The delta is not there, or larger than [`limits::DELTA_BYTES`].
    #[error("a notice without a delta of at most {} bytes", limits::DELTA_BYTES)]
    Size,
    /// The delta is not the encoding of one.
    #[error(transparent)]
    Delta(#[from] DeltaError),
    /// The delta breaks the rules of feeds.
    #[error("a notice whose items break the rules of feeds")]
    Rules,
}

impl NoticeError {
    /// The name in traces and counts.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Announcement(error) => error.name(),
            Self::Size => "notice_size",
            Self::Delta(error) => error.name(),
            Self::Rules => "notice_rules",
        }
    }

    /// Whether whoever handed it over should have known better.
    #[must_use]
    pub fn is_fault(&self) -> bool {
        match self {
            Self::Announcement(error) => error.is_fault(),
            Self::Size | Self::Delta(_) | Self::Rules => true,
        }
    }
}

/// Why an item concerns somebody; the first one that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// It answers an item of theirs.
    Reply,
    /// It quotes an item of theirs.
    Quote,
    /// It passes an item of theirs on.
    Repost,
    /// It likes an item of theirs.
    Like,
    /// It votes in a poll of theirs.
    Vote,
    /// It stands in a thread that they began.
    Thread,
    /// It mentions them.
    Mention,
    /// Its sender follows them.
    Follow,
}

impl Reason {
    /// All of them, with their names in JSON.
    const NAMES: [(Self, &'static str); 8] = [
        (Self::Reply, "reply"),
        (Self::Quote, "quote"),
        (Self::Repost, "repost"),
        (Self::Like, "like"),
        (Self::Vote, "vote"),
        (Self::Thread, "thread"),
        (Self::Mention, "mention"),
        (Self::Follow, "follow"),
    ];

    /// The name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        let found = Self::NAMES.iter().find(|(reason, _)| *reason == self);
        found.map_or("mention", |(_, name)| name)
    }

    /// By its name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        let found = Self::NAMES.iter().find(|(_, known)| *known == name);
        found.map(|(reason, _)| *reason)
    }
}

/// What a notice says of one item of its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matter {
    /// The item, or [`FOLLOW`].
    pub item: ItemId,
    /// When this was written.
    pub written: Millis,
    /// What became of the item.
    pub state: State,
}

/// What became of an item that concerns somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is there, for this reason; `about` is the item of theirs that it is about, for a
    /// [`Reason::Thread`] the first one of the thread.
    There {
        /// Why it concerns them.
        reason: Reason,
        /// Which item of theirs.
        about: Option<ItemId>,
    },
    /// A new version of it no longer concerns them.
    Withdrawn,
    /// It was deleted.
    Gone,
}

/// A notice that was checked.
#[derive(Clone, Debug)]
pub struct Notice {
    announcement: Announcement,
    delta: Delta,
}

impl Notice {
    /// Checks what a stranger handed over.
    ///
    /// # Errors
    /// [`NoticeError`].
    pub fn check(
        record: &[u8],
        delta: &[u8],
        context: Context,
        known: &mut KnownGrants,
    ) -> Result<Self, NoticeError> {
        if delta.len() > limits::DELTA_BYTES {
            return Err(NoticeError::Size);
        }
        Self::of(Announcement::check(record, Some(delta), context, known)?)
    }

    /// A notice out of an announcement.
    ///
    /// # Errors
    /// [`NoticeError`] but for [`NoticeError::Announcement`].
    pub fn of(announcement: Announcement) -> Result<Self, NoticeError> {
        let record = announcement.record().record();
        let bytes = announcement.delta().ok_or(NoticeError::Size)?;
        if bytes.len() > limits::DELTA_BYTES {
            return Err(NoticeError::Size);
        }
        let delta = Delta::from_bytes(bytes, &record.delta)?;
        match delta.is_allowed(record.timestamp) {
            true => Ok(Self {
                announcement,
                delta,
            }),
            false => Err(NoticeError::Rules),
        }
    }

    /// What proves it.
    #[must_use]
    pub fn announcement(&self) -> &Announcement {
        &self.announcement
    }

    /// Whose item it speaks of.
    #[must_use]
    pub fn sender(&self) -> Account {
        self.announcement.record().record().account
    }

    /// When it was signed.
    #[must_use]
    pub fn date(&self) -> Millis {
        self.announcement.record().record().timestamp
    }

    /// An item that it brings.
    #[must_use]
    pub fn item(&self, id: ItemId) -> Option<&Item> {
        self.delta.changes.items.iter().find(|item| item.id == id)
    }

    /// Whom it concerns, without its sender. Whom its deleted items concerned is not in it.
    #[must_use]
    pub fn targets(&self) -> BTreeSet<Account> {
        let changes = &self.delta.changes;
        let mut targets = BTreeSet::new();
        for item in &changes.items {
            targets.extend(concerned(item));
        }
        for followee in changes.follows.keys() {
            if let Followee::Account(account) = followee {
                targets.insert(*account);
            }
        }
        targets.remove(&self.sender());
        targets
    }

    /// What it says to an account: of each item that it brings or deletes.
    #[must_use]
    pub fn matters(&self, target: Account) -> Vec<Matter> {
        let changes = &self.delta.changes;
        let dead = changes.tombstones.iter().map(|dead| Matter {
            item: dead.id,
            written: dead.date,
            state: State::Gone,
        });
        let items = changes.items.iter().map(|item| Matter {
            item: item.id,
            written: item.written(),
            state: state(item, target),
        });
        let follow = changes.follows.get(&Followee::Account(target));
        let follow = follow.map(|row| Matter {
            item: FOLLOW,
            written: row.written,
            state: match row.value.following {
                true => State::There {
                    reason: Reason::Follow,
                    about: None,
                },
                false => State::Withdrawn,
            },
        });
        items.chain(dead).chain(follow).collect()
    }

    /// What stands for what it says of one item, where notices are compared.
    #[must_use]
    pub fn mark(&self, item: ItemId) -> Short {
        let digest = self.announcement.record().digest();
        Short::of(&sha256(&[digest.as_slice(), &item.0].concat()))
    }
}

/// Whom an item concerns.
#[must_use]
pub fn concerned(item: &Item) -> BTreeSet<Account> {
    let mut concerned: BTreeSet<Account> = item.labels.mentions.iter().copied().collect();
    if let Some(about) = &item.about {
        concerned.extend(owner(&about.target));
        concerned.extend(about.thread.as_ref().and_then(owner));
    }
    concerned
}

fn owner(target: &Target) -> Option<Account> {
    match target {
        Target::Item(account, _) => Some(*account),
        Target::Url(_) => None,
    }
}

fn item_of(target: &Target, whose: Account) -> Option<ItemId> {
    match target {
        Target::Item(account, id) if *account == whose => Some(*id),
        _ => None,
    }
}

fn state(item: &Item, target: Account) -> State {
    let theirs = |about: &About| item_of(&about.target, target);
    let thread = |about: &About| {
        let first = about.thread.as_ref();
        first.and_then(|first| item_of(first, target))
    };
    let direct = item.about.as_ref().and_then(theirs);
    let thread = item.about.as_ref().and_then(thread);
    let reason = match (item.kind, direct, thread) {
        (Kind::Reply, Some(_), _) => Reason::Reply,
        (Kind::Quote, Some(_), _) => Reason::Quote,
        (Kind::Repost, Some(_), _) => Reason::Repost,
        (Kind::Like, Some(_), _) => Reason::Like,
        (Kind::Vote, Some(_), _) => Reason::Vote,
        (_, None, Some(_)) => Reason::Thread,
        _ if item.labels.mentions.contains(&target) => Reason::Mention,
        _ => return State::Withdrawn,
    };
    State::There {
        reason,
        about: direct.or(thread),
    }
}
