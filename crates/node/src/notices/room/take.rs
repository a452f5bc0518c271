//! What peers send.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError, atomic::Ordering},
};

use ourspace_protocol::{
    account::Account,
    hash::sha256,
    limits,
    message::{Answer, Mail, Short, Topic},
    time::Millis,
};

use super::{super::compare, Desk, Mailroom};
use crate::{
    HomeError,
    home::Home,
    mailbox::{self as book, kept},
    network::Happened,
    read::ReadError,
};

/// News of the last ten minutes is passed on at once; what is older is compared.
const FRESH: Millis = 10 * 60 * 1000;
/// Members to whom it is passed on.
const FAN: usize = 4;

/// A message, who sent it, and from which part of the network.
pub(super) type Came = (String, u64, Mail);

/// What is to be done after some messages.
#[derive(Default)]
struct Outcome {
    send: Vec<(String, Mail)>,
    faults: Vec<(String, &'static str)>,
    /// Notices that are new here and are passed on, and who sent them.
    fresh: Vec<(String, Account, Mail)>,
    /// Accounts whose mailboxes are different.
    changed: BTreeSet<Account>,
    /// Answers about own notices.
    answers: Vec<(String, Account, Short, Answer)>,
}

impl Mailroom {
    pub(super) async fn take(&mut self, mail: Vec<Came>) -> Result<(), HomeError> {
        if mail.is_empty() {
            return Ok(());
        }
        let mut work = Work {
            home: Arc::clone(&self.home),
            desk: Arc::clone(&self.desk),
            kept: self.kept.clone(),
            me: self.mailer.own(),
            now: self.now(),
        };
        let worked =
            tokio::task::spawn_blocking(move || work.all(mail).map(|out| (out, work.kept)));
        let Ok(outcome) = worked.await else {
            return Ok(());
        };
        let outcome = match outcome {
            Ok((outcome, kept)) => {
                self.kept = kept;
                outcome
            }
            Err(ReadError::Home(error)) => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "notices were not taken");
                return Ok(());
            }
        };
        for (peer, what) in outcome.faults {
            self.mailer.fault(peer, what).await;
        }
        self.send(outcome.send).await;
        for (from, target, notice) in outcome.fresh {
            let mut members = self.mailer.members(target).await;
            members.retain(|member| member.peer != from);
            for member in self.rounds.dice.take(members, FAN) {
                self.mailer.send(member.peer, notice.clone()).await;
            }
        }
        for account in outcome.changed {
            self.rounds.changed(account, self.now());
            // Nobody may be listening.
            drop(self.happened.send(Happened::Notices(account)));
        }
        for (peer, target, record, answer) in outcome.answers {
            self.answered(peer, (target, record), answer).await?;
        }
        Ok(())
    }
}

struct Work {
    home: Arc<Home>,
    desk: Arc<Desk>,
    kept: BTreeSet<Account>,
    me: String,
    now: Millis,
}

impl Work {
    fn all(&mut self, mail: Vec<Came>) -> Result<Outcome, ReadError> {
        let mut out = Outcome::default();
        // Somebody may be followed since a moment ago.
        let is_new = |(_, _, mail): &Came| match mail {
            Mail::Notice { target, .. } | Mail::Sums { target, .. } => !self.kept.contains(target),
            Mail::Mailboxes(_) => true,
            _ => false,
        };
        if mail.iter().any(is_new) {
            self.kept = kept(&self.home)?;
        }
        let mut notices: BTreeMap<Account, Vec<(String, book::Handed)>> = BTreeMap::new();
        for (from, origin, mail) in mail {
            match mail {
                Mail::Notice {
                    target,
                    record,
                    delta,
                } => {
                    let handed = book::Handed {
                        target,
                        record,
                        delta,
                        origin,
                    };
                    notices.entry(target).or_default().push((from, handed));
                }
                Mail::Kept {
                    target,
                    record,
                    answer,
                } => out.answers.push((from, target, record, answer)),
                mail => out.send.extend(
                    self.compared(&from, mail)?
                        .into_iter()
                        .map(|mail| (from.clone(), mail)),
                ),
            }
        }
        for (target, notices) in notices {
            self.notices(target, notices, &mut out)?;
        }
        Ok(out)
    }

    fn compared(&self, from: &str, mail: Mail) -> Result<Vec<Mail>, ReadError> {
        let reader = self.home.store().read()?;
        let keeps = |target: &Account| self.kept.contains(target);
        let one = match mail {
            Mail::Mailboxes(entries) => {
                let topics = self
                    .kept
                    .iter()
                    .map(|account| (Topic::of(*account), *account));
                let topics: BTreeMap<Topic, Account> = topics.collect();
                let mut out = Vec::new();
                let entries: BTreeMap<Topic, Short> = entries.into_iter().collect();
                for (topic, sum) in entries {
                    if let Some(target) = topics.get(&topic) {
                        let begins = self.me.as_str() < from;
                        out.extend(compare::differs(&reader, *target, sum, begins)?);
                    }
                }
                return Ok(out);
            }
            Mail::Sums { target, sums } if keeps(&target) => {
                compare::marks(&reader, target, &sums)?
            }
            Mail::Marks {
                target,
                parts,
                marks,
            } if keeps(&target) => {
                return Ok(compare::exchange(
                    &reader,
                    target,
                    (parts, &marks),
                    self.now,
                )?);
            }
            Mail::Wanted { target, marks } if keeps(&target) => {
                return Ok(compare::wanted(&reader, target, &marks, self.now)?);
            }
            _ => None,
        };
        Ok(one.into_iter().collect())
    }

    /// Takes notices for one account, all in one durable change, then answers.
    fn notices(
        &self,
        target: Account,
        notices: Vec<(String, book::Handed)>,
        out: &mut Outcome,
    ) -> Result<(), ReadError> {
        let name = |handed: &book::Handed| Short::of(&sha256(&handed.record));
        if !self.kept.contains(&target) {
            for (from, handed) in notices {
                let kept = Mail::Kept {
                    target,
                    record: name(&handed),
                    answer: Answer::Elsewhere,
                };
                out.send.push((from, kept));
            }
            return Ok(());
        }
        let own = self.home.account()?;
        let known = self.desk.known.lock();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        let taken = self.home.store().write(|writer| {
            let mut place = book::Place::open(writer, target)?;
            let mut taken = Vec::with_capacity(notices.len());
            for (_, handed) in &notices {
                let by = (&mut *known, self.now);
                let one = book::take(writer, own, handed, &mut place, by)?;
                let bytes = one
                    .new
                    .map_or(0, |_| handed.record.len() + handed.delta.len());
                self.desk.came.fetch_add(bytes as u64, Ordering::Relaxed);
                taken.push(one);
            }
            if self.desk.came.load(Ordering::Relaxed) > limits::MAILBOXES_BYTES / 16 {
                self.desk.came.store(0, Ordering::Relaxed);
                writer.bound_notices(own, limits::MAILBOXES_BYTES)?;
            }
            Ok::<_, ReadError>(taken)
        })?;
        for ((from, handed), taken) in notices.into_iter().zip(taken) {
            let record = name(&handed);
            match taken.answer {
                Ok(answer) => {
                    let kept = Mail::Kept {
                        target,
                        record,
                        answer,
                    };
                    out.send.push((from.clone(), kept));
                }
                Err(fault) if fault.is_theirs => out.faults.push((from.clone(), fault.name)),
                Err(_) => {}
            }
            if let Some(date) = taken.new {
                out.changed.insert(target);
                if date.saturating_add(FRESH) >= self.now {
                    let notice = Mail::Notice {
                        target,
                        record: handed.record,
                        delta: handed.delta,
                    };
                    out.fresh.push((from, target, notice));
                }
            }
        }
        Ok(())
    }
}
