//! What must hold for any records: one encoding, no verdict that a changed bit survives,
//! heads that do not depend on the order of arrival.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use ourspace_protocol::{
    account::Account,
    dag::cid::{Cid, Codec},
    eip712::TypedData as _,
    hash::sha256,
    heads::{Heads, Insert},
    limits,
    record::SignedRecord,
    signature::Scheme,
    verify::{Context, KnownGrants, Verified, verify},
};
use ourspace_testkit::{
    random::Random,
    signing::{NOW, TestKey, grant, record, sign_grant_as, sign_record_as},
    tree::Tree,
};

const CONTEXT: Context = Context {
    now: NOW,
    highest_epoch: 0,
};

fn scheme(random: &mut Random) -> Scheme {
    if random.once_in(2) {
        Scheme::TypedData
    } else {
        Scheme::PersonalText
    }
}

/// A valid record of the wallet by one of `devices` devices or by itself.
fn valid(random: &mut Random, devices: usize) -> SignedRecord {
    let wallet = TestKey::named("wallet");
    let device = random.below(devices + 1);
    let mut made = record(&wallet);
    made.epoch = random.below(3) as u64;
    made.timestamp -= random.below(6) as u64;
    made.root = Cid::of(Codec::DagPb, &random.number().to_be_bytes());
    made.parents = (0..random.below(5)).map(|at| sha256(&[at as u8])).collect();
    made.parents.sort_unstable();
    if random.once_in(2) {
        made.delta = sha256(&random.number().to_be_bytes());
    }
    made.locations = (0..random.below(4))
        .map(|at| format!("https://{at}.example/"))
        .collect();
    if device == devices {
        return sign_record_as(made, None, scheme(random), &wallet);
    }
    let device = TestKey::named(&format!("device {device}"));
    let mut of_device = grant(&wallet, &device);
    of_device.epoch = made.epoch;
    let signed = sign_grant_as(of_device, scheme(random), &wallet);
    sign_record_as(made, Some(signed), scheme(random), &device)
}

fn verified(signed: &SignedRecord) -> Verified<SignedRecord> {
    verify(&signed.to_bytes(), CONTEXT, &mut KnownGrants::new()).unwrap()
}

#[test]
fn a_record_has_one_encoding() {
    let mut random = Random::new(1);
    let mut survived = 0;
    for _ in 0..1_000 {
        let signed = valid(&mut random, 3);
        let bytes = signed.to_bytes();
        assert_eq!(Tree::of_record(&signed).encode(), bytes);
        assert_eq!(SignedRecord::from_bytes(&bytes).unwrap(), signed);
        let verified = verified(&signed);
        assert_eq!(verified.get(), &signed);
        assert_eq!(verified.digest(), signed.record.digest());

        let mut broken = bytes;
        for _ in 0..20 {
            random.mutate(&mut broken);
            if let Ok(read) = SignedRecord::from_bytes(&broken) {
                assert_eq!(read.to_bytes(), broken);
                survived += 1;
            }
        }
    }
    assert!(
        survived > 100,
        "hardly any mutation was still a record: {survived}"
    );
}

#[test]
fn no_changed_bit_is_believed() {
    let mut random = Random::new(2);
    for devices in [0, 1] {
        let bytes = valid(&mut random, devices).to_bytes();
        let mut known = KnownGrants::new();
        verify(&bytes, CONTEXT, &mut known).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut broken = bytes.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            assert!(
                verify(&broken, CONTEXT, &mut known).is_err(),
                "bit {bit} does not matter"
            );
        }
        for len in 0..bytes.len() {
            assert!(verify(&bytes[..len], CONTEXT, &mut known).is_err());
        }
    }
}

#[test]
fn knowing_the_grant_changes_no_verdict() {
    let mut random = Random::new(3);
    let mut known = KnownGrants::new();
    for _ in 0..400 {
        let signed = valid(&mut random, 3);
        let mut bytes = signed.to_bytes();
        let context = Context {
            now: NOW,
            highest_epoch: random.below(3) as u64,
        };
        if random.once_in(2) {
            random.mutate(&mut bytes);
        }
        let cold = verify(&bytes, context, &mut KnownGrants::new());
        assert_eq!(verify(&bytes, context, &mut known), cold);
        assert_eq!(verify(&bytes, context, &mut known), cold);
    }
}

/// The heads of chapter 2.7, by its words.
fn model(records: &[Verified<SignedRecord>]) -> Vec<[u8; 32]> {
    let epoch = records.iter().map(|one| one.record().epoch).max();
    let mut newest = BTreeMap::<Account, &Verified<SignedRecord>>::new();
    for one in records
        .iter()
        .filter(|one| Some(one.record().epoch) == epoch)
    {
        let head = newest.entry(one.signer()).or_insert(one);
        if one.order() > head.order() {
            *head = one;
        }
    }
    let mut heads: Vec<_> = newest.into_values().collect();
    heads.sort_by_key(|head| std::cmp::Reverse(head.order()));
    heads.truncate(limits::SIGNERS);
    heads.iter().map(|head| head.digest()).collect()
}

fn newest_first(heads: &Heads) -> Vec<[u8; 32]> {
    let mut found: Vec<_> = heads.iter().collect();
    found.sort_by_key(|head| std::cmp::Reverse(head.order()));
    assert_eq!(
        heads.newest().map(Verified::digest),
        found.first().map(|head| head.digest())
    );
    found.iter().map(|head| head.digest()).collect()
}

#[test]
fn heads_do_not_depend_on_the_order() {
    let mut random = Random::new(4);
    let pool: Vec<_> = (0..150)
        .map(|_| verified(&valid(&mut random, 12)))
        .collect();
    let (mut crowded, mut lower_epochs) = (0, 0);
    for _ in 0..200 {
        let mut records: Vec<_> = (0..=random.below(60))
            .map(|_| random.pick(&pool).unwrap().clone())
            .collect();
        let expected = model(&records);
        for _ in 0..4 {
            random.shuffle(&mut records);
            let mut heads = Heads::new();
            for one in &records {
                let digest = one.digest();
                let before: BTreeSet<_> = newest_first(&heads).into_iter().collect();
                let insert = heads.insert(one.clone());
                let is_head = heads.iter().any(|head| head.digest() == digest);
                match insert {
                    Insert::New => assert!(is_head && !before.contains(&digest)),
                    Insert::Known => assert!(is_head && before.contains(&digest)),
                    Insert::Older | Insert::Crowded => {
                        assert!(!is_head);
                        assert_eq!(
                            newest_first(&heads).into_iter().collect::<BTreeSet<_>>(),
                            before
                        );
                    }
                    Insert::AnotherAccount => unreachable!("all are the wallet's"),
                }
                crowded += usize::from(insert == Insert::Crowded);
                lower_epochs += usize::from(one.record().epoch < heads.epoch());
            }
            assert_eq!(newest_first(&heads), expected);
        }
    }
    assert!(
        crowded > 20 && lower_epochs > 100,
        "{crowded} {lower_epochs}"
    );
}

#[test]
fn a_strangers_record_is_never_mixed_in() {
    let stranger = TestKey::named("stranger");
    let mut theirs = record(&stranger);
    theirs.epoch = 9;
    let theirs = verified(&sign_record_as(theirs, None, Scheme::TypedData, &stranger));
    let ours = verified(&valid(&mut Random::new(5), 0));
    let mut heads = Heads::new();
    assert_eq!(heads.insert(ours.clone()), Insert::New);
    assert_eq!(heads.insert(theirs), Insert::AnotherAccount);
    assert_eq!(newest_first(&heads), [ours.digest()]);
}

#[test]
fn a_record_names_its_own_head_and_the_newest_that_are_included() {
    let mut random = Random::new(6);
    let mut heads = Heads::new();
    while heads.iter().count() < 7 {
        let mut signed = valid(&mut random, 12);
        while signed.record.epoch != 1 {
            signed = valid(&mut random, 12);
        }
        heads.insert(verified(&signed));
    }
    let newest = newest_first(&heads);
    let oldest = heads.iter().min_by_key(|head| head.order()).unwrap();
    let sorted = |mut digests: Vec<[u8; 32]>| {
        digests.sort_unstable();
        digests
    };
    assert_eq!(heads.parents(oldest.signer(), &[]), [oldest.digest()]);
    let own_and_newest = [&[oldest.digest()], &newest[..3]].concat();
    assert_eq!(
        heads.parents(oldest.signer(), &newest),
        sorted(own_and_newest)
    );
    let nobody = TestKey::named("stranger").address();
    assert_eq!(
        heads.parents(nobody, &newest[1..3]),
        sorted(newest[1..3].to_vec())
    );
    assert_eq!(heads.parents(nobody, &[[7; 32]]), Vec::<[u8; 32]>::new());
    assert_eq!(
        Heads::new().parents(nobody, &newest),
        Vec::<[u8; 32]>::new()
    );
}
