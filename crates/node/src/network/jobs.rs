//! Jobs: fetching what is missing of one account.

use std::{collections::BTreeMap, sync::Arc};

use ourspace_protocol::{
    account::Account,
    record::SignedRecord,
    seams::{Session as _, Transport},
    time::Millis,
    verify::Verified,
};

use super::chain::Chain;
use crate::{
    home::Home,
    mirror::{self, Fetched, Merged, MirrorError, Quotas},
};

/// What became of a job.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) account: Account,
    /// Whether something new is here.
    pub(super) new: bool,
    /// Whether something is still missing.
    pub(super) missing: bool,
}

/// When what could not be had is tried again: after some seconds, then later and later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Retry {
    /// How often it was tried.
    tries: u32,
    /// When it is tried next.
    at: Millis,
}

const FIRST: Millis = 3_000;
const LAST: Millis = 15 * 60 * 1000;

impl Retry {
    /// At once.
    fn now(now: Millis) -> Self {
        Self { tries: 0, at: now }
    }

    /// After one more failure.
    fn later(self, now: Millis) -> Self {
        let pause = LAST.min(FIRST << self.tries.min(16));
        Self {
            tries: self.tries + 1,
            at: now.saturating_add(pause),
        }
    }
}

/// Accounts of which something is missing.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: BTreeMap<Account, Retry>,
}

impl Queue {
    /// Asks for an account at once, whatever was tried before.
    pub(super) fn push(&mut self, account: Account, now: Millis) {
        self.waiting.insert(account, Retry::now(now));
    }

    /// Asks for it again, later.
    pub(super) fn again(&mut self, account: Account, before: Retry, now: Millis) {
        self.waiting.entry(account).or_insert(before.later(now));
    }

    /// The account that has waited longest, if it is time for it and it is not being fetched:
    /// what was asked for meanwhile comes after that.
    pub(super) fn pop(
        &mut self,
        now: Millis,
        busy: impl Fn(&Account) -> bool,
    ) -> Option<(Account, Retry)> {
        let waiting = self.waiting.iter();
        let due = waiting.filter(|(account, retry)| retry.at <= now && !busy(account));
        let (account, retry) = due.min_by_key(|(_, retry)| retry.at)?;
        let (account, retry) = (*account, *retry);
        self.waiting.remove(&account);
        Some((account, retry))
    }

    /// When the next one is due that is not being fetched.
    pub(super) fn wake(&self, busy: impl Fn(&Account) -> bool) -> Option<Millis> {
        let waiting = self.waiting.iter();
        let free = waiting.filter(|(account, _)| !busy(account));
        free.map(|(_, retry)| retry.at).min()
    }
}

/// What a job needs.
#[derive(Clone)]
pub(super) struct Tools {
    pub(super) home: Arc<Home>,
    pub(super) transports: Vec<Arc<dyn Transport>>,
    /// Locations that a person has named.
    pub(super) hints: Vec<String>,
    pub(super) now: Millis,
}

impl Tools {
    /// Fetches what is missing of an account: its trees, then its media.
    pub(super) async fn run(self, account: Account) -> Done {
        let mut done = Done {
            account,
            new: false,
            missing: false,
        };
        let trees = self.trees(account, &mut done.new).await;
        let media = match trees {
            Ok(()) => self.media(account, &mut done).await,
            // Of two devices' versions one came.
            Err(error) if done.new => self.media(account, &mut done).await.and(Err(error)),
            Err(error) => Err(error),
        };
        match media {
            Ok(()) => {}
            Err(error) if error.is_the_authors() => {
                tracing::warn!(%account, %error, "a feed is not mirrored");
            }
            Err(error) => {
                tracing::debug!(%account, %error, "not all is here yet");
                done.missing = true;
            }
        }
        done
    }

    fn session(&self, account: Account, locations: &[String]) -> Chain {
        let all: Vec<String> = self.hints.iter().chain(locations).cloned().collect();
        let open = |way: &Arc<dyn Transport>| way.open(Some(account), &all);
        Chain::new(self.transports.iter().map(open).collect())
    }

    async fn trees(&self, account: Account, new: &mut bool) -> Result<(), MirrorError> {
        let own = self.home.account()? == account;
        let mut failed = None;
        for head in mirror::wanted(&self.home, account)? {
            // One tree that nobody has keeps no other away.
            match self.tree(&head, own).await {
                Ok(came) => *new |= came,
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Fetches one tree, or merges it into the own feed; says whether anything is new.
    async fn tree(&self, head: &Verified<SignedRecord>, own: bool) -> Result<bool, MirrorError> {
        let mut session = self.session(head.record().account, &head.record().locations);
        let mut watch = |_| {};
        match own {
            true => {
                let merging = mirror::merge(&self.home, head, self.now, &mut session, &mut watch);
                Ok(merging.await? != Merged::Here)
            }
            false => {
                let fetching = mirror::fetch(&self.home, head, &mut session, &mut watch);
                let fetched = fetching.await;
                self.say(head.record().account, session.trouble())?;
                Ok(fetched? != Fetched::Here)
            }
        }
    }

    /// Notes what is wrong with the web hosts of a feed, for whoever asks why nothing comes.
    fn say(&self, account: Account, trouble: Option<String>) -> Result<(), MirrorError> {
        let Some(trouble) = trouble else {
            return Ok(());
        };
        self.home
            .store()
            .write(|writer| Ok(writer.locations_said(account, Some(&trouble))?))
    }

    async fn media(&self, account: Account, done: &mut Done) -> Result<(), MirrorError> {
        let locations = {
            let heads = self.home.store().read()?.heads(account)?;
            let newest = heads.newest();
            newest.map_or_else(Vec::new, |head| head.record().locations.clone())
        };
        let mut session = self.session(account, &locations);
        let mut watch = |_| {};
        let quotas = Quotas::of(&self.home)?;
        let media = mirror::media(&self.home, account, quotas, &mut session, &mut watch).await;
        self.say(account, session.trouble())?;
        done.missing |= media?.missing > 0;
        Ok(())
    }
}
