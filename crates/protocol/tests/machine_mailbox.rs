//! Mailboxes: what stays, what gives way, and that two of them become one.

use ourspace_protocol::{
    account::Account,
    feed::model::ItemId,
    hash::sha256,
    limits,
    machine::mailbox::{Entry, Key, Mailbox, Offered, Standing},
    message::Short,
};

const NOW: u64 = 1_764_000_000_000;
const SECRET: u64 = 42;

fn key(sender: u64, item: u64) -> Key {
    let mut account = [0; 20];
    account[..8].copy_from_slice(&sender.to_be_bytes());
    let mut id = [0; 10];
    id[..8].copy_from_slice(&item.to_be_bytes());
    (Account(account), ItemId(id))
}

fn entry(mark: u64, standing: Standing) -> Entry {
    Entry {
        mark: Short::of(&sha256(&mark.to_be_bytes())),
        date: NOW,
        gone: false,
        written: NOW,
        standing,
    }
}

#[test]
fn a_hundred_thousand_strangers_displace_nobody_who_is_near() {
    let mut mailbox = Mailbox::new(SECRET, []);
    for friend in 0..100 {
        for item in 0..10 {
            let entry = entry(friend * 10 + item, Standing::Near);
            let offered = mailbox.offer(key(friend, item), entry, NOW);
            assert_eq!(offered, Offered::In(None));
        }
    }
    // Some honest strangers, from other parts of the network than the flood.
    for stranger in 0..20 {
        let entry = entry(5_000 + stranger, Standing::Stranger(100 + stranger));
        mailbox.offer(key(5_000 + stranger, 1), entry, NOW);
    }
    for spam in 0..100_000 {
        let entry = entry(1_000_000 + spam, Standing::Stranger(spam % 3));
        mailbox.offer(key(1_000_000 + spam, 1), entry, NOW);
    }
    for friend in 0..100 {
        for item in 0..10 {
            assert!(mailbox.get(&key(friend, item)).is_some());
        }
    }
    for stranger in 0..20 {
        assert!(
            mailbox.get(&key(5_000 + stranger, 1)).is_some(),
            "{stranger}"
        );
    }
    assert_eq!(mailbox.len(), 1_000 + limits::MAILBOX_STRANGERS);
}

#[test]
fn what_is_still_to_be_handed_over_gives_way_to_nobody() {
    let mut mailbox = Mailbox::new(SECRET, []);
    // The own ones are the oldest, and more than anybody else's.
    for item in 0..10 {
        let own = Entry {
            date: NOW - 1_000,
            ..entry(item, Standing::Own)
        };
        mailbox.offer(key(7, item), own, NOW);
    }
    for friend in 100..3_000 {
        let near = entry(friend, Standing::Near);
        mailbox.offer(key(friend, 1), near, NOW);
    }
    let late = Entry {
        date: NOW - 2_000,
        ..entry(50, Standing::Own)
    };
    let offered = mailbox.offer(key(7, 50), late, NOW);
    assert!(matches!(offered, Offered::In(Some((other, _))) if other != key(7, 0).0));
    assert!((0..10).all(|item| mailbox.get(&key(7, item)).is_some()));
    // Up to a bound: then the oldest of the own ones gives way.
    for item in 100..3_000 {
        let own = entry(10_000 + item, Standing::Own);
        mailbox.offer(key(7, item), own, NOW);
    }
    assert!(mailbox.get(&key(7, 50)).is_none());
    assert_eq!(mailbox.len(), limits::MAILBOX - limits::MAILBOX_STRANGERS);
    let own = (0..3_000).filter(|item| mailbox.get(&key(7, *item)).is_some());
    assert!(own.count() > limits::MAILBOX_OWN - 1);
}

#[test]
fn whoever_is_near_and_sends_too_much_only_displaces_themselves() {
    let mut mailbox = Mailbox::new(SECRET, []);
    for friend in 0..50 {
        mailbox.offer(key(friend, 1), entry(friend, Standing::Near), NOW);
    }
    for item in 0..10_000 {
        let entry = entry(100 + item, Standing::Near);
        mailbox.offer(key(99, item), entry, NOW);
    }
    for friend in 0..50 {
        assert!(mailbox.get(&key(friend, 1)).is_some());
    }
    assert_eq!(mailbox.len(), limits::MAILBOX - limits::MAILBOX_STRANGERS);
    // An older one than all of theirs is not taken.
    let old = Entry {
        date: NOW - 1,
        ..entry(7, Standing::Near)
    };
    let offered = mailbox.offer(key(99, 77_777), old, NOW);
    assert_eq!(offered, Offered::Full);
}

#[test]
fn one_for_each_item_and_a_deletion_stays() {
    let mut mailbox = Mailbox::new(SECRET, []);
    let first = entry(1, Standing::Near);
    let edited = Entry {
        written: NOW + 1,
        ..entry(2, Standing::Stranger(4))
    };
    let gone = Entry {
        gone: true,
        ..entry(3, Standing::Stranger(4))
    };
    let it = key(1, 1);
    assert_eq!(mailbox.offer(it, first, NOW), Offered::In(None));
    assert_eq!(mailbox.offer(it, first, NOW), Offered::Known);
    assert_eq!(mailbox.offer(it, edited, NOW), Offered::In(Some(it)));
    assert_eq!(mailbox.get(&it).unwrap().standing, Standing::Near);
    assert_eq!(mailbox.offer(it, first, NOW), Offered::Older);
    assert_eq!(mailbox.offer(it, gone, NOW), Offered::In(Some(it)));
    assert_eq!(mailbox.offer(it, edited, NOW), Offered::Older);
    assert_eq!(mailbox.len(), 1);
    let late = NOW + limits::NOTICE_LIFE + 1;
    assert_eq!(mailbox.expire(late), [it]);
    assert_eq!(mailbox.offer(it, first, late), Offered::Expired);
    assert!(mailbox.is_empty());
}

#[test]
fn two_that_are_compared_become_one() {
    let fill = |from: u64, to: u64| {
        let mut mailbox = Mailbox::new(SECRET, []);
        for item in from..to {
            mailbox.offer(key(item, item), entry(item, Standing::Near), NOW);
        }
        mailbox
    };
    let mut one = fill(0, 900);
    let mut other = fill(3, 905);
    let parts = other.differs(&one.sums());
    assert!(parts.count_ones() < 9, "few parts differ: {parts:b}");
    let (missed_there, wanted) = one.compare(parts, &other.marks(parts));
    assert_eq!((missed_there.len(), wanted.len()), (3, 5));
    for key in missed_there {
        other.offer(key, *one.get(&key).unwrap(), NOW);
    }
    for key in other.marked(&wanted) {
        one.offer(key, *other.get(&key).unwrap(), NOW);
    }
    assert_eq!(one.sum(), other.sum());
    assert_eq!(one.differs(&other.sums()), 0);
    assert_eq!(one.len(), 905);
}

#[test]
fn two_full_ones_come_to_rest() {
    let mut one = Mailbox::new(1, []);
    let mut other = Mailbox::new(2, []);
    for spam in 0..1_000 {
        let entry = entry(spam, Standing::Stranger(spam % 2));
        one.offer(key(spam, 1), entry, NOW);
        other.offer(key(spam, 1), entry, NOW);
    }
    // Each keeps others; what one offers the other again is taken once at most.
    let swap = |from: &Mailbox, to: &mut Mailbox| {
        let keys = from.marked(&from.marks(u64::MAX));
        let taken = keys.iter().filter(|key| {
            let offered = to.offer(**key, *from.get(key).unwrap(), NOW);
            matches!(offered, Offered::In(_))
        });
        taken.count()
    };
    for _ in 0..3 {
        swap(&one, &mut other);
        swap(&other, &mut one);
    }
    assert_eq!((swap(&one, &mut other), swap(&other, &mut one)), (0, 0));
    // The same with people who are near, one notice each.
    let mut one = Mailbox::new(1, []);
    let mut other = Mailbox::new(2, []);
    for near in 0..3_000 {
        let entry = Entry {
            date: NOW - near % 7,
            ..entry(near, Standing::Near)
        };
        one.offer(key(near, 1), entry, NOW);
        other.offer(
            key(2_999 - near, 1),
            Entry {
                date: NOW - (2_999 - near) % 7,
                ..self::entry(2_999 - near, Standing::Near)
            },
            NOW,
        );
    }
    for _ in 0..3 {
        swap(&one, &mut other);
        swap(&other, &mut one);
    }
    assert_eq!((swap(&one, &mut other), swap(&other, &mut one)), (0, 0));
}
