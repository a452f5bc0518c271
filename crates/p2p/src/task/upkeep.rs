//! What is done now and then.

use std::sync::Arc;

use ourspace_protocol::{announcement::Announcement, machine::upkeep, time::Millis};

use super::{Task, queries::For, swarm::row_key};
use crate::handle::Event;

/// House is kept so often.
const HOUSE: Millis = 10_000;
/// A row of the DHT that nobody has put again for so long is forgotten.
const ROW_LIVES: Millis = 7 * 24 * 60 * 60 * 1000;
/// Sessions that are remembered.
const SESSIONS: usize = 1_024;
/// New connections are left alone for so long.
const GRACE: Millis = 20_000;
/// Those that do not speak our protocol, for so long where there are too many.
const MUTE: Millis = 5_000;

impl Task {
    pub(super) fn awake(&mut self) {
        let now = self.now();
        if self.talk.wake().is_some_and(|at| at <= now) {
            let out = self.talk.awake(now);
            self.carry_out(out);
        }
        let rows = &mut self.swarm.behaviour_mut().rows;
        let heard = self.queries.settle(rows, now);
        self.hear(heard);
        let talk = &self.talk;
        let tasks = self
            .upkeep
            .awake(now, |account| talk.members(account).len());
        for task in tasks {
            self.upkeep_task(task);
        }
        self.offer(now);
        if self.desk.house_at <= now {
            self.desk.house_at = now + HOUSE;
            self.keep_house(now);
        }
    }

    fn upkeep_task(&mut self, task: upkeep::Task) {
        let what = match task {
            upkeep::Task::Put(_) => "upkeep_puts",
            upkeep::Task::Look(_) => "upkeep_looks",
            upkeep::Task::Search(_) => "upkeep_searches",
            upkeep::Task::Provide(_) => "upkeep_announced",
        };
        self.count(what, 1);
        let rows = &mut self.swarm.behaviour_mut().rows;
        match task {
            upkeep::Task::Put(account) => {
                if let Some(heads) = self.talk.heads(account).filter(|heads| !heads.is_empty()) {
                    self.queries.put(rows, (account, heads), None);
                }
            }
            upkeep::Task::Look(account) => {
                let heads = self.talk.heads(account).cloned().unwrap_or_default();
                self.queries.look_after(rows, account, heads);
            }
            upkeep::Task::Search(account) => {
                let why = For::Upkeep(account);
                self.queries.find_providers(rows, row_key(account), why);
            }
            upkeep::Task::Provide(account) => {
                if let Err(error) = rows.start_providing(row_key(account)) {
                    tracing::debug!(%error, "not announced as a keeper");
                }
            }
        }
    }

    fn keep_house(&mut self, now: Millis) {
        self.note_known();
        self.note_newest(now);
        let rows = &mut self.swarm.behaviour_mut().rows;
        self.queries.probe(rows, now);
        self.forget_unasked(now);
        let before = now.saturating_sub(ROW_LIVES);
        self.rows().store_mut().expire(before);
        self.keep_reach(now);
        self.dial_again(now);
        let talk = &self.talk;
        self.upkeep.mind(now, |account| talk.members(account).len());
        self.catch_up();
        // A session that asks for nothing any more is forgotten; of more, the oldest.
        while self.desk.sessions.len() > SESSIONS {
            self.desk.sessions.pop_first();
        }
        while self.desk.early.len() > SESSIONS {
            self.desk.early.pop_first();
        }
        self.end_surplus(now);
    }

    /// Tells of what did not fit when it came.
    fn catch_up(&mut self) {
        for account in std::mem::take(&mut self.desk.behind) {
            let newest = self
                .talk
                .heads(account)
                .and_then(|heads| heads.newest())
                .cloned();
            if let Some(news) = newest.and_then(|record| Announcement::of(record, None).ok()) {
                let (news, from) = (Arc::new(news), "here".to_owned());
                self.tell(Event::News { news, from });
            }
        }
    }

    /// Ends the connections that are worth least, when there are too many.
    fn end_surplus(&mut self, now: Millis) {
        let surplus = self.peers.len().saturating_sub(self.desk.connections);
        if surplus == 0 {
            return;
        }
        let (old, mute) = (now.saturating_sub(GRACE), now.saturating_sub(MUTE));
        let (mut all, mut friends) = (Vec::new(), Vec::new());
        for (id, peer) in self.peers.iter() {
            let overlap = self.talk.overlap(*id);
            let one = (overlap, peer.speaks, peer.since, *id);
            if overlap > 0 && peer.since <= old {
                friends.push(one);
            } else if peer.since <= old || !peer.speaks && peer.since <= mute {
                all.push(one);
            }
        }
        // Whoever follows whom this node follows goes only to make room for others who do: else
        // a flood of newcomers, who have their time of grace, would part them.
        friends.sort_unstable();
        let too_many = friends.len().saturating_sub(self.desk.connections);
        friends.truncate(too_many);
        all.sort_unstable();
        for (.., peer) in friends.into_iter().chain(all).take(surplus) {
            self.swarm.behaviour_mut().lines.hang_up(peer);
        }
    }
}
