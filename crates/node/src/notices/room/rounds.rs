//! What is compared and looked for now and then.

use std::collections::{BTreeMap, BTreeSet};

use ourspace_protocol::{
    account::Account,
    limits,
    machine::dice::Dice,
    message::{Mail, Topic},
    time::Millis,
};

use super::{super::compare, Mailroom};
use crate::HomeError;

/// A mailbox that has changed is compared soon, any other now and then.
const SOON: Millis = 10_000;
const AGAIN: Millis = 60 * 60 * 1000;
/// Those who have notices for the own account are looked for so often,
const SENDERS: Millis = 10 * 60 * 1000;
/// and those who have some for one of the follows.
const SENDERS_OF_OTHERS: Millis = 60 * 1000;
/// After the start, when some nodes are known.
const FIRST: Millis = 3_000;
/// What is too old is dropped so often.
const EXPIRE: Millis = 60 * 60 * 1000;

/// When what is done next.
#[derive(Debug)]
pub(super) struct Rounds {
    pub(super) dice: Dice,
    compare: BTreeMap<Account, Millis>,
    /// When it is looked whose mailboxes are kept.
    pub(super) kept_at: Millis,
    senders_at: Millis,
    others_at: Millis,
    /// The follow whose senders were looked for last.
    last: Option<Account>,
    expire_at: Millis,
}

impl Rounds {
    pub(super) fn new(now: Millis, dice: Dice) -> Self {
        Self {
            dice,
            compare: BTreeMap::new(),
            kept_at: 0,
            senders_at: now + FIRST,
            others_at: now + SENDERS_OF_OTHERS,
            last: None,
            expire_at: now,
        }
    }

    /// A mailbox has changed.
    pub(super) fn changed(&mut self, account: Account, now: Millis) {
        let at = now + SOON + self.dice.below(2 * SOON);
        let next = self.compare.entry(account).or_insert(at);
        *next = at.min(*next);
    }
}

impl Mailroom {
    /// Somebody keeps mailboxes that this home keeps, or has notices for.
    pub(super) async fn met(
        &mut self,
        peer: String,
        accounts: Vec<Account>,
    ) -> Result<(), HomeError> {
        let mut sums = Vec::new();
        let accounts: BTreeSet<Account> = accounts.into_iter().collect();
        for account in accounts {
            self.hand_over_to(account).await?;
            if self.kept.contains(&account)
                && let Some(sum) = compare::sum(&self.home.store().read()?, account)?
            {
                sums.push((Topic::of(account), sum));
            }
        }
        for part in sums.chunks(limits::MAILBOXES_AT_ONCE) {
            let mail = Mail::Mailboxes(part.to_vec());
            self.mailer.send(peer.clone(), mail).await;
        }
        Ok(())
    }

    /// Compares mailboxes, looks for senders, drops what is too old.
    pub(super) async fn go_round(&mut self, now: Millis) -> Result<(), HomeError> {
        if self.rounds.expire_at <= now {
            self.rounds.expire_at = now + EXPIRE;
            self.expire(now).await?;
        }
        let all = self.rounds.compare.iter();
        let due = all.filter(|(_, at)| **at <= now).min_by_key(|(_, at)| **at);
        if let Some(account) = due.map(|(account, _)| *account) {
            let again = now + AGAIN / 2 + self.rounds.dice.below(AGAIN);
            self.rounds.compare.insert(account, again);
            self.compare(account).await?;
        }
        if self.rounds.senders_at <= now {
            self.rounds.senders_at = now + SENDERS / 2 + self.rounds.dice.below(SENDERS);
            self.mailer.seek_senders(self.home.account()?).await;
        }
        if self.rounds.others_at <= now {
            self.rounds.others_at = now + SENDERS_OF_OTHERS;
            let after = |one: &&Account| self.rounds.last.is_none_or(|last| **one > last);
            let next = self.kept.iter().find(after).or(self.kept.first());
            if let Some(account) = next.copied() {
                self.rounds.last = Some(account);
                self.mailer.seek_senders(account).await;
            }
        }
        Ok(())
    }

    /// Compares one mailbox with that of some member.
    async fn compare(&mut self, account: Account) -> Result<(), HomeError> {
        if !self.kept.contains(&account) {
            self.rounds.compare.remove(&account);
            return Ok(());
        }
        let members = self.mailer.members(account).await;
        let chosen = self.rounds.dice.take(members, 1);
        let sums = compare::sums(&self.home.store().read()?, account)?;
        for member in chosen {
            self.mailer.send(member.peer, sums.clone()).await;
        }
        Ok(())
    }

    /// Drops what is too old, and sees to it that all others are compared.
    async fn expire(&mut self, now: Millis) -> Result<(), HomeError> {
        let before = now.saturating_sub(limits::NOTICE_LIFE);
        let home = std::sync::Arc::clone(&self.home);
        let own = self.home.account()?;
        let expired = tokio::task::spawn_blocking(move || {
            home.store().write(|writer| {
                writer.expire_notices(before)?;
                writer.bound_notices(own, limits::MAILBOXES_BYTES)
            })
        });
        if let Ok(expired) = expired.await {
            expired?;
        }
        for account in &self.kept {
            let at = now + self.rounds.dice.below(AGAIN);
            self.rounds.compare.entry(*account).or_insert(at);
        }
        Ok(())
    }
}
