//! Lookups: when enough was heard, and who is given the newest.
#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

use ourspace_protocol::{
    heads::Heads,
    machine::{lookup::Lookup, rows},
    time::Millis,
    verify::{Context, KnownGrants, verify},
};
use ourspace_testkit::signing::{NOW, TestKey, record, sign_record};

fn heads(author: &TestKey, at: u64) -> Heads {
    let mut record = record(author);
    record.timestamp = at;
    let bytes = sign_record(record, None, author).to_bytes();
    let context = Context {
        now: NOW,
        highest_epoch: 0,
    };
    let mut heads = Heads::new();
    heads.insert(verify(&bytes, context, &mut KnownGrants::new()).unwrap());
    heads
}

#[test]
fn a_stranger_is_not_content_with_many_who_agree() {
    let author = TestKey::named("author");
    let (old, new) = (heads(&author, NOW - 9), heads(&author, NOW - 5));
    let (old, new) = (rows::encode(&old), rows::encode(&new));
    let mut lookup = Lookup::new(author.address());
    let known = &mut KnownGrants::new();
    for peer in 0..19 {
        let heard = lookup.found(Some(peer), &old, NOW, known).unwrap();
        // The first one is shown at once, the others are the same.
        assert_eq!(heard.len(), usize::from(peer == 0));
        assert!(!lookup.is_settled(NOW + 1_000));
    }
    assert_eq!(
        lookup
            .found(Some(19), &new, NOW + 300, known)
            .unwrap()
            .len(),
        1
    );
    assert!(!lookup.is_settled(NOW + 2_000));
    assert!(lookup.is_settled(NOW + 2_300));
    assert_eq!(lookup.holders(), 1);
    let (row, stale) = lookup.repair(vec![77]).unwrap();
    assert_eq!(row, new);
    assert_eq!(stale, (0..19).chain([77]).collect::<Vec<_>>());
}

#[test]
fn slow_answers_are_waited_for_but_not_for_ever() {
    let author = TestKey::named("author");
    let old = rows::encode(&heads(&author, NOW - 9));
    let known = &mut KnownGrants::new();
    let mut lookup = Lookup::new(author.address());
    for peer in 0..30_u32 {
        let now = NOW + Millis::from(peer) * 1_000;
        lookup.found(Some(peer), &old, now, known).unwrap();
        assert_eq!(lookup.is_settled(now + 1_000), peer >= 11, "{peer}");
    }
}

#[test]
fn who_knows_the_newest_has_heard_enough_when_half_have_it() {
    let author = TestKey::named("author");
    let (old, new) = (heads(&author, NOW - 9), heads(&author, NOW - 5));
    let known = &mut KnownGrants::new();
    let mut lookup = Lookup::knowing(author.address(), new.clone(), 20);
    for peer in 0..20 {
        let heard = lookup.found(Some(peer), &rows::encode(&old), NOW, known);
        assert_eq!(heard.unwrap(), []);
    }
    // Only the old is out there: so nobody has it.
    assert!(!lookup.is_settled(NOW + 60_000));
    assert_eq!(lookup.holders(), 0);
    for peer in 20..30 {
        assert!(!lookup.is_settled(NOW));
        let heard = lookup.found(Some(peer), &rows::encode(&new), NOW, known);
        assert_eq!(heard.unwrap(), []);
    }
    assert!(lookup.is_settled(NOW));
    assert_eq!(lookup.holders(), 10);
}
