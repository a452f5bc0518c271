//! Records, grants and the outbox.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use ourspace_protocol::{
    grant::SignedGrant,
    heads::Insert,
    record::{Record, SignedRecord},
    verify::{Context, KnownGrants, Verified, verify, verify_grant},
};
use ourspace_store::{Store, StoreError};
use ourspace_testkit::signing::{NOW, TestKey, grant, record, sign_grant, sign_record};

fn verified(signed: &SignedRecord) -> Verified<SignedRecord> {
    let context = Context {
        now: NOW,
        highest_epoch: 0,
    };
    verify(&signed.to_bytes(), context, &mut KnownGrants::new()).unwrap()
}

fn by_device(wallet: &TestKey, device: &str, timestamp: u64) -> Verified<SignedRecord> {
    let key = TestKey::named(device);
    let granted = sign_grant(grant(wallet, &key), wallet);
    let draft = Record {
        timestamp,
        ..record(wallet)
    };
    verified(&sign_record(draft, Some(granted), &key))
}

fn put(store: &Store, record: &Verified<SignedRecord>) -> Insert {
    store.write(|w| w.put_record(record)).unwrap()
}

#[test]
fn the_newest_record_of_each_signer_is_kept() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).unwrap();
    let wallet = TestKey::named("alice");
    let (first, second) = (
        by_device(&wallet, "a", NOW - 9),
        by_device(&wallet, "a", NOW - 5),
    );
    let other = by_device(&wallet, "b", NOW - 7);
    assert_eq!(put(&store, &second), Insert::New);
    assert_eq!(put(&store, &second), Insert::Known);
    assert_eq!(put(&store, &first), Insert::Older);
    assert_eq!(put(&store, &other), Insert::New);
    assert_eq!(
        put(&store, &by_device(&TestKey::named("bob"), "a", NOW)),
        Insert::New
    );
    drop(store);
    let store = Store::open(home.path()).unwrap();
    let heads = store.read().unwrap().heads(wallet.address()).unwrap();
    assert_eq!(heads.iter().count(), 2);
    assert_eq!(heads.newest(), Some(&second));
    let revoking = Record {
        epoch: 1,
        ..record(&wallet)
    };
    let revoking = verified(&sign_record(revoking, None, &wallet));
    assert_eq!(put(&store, &revoking), Insert::New);
    let heads = store.read().unwrap().heads(wallet.address()).unwrap();
    assert_eq!(heads.iter().collect::<Vec<_>>(), [&revoking]);
    assert_eq!(put(&store, &second), Insert::Older);
}

#[test]
fn what_was_changed_on_disk_is_not_believed() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).unwrap();
    let wallet = TestKey::named("alice");
    let record = by_device(&wallet, "a", NOW);
    put(&store, &record);
    store.write(|w| w.put_outgoing(&record, None)).unwrap();
    drop(store);
    let mut forged = record.get().clone();
    forged.record.timestamp -= 1;
    let conn = rusqlite::Connection::open(home.path().join("store.db")).unwrap();
    conn.execute("UPDATE record SET bytes = ?", [forged.to_bytes()])
        .unwrap();
    conn.execute("UPDATE outbox SET record = ?", [forged.to_bytes()])
        .unwrap();
    drop(conn);
    let store = Store::open(home.path()).unwrap();
    let reader = store.read().unwrap();
    assert!(matches!(
        reader.heads(wallet.address()),
        Err(StoreError::Damaged { .. })
    ));
    assert!(matches!(reader.outbox(9), Err(StoreError::Damaged { .. })));
}

#[test]
fn the_outbox_is_bounded_and_in_order() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).unwrap();
    let (wallet, other) = (TestKey::named("alice"), TestKey::named("bob"));
    let theirs = by_device(&other, "b", NOW);
    store
        .write(|w| w.put_outgoing(&theirs, Some(b"theirs")))
        .unwrap();
    for n in 0..70u64 {
        let record = by_device(&wallet, "a", NOW - 100 + n);
        store
            .write(|w| w.put_outgoing(&record, Some(&n.to_le_bytes())))
            .unwrap();
    }
    let waiting = store.read().unwrap().outbox(100).unwrap();
    assert_eq!(waiting.len(), 1 + 64);
    assert_eq!(waiting[0].record, theirs);
    assert_eq!(waiting[0].delta.as_deref(), Some(&b"theirs"[..]));
    assert_eq!(waiting[1].delta.as_deref(), Some(&6u64.to_le_bytes()[..]));
    assert!(waiting.is_sorted_by_key(|outgoing| outgoing.number));
    store.write(|w| w.announced(waiting[0].number)).unwrap();
    let left = store.read().unwrap().outbox(3).unwrap();
    assert_eq!(left, waiting[1..4]);
}

#[test]
fn grants_are_kept_for_each_device() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).unwrap();
    let wallet = TestKey::named("alice");
    let granted = |device: &str, expires_at: u64| {
        let mut granted = grant(&wallet, &TestKey::named(device));
        granted.expires_at = expires_at;
        let signed: SignedGrant = sign_grant(granted, &wallet);
        verify_grant(&signed.to_bytes(), &mut KnownGrants::new()).unwrap()
    };
    for signed in [granted("a", NOW), granted("b", NOW), granted("a", NOW + 5)] {
        store.write(|w| w.put_grant(&signed)).unwrap();
    }
    let account = wallet.address();
    let grants = store.read().unwrap().grants(account).unwrap();
    assert_eq!(grants.len(), 2);
    assert!(grants.contains(&granted("a", NOW + 5)));
    store
        .write(|w| w.remove_grant(account, TestKey::named("a").address()))
        .unwrap();
    assert_eq!(
        store.read().unwrap().grants(account).unwrap(),
        [granted("b", NOW)]
    );
}
