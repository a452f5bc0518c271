//! Push on virtual time: what reaches whom, how often and when.
#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet, BinaryHeap},
    sync::Arc,
};

use ourspace_protocol::{
    account::Account,
    announcement::Announcement,
    machine::{
        dice::Dice,
        push::{Effect, Input, Known, Push},
    },
    message::{Message, Topic},
    time::Millis,
    verify::{Context, KnownGrants, verify},
};
use ourspace_testkit::signing::{NOW, TestKey, record, sign_record};

/// One way over a link.
const DELAY: Millis = 50;

type Peer = usize;

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct At(std::cmp::Reverse<(Millis, u64)>);

/// Nodes, and what is on its way between them.
struct World {
    nodes: Vec<Push<Peer>>,
    links: BTreeSet<(Peer, Peer)>,
    queue: BinaryHeap<At>,
    events: BTreeMap<u64, (Peer, Input<Peer>)>,
    number: u64,
    now: Millis,
    /// When each node got each record first, and how often records came to it.
    got: BTreeMap<(Peer, [u8; 32]), Millis>,
    received: u64,
    words: u64,
    mute: BTreeSet<Peer>,
}

impl World {
    fn new(number: usize, degree: usize, account: Account) -> Self {
        let mut world = Self {
            nodes: (0..number)
                .map(|seed| Push::new(seed as u64 * 77 + 5))
                .collect(),
            links: BTreeSet::new(),
            queue: BinaryHeap::new(),
            events: BTreeMap::new(),
            number: 0,
            now: NOW,
            got: BTreeMap::new(),
            received: 0,
            words: 0,
            mute: BTreeSet::new(),
        };
        let mut dice = Dice::new(9);
        for peer in 0..number {
            world.input(
                peer,
                Input::Join {
                    account,
                    known: Vec::new(),
                },
            );
        }
        for peer in 0..number {
            // A ring, so that everybody can be reached, and others by chance.
            world.connect(peer, (peer + 1) % number, account);
            for _ in 1..degree / 2 {
                let other = usize::try_from(dice.below(number as u64)).unwrap();
                if other != peer {
                    world.connect(peer, other, account);
                }
            }
        }
        world
    }

    fn connect(&mut self, a: Peer, b: Peer, account: Account) {
        if !self.links.insert((a.min(b), a.max(b))) {
            return;
        }
        for (one, other) in [(a, b), (b, a)] {
            self.input(one, Input::Connected(other));
            let joined = vec![Topic::of(account)];
            self.later(
                one,
                Input::Interests {
                    peer: other,
                    joined,
                    left: Vec::new(),
                },
            );
        }
    }

    fn later(&mut self, to: Peer, input: Input<Peer>) {
        self.number += 1;
        self.events.insert(self.number, (to, input));
        self.queue
            .push(At(std::cmp::Reverse((self.now + DELAY, self.number))));
    }

    fn input(&mut self, peer: Peer, input: Input<Peer>) {
        let effects = self.nodes[peer].handle(input, self.now);
        for effect in effects {
            match effect {
                Effect::Deliver(_, news) => {
                    self.got
                        .entry((peer, news.record().digest()))
                        .or_insert(self.now);
                }
                Effect::News(..) | Effect::Send(_, Message::Have(_))
                    if self.mute.contains(&peer) => {}
                Effect::News(to, news) => {
                    self.received += 1;
                    self.later(to, Input::News { peer, news });
                }
                Effect::Send(to, Message::Have(entries)) => {
                    self.words += 1;
                    self.later(to, Input::Have { peer, entries });
                }
                Effect::Send(to, Message::Graft(entries)) => {
                    self.later(to, Input::Graft { peer, entries })
                }
                Effect::Send(to, Message::Prune(topics)) => {
                    self.later(to, Input::Prune { peer, topics })
                }
                Effect::Send(to, Message::Sum(sum)) => self.later(to, Input::Sum { peer, sum }),
                Effect::Send(..) | Effect::Ask(..) | Effect::Recall(..) => {}
            }
        }
    }

    /// Lets everything happen until `until`.
    fn run(&mut self, until: Millis) {
        loop {
            let arrival = self.queue.peek().map(|At(at)| at.0.0);
            let wake = (0..self.nodes.len())
                .filter_map(|peer| Some((self.nodes[peer].wake()?, peer)))
                .min();
            let next = [arrival, wake.map(|(at, _)| at)]
                .into_iter()
                .flatten()
                .min();
            let Some(next) = next.filter(|next| *next <= until) else {
                break;
            };
            self.now = self.now.max(next);
            if arrival == Some(next) {
                let Some(At(at)) = self.queue.pop() else {
                    break;
                };
                if let Some((to, input)) = self.events.remove(&at.0.1) {
                    self.input(to, input);
                }
            } else if let Some((_, peer)) = wake {
                self.input(peer, Input::Wake);
            }
        }
        self.now = until;
    }
}

fn news(author: &TestKey, number: u64) -> Arc<Announcement> {
    let mut record = record(author);
    record.timestamp = NOW + number;
    let bytes = sign_record(record, None, author).to_bytes();
    let context = Context {
        now: NOW + number,
        highest_epoch: 0,
    };
    let verified = verify(&bytes, context, &mut KnownGrants::new()).unwrap();
    Arc::new(Announcement::of(verified, None).unwrap())
}

/// Publishes at node 0 and gives how many got it, and the delays in order.
fn publish(world: &mut World, news: Arc<Announcement>) -> (usize, Vec<Millis>) {
    let (begin, digest) = (world.now, news.record().digest());
    world.input(0, Input::Publish(news));
    world.run(begin + 300_000);
    let mut delays: Vec<_> = world
        .got
        .iter()
        .filter(|((_, got), _)| *got == digest)
        .map(|(_, at)| at - begin)
        .collect();
    delays.sort_unstable();
    (delays.len(), delays)
}

#[test]
fn news_reaches_everybody_about_once() {
    let author = TestKey::named("author");
    let mut world = World::new(200, 20, author.address());
    world.run(NOW + 5_000);
    let mut last = 0;
    for number in 0..12 {
        let before = world.received;
        let (reached, delays) = publish(&mut world, news(&author, number));
        assert_eq!(reached, 199);
        last = world.received - before;
        assert!(delays[197] <= 500, "{delays:?}");
        if number == 0 {
            assert!(last > 400, "the first flood makes the tree: {last}");
        }
    }
    println!("{last} for 199, {} words", world.words);
    assert!(last <= 199 * 105 / 100, "{last} copies for 199 nodes");
}

#[test]
fn nodes_that_keep_news_to_themselves_hold_up_nobody_for_long() {
    let author = TestKey::named("author");
    let mut world = World::new(200, 20, author.address());
    world.run(NOW + 5_000);
    for number in 0..5 {
        publish(&mut world, news(&author, number));
    }
    world.mute = (1..200).step_by(5).collect();
    let (reached, delays) = publish(&mut world, news(&author, 9));
    assert_eq!(reached, 199);
    assert!(delays[189] <= 3_000, "{delays:?}");
    // And the next one finds the new ways.
    let (_, delays) = publish(&mut world, news(&author, 10));
    println!("{delays:?}");
    assert!(delays[190] <= 1_000, "{delays:?}");
}

#[test]
fn the_loss_of_a_node_is_mended_before_the_next_news() {
    let author = TestKey::named("author");
    let mut world = World::new(100, 12, author.address());
    world.run(NOW + 5_000);
    for number in 0..5 {
        publish(&mut world, news(&author, number));
    }
    let links: Vec<_> = world.links.iter().copied().collect();
    for (a, b) in links {
        for (one, other) in [(a, b), (b, a)] {
            if other % 4 == 1 {
                world.input(one, Input::Gone(other));
            }
        }
    }
    world.mute = (1..100).step_by(4).collect();
    world.run(world.now + 1_000);
    let (_, _) = publish(&mut world, news(&author, 9));
    let digest = news(&author, 9).record().digest();
    for peer in (1..100).filter(|peer| peer % 4 != 1) {
        assert!(world.got.contains_key(&(peer, digest)), "{peer}");
    }
}

#[test]
fn old_and_repeated_news_goes_no_further() {
    let author = TestKey::named("author");
    let mut node: Push<Peer> = Push::new(3);
    let account = author.address();
    node.handle(
        Input::Join {
            account,
            known: Vec::new(),
        },
        NOW,
    );
    for peer in 0..4 {
        node.handle(Input::Connected(peer), NOW);
        let joined = vec![Topic::of(account)];
        node.handle(
            Input::Interests {
                peer,
                joined,
                left: Vec::new(),
            },
            NOW,
        );
    }
    let (old, new) = (news(&author, 1), news(&author, 2));
    let first = node.handle(
        Input::News {
            peer: 0,
            news: Arc::clone(&new),
        },
        NOW,
    );
    assert!(
        first
            .iter()
            .any(|effect| matches!(effect, Effect::Deliver(0, _)))
    );
    assert_eq!(node.handle(Input::News { peer: 1, news: old }, NOW), []);
    let again = node.handle(Input::News { peer: 2, news: new }, NOW);
    assert_eq!(
        again,
        [Effect::Send(2, Message::Prune(vec![Topic::of(account)]))]
    );
    // Of an account that is not followed, nothing is done.
    let stranger = TestKey::named("stranger");
    assert_eq!(
        node.handle(
            Input::News {
                peer: 1,
                news: news(&stranger, 1)
            },
            NOW
        ),
        []
    );
}

#[test]
fn who_is_met_after_the_news_hears_of_it_at_once() {
    let author = TestKey::named("author");
    let mut world = World::new(2, 2, author.address());
    world.run(NOW + 5_000);
    for (one, other) in [(0, 1), (1, 0)] {
        world.input(one, Input::Gone(other));
    }
    world.links.clear();
    let (reached, _) = publish(&mut world, news(&author, 1));
    assert_eq!(reached, 0);
    let begin = world.now;
    world.connect(0, 1, author.address());
    world.run(begin + 60_000);
    let digest = news(&author, 1).record().digest();
    let after = world.got[&(1, digest)] - begin;
    assert!(after <= 1_000, "{after} ms");
    // One that was in the home already when the node started is told as well.
    let (account, missed) = (author.address(), news(&author, 2));
    world.input(0, Input::Leave(account));
    let known = vec![Known {
        signer: missed.record().signer(),
        order: missed.record().order(),
    }];
    world.input(0, Input::Join { account, known });
    let (reached, delays) = publish(&mut world, missed);
    assert_eq!(reached, 1);
    assert!(delays[0] <= 1_000, "{delays:?}");
}
