//! A mailbox: the notices that wait for one account at one of its mirrors.
//!
//! It holds what is known of each notice, not its bytes, and decides which ones stay: one for
//! each item of a sender, a bounded number in all. People near the account (within two hops
//! of its public follows) share seven eighths of it, and whoever of them has sent most gives
//! way first, but for some of this home's own, which others may not have yet. Strangers share the rest by where their notices come from: the group that fills
//! most of it loses one, so a flood drowns itself. Which one, a secret number of this home
//! decides and not the order of arrival: what was refused is refused again, and two full
//! mailboxes do not swap strangers for ever.
//!
//! Two mirrors compare their mailboxes part by part ([`Mailbox::sums`]) and exchange what
//! either misses.

mod share;

use std::{cmp::Reverse, collections::BTreeMap};

use self::share::Share;

use crate::{
    account::Account,
    feed::model::ItemId,
    hash::sha256,
    limits,
    message::{Short, Sums},
    time::Millis,
};

/// Which notice: whose item.
pub type Key = (Account, ItemId);

/// Whose place a notice takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// This home's own; it shares the room of those who are near.
    Own,
    /// Of somebody near the account.
    Near,
    /// Of a stranger; the number stands for the part of the network that handed it over.
    Stranger(u64),
}

/// What is known of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What stands for it in comparisons.
    pub mark: Short,
    /// When it was signed.
    pub date: Millis,
    /// Whether it says that the item was deleted: nothing comes after that.
    pub gone: bool,
    /// When what it says was written: the later one stays.
    pub written: Millis,
    /// Whose place it takes.
    pub standing: Standing,
}

impl Entry {
    fn rank(&self) -> (bool, Millis, Short) {
        (self.gone, self.written, self.mark)
    }
}

/// What became of a notice that was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    /// It is in, in place of the one with this key, if any (which may be its own).
    In(Option<Key>),
    /// It was in already.
    Known,
    /// Something later is known of the item.
    Older,
    /// It was signed too long ago.
    Expired,
    /// There is no room for it.
    Full,
}

/// The notices of one account.
#[derive(Clone, Debug)]
pub struct Mailbox {
    secret: u64,
    entries: BTreeMap<Key, Entry>,
    /// Those of this home and of people near the account, by sender; the oldest goes first.
    near: Share<Account, Reverse<Millis>>,
    /// Those of strangers, by where they came from; the greatest lot goes first.
    strangers: Share<u64, Short>,
}

impl Mailbox {
    /// With what was kept. `secret` is a number that nobody else knows, always the same.
    #[must_use]
    pub fn new(secret: u64, entries: impl IntoIterator<Item = (Key, Entry)>) -> Self {
        let mut mailbox = Self {
            secret,
            entries: BTreeMap::new(),
            near: Share::new(limits::MAILBOX - limits::MAILBOX_STRANGERS),
            strangers: Share::new(limits::MAILBOX_STRANGERS),
        };
        for (key, entry) in entries {
            mailbox.insert(key, entry);
        }
        mailbox
    }

    /// Takes one in; which one goes for it, maybe itself.
    fn insert(&mut self, key: Key, entry: Entry) -> Option<Key> {
        self.remove(&key);
        let lot = self.lot(entry.mark);
        let out = match entry.standing {
            Standing::Stranger(group) => self.strangers.insert(group, lot, key),
            Standing::Own | Standing::Near => {
                if entry.standing == Standing::Own {
                    self.near.favour(key.0, limits::MAILBOX_OWN);
                }
                self.near.insert(key.0, Reverse(entry.date), key)
            }
        };
        self.entries.insert(key, entry);
        if let Some(out) = &out {
            self.entries.remove(out);
        }
        out
    }

    fn remove(&mut self, key: &Key) {
        let Some(entry) = self.entries.remove(key) else {
            return;
        };
        match entry.standing {
            Standing::Stranger(group) => {
                let lot = self.lot(entry.mark);
                self.strangers.remove(group, lot, *key);
            }
            Standing::Own | Standing::Near => {
                self.near.remove(key.0, Reverse(entry.date), *key);
            }
        }
    }

    fn lot(&self, mark: Short) -> Short {
        Short::of(&sha256(&[self.secret.to_be_bytes(), mark.0].concat()))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What is known of one.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// All that carry these marks.
    #[must_use]
    pub fn marked(&self, marks: &[Short]) -> Vec<Key> {
        let mut marks = marks.to_vec();
        marks.sort_unstable();
        let all = self.entries.iter();
        all.filter(|(_, entry)| marks.binary_search(&entry.mark).is_ok())
            .map(|(key, _)| *key)
            .collect()
    }

    /// Offers a notice.
    pub fn offer(&mut self, key: Key, entry: Entry, now: Millis) -> Offered {
        if is_expired(&entry, now) {
            return Offered::Expired;
        }
        if let Some(known) = self.entries.get(&key) {
            if known.mark == entry.mark {
                return Offered::Known;
            }
            if known.rank() > entry.rank() {
                return Offered::Older;
            }
            // Where the first one came from is where the item came from.
            let standing = known.standing.min(entry.standing);
            self.insert(key, Entry { standing, ..entry });
            return Offered::In(Some(key));
        }
        match self.insert(key, entry) {
            Some(out) if out == key => Offered::Full,
            out => Offered::In(out),
        }
    }

    /// Drops what has waited too long, and says what.
    pub fn expire(&mut self, now: Millis) -> Vec<Key> {
        let old: Vec<Key> = self
            .entries
            .iter()
            .filter(|(_, entry)| is_expired(entry, now))
            .map(|(key, _)| *key)
            .collect();
        for key in &old {
            self.remove(key);
        }
        old
    }

    /// What stands for each of its parts.
    #[must_use]
    pub fn sums(&self) -> Sums {
        let mut sums = [Short([0; 8]); limits::MAILBOX_PARTS];
        for (sum, marks) in sums.iter_mut().zip(self.parts()) {
            if !marks.is_empty() {
                let all: Vec<u8> = marks.iter().flat_map(|mark| mark.0).collect();
                *sum = Short::of(&sha256(&all));
            }
        }
        sums
    }

    /// What stands for all of it; zeros when it is empty.
    #[must_use]
    pub fn sum(&self) -> Short {
        match self.is_empty() {
            true => Short([0; 8]),
            false => {
                let all: Vec<u8> = self.sums().iter().flat_map(|sum| sum.0).collect();
                Short::of(&sha256(&all))
            }
        }
    }

    /// Where it differs from one with these sums: a bit for each part.
    #[must_use]
    pub fn differs(&self, sums: &Sums) -> u64 {
        let own = self.sums();
        let pairs = own.iter().zip(sums).enumerate();
        pairs
            .filter(|(_, (own, other))| own != other)
            .fold(0, |bits, (part, _)| bits | 1 << part)
    }

    /// The marks in some parts, ascending.
    #[must_use]
    pub fn marks(&self, bits: u64) -> Vec<Short> {
        let parts = self.parts().into_iter().enumerate();
        let wanted = parts.filter(|(part, _)| bits >> part & 1 == 1);
        wanted.flat_map(|(_, marks)| marks).collect()
    }

    /// Compares with what another one has in some parts: what that one misses, and the marks
    /// that are missed here.
    #[must_use]
    pub fn compare(&self, bits: u64, theirs: &[Short]) -> (Vec<Key>, Vec<Short>) {
        let mut theirs = theirs.to_vec();
        theirs.sort_unstable();
        theirs.dedup();
        let own = self.marks(bits);
        let missed: Vec<Short> = own
            .iter()
            .filter(|mark| theirs.binary_search(mark).is_err())
            .copied()
            .collect();
        theirs.retain(|mark| own.binary_search(mark).is_err() && bits >> part(*mark) & 1 == 1);
        (self.marked(&missed), theirs)
    }

    /// The marks of each part, ascending.
    fn parts(&self) -> [Vec<Short>; limits::MAILBOX_PARTS] {
        let mut parts: [Vec<Short>; limits::MAILBOX_PARTS] = Default::default();
        for entry in self.entries.values() {
            if let Some(part) = parts.get_mut(part(entry.mark)) {
                part.push(entry.mark);
            }
        }
        for marks in &mut parts {
            marks.sort_unstable();
        }
        parts
    }
}

fn part(mark: Short) -> usize {
    usize::from(mark.0[0] >> 4)
}

fn is_expired(entry: &Entry, now: Millis) -> bool {
    entry.date.saturating_add(limits::NOTICE_LIFE) < now
}
