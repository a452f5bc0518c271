//! Two devices of one account: a record is later than every record that it follows.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod place;

use ourspace_node::publish::{PublishError, publish};
use ourspace_protocol::{
    feed::{
        model::{Item, ItemId},
        set::Changes,
    },
    time::Millis,
    verify::{Context, KnownGrants, Verified, verify},
};
use ourspace_testkit::signing::NOW;
use place::Place;

fn post(n: u8) -> Changes {
    Changes {
        items: vec![Item::new(ItemId([n; 10]), NOW - 1_000, "words")],
        ..Changes::default()
    }
}

fn put(place: &Place, now: Millis, n: u8) -> Result<Millis, PublishError> {
    publish(&place.home, now, |_| Ok(post(n))).map(|done| done.timestamp)
}

/// The newest records of one device are told to another.
fn tell(from: &Place, to: &Place) -> [u8; 32] {
    let heads = from.home.store().read().unwrap();
    let heads = heads.heads(from.account()).unwrap();
    let head = heads.newest().unwrap();
    let context = Context {
        now: NOW + 10_000_000,
        highest_epoch: 0,
    };
    let record = verify(&head.get().to_bytes(), context, &mut KnownGrants::new()).unwrap();
    to.home
        .store()
        .write(|writer| writer.put_record(&record))
        .unwrap();
    head.digest()
}

#[test]
fn a_record_is_later_than_those_that_it_follows() {
    let (phone, laptop) = (Place::new(), Place::new());
    // The laptop's clock is two minutes ahead; it tells the phone what it published.
    put(&laptop, NOW + 120_000, 1).unwrap();
    let ahead = tell(&laptop, &phone);
    // The phone has the same post, so the tree of the laptop: its next record follows it.
    put(&phone, NOW, 1).unwrap();
    let at = put(&phone, NOW + 1, 2).unwrap();
    assert_eq!(at, NOW + 120_001, "not after the laptop's record");
    let heads = phone.home.store().read().unwrap();
    let heads = heads.heads(phone.account()).unwrap();
    let newest = heads.newest().unwrap();
    assert_eq!(newest.record().timestamp, at);
    assert!(newest.record().parents.contains(&ahead));
    assert_eq!(heads.iter().map(Verified::digest).count(), 2);
}

#[test]
fn a_record_far_ahead_is_not_followed_by_a_lie() {
    let (phone, laptop) = (Place::new(), Place::new());
    put(&laptop, NOW + 3_600_000, 1).unwrap();
    tell(&laptop, &phone);
    put(&phone, NOW, 1).unwrap();
    let before = phone.state();
    let refused = put(&phone, NOW + 1, 2).unwrap_err();
    assert!(
        matches!(refused, PublishError::ClockBehind { last, .. } if last == NOW + 3_600_001),
        "{refused}"
    );
    assert_eq!(phone.state(), before);
    // Once that hour is over, it goes on.
    assert!(put(&phone, NOW + 3_600_001, 2).is_ok());
}
