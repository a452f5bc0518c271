//! Offers: of which trees this node says in the DHT of IPFS that it has them, and when.
//!
//! Of each account that is followed in public, the newest root: whoever has that finds all
//! that is below it with the same node. What is said is forgotten after two days, so it is said
//! again before; of roots that are not the newest any more it is not. Each time costs a
//! lookup and some twenty messages, so there is a pace for all and a rest for each, and
//! followers, who are many, take their time.
//!
//! Nothing is sent here: [`Offers::due`] says what to look for, [`Offers::held`] whether to
//! say it.

use std::collections::BTreeMap;

use ourspace_protocol::{account::Account, dag::Cid, machine::dice::Dice, time::Millis};

const SECOND: Millis = 1_000;
const MINUTE: Millis = 60 * SECOND;
const HOUR: Millis = 60 * MINUTE;

/// The same root is said again after this, or up to an hour sooner.
const AGAIN: Millis = 22 * HOUR;
/// Between two roots of one account: of the own one, and of any other.
const REST: Millis = 10 * MINUTE;
const REST_OF_OTHERS: Millis = 12 * HOUR;
/// A root is said within this time: of the own account, and of any other.
const SOON: Millis = SECOND;
const SOON_OF_OTHERS: Millis = HOUR;
/// Between two of others, half of it at least: at a start all of them come, and what was said
/// before that is not forgotten.
const PACE_OF_OTHERS: Millis = 90 * SECOND;
/// Between two of any account.
const PACE: Millis = 5 * SECOND;
/// A root that is not here yet is looked for again after this, and later each time.
const ABSENT: Millis = 2 * SECOND;
const ABSENT_LATEST: Millis = 10 * MINUTE;

/// What is offered of one account.
#[derive(Debug)]
struct Offer {
    own: bool,
    newest: Option<Cid>,
    /// What was said last, and when.
    said: Option<(Cid, Millis)>,
    at: Millis,
    /// How often the newest root was not here.
    absent: u32,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Offers {
    accounts: BTreeMap<Account, Offer>,
    dice: Dice,
    /// Nothing before, and nothing of others.
    pause: Millis,
    pause_of_others: Millis,
}

/// What is to be said.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// That this node has this.
    pub(super) root: Cid,
    /// This no more.
    pub(super) before: Option<Cid>,
}

impl Offers {
    /// None yet.
    pub(super) fn new(dice: Dice) -> Self {
        Self {
            accounts: BTreeMap::new(),
            dice,
            pause: 0,
            pause_of_others: 0,
        }
    }

    /// An account is followed in public from now on; `own` is this person's.
    pub(super) fn join(&mut self, account: Account, own: bool) {
        self.accounts.entry(account).or_insert(Offer {
            own,
            newest: None,
            said: None,
            at: 0,
            absent: 0,
        });
    }

    /// It is no longer; gives what was said of it.
    pub(super) fn leave(&mut self, account: Account) -> Option<Cid> {
        let gone = self.accounts.remove(&account)?;
        gone.said.map(|(root, _)| root)
    }

    /// What the newest root of an account is.
    pub(super) fn newest(&mut self, account: Account, root: Cid, now: Millis) {
        let Some(offer) = self.accounts.get_mut(&account) else {
            return;
        };
        if offer.newest == Some(root) {
            return;
        }
        let (soon, rest) = match offer.own {
            true => (SOON, REST),
            false => (SOON_OF_OTHERS, REST_OF_OTHERS),
        };
        // Of an account that speaks all the time, something is said all the same.
        let waits = offer.newest.is_some_and(|newest| !offer.is_said(newest));
        if !waits {
            let rested = offer.said.map_or(now, |(_, at)| now.max(at + rest));
            offer.at = rested + self.dice.below(soon);
        }
        (offer.newest, offer.absent) = (Some(root), 0);
    }

    /// When something is due next.
    pub(super) fn wake(&self) -> Option<Millis> {
        let all = self.accounts.values().filter(|one| one.newest.is_some());
        let at = |one: &Offer| match one.own {
            true => one.at,
            false => one.at.max(self.pause_of_others),
        };
        all.map(at).min().map(|at| at.max(self.pause))
    }

    /// Nothing before `until`: there is nobody to say it to.
    pub(super) fn wait(&mut self, until: Millis) {
        self.pause = self.pause.max(until);
    }

    /// A root that should be said now, if it is here.
    pub(super) fn due(&mut self, now: Millis) -> Option<(Account, Cid)> {
        if now < self.pause {
            return None;
        }
        let others = self.pause_of_others <= now;
        let all = self.accounts.iter_mut();
        let due = all.filter(|(_, one)| one.at <= now && (one.own || others));
        let due = due.filter_map(|(account, one)| one.newest.map(|root| (account, root, one)));
        // The own one does not wait for others.
        let (account, root, offer) = due.min_by_key(|(.., one)| (!one.own, one.at))?;
        self.pause = now + PACE;
        if !offer.own {
            self.pause_of_others = now + PACE_OF_OTHERS / 2 + self.dice.below(PACE_OF_OTHERS);
        }
        // Until it is known whether it is here.
        offer.at = now + ABSENT_LATEST;
        Some((*account, root))
    }

    /// Whether a root that was due is here.
    pub(super) fn held(
        &mut self,
        (account, root): (Account, Cid),
        held: bool,
        now: Millis,
    ) -> Option<Said> {
        let offer = self.accounts.get_mut(&account)?;
        if !held {
            // A newer one may be here sooner.
            offer.at = now + ABSENT_LATEST.min(ABSENT << offer.absent.min(16));
            offer.absent += 1;
            return None;
        }
        let before = offer.said.map(|(before, _)| before);
        offer.said = Some((root, now));
        offer.at = match offer.newest {
            Some(newest) if newest != root => now + if offer.own { REST } else { REST_OF_OTHERS },
            _ => now + AGAIN - self.dice.below(HOUR),
        };
        Some(Said {
            root,
            before: before.filter(|before| *before != root),
        })
    }
}

impl Offer {
    fn is_said(&self, root: Cid) -> bool {
        self.said.is_some_and(|(said, _)| said == root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ourspace_protocol::dag::Codec;

    const START: Millis = 1_700_000_000_000;

    fn account(number: u16) -> Account {
        let mut bytes = [0; 20];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        Account(bytes)
    }

    fn root(number: u8) -> Cid {
        Cid::from_digest(Codec::DagPb, [number; 32])
    }

    /// Lets time go by until `end`, with every root here: when each was said.
    fn run(offers: &mut Offers, end: Millis) -> Vec<(Millis, Account, Said)> {
        let mut said = Vec::new();
        while let Some(now) = offers.wake().filter(|at| *at < end) {
            if let Some(due) = offers.due(now)
                && let Some(one) = offers.held(due, true, now)
            {
                said.push((now, due.0, one));
            }
        }
        said
    }

    #[test]
    fn the_own_root_is_said_at_once_and_again_before_it_is_forgotten() {
        let mut offers = Offers::new(Dice::new(1));
        offers.join(account(1), true);
        assert_eq!(offers.wake(), None);
        offers.newest(account(1), root(1), START);
        let said = run(&mut offers, START + 48 * HOUR);
        assert!(said[0].0 < START + SOON);
        assert_eq!(said.len(), 3, "{said:?}");
        for pair in said.windows(2) {
            let between = pair[1].0 - pair[0].0;
            assert!((21 * HOUR..=22 * HOUR).contains(&between), "{between}");
        }
    }

    #[test]
    fn new_roots_replace_old_ones_and_not_too_often() {
        let mut offers = Offers::new(Dice::new(1));
        offers.join(account(1), true);
        let mut said = Vec::new();
        for number in 0..60 {
            let now = START + Millis::from(number) * MINUTE;
            offers.newest(account(1), root(number), now);
            said.extend(run(&mut offers, now + MINUTE));
        }
        assert!((5..=7).contains(&said.len()), "{said:?}");
        for pair in said.windows(2) {
            assert_eq!(pair[1].2.before, Some(pair[0].2.root));
            assert!(pair[1].0 - pair[0].0 >= REST);
        }
        // The last one is said in the end, and it alone is said again.
        let rest = run(&mut offers, START + 30 * HOUR);
        assert_eq!(rest[0].2.root, root(59));
        assert!(rest.iter().skip(1).all(|(.., one)| one.root == root(59)));
        assert_eq!(offers.leave(account(1)), Some(root(59)));
        assert_eq!(offers.wake(), None);
    }

    #[test]
    fn five_hundred_that_are_followed_cost_little_and_the_own_one_waits_for_none() {
        let mut offers = Offers::new(Dice::new(1));
        for number in 1..=500 {
            offers.join(account(number), false);
            offers.newest(account(number), root(1), START);
        }
        let first = run(&mut offers, START + 30 * MINUTE);
        assert!((10..=40).contains(&first.len()), "{}", first.len());
        offers.join(account(0), true);
        offers.newest(account(0), root(9), START + 30 * MINUTE);
        let next = run(&mut offers, START + 31 * MINUTE);
        let own = next.iter().find(|(_, whose, _)| *whose == account(0));
        assert!(own.unwrap().0 <= START + 30 * MINUTE + SOON + PACE);
        // All of them speak all day long.
        let mut day = 0;
        for hour in 1..=24 {
            let now = START + hour * HOUR;
            for number in 1..=500 {
                offers.newest(account(number), root(u8::try_from(hour).unwrap()), now);
            }
            day += run(&mut offers, now + HOUR).len();
        }
        assert!(day <= 500 * 5 + 5, "{day}");
    }

    #[test]
    fn what_is_not_here_yet_is_not_said() {
        let mut offers = Offers::new(Dice::new(1));
        offers.join(account(1), true);
        offers.newest(account(1), root(1), START);
        let mut looked = 0;
        while let Some(now) = offers.wake().filter(|at| *at < START + HOUR) {
            let due = offers.due(now).unwrap();
            assert_eq!(offers.held(due, false, now), None);
            looked += 1;
        }
        assert!((8..=20).contains(&looked), "{looked}");
        assert_eq!(offers.leave(account(1)), None);
        // Of one that is not followed any more, nothing is said.
        assert_eq!(offers.held((account(1), root(1)), true, START), None);
        // Nor when there is nobody to say it to.
        offers.join(account(2), true);
        offers.newest(account(2), root(1), START);
        offers.wait(START + 2 * HOUR);
        assert_eq!(offers.due(START + HOUR), None);
        assert_eq!(offers.wake(), Some(START + 2 * HOUR));
    }
}
