//! Who is asked for what: providers that come and go, and what time changes.

use std::time::Duration;

use ourspace_protocol::dag::Cid;

use super::{
    Effect, PROVIDERS, SECOND_CHANCES, Session, Time,
    provider::{Link, Provider},
};

/// Wants that are looked at beyond those for which there is room: the first ones may be
/// such that those with room have not got them.
const LOOK_AHEAD: usize = 256;
/// How often in a row a provider may be silent.
const STRIKES: u32 = 3;
/// How long a dial may take.
const DIAL: Duration = Duration::from_secs(15);
/// A want is overdue after this and four times what the provider should have taken.
const OVERDUE: f64 = 10.0;
/// A second provider is asked when the first needs this much longer, in seconds.
const MUCH_LONGER: f64 = 0.3;
/// Bytes a second that are expected of one of whom nothing is known, nor of any other.
const ORDINARY: f64 = 1e6;

/// A provider that can take wants.
struct Free<P> {
    peer: P,
    room: usize,
    /// Seconds until a block that is asked now is here, and what each more adds.
    wait: f64,
    each: f64,
}

impl<P: Copy + Ord> Session<P> {
    pub(super) fn add_providers(
        &mut self,
        peers: Vec<(P, bool)>,
        now: Time,
        effects: &mut Vec<Effect<P>>,
    ) {
        let mut new = false;
        for (peer, up) in peers {
            let known = self.providers.get(&peer).map(|(provider, _)| provider.link);
            let in_use = self.providers.values().filter(|(one, _)| one.is_in());
            if !matches!(known, None | Some(Link::Out)) || in_use.count() >= PROVIDERS {
                continue;
            }
            let link = if up { Link::Up } else { Link::Making(now) };
            let provider = Provider::new(link);
            self.providers.insert(peer, (provider, SECOND_CHANCES));
            for want in self.wants.values_mut() {
                want.refused.retain(|refused| *refused != peer);
            }
            if !up {
                effects.push(Effect::Dial(peer));
            }
            new = true;
        }
        if new {
            for (order, cid) in std::mem::take(&mut self.lost) {
                self.queue.insert(order, cid);
            }
        }
    }

    pub(super) fn link(&mut self, peer: P, link: Link) {
        if let Some((provider, _)) = self.providers.get_mut(&peer)
            && provider.is_in()
        {
            provider.link = link;
        }
    }

    pub(super) fn down(&mut self, peer: P, now: Time, effects: &mut Vec<Effect<P>>) {
        let Some((provider, chances)) = self.providers.get_mut(&peer) else {
            return;
        };
        if !provider.is_in() {
            return;
        }
        if *chances == 0 {
            return self.out(peer, Link::Out, effects);
        }
        *chances -= 1;
        let mut again = Provider::new(Link::Making(now));
        std::mem::swap(provider, &mut again);
        effects.push(Effect::Dial(peer));
        self.ask_elsewhere(peer, again.open.into_keys().collect());
    }

    /// A provider is no longer one.
    pub(super) fn out(&mut self, peer: P, link: Link, effects: &mut Vec<Effect<P>>) {
        let Some((provider, _)) = self.providers.get_mut(&peer) else {
            return;
        };
        if provider.link != Link::Barred {
            provider.link = link;
        }
        let open: Vec<Cid> = provider.open.drain().map(|(cid, _)| cid).collect();
        effects.extend(open.iter().map(|cid| Effect::TakeBack(peer, *cid)));
        self.ask_elsewhere(peer, open);
        // What was waiting for it in particular may now be lost.
        let waiting: Vec<Cid> = self.queue.values().copied().collect();
        waiting.into_iter().for_each(|cid| self.put_in_line(cid));
    }

    fn ask_elsewhere(&mut self, peer: P, cids: Vec<Cid>) {
        for cid in cids {
            if let Some(want) = self.wants.get_mut(&cid) {
                want.asked.retain(|asked| *asked != peer);
                self.put_in_line(cid);
            }
        }
    }

    /// What nobody has, nobody has.
    pub(super) fn give_up(&mut self, effects: &mut Vec<Effect<P>>) {
        let lost: Vec<Cid> = self.lost.values().copied().collect();
        for cid in lost {
            self.forget(&cid, None, effects);
            self.figures.missing += 1;
            effects.push(Effect::Missing(cid));
        }
    }

    /// Hands the wants in the queue to providers that have room, in order.
    pub(super) fn assign(&mut self, now: Time, effects: &mut Vec<Effect<P>>) {
        if self.queue.is_empty() {
            return;
        }
        let mut free = self.free(now);
        let mut room: usize = free.iter().map(|free| free.room).sum();
        if room == 0 {
            return;
        }
        let next: Vec<Cid> = self
            .queue
            .values()
            .copied()
            .take(room + LOOK_AHEAD)
            .collect();
        for cid in next {
            let Some(want) = self.wants.get(&cid) else {
                continue;
            };
            let best = free
                .iter_mut()
                .filter(|free| free.room > 0 && !want.refused.contains(&free.peer))
                .min_by(|a, b| a.wait.total_cmp(&b.wait));
            let Some(best) = best else { continue };
            best.room -= 1;
            best.wait += best.each;
            let peer = best.peer;
            self.ask(peer, cid, now, effects);
            room -= 1;
            if room == 0 {
                return;
            }
        }
    }

    fn ask(&mut self, peer: P, cid: Cid, now: Time, effects: &mut Vec<Effect<P>>) {
        let (Some(want), Some((provider, _))) =
            (self.wants.get_mut(&cid), self.providers.get_mut(&peer))
        else {
            return;
        };
        self.queue.remove(&want.order);
        want.asked.push(peer);
        provider.asked(cid, now);
        effects.push(Effect::Ask(peer, cid, want.hurried));
    }

    /// Bytes a second to be expected of one of whom nothing is known.
    fn otherwise(&self) -> f64 {
        let known = self.providers.values().filter_map(|(p, _)| p.rate());
        let best = known.fold(0.0, f64::max);
        if best > 0.0 { best / 2.0 } else { ORDINARY }
    }

    fn free(&self, now: Time) -> Vec<Free<P>> {
        let otherwise = self.otherwise();
        let most = self.limits.bytes_from_a_provider;
        let ready = self.providers.iter().filter(|(_, (p, _))| p.is_ready(now));
        let free = ready.map(|(peer, (provider, _))| Free {
            peer: *peer,
            room: provider.room(self.typical, most),
            wait: provider.wait(self.typical, otherwise),
            each: self.typical as f64 / provider.rate().unwrap_or(otherwise).max(1.0),
        });
        free.filter(|free| free.room > 0).collect()
    }

    pub(super) fn tick(&mut self, now: Time, effects: &mut Vec<Effect<P>>) {
        let peers: Vec<P> = self.providers.keys().copied().collect();
        let others = |this: &Self, peer: P| {
            let mut all = this.providers.iter();
            all.any(|(other, (provider, _))| *other != peer && provider.link == Link::Up)
        };
        for peer in peers {
            let alone = !others(self, peer);
            self.look_at(peer, alone, now, effects);
        }
        if self.wants.len() > self.queue.len() + self.lost.len() {
            self.ask_twice(now, effects);
        }
        let since = self.searching_since;
        if since.is_some_and(|since| now.saturating_sub(since) >= self.limits.search) {
            self.give_up(effects);
        }
    }

    /// Takes back what a provider does not give.
    fn look_at(&mut self, peer: P, alone: bool, now: Time, effects: &mut Vec<Effect<P>>) {
        let Some((provider, _)) = self.providers.get_mut(&peer) else {
            return;
        };
        if let Link::Making(since) = provider.link
            && now.saturating_sub(since) >= DIAL
        {
            return self.out(peer, Link::Out, effects);
        }
        if provider.link != Link::Up || provider.open.is_empty() {
            return;
        }
        let patience = self.limits.patience;
        if now.saturating_sub(provider.heard) >= patience {
            let rest = if alone {
                Duration::ZERO
            } else {
                patience * 2u32.pow(provider.strikes)
            };
            let open = provider.stalled(now + rest);
            let silent = provider.strikes >= STRIKES;
            effects.extend(open.iter().map(|cid| Effect::TakeBack(peer, *cid)));
            self.ask_elsewhere(peer, open);
            if silent {
                effects.push(Effect::Silent(peer));
                self.out(peer, Link::Out, effects);
            }
            return;
        }
        // It answers, but not this: it may have dropped the want, so it is asked once more.
        let expected = provider.wait(self.typical, ORDINARY / 10.0);
        let overdue = Duration::from_secs_f64(OVERDUE + 4.0 * expected);
        let late: Vec<Cid> = provider
            .open
            .iter()
            .filter(|(_, since)| now.saturating_sub(**since) >= overdue)
            .map(|(cid, _)| *cid)
            .collect();
        for cid in late {
            if let Some((provider, _)) = self.providers.get_mut(&peer) {
                provider.open.remove(&cid);
            }
            effects.push(Effect::TakeBack(peer, cid));
            let want = self.wants.get_mut(&cid);
            if want.is_some_and(|want| !std::mem::replace(&mut want.overdue, true)) {
                self.ask_elsewhere(peer, vec![cid]);
            } else {
                self.refused(peer, cid);
            }
        }
    }

    /// Asks a second provider for what the first is slow with: the first of all that is
    /// under way, and at the end, when there is nothing else to ask for, more; of how often
    /// it may be done at all half is kept for the end.
    fn ask_twice(&mut self, now: Time, effects: &mut Vec<Effect<P>>) {
        let at_the_end = self.queue.is_empty();
        let budget = (2 + self.figures.blocks / 32) / if at_the_end { 1 } else { 2 };
        let mut budget = budget.saturating_sub(self.asked_twice);
        if budget == 0 {
            return;
        }
        let mut under_way: Vec<(i64, Cid, P)> = self
            .wants
            .iter()
            .filter_map(|(cid, want)| match want.asked[..] {
                [peer] => Some((want.order, *cid, peer)),
                _ => None,
            })
            .collect();
        under_way.sort_unstable_by_key(|(order, ..)| *order);
        let most = if at_the_end { 4 } else { 1 };
        for (_, cid, slow) in under_way.into_iter().take(most) {
            let Some(fast) = self.faster(slow, &cid, now) else {
                continue;
            };
            if let Some(want) = self.wants.get_mut(&cid) {
                want.hurried = true;
            }
            self.ask(fast, cid, now, effects);
            self.asked_twice += 1;
            budget -= 1;
            if budget == 0 {
                return;
            }
        }
    }

    /// Who would bring a block much sooner than the one who is asked for it.
    fn faster(&self, slow: P, cid: &Cid, now: Time) -> Option<P> {
        let (provider, _) = self.providers.get(&slow)?;
        let age = now.saturating_sub(*provider.open.get(cid)?).as_secs_f64();
        // Of one that has given nothing yet it is known only that it takes longer than this.
        let left = match provider.rate() {
            Some(_) => provider.shortest_wait(self.typical, 1.0),
            None => age,
        };
        let want = self.wants.get(cid)?;
        let otherwise = self.otherwise();
        let waits = self.providers.iter().filter_map(|(peer, (other, _))| {
            let may = *peer != slow && other.is_ready(now) && !want.refused.contains(peer);
            may.then(|| (*peer, other.shortest_wait(self.typical, otherwise)))
        });
        let (fast, wait) = waits.min_by(|a, b| a.1.total_cmp(&b.1))?;
        (left.min(age) > MUCH_LONGER && left > 2.0 * wait + MUCH_LONGER).then_some(fast)
    }
}
