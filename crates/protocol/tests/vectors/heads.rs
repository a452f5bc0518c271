//! Sets of records, in several orders, and the heads that they leave.

use data_encoding::HEXLOWER;
use ourspace_protocol::eip712::TypedData as _;
use ourspace_protocol::{
    heads::Heads,
    limits,
    record::{Record, SignedRecord},
    signature::Scheme,
    verify::{Context, KnownGrants, verify},
};
use ourspace_testkit::{
    random::Random,
    signing::{DAY, NOW, TestKey, grant, record, sign_grant, sign_record, sign_record_as},
};
use serde_json::{Value as Json, json};

use crate::people::{by_wallet, laptop, phone, wallet};

/// A set of records; which of them are heads and which of these are shown, newest first.
struct Set {
    name: &'static str,
    about: &'static str,
    records: Vec<SignedRecord>,
    heads: Vec<usize>,
    frontier: Vec<usize>,
}

fn by(device: &TestKey, epoch: u64, change: impl FnOnce(&mut Record)) -> SignedRecord {
    let mut grant = grant(&wallet(), device);
    grant.epoch = epoch;
    let mut record = record(&wallet());
    record.epoch = epoch;
    change(&mut record);
    sign_record(record, Some(sign_grant(grant, &wallet())), device)
}

/// The record of a device some milliseconds later than usual, after `parents`.
fn later(device: &TestKey, ms: u64, parents: &[&SignedRecord]) -> SignedRecord {
    by(device, 0, |record| {
        record.timestamp += ms;
        record.parents = parents
            .iter()
            .map(|parent| parent.record.digest())
            .collect();
        record.parents.sort_unstable();
    })
}

fn device(at: usize) -> TestKey {
    TestKey::named(&format!("device {at}"))
}

pub(crate) fn file() -> Json {
    let sets = [one_account(), revocations(), crowds(), merges()];
    let vectors: Vec<Json> = sets
        .into_iter()
        .flatten()
        .map(|set| checked(&set))
        .collect();
    json!({
        "about": "Records of one account and what they leave (chapter 02): each set of records \
                  in several orders, the heads and the frontier (both newest first, by their \
                  position among the records), and the highest epoch. All records are valid \
                  for a reader who knows of no epoch.",
        "now": NOW,
        "vectors": vectors,
    })
}

fn one_account() -> Vec<Set> {
    let first = later(&phone(), 0, &[]);
    let second = later(&phone(), 1, &[&first]);
    let mut twins = [
        by(&phone(), 0, |record| record.delta = [1; 32]),
        by(&phone(), 0, |record| record.delta = [2; 32]),
    ];
    twins.sort_by_key(|twin| twin.record.digest());
    let [smaller, greater] = twins;
    let as_text = {
        let good = by_wallet(|_| ());
        sign_record_as(good.record, None, Scheme::PersonalText, &wallet())
    };
    vec![
        Set {
            name: "none",
            about: "",
            records: Vec::new(),
            heads: Vec::new(),
            frontier: Vec::new(),
        },
        Set {
            name: "newer_wins",
            about: "",
            records: vec![first.clone(), second.clone()],
            heads: vec![1],
            frontier: vec![1],
        },
        Set {
            name: "equal_timestamps",
            about: "The greater digest is the newer record.",
            records: vec![smaller, greater],
            heads: vec![1],
            frontier: vec![1],
        },
        Set {
            name: "two_devices_and_the_wallet",
            about: "One head for each signer; all three are shown.",
            records: vec![
                first.clone(),
                second,
                later(&laptop(), 2, &[&first]),
                by_wallet(|_| ()),
            ],
            heads: vec![2, 1, 3],
            frontier: vec![2, 1, 3],
        },
        Set {
            name: "same_record_signed_twice",
            about: "One digest is one record, whatever its signature.",
            records: vec![by_wallet(|_| ()), as_text],
            heads: vec![0],
            frontier: vec![0],
        },
    ]
}

fn revocations() -> Vec<Set> {
    let first = later(&phone(), 0, &[]);
    let stolen = later(&laptop(), 10, &[&first]);
    let revocation = by_wallet(|record| {
        record.epoch = 1;
        record.timestamp = NOW - DAY;
        record.parents = vec![first.record.digest()];
    });
    let backdated = later(&laptop(), 20, &[&stolen]);
    let granted_anew = by(&phone(), 1, |record| {
        record.timestamp += 30;
        record.parents = vec![revocation.record.digest()];
    });
    vec![
        Set {
            name: "revocation",
            about: "A higher epoch wins over any timestamp; lower epochs leave.",
            records: vec![first.clone(), stolen.clone(), revocation.clone()],
            heads: vec![2],
            frontier: vec![2],
        },
        Set {
            name: "after_the_revocation",
            about: "What a stolen key signs in its old epoch changes nothing any more.",
            records: vec![first, stolen, revocation, backdated, granted_anew],
            heads: vec![4, 2],
            frontier: vec![4],
        },
        Set {
            name: "backdated_before_the_revocation",
            about: "A stolen key whose grant has ended still passes with a date within it, \
                    and hides the owner's older record under the same key.",
            records: vec![
                later(&phone(), 0, &[]),
                by(&phone(), 0, |record| record.delta = [9; 32]),
                by(&phone(), 0, |record| record.timestamp += 5),
            ],
            heads: vec![2],
            frontier: vec![2],
        },
    ]
}

fn crowds() -> Vec<Set> {
    let of = |count: usize| (0..count).map(|at| later(&device(at), at as u64, &[]));
    let newest_first = |from: usize, to: usize| (from..to).rev().collect::<Vec<_>>();
    let mut back = of(limits::SIGNERS + 1).collect::<Vec<_>>();
    back.push(later(&device(0), 100, &[]));
    vec![
        Set {
            name: "eight_signers",
            about: "",
            records: of(limits::SIGNERS).collect(),
            heads: newest_first(0, 8),
            frontier: newest_first(0, 8),
        },
        Set {
            name: "nine_signers",
            about: "The oldest head leaves.",
            records: of(limits::SIGNERS + 1).collect(),
            heads: newest_first(1, 9),
            frontier: newest_first(1, 9),
        },
        Set {
            name: "the_ninth_comes_back",
            about: "With a newer record it takes the place of the oldest.",
            records: back,
            heads: newest_first(2, 10),
            frontier: newest_first(2, 10),
        },
    ]
}

fn merges() -> Vec<Set> {
    let one = later(&phone(), 0, &[]);
    let other = later(&laptop(), 1, &[]);
    let merge = later(&phone(), 2, &[&one, &other]);
    let next = later(&phone(), 3, &[&merge, &other]);
    let forgetful = later(&phone(), 3, &[&merge]);
    let aside = later(&laptop(), 4, &[&other]);
    let before = vec![one.clone(), other.clone(), merge.clone()];
    let with = |record: SignedRecord| [before.clone(), vec![record]].concat();
    vec![
        Set {
            name: "merge",
            about: "A head that another head names as its parent is not shown beside it.",
            records: before.clone(),
            heads: vec![2, 1],
            frontier: vec![2],
        },
        Set {
            name: "after_the_merge",
            about: "The next record names the other head again, because it still is one.",
            records: with(next),
            heads: vec![3, 1],
            frontier: vec![3],
        },
        Set {
            name: "after_the_merge_forgotten",
            about: "A record that does not is shown beside it: nothing is lost, only fetched twice.",
            records: with(forgetful),
            heads: vec![3, 1],
            frontier: vec![3, 1],
        },
        Set {
            name: "written_aside_of_the_merge",
            about: "The laptop had not seen the merge.",
            records: with(aside),
            heads: vec![3, 2],
            frontier: vec![3, 2],
        },
    ]
}

/// Puts the records into heads in several orders, each of which must leave what is said.
fn checked(set: &Set) -> Json {
    let digests: Vec<[u8; 32]> = set.records.iter().map(|one| one.record.digest()).collect();
    let bytes: Vec<Vec<u8>> = set.records.iter().map(SignedRecord::to_bytes).collect();
    let context = Context {
        now: NOW,
        highest_epoch: 0,
    };
    let mut random = Random::new(1);
    let mut orders: Vec<Vec<usize>> = vec![(0..bytes.len()).collect()];
    orders.push(orders[0].iter().rev().copied().collect());
    for _ in 0..4 {
        let mut order = orders[0].clone();
        random.shuffle(&mut order);
        orders.push(order);
    }
    let named = |wanted: &[usize]| wanted.iter().map(|at| digests[*at]).collect::<Vec<_>>();
    let mut epoch = 0;
    for order in &orders {
        let mut heads = Heads::new();
        for at in order {
            heads.insert(verify(&bytes[*at], context, &mut KnownGrants::new()).unwrap());
        }
        let mut found: Vec<_> = heads.iter().collect();
        found.sort_by_key(|head| std::cmp::Reverse(head.order()));
        let found: Vec<_> = found.iter().map(|head| head.digest()).collect();
        assert_eq!(found, named(&set.heads), "{} {order:?}", set.name);
        let shown: Vec<_> = heads.frontier().iter().map(|head| head.digest()).collect();
        assert_eq!(shown, named(&set.frontier), "{} {order:?}", set.name);
        epoch = heads.epoch();
    }
    json!({
        "name": set.name,
        "about": set.about,
        "records": bytes.iter().map(|one| HEXLOWER.encode(one)).collect::<Vec<_>>(),
        "orders": orders,
        "epoch": epoch,
        "heads": set.heads,
        "frontier": set.frontier,
    })
}
