//! Rounds: what is asked for now and then, because nobody will tell.
//!
//! Who is followed in secret is never asked about all at once, and nobody is told of it: each
//! is looked for by itself, at a time of its own. Feeds of the ordinary web are asked when
//! they are due.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ourspace_store::{Named, StoreError, Writer};

use ourspace_protocol::{
    account::Account, announcement::Announcement, dag::Cid, heads::Heads, machine::dice::Dice,
    time::Millis,
};
use tokio::sync::mpsc;

use super::{
    parts::{Input, Parts},
    race::{Way, resolve},
};
use crate::{
    home::Home,
    mirror::{self, Quotas},
    webfeeds,
};

/// Between two looks at somebody who is followed in secret, half of it at least.
const QUIET_AGAIN: Millis = 15 * 60 * 1000;
/// Between two looks at the web hosts that a person has named for a feed, half of it at least.
const NAMED_AGAIN: Millis = 15 * 60 * 1000;
/// The longest that a lookup may take.
const LONGEST: Duration = Duration::from_secs(30);
/// Posts whose pages are put into the index at once.
const PAGES: usize = 256;
/// Between two looks at how much is kept.
const EVICT_AGAIN: Millis = 10 * 60 * 1000;
/// What the way by web hosts is called.
const WEB: &str = "http";
/// Locations of one account that a person has named.
const HINTS: usize = 8;

/// What is asked for, and when.
#[derive(Debug)]
pub(super) struct Rounds {
    quiet: BTreeMap<Account, Millis>,
    /// Where people have said that feeds are, and when it is looked there again.
    named: BTreeMap<Account, (Vec<String>, Millis)>,
    dice: Dice,
    inputs: mpsc::WeakSender<Input>,
    polling: Arc<AtomicBool>,
    evict_at: Millis,
    /// The root of the own feed when its follows were taken over.
    pub(super) seen: Option<Cid>,
}

impl Rounds {
    pub(super) fn new(inputs: &mpsc::Sender<Input>) -> Self {
        let mut seed = [0; 8];
        // Without randomness the times are the same after each start, and no worse.
        getrandom::fill(&mut seed).unwrap_or_default();
        Self {
            quiet: BTreeMap::new(),
            named: BTreeMap::new(),
            dice: Dice::new(u64::from_le_bytes(seed)),
            inputs: inputs.downgrade(),
            polling: Arc::default(),
            evict_at: 0,
            seen: None,
        }
    }

    /// Says who is followed in secret.
    pub(super) fn set_quiet(&mut self, quiet: BTreeSet<Account>, now: Millis) {
        self.quiet.retain(|account, _| quiet.contains(account));
        for account in quiet {
            self.quiet.entry(account).or_insert(now);
        }
    }

    /// Who is followed in secret.
    pub(super) fn quiet(&self) -> impl Iterator<Item = &Account> {
        self.quiet.keys()
    }

    /// Says where people have said that feeds are.
    pub(super) fn set_named(&mut self, mut all: BTreeMap<Account, Named>, now: Millis) {
        self.named.retain(|account, _| all.contains_key(account));
        for (account, (urls, at)) in &mut self.named {
            if let Some(named) = all.remove(account)
                && named.urls != *urls
            {
                (*urls, *at) = (named.urls, now);
            }
        }
        let new = all.into_iter().map(|(who, named)| (who, (named.urls, now)));
        self.named.extend(new);
    }

    /// Where a person has said that a feed is.
    pub(super) fn hints(&self, account: Account) -> Vec<String> {
        self.named
            .get(&account)
            .map_or_else(Vec::new, |(urls, _)| urls.clone())
    }

    /// Looks for the newest records of an account; what is found comes as news.
    pub(super) fn find(
        &mut self,
        parts: &Parts,
        (account, locations): (Account, Vec<String>),
        now: Millis,
    ) {
        let known = parts.home.store().read();
        let known = known.and_then(|reader| reader.heads(account));
        let known = known.unwrap_or_else(|error| {
            tracing::warn!(%account, %error, "the known records are not read");
            Heads::new()
        });
        let mut all = self.hints(account);
        all.extend(locations.into_iter().take(HINTS));
        let named = !all.is_empty();
        let newest = known.newest().map(|head| head.record().locations.clone());
        all.extend(newest.unwrap_or_default());
        let Some(inputs) = self.inputs.upgrade() else {
            return;
        };
        let (ways, home) = (parts.ways.clone(), Arc::clone(&parts.home));
        tokio::spawn(async move {
            let mut told = resolve(&ways, account, (known, all), now);
            let listen = async {
                let mut trouble = None;
                while let Some(way) = told.recv().await {
                    let found = match way {
                        Way::Found(found) => found,
                        Way::Refused {
                            source, from, why, ..
                        } => {
                            if source == WEB {
                                trouble = Some(format!("{from}: {why}"));
                            }
                            continue;
                        }
                        Way::Ended { source, why, .. } => {
                            if named && source == WEB {
                                note_trouble(Arc::clone(&home), account, why.or(trouble.take()));
                            }
                            continue;
                        }
                    };
                    let Ok(news) = Announcement::of(found.record, None) else {
                        continue;
                    };
                    if inputs.send(Input::News(Arc::new(news))).await.is_err() {
                        return;
                    }
                }
            };
            if tokio::time::timeout(LONGEST, listen).await.is_err() {
                tracing::debug!(%account, "a lookup was ended");
            }
        });
    }

    /// Asks for what is due.
    pub(super) fn go(&mut self, parts: &Parts, now: Millis) {
        let due = self.quiet.iter_mut().find(|(_, at)| **at <= now);
        if let Some((account, at)) = due {
            *at = now + QUIET_AGAIN / 2 + self.dice.below(QUIET_AGAIN);
            let account = *account;
            self.find(parts, (account, Vec::new()), now);
        }
        let due = self.named.iter_mut().find(|(_, (_, at))| *at <= now);
        if let Some((account, (_, at))) = due {
            *at = now + NAMED_AGAIN / 2 + self.dice.below(NAMED_AGAIN);
            let account = *account;
            self.find(parts, (account, Vec::new()), now);
        }
        self.chores(parts, now);
    }

    /// Web feeds that are due, pages that are not found by their CIDs yet, files that are too
    /// many: one round of these at a time.
    fn chores(&mut self, parts: &Parts, now: Millis) {
        if self.polling.swap(true, Ordering::AcqRel) {
            return;
        }
        let evicts = self.evict_at <= now;
        if evicts {
            self.evict_at = now + EVICT_AGAIN;
        }
        let (home, web, polling) = (
            Arc::clone(&parts.home),
            Arc::clone(&parts.web),
            Arc::clone(&self.polling),
        );
        let handle = tokio::runtime::Handle::current();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = home.store().finish_purges() {
                tracing::warn!(%error, "what was purged is still in a pack");
            }
            let quotas = Quotas::of(&home).unwrap_or_default();
            let polled = handle.block_on(webfeeds::poll(&home, web.as_ref(), quotas, now));
            if let Err(error) = polled {
                tracing::warn!(%error, "web feeds are not read");
            }
            if let Err(error) = mirror::index_pages(&home, PAGES) {
                tracing::warn!(%error, "pages are not put into the index");
            }
            // How many others mirror an account is not known here: all count the same.
            if evicts && let Err(error) = mirror::evict(&home, quotas.total, &|_| 0) {
                tracing::warn!(%error, "no room is made");
            }
            polling.store(false, Ordering::Release);
        });
    }
}

/// Notes what was wrong with the web hosts of a feed, for whoever asks why nothing comes.
fn note_trouble(home: Arc<Home>, account: Account, trouble: Option<String>) {
    tokio::task::spawn_blocking(move || {
        let note = |writer: &Writer<'_>| writer.locations_said(account, trouble.as_deref());
        if let Err::<(), StoreError>(error) = home.store().write(note) {
            tracing::warn!(%account, %error, "a trouble is not noted");
        }
    });
}
