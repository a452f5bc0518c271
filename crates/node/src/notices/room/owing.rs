//! What this home has published about others, on its way to their mirrors.

use std::collections::{BTreeMap, BTreeSet};

use ourspace_protocol::{
    account::Account,
    hash::sha256,
    message::{Answer, Mail, Short},
    notice::Notice,
    seams::Member,
    time::Millis,
};
use ourspace_store::{Owed, StoreError};

use super::Mailroom;
use crate::HomeError;

/// Notices that are looked at together.
const AT_ONCE: usize = 64;
/// Others are asked when a mirror has not answered by then.
const ANSWER: Millis = 10_000;
/// A mirror that said nothing, that keeps the mailbox no longer, that had no room, is asked
/// again after this; one that keeps the notice, not while this node runs.
const SILENT: Millis = 2 * 60 * 1000;
const ELSEWHERE: Millis = 30 * 1000;
const NO_ROOM: Millis = 60 * 60 * 1000;
/// The first pause between two tries, and the longest.
const FIRST: Millis = 2_000;
const LAST: Millis = 60 * 60 * 1000;
/// After so many tries in vain, word is left in the DHT.
const VAIN: u32 = 3;

/// Which notice: for whom, and what stands for its record.
pub(super) type Name = (Account, Short);

/// What was sent and not yet answered, and who has answered.
#[derive(Debug, Default)]
pub(super) struct Owing {
    sent: BTreeMap<Name, Sent>,
    /// For whom word was left.
    words: BTreeSet<Account>,
}

#[derive(Debug, Default)]
struct Sent {
    /// What stands for it in comparisons, by each item.
    marks: Vec<Short>,
    /// Who was asked, and from when on they may be asked again.
    asked: BTreeMap<String, Millis>,
    /// The parts of the network that they are in.
    origins: BTreeSet<u64>,
}

impl Sent {
    /// Chooses so many, first of parts of the network where nobody was asked: whoever has
    /// many nodes in one part is not all who say that they keep it.
    fn choose(&self, members: Vec<Member>, number: usize) -> Vec<Member> {
        let mut parts = self.origins.clone();
        let (mut chosen, others): (Vec<_>, Vec<_>) = members
            .into_iter()
            .partition(|member| parts.insert(member.origin));
        chosen.extend(others);
        chosen.truncate(number);
        chosen
    }
}

impl Mailroom {
    /// Hands over what is due.
    pub(super) async fn hand_over(&mut self, now: Millis) -> Result<(), HomeError> {
        let due = self.home.store().read()?.owed(now, AT_ONCE)?;
        for owed in due {
            self.hand(owed, now, true).await?;
        }
        Ok(())
    }

    /// Hands over all that is for one account, now that somebody is there to take it.
    pub(super) async fn hand_over_to(&mut self, target: Account) -> Result<(), HomeError> {
        let owed = self.home.store().read()?.owed_to(target, AT_ONCE)?;
        let now = self.now();
        for owed in owed {
            self.hand(owed, now, false).await?;
        }
        Ok(())
    }

    /// Where nobody is there who was not asked, others are looked for, when it is time.
    async fn hand(&mut self, owed: Owed, now: Millis, due: bool) -> Result<(), HomeError> {
        let target = owed.target;
        let name = (target, Short::of(&sha256(&owed.record)));
        let mut members = self.mailer.members(target).await;
        let sent = self.owing.sent.entry(name).or_default();
        if sent.marks.is_empty() {
            sent.marks = marks(&owed);
        }
        members.retain(|member| {
            let asked = sent.asked.get(&member.peer);
            asked.is_none_or(|at| *at <= now)
        });
        let number = usize::try_from(owed.owed).unwrap_or(1);
        let chosen = sent.choose(self.rounds.dice.shuffle(members), number);
        for member in &chosen {
            sent.asked.insert(member.peer.clone(), now + SILENT);
            sent.origins.insert(member.origin);
        }
        let found = !chosen.is_empty();
        if !found && !due {
            return Ok(());
        }
        let notice = Mail::Notice {
            target,
            record: owed.record.clone(),
            delta: owed.delta.clone(),
        };
        for member in chosen {
            self.mailer.send(member.peer, notice.clone()).await;
        }
        let pause = match found {
            true => ANSWER,
            false => {
                self.mailer.seek_members(target).await;
                if owed.tries >= VAIN && self.owing.words.insert(target) {
                    self.mailer.leave_word(target, true).await;
                }
                LAST.min(FIRST << owed.tries.min(16))
            }
        };
        self.note(move |writer| writer.owed_again(&owed, now + pause))
            .await
    }

    /// A mirror has said what became of a notice.
    pub(super) async fn answered(
        &mut self,
        peer: String,
        name: Name,
        answer: Answer,
    ) -> Result<(), HomeError> {
        let now = self.now();
        let Some(sent) = self.owing.sent.get_mut(&name) else {
            return Ok(());
        };
        let Some(again) = sent.asked.get_mut(&peer) else {
            return Ok(());
        };
        if *again == Millis::MAX {
            return Ok(());
        }
        *again = match answer {
            Answer::Kept => Millis::MAX,
            Answer::Passed => now + NO_ROOM,
            Answer::Elsewhere => now + ELSEWHERE,
        };
        if answer != Answer::Kept {
            return Ok(());
        }
        let (target, marks) = (name.0, sent.marks.clone());
        self.note(move |writer| {
            let mut marks = marks.iter();
            marks.try_for_each(|mark| writer.handed(target, *mark, 1))
        })
        .await?;
        let left = self.home.store().read()?.owed_to(target, 1)?;
        if left.is_empty() {
            self.owing.sent.retain(|(other, _), _| *other != target);
            if self.owing.words.remove(&target) {
                self.mailer.leave_word(target, false).await;
            }
        }
        Ok(())
    }

    async fn note(
        &self,
        change: impl FnOnce(&ourspace_store::Writer<'_>) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), HomeError> {
        let home = std::sync::Arc::clone(&self.home);
        let noted = tokio::task::spawn_blocking(move || home.store().write(change)).await;
        match noted {
            Ok(noted) => Ok(noted?),
            Err(_) => Ok(()),
        }
    }
}

/// What stands for a notice of this home, by each item that it speaks of.
fn marks(owed: &Owed) -> Vec<Short> {
    use ourspace_protocol::{
        announcement::Announcement,
        time::MAX_MILLIS,
        verify::{Context, KnownGrants},
    };
    let context = Context {
        now: MAX_MILLIS,
        highest_epoch: 0,
    };
    let mut known = KnownGrants::new();
    let checked = Announcement::check(&owed.record, Some(&owed.delta), context, &mut known);
    let Some(notice) = checked.ok().and_then(|checked| Notice::of(checked).ok()) else {
        return Vec::new();
    };
    let matters = notice.matters(owed.target).into_iter();
    matters.map(|matter| notice.mark(matter.item)).collect()
}
