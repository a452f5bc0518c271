//! Upkeep: what a node does now and then for each account that it follows, so that the
//! account's records stay in the DHT as long as anybody follows it.
//!
//! A row is put when there is news, at most every ten minutes. Beside that it is only looked
//! for, and put again when fewer than half of the nodes that should hold it do; the more
//! nodes follow the account, the less likely it is this one that does so. So what all of
//! them send does not grow with how many they are. The same goes for saying who keeps a
//! feed: twenty are enough.

use std::collections::BTreeMap;

use super::dice::Dice;
use crate::{account::Account, time::Millis};

/// Between two puts of one row.
pub const PUT_AGAIN: Millis = 10 * 60 * 1000;
/// Between two looks at one row, half of it at least.
const LOOK_AGAIN: Millis = 12 * 60 * 60 * 1000;
/// Between two searches for nodes that keep a feed, while too few are connected: at first,
/// and at last. It may be long in the end, for whoever comes later looks for those who are
/// here.
const SEARCH_SOON: Millis = 5_000;
const SEARCH_AGAIN: Millis = 4 * 60 * 60 * 1000;
/// Connected nodes that keep a feed, which are enough.
const ENOUGH: usize = 3;
/// Announced keepers of a feed, which are enough.
const KEEPERS: u64 = 20;
/// Things done at once; the rest a moment later.
const AT_ONCE: usize = 16;
const MOMENT: Millis = 1_000;
/// How soon after the start it is said who keeps what.
const BEGIN: Millis = 5_000;

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
    /// Searches so far.
    searches: u32,
    provide_at: Option<Millis>,
}

/// The machine.
#[derive(Debug)]
pub struct Upkeep {
    accounts: BTreeMap<Account, Care>,
    dice: Dice,
    /// Nothing before.
    pause: Millis,
}

impl Upkeep {
    /// Of a node that follows nobody.
    #[must_use]
    pub fn new(dice: Dice) -> Self {
        Self {
            accounts: BTreeMap::new(),
            dice,
            pause: 0,
        }
    }

    /// It follows an account from now on; `own` is its person's.
    pub fn join(&mut self, account: Account, own: bool, now: Millis) {
        let mut within = |end: Millis| now + self.dice.below(end);
        let care = Care {
            put: None,
            put_at: None,
            look_at: if own {
                within(BEGIN)
            } else {
                within(LOOK_AGAIN)
            },
            search_at: now,
            searches: 0,
            provide_at: Some(within(BEGIN)),
        };
        self.accounts.entry(account).or_insert(care);
    }

    /// It does so no longer.
    pub fn leave(&mut self, account: Account) {
        self.accounts.remove(&account);
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

    /// So many nodes say that they keep the feed.
    pub fn kept_by(&mut self, account: Account, keepers: usize) {
        let needed = KEEPERS > self.dice.below(keepers as u64 + 1) && (keepers as u64) < KEEPERS;
        if let Some(care) = self.accounts.get_mut(&account)
            && !needed
        {
            care.provide_at = None;
        }
    }

    /// When it wants to be woken.
    #[must_use]
    pub fn wake(&self) -> Option<Millis> {
        let all = self.accounts.values();
        let next = all.flat_map(|care| {
            [
                care.put_at,
                Some(care.look_at),
                Some(care.search_at),
                care.provide_at,
            ]
        });
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
                care.look_at = now + LOOK_AGAIN / 2 + self.dice.below(LOOK_AGAIN);
                tasks.push(Task::Look(*account));
            }
            if care.search_at <= now {
                let pause = SEARCH_AGAIN.min(SEARCH_SOON << care.searches.min(16));
                care.search_at = now + pause / 2 + self.dice.below(pause);
                care.searches += 1;
                let members = members(*account);
                if members < ENOUGH {
                    tasks.push(Task::Search(*account));
                }
                if members == 0 {
                    tasks.push(Task::Look(*account));
                }
            }
            if care.provide_at.is_some_and(|at| at <= now) {
                care.provide_at = None;
                tasks.push(Task::Provide(*account));
            }
        }
        if !tasks.is_empty() {
            self.pause = now + MOMENT;
        }
        tasks
    }
}
