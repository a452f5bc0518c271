//! Rows of the DHT: nobody without a key changes, hides or crowds them out.
#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

use ourspace_protocol::{
    heads::Heads,
    limits,
    machine::rows::{self, Key, Put, Room, RowRefusal, Rows, Situation},
    record::SignedRecord,
    verify::{Context, KnownGrants, Refusal, verify},
};
use ourspace_testkit::signing::{NOW, TestKey, grant, record, sign_grant, sign_record};

const HERE: Situation = Situation {
    now: NOW,
    nearer: 0,
    followed: false,
};

fn signed(author: &TestKey, at: u64) -> SignedRecord {
    let mut record = record(author);
    record.timestamp = at;
    sign_record(record, None, author)
}

fn row(records: &[SignedRecord]) -> Vec<u8> {
    let mut heads = Heads::new();
    let context = Context {
        now: NOW,
        highest_epoch: 0,
    };
    for record in records {
        heads.insert(verify(&record.to_bytes(), context, &mut KnownGrants::new()).unwrap());
    }
    rows::encode(&heads)
}

fn raw(records: &[Vec<u8>]) -> Vec<u8> {
    let mut writer = ourspace_protocol::cbor::Writer::new();
    writer.array(records.len());
    for record in records {
        writer.bytes(record);
    }
    writer.finish()
}

fn put(rows: &mut Rows, key: Key, value: &[u8]) -> Result<Put, RowRefusal> {
    rows.put(key, value, HERE, &mut Vec::new())
}

#[test]
fn a_row_only_gets_newer() {
    let author = TestKey::named("author");
    let key = rows::key_of(author.address());
    let mut keeper = Rows::new([0; 32], Room::default());
    let (old, new) = (
        row(&[signed(&author, NOW - 9)]),
        row(&[signed(&author, NOW - 5)]),
    );
    assert_eq!(put(&mut keeper, key, &old), Ok(Put::New));
    assert_eq!(put(&mut keeper, key, &old), Ok(Put::Known));
    assert_eq!(put(&mut keeper, key, &new), Ok(Put::New));
    assert_eq!(put(&mut keeper, key, &old), Err(RowRefusal::Older));
    assert_eq!(keeper.get(&key), Some(new.as_slice()));
    // A device beside it is added, whoever puts which first.
    let device = TestKey::named("device");
    let granted = sign_grant(grant(&author, &device), &author);
    let second = sign_record(record(&author), Some(granted), &device);
    assert_eq!(
        put(&mut keeper, key, &row(std::slice::from_ref(&second))),
        Ok(Put::New)
    );
    assert_eq!(
        keeper.get(&key),
        Some(row(&[signed(&author, NOW - 5), second]).as_slice())
    );
}

#[test]
fn what_is_not_believed_is_not_kept() {
    let (author, other) = (TestKey::named("author"), TestKey::named("other"));
    let key = rows::key_of(author.address());
    let mut keeper = Rows::new([0; 32], Room::default());
    let good = signed(&author, NOW - 5).to_bytes();
    let mut forged = signed(&author, NOW - 4);
    forged.record.timestamp += 1;
    let ahead = signed(&author, NOW + limits::CLOCK_SKEW + 1);
    let cases: Vec<(Vec<u8>, bool)> = vec![
        (b"nonsense".to_vec(), true),
        (raw(&[]), true),
        (raw(&[forged.to_bytes()]), true),
        (raw(&[good.clone(), forged.to_bytes()]), true),
        (raw(&[signed(&other, NOW - 5).to_bytes()]), true),
        (raw(&vec![good.clone(); 9]), true),
        (vec![0x81; limits::ROW_BYTES + 1], true),
        (raw(&[ahead.to_bytes()]), false),
    ];
    for (value, fault) in cases {
        let refusal = put(&mut keeper, key, &value).unwrap_err();
        assert_eq!(refusal.is_fault(), fault, "{refusal}");
        assert!(keeper.is_empty());
    }
    assert_eq!(
        put(&mut keeper, key, &raw(&[ahead.to_bytes()])),
        Err(RowRefusal::Record(Refusal::FromTheFuture))
    );
    assert_eq!(put(&mut keeper, key, &raw(&[good])), Ok(Put::New));
}

#[test]
fn rows_that_are_far_go_first_and_followed_ones_stay() {
    let room = Room {
        bytes: 40_000,
        nearer: 3,
    };
    let mut keeper = Rows::new([0; 32], room);
    let friend = TestKey::named("friend");
    let key = rows::key_of(friend.address());
    let followed = Situation {
        followed: true,
        nearer: 9,
        ..HERE
    };
    let mut gone = Vec::new();
    keeper
        .put(key, &row(&[signed(&friend, NOW - 5)]), followed, &mut gone)
        .unwrap();
    let mut kept = Vec::new();
    for number in 0..200 {
        let author = TestKey::named(&format!("author {number}"));
        let key = rows::key_of(author.address());
        let value = row(&[signed(&author, NOW - 5)]);
        match keeper.put(key, &value, HERE, &mut gone) {
            Ok(Put::New) => kept.push(key),
            Err(RowRefusal::Full) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(keeper.get(&key).is_some(), "the friend's row stays");
    let here: Vec<Key> = keeper
        .iter()
        .map(|(key, _)| *key)
        .filter(|other| *other != key)
        .collect();
    assert!(here.len() > 20 && here.len() < 60, "{}", here.len());
    assert_eq!(kept.len(), here.len() + gone.len());
    // Those nearest to the node are here.
    let mut all: Vec<Key> = (0..200)
        .map(|number| rows::key_of(TestKey::named(&format!("author {number}")).address()))
        .collect();
    all.sort_unstable();
    assert_eq!(here, all[..here.len()]);
    let far = Situation { nearer: 4, ..HERE };
    let stranger = TestKey::named("stranger");
    assert_eq!(
        keeper.put(
            rows::key_of(stranger.address()),
            &row(&[signed(&stranger, NOW)]),
            far,
            &mut gone
        ),
        Err(RowRefusal::Far)
    );
}
