//! Mailrooms of several homes, joined by a carrier in memory: what is handed over, bounded,
//! compared and refused. (Programs that do so over sockets are tested in the program's tests.)

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

mod place;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use ourspace_node::{
    Home,
    compose::{self, Draft, Relation},
    follows::{Wish, follow},
    notices::{Letter, Mailroom, notifications, thread},
};
use ourspace_protocol::{
    account::Account,
    delta::Delta,
    feed::{
        model::{About, Item, ItemId, Kind, Target},
        set::Changes,
    },
    hash::sha256,
    limits,
    message::Mail,
    seams::{BoxFuture, Mailer, Member},
};
use ourspace_testkit::signing::{NOW, TestKey, record, sign_record};
use place::Place;
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;

/// Notices of strangers in a flood.
const SPAM: u64 = 10_000;

/// Who is there, and who keeps whose mailboxes.
#[derive(Default)]
struct Wires {
    rooms: BTreeMap<String, mpsc::Sender<Letter>>,
    members: BTreeMap<Account, Vec<String>>,
    faults: Vec<(String, &'static str)>,
    notices: usize,
}

struct Carrier {
    name: String,
    wires: Arc<Mutex<Wires>>,
}

impl Mailer for Carrier {
    fn own(&self) -> String {
        self.name.clone()
    }

    fn members(&self, account: Account) -> BoxFuture<'_, Vec<Member>> {
        let wires = self.wires.lock().unwrap();
        let all = wires.members.get(&account).cloned().unwrap_or_default();
        let others = all.into_iter().filter(|one| *one != self.name);
        let others = others.map(|peer| Member { peer, origin: 1 });
        Box::pin(std::future::ready(others.collect()))
    }

    fn seek_members(&self, _: Account) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn seek_senders(&self, _: Account) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn leave_word(&self, _: Account, _: bool) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn send(&self, peer: String, mail: Mail) -> BoxFuture<'_, ()> {
        let room = {
            let mut wires = self.wires.lock().unwrap();
            wires.notices += usize::from(matches!(mail, Mail::Notice { .. }));
            wires.rooms.get(&peer).cloned()
        };
        let letter = Letter::Mail {
            from: self.name.clone(),
            origin: 1,
            mail,
        };
        Box::pin(async move {
            if let Some(room) = room {
                drop(room.send(letter).await);
            }
        })
    }

    fn fault(&self, peer: String, what: &'static str) -> BoxFuture<'_, ()> {
        self.wires.lock().unwrap().faults.push((peer, what));
        Box::pin(std::future::ready(()))
    }
}

/// A home with its mailroom.
struct Room {
    home: Arc<Home>,
    letters: mpsc::Sender<Letter>,
    stop: CancellationToken,
    _folder: tempfile::TempDir,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Opens a mailroom on a home; it keeps the mailbox of `of` as well.
fn room(place: Place, name: &str, wires: &Arc<Mutex<Wires>>, of: Option<Account>) -> Room {
    let account = place.account();
    if let Some(of) = of {
        follow(&place.home, NOW, of, Wish::default()).unwrap();
    }
    let Place { folder, home } = place;
    let home = Arc::new(home);
    let carrier = Arc::new(Carrier {
        name: name.to_owned(),
        wires: Arc::clone(wires),
    });
    let (happened, _) = broadcast::channel(64);
    let (mailroom, letters) = Mailroom::new(
        Arc::clone(&home),
        carrier,
        Arc::new(|| NOW + 1_000),
        happened,
    );
    let mut all = wires.lock().unwrap();
    all.rooms.insert(name.to_owned(), letters.clone());
    for account in [Some(account), of].into_iter().flatten() {
        all.members
            .entry(account)
            .or_default()
            .push(name.to_owned());
    }
    drop(all);
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(mailroom.run(token));
    Room {
        home,
        letters,
        stop,
        _folder: folder,
    }
}

/// A reply by a key of its own, as a stranger would hand it over.
fn reply(by: &str, to: (Account, ItemId)) -> (Vec<u8>, Vec<u8>) {
    let key = TestKey::named(by);
    let mut item = Item::new(ItemId::of_import(by), NOW - 70_000, format!("by {by}"));
    item.kind = Kind::Reply;
    item.about = Some(About {
        target: Target::Item(to.0, to.1),
        thread: None,
        value: None,
    });
    let changes = Changes {
        items: vec![item],
        ..Changes::default()
    };
    let delta = Delta {
        base: None,
        changes,
    };
    let delta = delta.to_bytes().unwrap();
    let mut record = record(&key);
    record.delta = sha256(&delta);
    (sign_record(record, None, &key).to_bytes(), delta)
}

fn letter(by: &str, to: (Account, ItemId), origin: u64) -> Letter {
    let (record, delta) = reply(by, to);
    let target = to.0;
    Letter::Mail {
        from: "a stranger".to_owned(),
        origin,
        mail: Mail::Notice {
            target,
            record,
            delta,
        },
    }
}

fn post(home: &Home, text: &str, relation: Relation) -> ItemId {
    let draft = Draft {
        text: text.to_owned(),
        relation,
        ..Draft::default()
    };
    compose::post(home, NOW, draft, None).unwrap().id
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < Duration::from_secs(120), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn waiting(room: &Room, of: Account) -> usize {
    room.home.store().read().unwrap().mailbox(of).unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_strangers_displaces_no_friend_and_forgers_are_named() {
    let wires = Arc::new(Mutex::new(Wires::default()));
    let author = Place::of("author");
    let friend = Place::of("friend");
    follow(&author.home, NOW, friend.account(), Wish::default()).unwrap();
    let item = post(&author.home, "what do you think?", Relation::Post);
    let to = (author.account(), item);
    let author = room(author, "author", &wires, None);
    let friend = room(friend, "friend", &wires, None);
    let target = Target::Item(to.0, to.1);
    post(&friend.home, "well done", Relation::Reply(target));
    until("the friend's reply", || waiting(&author, to.0) == 1).await;
    // Each is signed by a key of its own, and verified.
    for at in 0..SPAM {
        let spam = letter(&format!("spammer {at}"), to, at % 2);
        author.letters.send(spam).await.unwrap();
    }
    let honest = letter("an honest stranger", to, 99);
    author.letters.send(honest).await.unwrap();
    let all = 1 + limits::MAILBOX_STRANGERS;
    until("a full share", || waiting(&author, to.0) == all).await;
    let seen = |by: &str| {
        let all = notifications(&author.home, 1_000).unwrap();
        all.iter().any(|one| {
            let item = one.item.as_ref();
            item.is_some_and(|item| item.content.content_text == by)
        })
    };
    until("the honest stranger", || seen("by an honest stranger")).await;
    assert!(seen("well done"));
    assert_eq!(waiting(&author, to.0), all);
    // A signature that is another's, a delta that is another's, and what concerns nobody here.
    assert!(wires.lock().unwrap().faults.is_empty());
    let (mut record, delta) = reply("a forger", to);
    *record.last_mut().unwrap() ^= 1;
    let (good, _) = reply("a liar", to);
    for (record, delta) in [(record, delta.clone()), (good, delta)] {
        let target = to.0;
        let mail = Mail::Notice {
            target,
            record,
            delta,
        };
        let (from, origin) = ("a forger".to_owned(), 1);
        let letter = Letter::Mail { from, origin, mail };
        author.letters.send(letter).await.unwrap();
    }
    until("two faults", || wires.lock().unwrap().faults.len() == 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mirrors_come_to_have_the_same_and_the_deleted_stays_so() {
    let wires = Arc::new(Mutex::new(Wires::default()));
    let author = Place::of("author");
    let item = post(&author.home, "what do you think?", Relation::Post);
    let to = (author.account(), item);
    drop(author);
    let first = room(Place::of("first"), "first", &wires, Some(to.0));
    for at in 0..40 {
        let one = letter(&format!("stranger {at}"), to, at);
        first.letters.send(one).await.unwrap();
    }
    // Each has said to the author that they follow him: one notice of its own.
    until("all", || waiting(&first, to.0) == 41).await;
    let second = room(Place::of("second"), "second", &wires, Some(to.0));
    let stranger = room(Place::of("somebody"), "somebody", &wires, None);
    let target = Target::Item(to.0, to.1);
    let reply = post(&stranger.home, "I doubt it", Relation::Reply(target));
    let meet = |peer: &str| Letter::Met {
        peer: peer.to_owned(),
        accounts: vec![to.0],
    };
    first.letters.send(meet("second")).await.unwrap();
    second.letters.send(meet("first")).await.unwrap();
    until("the same in both", || {
        waiting(&first, to.0) == 43 && waiting(&second, to.0) == 43
    })
    .await;
    let texts = |room: &Room| {
        let thread = thread(&room.home, to.0, to.1).unwrap();
        let texts = thread.replies.into_iter();
        texts
            .map(|one| one.item.content.content_text)
            .collect::<Vec<_>>()
    };
    assert_eq!(texts(&first).len(), 41);
    assert_eq!(texts(&first), texts(&second));
    compose::delete(&stranger.home, NOW + 5, &[reply]).unwrap();
    let gone = |room: &Room| !texts(room).contains(&"I doubt it".to_owned());
    until("its end in both", || gone(&first) && gone(&second)).await;
    // What was said before does not come back.
    let old = stranger.home.store().read().unwrap();
    assert!(old.notices(to.0, 10).unwrap().is_empty());
    assert_eq!((waiting(&first, to.0), waiting(&second, to.0)), (43, 43));
    // Nothing was sent again and again.
    let sent = wires.lock().unwrap().notices;
    assert!(sent < 200, "{sent} notices were sent");
}
