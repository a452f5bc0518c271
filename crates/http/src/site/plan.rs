//! Which block is asked for where, and what becomes of places that fail. No clock, no
//! network: [`session`](super::session) does what is decided here.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use ourspace_protocol::{dag::Cid, seams::Want};

/// Blocks that are asked for at one place at once.
const AT_ONCE: usize = 16;
/// Failures in a row after which a place is not asked any more.
const FAILURES: u32 = 3;
/// Blocks with other bytes than were signed, after which a place is not asked any more.
const ALTERED: u32 = 3;
/// What a late answer counts for, in answers.
const SLOW: usize = 4;
/// How often one block is asked for in one way that fails.
const ATTEMPTS: u32 = 2;

/// How a block is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Way {
    /// As a piece of its file.
    Piece,
    /// By its name.
    Block,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Ask this place for this block, in this way.
    Ask(usize, Want, Way),
    /// Nobody has it.
    Missing(Cid),
}

/// What became of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It came.
    Came,
    /// The place does not have it.
    Absent,
    /// Something else came.
    Wrong,
    /// The place did not answer, or could not.
    Failed,
    /// The place wants to be left alone.
    Refused,
}

/// What a fate meant for the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Stays,
    /// It failed too often and is not asked any more.
    Retired,
    /// It gives other bytes than the block's; where it goes on so, it is not asked any more.
    Altered,
}

#[derive(Debug, Default)]
struct Place {
    flying: usize,
    /// How many of those are late.
    late: usize,
    failures: u32,
    /// Blocks of which it gave other bytes than were signed.
    altered: u32,
    gone: bool,
}

impl Place {
    /// How much there is to do for it, as far as can be told.
    const fn busy(&self) -> usize {
        self.flying + SLOW * self.late
    }
}

/// A way that is still open for a block at a place.
#[derive(Debug)]
struct Open {
    place: usize,
    way: Way,
    attempts: u32,
}

#[derive(Debug)]
struct Wanted {
    want: Want,
    ways: Vec<Open>,
    /// Where and how it is being asked for.
    flying: Option<(usize, Way)>,
    /// Places whose file held other bytes here. That alone is no lie: the site may be in
    /// the middle of a change, and then has the block by its name (spec, 7.2).
    odd: Vec<usize>,
}

/// What is wanted, and what is known of the places.
#[derive(Debug)]
pub(super) struct Plan {
    /// Of each place whether it has files, or blocks alone.
    files: Vec<bool>,
    places: Vec<Place>,
    wanted: HashMap<Cid, Wanted>,
    queue: VecDeque<Cid>,
    /// What was asked for so long ago that it is asked for elsewhere as well.
    overdue: HashSet<(Cid, usize, Way)>,
}

impl Plan {
    pub(super) fn new(files: Vec<bool>) -> Self {
        Self {
            places: files.iter().map(|_| Place::default()).collect(),
            files,
            wanted: HashMap::new(),
            queue: VecDeque::new(),
            overdue: HashSet::new(),
        }
    }

    /// Wants these after all others.
    pub(super) fn want(&mut self, wants: Vec<Want>) {
        for want in wants {
            if !self.wanted.contains_key(&want.cid) {
                self.queue.push_back(want.cid);
                self.add(&want);
            }
        }
    }

    /// Wants these before all others.
    pub(super) fn hurry(&mut self, wants: Vec<Want>) {
        for want in wants.into_iter().rev() {
            let known = self.wanted.get(&want.cid);
            if known.is_some_and(|known| known.flying.is_some()) {
                continue;
            }
            // It may stand in the queue further back, too: there it is passed over.
            self.queue.push_front(want.cid);
            if known.is_none() {
                self.add(&want);
            }
        }
    }

    fn add(&mut self, want: &Want) {
        let mut ways = Vec::new();
        for (place, files) in self.files.iter().enumerate() {
            let piece = (*files && want.place.is_some()).then_some(Way::Piece);
            for way in piece.into_iter().chain([Way::Block]) {
                ways.push(Open {
                    place,
                    way,
                    attempts: 0,
                });
            }
        }
        let wanted = Wanted {
            want: want.clone(),
            ways,
            flying: None,
            odd: Vec::new(),
        };
        self.wanted.insert(want.cid, wanted);
    }

    /// Where a block is being asked for as a piece of a file, and which piece of which.
    pub(super) fn piece_under_way(&self, cid: &Cid) -> Option<(usize, u64, Arc<str>)> {
        let wanted = self.wanted.get(cid)?;
        let (place, Way::Piece) = wanted.flying? else {
            return None;
        };
        let (path, offset) = wanted.want.place.as_ref()?;
        Some((place, *offset, Arc::clone(path)))
    }

    /// No longer wants a block.
    pub(super) fn cancel(&mut self, cid: &Cid) {
        if let Some(wanted) = self.wanted.remove(cid)
            && let Some((place, _)) = wanted.flying
        {
            self.land(place);
        }
    }

    fn land(&mut self, place: usize) {
        if let Some(place) = self.places.get_mut(place) {
            place.flying = place.flying.saturating_sub(1);
        }
    }

    /// What to do next; none when there is nothing to do now.
    pub(super) fn step(&mut self) -> Option<Step> {
        let mut waiting = Vec::new();
        let step = loop {
            let Some(cid) = self.queue.pop_front() else {
                break None;
            };
            let Some(wanted) = self.wanted.get_mut(&cid) else {
                continue;
            };
            if wanted.flying.is_some() {
                continue;
            }
            wanted.ways.retain(|open| !self.places[open.place].gone);
            // Places are asked in turns, those with less to do first, and slow ones seldom;
            // at each one the file comes before the block.
            let places = &self.places;
            let free = wanted
                .ways
                .iter()
                .filter(|open| places[open.place].flying < AT_ONCE);
            let best = free.min_by_key(|open| (places[open.place].busy(), open.place));
            match best {
                Some(open) => {
                    let (place, way) = (open.place, open.way);
                    wanted.flying = Some((place, way));
                    self.places[place].flying += 1;
                    break Some(Step::Ask(place, wanted.want.clone(), way));
                }
                None if wanted.ways.is_empty() => {
                    self.wanted.remove(&cid);
                    break Some(Step::Missing(cid));
                }
                None => waiting.push(cid),
            }
            if self
                .places
                .iter()
                .all(|place| place.gone || place.flying >= AT_ONCE)
            {
                break None;
            }
        };
        for cid in waiting.into_iter().rev() {
            self.queue.push_front(cid);
        }
        step
    }

    /// Whether a block is wanted, wherever it is asked for.
    pub(super) fn wants(&self, cid: &Cid) -> bool {
        self.wanted.contains_key(cid)
    }

    /// A place takes long: the block is asked for elsewhere too, if there is another place
    /// left. The slow one goes on, and counts as busy until it is done.
    pub(super) fn late(&mut self, (place, way): (usize, Way), cid: &Cid) {
        let asked = self.wanted.get_mut(cid);
        let Some(wanted) = asked.filter(|wanted| wanted.flying == Some((place, way))) else {
            return;
        };
        let places = &self.places;
        let other = |open: &Open| open.place != place && !places[open.place].gone;
        if wanted.ways.iter().any(other) {
            wanted.ways.retain(|open| open.place != place);
            wanted.flying = None;
            self.overdue.insert((*cid, place, way));
            if let Some(place) = self.places.get_mut(place) {
                place.late += 1;
            }
            self.queue.push_front(*cid);
        }
    }

    /// Takes in what became of asking a place that was late.
    fn fate_of_late(&mut self, (place, way): (usize, Way), cid: &Cid, fate: Fate) -> Verdict {
        self.land(place);
        if let Some(place) = self.places.get_mut(place) {
            place.late = place.late.saturating_sub(1);
        }
        if fate == Fate::Came {
            self.cancel(cid);
        }
        self.judge((place, way), fate, false)
    }

    /// Takes in what became of asking a place for a block in some way. Nothing changes for
    /// a block that is no longer wanted, or asked for elsewhere by now.
    pub(super) fn fate(&mut self, (place, way): (usize, Way), cid: &Cid, fate: Fate) -> Verdict {
        if self.overdue.remove(&(*cid, place, way)) {
            return self.fate_of_late((place, way), cid, fate);
        }
        let asked = self.wanted.get_mut(cid);
        let Some(wanted) = asked.filter(|wanted| wanted.flying == Some((place, way))) else {
            return Verdict::Stays;
        };
        wanted.flying = None;
        let odd = wanted.odd.contains(&place);
        let kept = |open: &Open| (open.place, open.way) != (place, way);
        match fate {
            Fate::Came => drop(self.wanted.remove(cid)),
            Fate::Absent => wanted.ways.retain(kept),
            Fate::Wrong => {
                wanted.odd.push(place);
                wanted.ways.retain(kept);
            }
            Fate::Failed | Fate::Refused => {
                for open in wanted.ways.iter_mut().filter(|open| !kept(open)) {
                    open.attempts += 1;
                }
                wanted.ways.retain(|open| open.attempts < ATTEMPTS);
            }
        }
        if fate != Fate::Came {
            self.queue.push_front(*cid);
        }
        self.land(place);
        self.judge((place, way), fate, odd)
    }

    fn judge(&mut self, (place, way): (usize, Way), fate: Fate, odd: bool) -> Verdict {
        let Some(place) = self.places.get_mut(place) else {
            return Verdict::Stays;
        };
        place.failures = match fate {
            Fate::Failed => place.failures + 1,
            _ => 0,
        };
        let altered = match (way, fate) {
            (Way::Block, Fate::Wrong) => true,
            // Its file is not the signed one, and the signed one is not there.
            (Way::Block, Fate::Absent) => odd,
            _ => false,
        };
        if altered {
            // One file that is damaged keeps no other from coming.
            place.altered += 1;
            place.gone |= place.altered >= ALTERED;
            return Verdict::Altered;
        }
        let verdict = match (way, fate) {
            (_, Fate::Refused) => Verdict::Retired,
            _ if place.failures >= FAILURES => Verdict::Retired,
            _ => return Verdict::Stays,
        };
        match std::mem::replace(&mut place.gone, true) {
            true => Verdict::Stays,
            false => verdict,
        }
    }
}

/// A want of a piece of a file; tests of several rooms use it.
#[cfg(test)]
pub(super) fn piece(cid: Cid, path: &str, offset: u64) -> Want {
    Want {
        cid,
        place: Some((Arc::from(path), offset)),
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
