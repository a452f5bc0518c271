//! Upkeep: what a node does now and then for each account that it follows, so that the
//! account's records stay in the DHT as long as anybody follows it.
//!
//! A row is put when there is news, at most every ten minutes. Beside that it is only looked
//! for, and put again when fewer than half of the nodes that should hold it do; the more
//! nodes follow the account, the less likely it is this one that does so. So what all of
//! them send does not grow with how many they are. The same goes for saying who keeps a
//! feed: twenty are enough.
//!
//! Each of these costs some twenty questions, so a home of hundreds of follows must not do them
//! all at its start, nor often: nobody is searched for before those who are known already had
//! the time to say what they keep; whoever is connected to somebody who keeps a feed hears its
//! news, and has a day to find more of them; and what this node keeps is said little by
//! little, for what it said before its last end is remembered by others.

use std::collections::{BTreeMap, btree_map::Entry};

use super::dice::Dice;
use crate::{account::Account, time::Millis};

/// Between two puts of one row.
pub const PUT_AGAIN: Millis = 10 * 60 * 1000;
/// Between two looks at one row, half of it at least: where no connected node follows the account
/// too, and where one does, which looks as well.
const LOOK_AGAIN: Millis = 12 * 60 * 60 * 1000;
const LOOK_TOGETHER: Millis = 24 * 60 * 60 * 1000;
/// Between two searches for nodes that keep a feed, while none is connected: at first, and at
/// last. It may be long in the end, for whoever comes later looks for those who are here.
const SEARCH_SOON: Millis = 5_000;
const SEARCH_AGAIN: Millis = 4 * 60 * 60 * 1000;
/// Where many are joined at once, as at a start, the first search waits so much longer for each:
/// nodes that are known already are connected meanwhile.
const SEARCH_EACH: Millis = 60;
/// The same while there is somebody, but too few.
const SEARCH_MORE: Millis = 48 * 60 * 60 * 1000;
/// Connected nodes that keep a feed, which are enough.
const ENOUGH: usize = 3;
/// Announced keepers of a feed, which are enough.
const KEEPERS: u64 = 20;
/// Things done at once; the rest a moment later.
const AT_ONCE: usize = 16;
const MOMENT: Millis = 1_000;
/// How soon after the start it is said who keeps what: of so many accounts at first, of so many at
/// once later, and of one in each such time.
const BEGIN: Millis = 5_000;
/// The same where many are joined at once, but for the own account: what is fetched at a start
/// comes first.
const MANY: u64 = 16;
const BEGIN_MANY: Millis = 60_000;
const SAID_AT_FIRST: u64 = 4;
const SAID_AT_ONCE: u64 = 16;
const SAID_EACH: Millis = 120 * 1000;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Put the account's row.
    Put(Account),
    /// Look for it, and say what was found with [`Upkeep::looked`].
    Look(Account),
    /// Look for nodes that keep the feed.
    Search(Account),
    /// Say in the DHT that this node keeps the feed.
    Provide(Account),
}

/// What is known of one account.
#[derive(Clone, Copy, Debug)]
struct Care {
    put: Option<Millis>,
    put_at: Option<Millis>,
    look_at: Millis,
    search_at: Millis,
    /// Searches since somebody who keeps the feed was connected.
    searches: u32,
    /// Somebody was, when it was last looked.
    accompanied: bool,
    /// It was the time to search at least once.
    searched: bool,
}

/// Of whom this node has not said yet that it keeps their feeds.
#[derive(Debug, Default)]
struct Unsaid {
    /// Each with the minute since when: the latest come first, the own account before all.
    accounts: Vec<(Millis, Account)>,
    /// How many may be said at once, when that was last counted.
    free: u64,
    counted: Millis,
    /// Nobody's but the own account's before.
    others_at: Millis,
}

impl Unsaid {
    fn put(&mut self, account: Account, own: bool, now: Millis) {
        if self.counted == 0 {
            (self.free, self.counted) = (SAID_AT_FIRST, now + BEGIN);
        }
        let since = if own { Millis::MAX } else { now / SAID_EACH };
        self.accounts.push((since, account));
    }

    fn remove(&mut self, account: Account) {
        self.accounts.retain(|(_, one)| *one != account);
    }

    fn wake(&self) -> Option<Millis> {
        let pause = if self.free > 0 { 0 } else { SAID_EACH };
        let latest = self.accounts.iter().map(|(since, _)| *since).max()?;
        let least = if latest == Millis::MAX {
            0
        } else {
            self.others_at
        };
        Some((self.counted + pause).max(least))
    }

    fn take(&mut self, now: Millis, dice: &mut Dice) -> Option<Account> {
        if self.wake().is_none_or(|at| at > now) {
            return None;
        }
        let more = (now - self.counted) / SAID_EACH;
        self.counted += more * SAID_EACH;
        self.free = (self.free + more).min(SAID_AT_ONCE) - 1;
        let latest = self.accounts.iter().map(|(since, _)| *since).max()?;
        let (mut all, others): (Vec<_>, Vec<_>) = std::mem::take(&mut self.accounts)
            .into_iter()
            .partition(|(since, _)| *since == latest);
        let chosen = usize::try_from(dice.below(all.len() as u64)).unwrap_or(0);
        let (_, account) = all.swap_remove(chosen);
        all.extend(others);
        self.accounts = all;
        Some(account)
    }
}

/// The machine.
#[derive(Debug)]
pub struct Upkeep {
    accounts: BTreeMap<Account, Care>,
    unsaid: Unsaid,
    dice: Dice,
    /// How many were joined one right after the other, and when the last one was.
    lately: (Millis, u64),
    /// Nothing before.
    pause: Millis,
}

impl Upkeep {
    /// Of a node that follows nobody.
    #[must_use]
    pub fn new(dice: Dice) -> Self {
        Self {
            accounts: BTreeMap::new(),
            unsaid: Unsaid::default(),
            dice,
            lately: (0, 0),
            pause: 0,
        }
    }

    /// It follows an account from now on; `own` is its person's.
    pub fn join(&mut self, account: Account, own: bool, now: Millis) {
        let (since, joined) = &mut self.lately;
        if now > *since + MOMENT {
            *joined = 0;
        }
        (*since, *joined) = (now, *joined + 1);
        let soon = SEARCH_SOON + SEARCH_EACH * *joined;
        let mut within = |end: Millis| now + self.dice.below(end);
        let care = Care {
            put: None,
            put_at: None,
            look_at: if own {
                within(BEGIN)
            } else {
                within(LOOK_AGAIN)
            },
            search_at: within(soon) + SEARCH_SOON / 2,
            searches: 0,
            accompanied: false,
            searched: false,
        };
        if self.lately.1 > MANY {
            self.unsaid.others_at = now + BEGIN_MANY;
        }
        if let Entry::Vacant(new) = self.accounts.entry(account) {
            new.insert(care);
            self.unsaid.put(account, own, now);
        }
    }

    /// It does so no longer.
    pub fn leave(&mut self, account: Account) {
        self.accounts.remove(&account);
        self.unsaid.remove(account);
    }

    /// There is a new record of the account. Gives when it is put.
    pub fn published(&mut self, account: Account, now: Millis) -> Option<Millis> {
        let care = self.accounts.get_mut(&account)?;
        let at = care.put.map_or(now, |put| now.max(put + PUT_AGAIN));
        care.put_at = Some(care.put_at.map_or(at, |before| before.min(at)));
        care.put_at
    }

    /// A look has found the newest row at `holders` of the `wanted` nodes that should have
    /// it; `members` are connected that follow the account too.
    pub fn looked(
        &mut self,
        account: Account,
        (holders, wanted): (usize, usize),
        members: usize,
        now: Millis,
    ) {
        let likely = KEEPERS > self.dice.below(members as u64 + 1);
        let Some(care) = self.accounts.get_mut(&account) else {
            return;
        };
        if holders * 2 < wanted && likely {
            let at = care.put.map_or(now, |put| now.max(put + PUT_AGAIN));
            care.put_at.get_or_insert(at);
        }
    }

    /// A search has found so many nodes that say that they keep the feed. Where there are none,
    /// nobody will tell of news: the row is looked for.
    pub fn kept_by(&mut self, account: Account, keepers: usize) {
        let needed = KEEPERS > self.dice.below(keepers as u64 + 1) && (keepers as u64) < KEEPERS;
        let Some(care) = self.accounts.get_mut(&account) else {
            return;
        };
        if !needed {
            self.unsaid.remove(account);
        }
        if keepers == 0 && !care.accompanied {
            care.look_at = 0;
        }
    }

    /// Where the last connected node that keeps a feed has gone, another one is searched for.
    /// `members` is as in [`Upkeep::awake`].
    pub fn mind(&mut self, now: Millis, members: impl Fn(Account) -> usize) {
        for (account, care) in &mut self.accounts {
            let alone = members(*account) == 0;
            if care.accompanied && alone {
                care.searches = 0;
                let soon = now + SEARCH_SOON / 2 + self.dice.below(SEARCH_SOON);
                care.search_at = care.search_at.min(soon);
            }
            care.accompanied = !alone;
        }
    }

    /// When it wants to be woken.
    #[must_use]
    pub fn wake(&self) -> Option<Millis> {
        let all = self.accounts.values();
        let next = all.flat_map(|care| [care.put_at, Some(care.look_at), Some(care.search_at)]);
        let next = next.chain([self.unsaid.wake()]);
        next.flatten().min().map(|at| at.max(self.pause))
    }

    /// What is to be done now. `members` says how many connected nodes follow an account.
    pub fn awake(&mut self, now: Millis, members: impl Fn(Account) -> usize) -> Vec<Task> {
        let mut tasks = Vec::new();
        if now < self.pause {
            return tasks;
        }
        for (account, care) in &mut self.accounts {
            if tasks.len() >= AT_ONCE {
                break;
            }
            if care.put_at.is_some_and(|at| at <= now) {
                (care.put, care.put_at) = (Some(now), None);
                tasks.push(Task::Put(*account));
            }
            if care.look_at <= now {
                let pause = match members(*account) {
                    0 => LOOK_AGAIN,
                    _ => LOOK_TOGETHER,
                };
                care.look_at = now + pause / 2 + self.dice.below(pause);
                tasks.push(Task::Look(*account));
            }
            if care.search_at <= now {
                let members = members(*account);
                // Whoever has company at the start has a day to find more of it.
                let first = !care.searched && members > 0;
                care.searched = true;
                care.accompanied = members > 0;
                let pause = match care.accompanied {
                    true => SEARCH_MORE,
                    false => SEARCH_AGAIN.min(SEARCH_SOON << care.searches.min(16)),
                };
                let least = if first { 0 } else { pause / 2 };
                care.search_at = now + least + self.dice.below(pause);
                if members < ENOUGH && !first {
                    tasks.push(Task::Search(*account));
                }
                // Those who were found the last time are not there.
                if members == 0 && care.searches > 0 {
                    tasks.push(Task::Look(*account));
                }
                care.searches = if care.accompanied {
                    0
                } else {
                    care.searches + 1
                };
            }
        }
        while tasks.len() < AT_ONCE
            && let Some(account) = self.unsaid.take(now, &mut self.dice)
        {
            tasks.push(Task::Provide(account));
        }
        if !tasks.is_empty() {
            self.pause = now + MOMENT;
        }
        tasks
    }
}
