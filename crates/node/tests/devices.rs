//! Accounts and their devices: made, interrupted, joined, renewed, revoked.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use ourspace_node::{
    Home,
    account::{self, GRANT_LIFE, InitError, Leftover},
    compose::{self, Draft, Posted},
    devices::{self, Consent, DeviceState, DevicesError},
    identity::Identity,
    publish::PublishError,
};
use ourspace_protocol::{
    account::Account,
    dag::Cid,
    eip712::TypedData,
    signature::Scheme,
    time::Millis,
    verify::{Context, KnownGrants, verify},
};
use ourspace_testkit::signing::{DAY, NOW};
use ourspace_wallet::{KeystoreError, SecretKey, join, keystore, successor::Successor};
use tempfile::TempDir;

/// A home of an account whose wallet is elsewhere: no password, so it is quick.
struct Place {
    _folder: TempDir,
    home: Home,
    wallet: SecretKey,
}

fn empty() -> (TempDir, Home) {
    let folder = TempDir::new().unwrap();
    let home = account::begin(&folder.path().join("home")).unwrap();
    (folder, home)
}

fn signed(wallet: &SecretKey, value: &impl TypedData, scheme: Scheme) -> String {
    wallet.sign_digest(&value.signing_hash(scheme)).to_string()
}

impl Place {
    fn new() -> Self {
        let (folder, home) = empty();
        let wallet = SecretKey::generate().unwrap();
        let successor = Successor::of(&SecretKey::generate().unwrap());
        let grant =
            account::draft_elsewhere(&home, wallet.address(), Some(successor), NOW).unwrap();
        account::wait_elsewhere(&home, &grant, Some(successor)).unwrap();
        let text = signed(&wallet, &grant, Scheme::PersonalText);
        account::finish_elsewhere(&home, &text, NOW).unwrap();
        Self {
            _folder: folder,
            home,
            wallet,
        }
    }

    fn account(&self) -> Account {
        self.wallet.address()
    }

    fn post(&self, now: Millis, words: &str) -> Result<Cid, PublishError> {
        post(&self.home, now, text(words)).map(|_| root(&self.home))
    }

    /// Lets another home join.
    fn allow(&self, other: &Home, now: Millis) -> String {
        let request = devices::ask_to_join(other).unwrap();
        let draft = devices::draft(&self.home, request.device(), false, now).unwrap();
        let grant = devices::grant(&self.home, draft, Consent::Key(&self.wallet)).unwrap();
        join::encode_answer(grant.get())
    }

    fn epoch(&self) -> u64 {
        account::epoch(&self.home.store().read().unwrap(), self.account()).unwrap()
    }
}

fn post(home: &Home, now: Millis, draft: Draft) -> Result<Posted, PublishError> {
    compose::post(home, now, draft, None)
}

fn text(words: &str) -> Draft {
    Draft {
        text: words.to_owned(),
        ..Draft::default()
    }
}

fn root(home: &Home) -> Cid {
    let account = home.account().unwrap();
    home.store()
        .read()
        .unwrap()
        .root(account)
        .unwrap()
        .unwrap()
        .cid
}

fn device(home: &Home) -> Account {
    Identity::load(home).unwrap().device.address()
}

/// The newest records of an account at one home are told to another.
fn tell(from: &Home, to: &Home) {
    let account = from.account().unwrap();
    let heads = from.store().read().unwrap().heads(account).unwrap();
    for head in heads.iter() {
        let context = Context {
            now: NOW + GRANT_LIFE,
            highest_epoch: 0,
        };
        let bytes = head.get().to_bytes();
        let record = verify(&bytes, context, &mut KnownGrants::new()).unwrap();
        to.store()
            .write(|writer| writer.put_record(&record))
            .unwrap();
    }
}

#[test]
fn an_interrupted_init_is_finished_and_nothing_is_lost() {
    let (folder, home) = empty();
    let path = folder.path().join("home");
    let wallet = SecretKey::generate().unwrap();
    let successor = Successor::of(&SecretKey::generate().unwrap());
    assert!(matches!(
        account::leftover(&home).unwrap(),
        Leftover::Nothing
    ));
    // Interrupted before the words were shown: nothing of worth is there.
    let first = account::prepare(&home, &wallet, Some(successor), NOW).unwrap();
    assert!(matches!(
        account::leftover(&home).unwrap(),
        Leftover::Nothing
    ));
    assert!(home.account().is_err());
    let aside = account::set_aside(&home).unwrap().unwrap();
    assert!(aside.join("device.json").exists());
    assert_eq!(account::set_aside(&home).unwrap(), None);
    // Interrupted after the account key was kept.
    let second = account::prepare(&home, &wallet, Some(successor), NOW).unwrap();
    assert_ne!(
        first.identity.device.address(),
        second.identity.device.address()
    );
    successor.save(&home.successor_path()).unwrap();
    keystore::create(&home.keystore_path(), &wallet, "password").unwrap();
    drop(home);
    let home = account::begin(&path).unwrap();
    let Leftover::Key(found) = account::leftover(&home).unwrap() else {
        unreachable!("the key was not found");
    };
    assert_eq!(found, wallet.address());
    let wrong = account::resume(&home, "passw0rd", NOW).unwrap_err();
    assert!(matches!(
        wrong,
        InitError::Keystore(KeystoreError::WrongPassword)
    ));
    assert!(home.account().is_err());
    let made = account::resume(&home, "password", NOW).unwrap();
    assert_eq!(made.account, wallet.address());
    let identity = Identity::load(&home).unwrap();
    assert_eq!(
        identity.device.address(),
        second.identity.device.address(),
        "the device key is used again"
    );
    assert_eq!(
        identity.grant.get().grant.successor_hash,
        successor.hash(),
        "the commitment is the one whose words were shown"
    );
    // Two at once: the second is told who holds the home, or whose it is.
    assert!(matches!(
        account::begin(&path),
        Err(InitError::Exists { account, .. }) if account == made.account
    ));
    let (folder, _held) = empty();
    let error = account::begin(&folder.path().join("home")).unwrap_err();
    assert!(error.to_string().contains("in use"), "{error}");
}

/// What the message says is to be done when a clock was half a year ahead.
#[test]
fn a_device_that_signed_far_ahead_has_a_way_out() {
    let place = Place::new();
    let ahead = NOW + 200 * DAY;
    place.post(ahead, "from the future").unwrap();
    let said = place.post(NOW + DAY, "today").unwrap_err();
    assert!(
        matches!(said, PublishError::SignedAhead { last, .. } if last == ahead),
        "{said}"
    );
    let said = said.to_string();
    assert!(said.contains("device join") && said.contains("device add"));
    // Another home with a key of its own publishes at once; this one waits.
    let (_folder, other) = empty();
    let answer = place.allow(&other, NOW + DAY);
    devices::join(&other, &answer, None, NOW + DAY).unwrap();
    post(&other, NOW + DAY, text("today")).unwrap();
    place.post(ahead + 1, "when the time has come").unwrap();
}

#[test]
fn a_successor_is_another_than_the_account() {
    let (_folder, home) = empty();
    let wallet = SecretKey::generate().unwrap();
    let own = Some(Successor::of(&wallet));
    let refused = [
        account::prepare(&home, &wallet, own, NOW).map(drop),
        account::draft_elsewhere(&home, wallet.address(), own, NOW).map(drop),
    ];
    for refused in refused {
        assert!(
            matches!(refused, Err(InitError::OwnSuccessor)),
            "{refused:?}"
        );
    }
}

#[test]
fn the_clock_and_the_grant_decide_who_may_publish() {
    let place = Place::new();
    let warnings = |now| account::warnings(&place.home, now).unwrap();
    let end = NOW + GRANT_LIFE;
    place.post(NOW + 1, "one").unwrap();
    let before = place.post(NOW - DAY, "before the grant").unwrap_err();
    assert!(
        matches!(before, PublishError::SignedAhead { .. }),
        "{before}"
    );
    assert_eq!(warnings(end - 31 * DAY), Vec::<String>::new());
    assert!(warnings(end - 29 * DAY)[0].contains("in 29 days"));
    place.post(end, "at the last instant").unwrap();
    let after = place.post(end + 1, "too late").unwrap_err();
    assert!(matches!(after, PublishError::Expired(at) if at == end));
    assert!(warnings(end + 1)[0].contains("device renew"));
    let this = device(&place.home);
    let state = |now| devices::list(&place.home, now).unwrap()[0].state;
    assert_eq!(state(end + 1), DeviceState::Expired);

    // The wallet elsewhere is asked once; asked again, it is the same grant.
    let draft = devices::draft(&place.home, this, true, end + DAY).unwrap();
    let again = devices::draft(&place.home, this, true, end + 2 * DAY).unwrap();
    assert_eq!(draft, again);
    let stranger = SecretKey::generate().unwrap();
    let wrong = [signed(&stranger, &draft, Scheme::TypedData)];
    let error =
        devices::grant(&place.home, draft.clone(), Consent::Signatures(&wrong)).unwrap_err();
    assert!(matches!(error, DevicesError::Elsewhere(_)), "{error}");
    devices::waits(&place.home, this).unwrap();
    let right = [signed(&place.wallet, &draft, Scheme::TypedData)];
    devices::grant(&place.home, draft, Consent::Signatures(&right)).unwrap();
    assert!(devices::waits(&place.home, this).is_err());
    assert_eq!(state(end + 2 * DAY), DeviceState::Valid);
    place.post(end + 2 * DAY, "renewed").unwrap();
}

#[test]
fn a_clock_that_was_set_back_renews_nothing() {
    let place = Place::new();
    let own = device(&place.home);
    let renew = |now| devices::draft(&place.home, own, true, now);
    let set_back =
        |now| matches!(renew(now), Err(DevicesError::ClockSetBack { device, .. }) if device == own);
    // A week before it was allowed: the renewal would end a week too early.
    assert!(set_back(NOW - 7 * DAY));
    let (_other, other) = empty();
    let request = devices::ask_to_join(&other).unwrap();
    let added = devices::draft(&place.home, request.device(), false, NOW - 7 * DAY);
    assert!(matches!(added, Err(DevicesError::ClockSetBack { .. })));
    // Before its last record.
    place.post(NOW + 30 * DAY, "later").unwrap();
    assert!(set_back(NOW + 20 * DAY));
    assert!(
        account::waiting(&place.home.store().read().unwrap())
            .unwrap()
            .is_empty()
    );
    // Clocks of two machines differ a little, and the new permission ends after the old one.
    let renewed = renew(NOW + 30 * DAY - 1000).unwrap();
    assert!(renewed.issued_at >= NOW + 30 * DAY);
    let grant = devices::grant(&place.home, renewed, Consent::Key(&place.wallet)).unwrap();
    assert!(grant.get().grant.expires_at >= NOW + 30 * DAY + GRANT_LIFE);
    assert!(set_back(NOW + 29 * DAY));
    place.post(NOW + 31 * DAY, "and on").unwrap();
}

#[test]
fn a_second_device_publishes_beside_the_first() {
    let first = Place::new();
    first.post(NOW + 1, "from the first").unwrap();
    let (_folder, second) = empty();
    let answer = first.allow(&second, NOW + 2);
    let other = Some(Account([7; 20]));
    let error = devices::join(&second, &answer, other, NOW + 3).unwrap_err();
    assert!(matches!(error, DevicesError::OtherAccount { .. }));
    let late = devices::join(&second, &answer, None, NOW + 2 * GRANT_LIFE).unwrap_err();
    assert!(matches!(late, DevicesError::Ended(_)));
    assert!(second.account().is_err());
    let joined = devices::join(&second, &answer, Some(first.account()), NOW + 3).unwrap();
    assert!(joined.new);
    assert_eq!(second.account().unwrap(), first.account());
    assert_eq!(
        joined.grant.get().grant.successor_hash,
        Identity::load(&first.home)
            .unwrap()
            .grant
            .get()
            .grant
            .successor_hash
    );
    assert_ne!(joined.grant.get().grant.successor_hash, [0; 32]);
    // Its empty feed replaces nothing: both heads stand beside each other.
    post(&second, NOW + 4, text("from the second")).unwrap();
    tell(&second, &first.home);
    let reader = first.home.store().read().unwrap();
    let heads = reader.heads(first.account()).unwrap();
    assert_eq!(heads.frontier().len(), 2);
    drop(reader);
    first.post(NOW + 5, "from the first again").unwrap();
    let reader = first.home.store().read().unwrap();
    let heads = reader.heads(first.account()).unwrap();
    assert_eq!(
        heads.frontier().len(),
        2,
        "the first names only what it has"
    );
    // Answers for others are refused, and older ones do not replace newer ones.
    let (_folder, third) = empty();
    devices::ask_to_join(&third).unwrap();
    let error = devices::join(&third, &answer, None, NOW + 6).unwrap_err();
    assert!(matches!(error, DevicesError::Join(_)), "{error}");
    let newer = first.allow(&second, NOW + 7);
    assert!(!devices::join(&second, &newer, None, NOW + 8).unwrap().new);
    let error = devices::join(&second, &answer, None, NOW + 9).unwrap_err();
    assert!(matches!(error, DevicesError::OlderAnswer), "{error}");
}

/// The thief's own home learns that it is over.
fn learn_of_it(first: &Place, stolen: &Home) {
    tell(&first.home, stolen);
    let error = post(stolen, NOW + DAY + 5, text("once more")).unwrap_err();
    assert!(matches!(error, PublishError::Refused(_)), "{error}");
    assert!(account::warnings(stolen, NOW + DAY).unwrap()[0].contains("revoked"));
}

#[test]
fn a_revoked_device_is_not_believed_and_the_others_go_on() {
    let first = Place::new();
    first.post(NOW + 1, "kept").unwrap();
    let (_a, stolen) = empty();
    let (_b, staying) = empty();
    for (other, at) in [(&stolen, NOW + 2), (&staying, NOW + 3)] {
        let answer = first.allow(other, at);
        devices::join(other, &answer, None, at).unwrap();
        post(other, at, text("from another device")).unwrap();
        tell(other, &first.home);
    }
    let (bad, this) = (device(&stolen), device(&first.home));
    let error = devices::draft_revocation(&first.home, this, NOW + 9).unwrap_err();
    assert!(matches!(error, DevicesError::ThisDevice(_)));
    let unknown = devices::draft_revocation(&first.home, Account([1; 20]), NOW + 9).unwrap_err();
    assert!(matches!(unknown, DevicesError::Unknown(_)));
    let kept = root(&first.home);
    let plan = devices::draft_revocation(&first.home, bad, NOW + 10).unwrap();
    assert_eq!(plan.record.root, kept);
    assert_eq!(plan.record.epoch, 1);
    let named: Vec<_> = plan.grants.iter().map(|grant| grant.device).collect();
    assert_eq!(named, [this, device(&staying)]);

    // The record alone is not enough: this device could not publish any more.
    let record = signed(&first.wallet, &plan.record, Scheme::PersonalText);
    let consent = [record.clone()];
    let error =
        devices::revoke(&first.home, &plan, Consent::Signatures(&consent), NOW + 20).unwrap_err();
    assert!(matches!(error, DevicesError::Missing(_)), "{error}");
    assert_eq!(first.epoch(), 0);
    // Signatures may come in any order, and another day.
    let plan = devices::draft_revocation(&first.home, bad, NOW + DAY).unwrap();
    assert_eq!(plan.record.timestamp, NOW + 10);
    let mut consent = vec![record];
    for grant in &plan.grants {
        consent.insert(0, signed(&first.wallet, grant, Scheme::TypedData));
    }
    let grants =
        devices::revoke(&first.home, &plan, Consent::Signatures(&consent), NOW + DAY).unwrap();
    assert_eq!(first.epoch(), 1);
    let states: Vec<_> = devices::list(&first.home, NOW + DAY)
        .unwrap()
        .iter()
        .map(|view| (view.device, view.state))
        .collect();
    assert!(states.contains(&(bad, DeviceState::Revoked)));
    assert!(states.contains(&(this, DeviceState::Valid)));
    let again = devices::draft_revocation(&first.home, bad, NOW + DAY).unwrap_err();
    assert!(matches!(again, DevicesError::RevokedAlready(_)));

    // What the stolen key signs now counts no more; the others publish on.
    post(&stolen, NOW + DAY + 1, text("by the thief")).unwrap();
    tell(&stolen, &first.home);
    first.post(NOW + DAY + 2, "after the revocation").unwrap();
    let answer = join::encode_answer(grants[1].get());
    devices::join(&staying, &answer, None, NOW + DAY + 3).unwrap();
    post(&staying, NOW + DAY + 4, text("still here")).unwrap();
    tell(&staying, &first.home);
    let reader = first.home.store().read().unwrap();
    let heads = reader.heads(first.account()).unwrap();
    let signers: Vec<_> = heads.iter().map(|head| head.signer()).collect();
    assert!(!signers.contains(&bad), "{signers:?}");
    assert!(signers.contains(&this) && signers.contains(&device(&staying)));
    assert!(heads.iter().all(|head| head.record().epoch == 1));
    drop(reader);
    learn_of_it(&first, &stolen);
}

#[test]
fn a_revocation_keeps_what_was_published_since_it_was_drafted() {
    let first = Place::new();
    let (_folder, second) = empty();
    let answer = first.allow(&second, NOW + 1);
    devices::join(&second, &answer, None, NOW + 1).unwrap();
    let old = devices::draft_revocation(&first.home, device(&second), NOW + 2).unwrap();
    first.post(NOW + 3, "meanwhile").unwrap();
    let new = devices::draft_revocation(&first.home, device(&second), NOW + 4).unwrap();
    assert_ne!(old, new);
    assert_eq!(new.record.root, root(&first.home));
    assert_eq!(new.record.timestamp, NOW + 4);
}

#[test]
fn readers_keep_eight_devices_so_a_ninth_is_refused() {
    let first = Place::new();
    for number in 1..=7 {
        let other = Account([number; 20]);
        let draft = devices::draft(&first.home, other, false, NOW).unwrap();
        devices::grant(&first.home, draft, Consent::Key(&first.wallet)).unwrap();
    }
    let ninth = devices::draft(&first.home, Account([9; 20]), false, NOW).unwrap_err();
    assert!(matches!(ninth, DevicesError::TooMany), "{ninth}");
    let known = Account([1; 20]);
    devices::draft(&first.home, known, true, NOW).unwrap();
}
