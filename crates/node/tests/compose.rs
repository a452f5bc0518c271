//! What a person writes, changes and takes back, in a real home.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod place;

use ourspace_node::{
    Home,
    compose::{
        Draft, Edit, Posted, ProfileEdit, Relation, delete, edit, edit_profile, follow, post,
        unfollow,
    },
    publish::{PublishError, Published},
    read, status,
    view::ItemView,
    which::{self, WhichError},
};
use ourspace_protocol::{
    account::Account,
    feed::model::{Followee, ItemId, Labels, Link, Target},
    limits,
    time::Millis,
};
use ourspace_testkit::signing::{DAY, NOW};
use place::Place;

fn text(text: &str) -> Draft {
    Draft {
        text: text.to_owned(),
        ..Draft::default()
    }
}

fn about(relation: Relation, words: &str) -> Draft {
    Draft {
        relation,
        ..text(words)
    }
}

/// A post without files.
fn post_text(home: &Home, now: Millis, draft: Draft) -> Result<Posted, PublishError> {
    post(home, now, draft, None)
}

/// A profile without new pictures.
fn edit_words(home: &Home, now: Millis, edit: ProfileEdit) -> Result<Published, PublishError> {
    edit_profile(home, now, edit, None)
}

fn write(place: &Place, now: Millis, draft: Draft) -> ItemId {
    post_text(&place.home, now, draft).unwrap().id
}

fn shown(place: &Place, id: ItemId) -> ItemView {
    read::item(&place.home, place.account(), id)
        .unwrap()
        .unwrap()
}

/// What a refused change says; the home must be as it was.
fn refused<T: std::fmt::Debug>(
    place: &Place,
    change: impl FnOnce(&Place) -> Result<T, PublishError>,
) -> String {
    let before = place.state();
    let error = change(place).unwrap_err().to_string();
    assert_eq!(place.state(), before, "{error}");
    error
}

#[test]
fn a_post_is_in_the_timeline_the_search_and_the_record() {
    let place = Place::new();
    let draft = Draft {
        title: Some(" A  title ".to_owned()),
        labels: Labels {
            tags: vec!["#garden".to_owned()],
            warning: Some("soil".to_owned()),
            ..Labels::default()
        },
        ..text("\r\nGrüße an #Garden und #Rust\r\n")
    };
    let posted = post_text(&place.home, NOW, draft).unwrap();
    let view = shown(&place, posted.id);
    assert_eq!(view.content.title.as_deref(), Some("A title"));
    assert_eq!(view.content.content_text, "Grüße an #Garden und #Rust");
    assert_eq!(view.content.tags, ["garden", "Rust"]);
    assert_eq!(view.url, format!("posts/{}/", posted.id));
    assert_eq!(
        view.uri,
        format!("ourspace:{}/{}", place.account(), posted.id)
    );
    assert!(view.content.content_html.starts_with("<details>"));
    assert_eq!(
        read::timeline(&place.home, None, None, 9).unwrap(),
        std::slice::from_ref(&view)
    );
    let (found, next) = read::search(&place.home, "gruße gar", None, 9).unwrap();
    assert_eq!(
        (found.as_slice(), next),
        (std::slice::from_ref(&view), None)
    );
    let (root, timestamp, outbox) = place.state();
    assert_eq!(root, Some(posted.published.root.to_string()));
    assert_eq!((timestamp, outbox), (Some(NOW), 1));
}

#[test]
fn a_reply_knows_its_thread() {
    let place = Place::new();
    let own = |id| Target::Item(place.account(), id);
    let first = write(&place, NOW, text("first"));
    let second = write(
        &place,
        NOW + 1,
        about(Relation::Reply(own(first)), "second"),
    );
    let third = write(
        &place,
        NOW + 2,
        about(Relation::Reply(own(second)), "third"),
    );
    let fourth = write(
        &place,
        NOW + 3,
        about(Relation::Reply(own(third)), "fourth"),
    );
    let thread = |id| {
        let about = shown(&place, id).about.unwrap();
        (about.target, about.thread)
    };
    assert_eq!(thread(second), (own(first), None));
    assert_eq!(thread(third), (own(second), Some(own(first))));
    assert_eq!(thread(fourth), (own(third), Some(own(first))));
    let page = Target::Url("https://example.org/a".to_owned());
    let reply = write(&place, NOW + 4, about(Relation::Reply(page.clone()), "hm"));
    assert_eq!(thread(reply), (page.clone(), None));
    let below = write(&place, NOW + 5, about(Relation::Reply(own(reply)), "hm!"));
    assert_eq!(thread(below), (own(reply), Some(page)));
    // Others' items need not be here.
    let other = Target::Item(Account([7; 20]), first);
    let like = Relation::Like(other.clone(), Some("🎉".to_owned()));
    let like = write(&place, NOW + 6, about(like, ""));
    let view = shown(&place, like);
    assert_eq!(view.kind, "like");
    assert_eq!(view.about.unwrap().value.as_deref(), Some("🎉"));
    let repost = write(&place, NOW + 7, about(Relation::Repost(other), ""));
    assert_eq!(shown(&place, repost).kind, "repost");
    let gone = ItemId([9; 10]);
    let error = refused(&place, |p| {
        post_text(&p.home, NOW + 8, about(Relation::Reply(own(gone)), "x"))
    });
    assert_eq!(error, format!("there is no {gone} in your feed"));
    let counts = status::status(&place.home, NOW).unwrap().holdings;
    assert_eq!((counts.posts, counts.reactions), (7, 1));
}

#[test]
fn the_same_is_liked_and_reposted_once() {
    let place = Place::new();
    let own = write(&place, NOW, text("one"));
    let targets = [
        Target::Item(place.account(), own),
        Target::Url("https://example.org/".to_owned()),
    ];
    let mut now = NOW;
    for target in targets {
        let like = |emoji: Option<&str>| Relation::Like(target.clone(), emoji.map(str::to_owned));
        let mut seen = Vec::new();
        for relation in [
            Relation::Repost(target.clone()),
            like(None),
            like(Some("\u{1f389}")),
        ] {
            now += 10;
            let first = post_text(&place.home, now, about(relation.clone(), "")).unwrap();
            assert!(first.published.changed && !seen.contains(&first.id));
            // Many others in between: they fill more than one page.
            for n in 0..80 {
                now += 1;
                let url = Target::Url(format!("https://example.org/{now}/{n}"));
                write(&place, now, about(Relation::Like(url, None), ""));
            }
            let before = place.state();
            let again = post_text(&place.home, now + 5, about(relation, "")).unwrap();
            assert_eq!((again.id, again.published.changed), (first.id, false));
            assert_eq!(place.state(), before);
            seen.push(first.id);
        }
    }
    // What was taken back can be liked anew.
    let url = Target::Url("https://example.org/once".to_owned());
    let like = || about(Relation::Like(url.clone(), None), "");
    let old = write(&place, now + 10, like());
    delete(&place.home, now + 20, &[old]).unwrap();
    assert_ne!(write(&place, now + 30, like()), old);
}

#[test]
fn what_is_no_post_is_refused_and_changes_nothing() {
    let place = Place::new();
    write(&place, NOW, text("there is something"));
    let try_post = |draft| refused(&place, |p| post_text(&p.home, NOW + 1, draft));
    assert!(try_post(text(" \n ")).contains("nothing in it"));
    let page = Target::Url("https://example.org/".to_owned());
    let quote = about(Relation::Quote(page.clone()), "");
    assert!(try_post(quote).contains("repost"));
    let repost = about(Relation::Repost(page), "words");
    assert!(try_post(repost).contains("a repost has no text"));
    let long = "ä".repeat(limits::TEXT_BYTES / 2 + 1);
    assert!(try_post(text(&long)).contains("131072"));
    let title = Draft {
        title: Some("t".repeat(limits::LINE_BYTES + 1)),
        ..text("x")
    };
    assert!(try_post(title).contains("title"));
    let language = Draft {
        labels: Labels {
            language: Some("not a language".to_owned()),
            ..Labels::default()
        },
        ..text("x")
    };
    assert!(try_post(language).contains("language tag"));
    let ahead = Draft {
        date: Some(NOW + DAY),
        ..text("x")
    };
    assert!(try_post(ahead).contains("future"));
    let tags: Vec<String> = (0..65).map(|n| format!("#t{n}")).collect();
    assert!(try_post(text(&tags.join(" "))).contains("65 tags"));
    let url = about(Relation::Reply(Target::Url("http://a b".to_owned())), "x");
    assert!(try_post(url).contains("web address"));
}

#[test]
fn dates_go_back_and_clocks_do_not() {
    let place = Place::new();
    let now = write(&place, NOW, text("now"));
    let old = Draft {
        date: Some(NOW - 5_000 * DAY),
        ..text("then")
    };
    let old = write(&place, NOW + 1, old);
    let order: Vec<ItemId> = read::timeline(&place.home, None, None, 9)
        .unwrap()
        .iter()
        .map(|view| view.id)
        .collect();
    assert_eq!(order, [now, old]);
    assert_eq!(shown(&place, old).content.edited, None);
    // A little back is drift, and records stay in order; far back is a wrong clock.
    let drift = post_text(&place.home, NOW - 60_000, text("drift")).unwrap();
    assert_eq!(drift.published.timestamp, NOW + 2);
    let error = refused(&place, |p| post_text(&p.home, NOW - DAY, text("wrong")));
    assert!(error.contains("set the clock right"), "{error}");
    let report = status::status(&place.home, NOW - DAY).unwrap();
    assert!(report.warnings[0].contains("clock"), "{report:?}");
    let late = refused(&place, |p| {
        post_text(&p.home, NOW + 301 * DAY, text("late"))
    });
    assert!(late.contains("device renew"), "{late}");
    let state = status::status(&place.home, NOW + 280 * DAY)
        .unwrap()
        .grant
        .state;
    assert_eq!(state, status::GrantState::Ending);
}

#[test]
fn an_edit_keeps_what_it_does_not_name() {
    let place = Place::new();
    let draft = Draft {
        title: Some("Title".to_owned()),
        labels: Labels {
            tags: vec!["kept".to_owned()],
            ..Labels::default()
        },
        ..text("one #gone")
    };
    let id = write(&place, NOW, draft);
    let new_text = Edit {
        text: Some("two #come".to_owned()),
        ..Edit::default()
    };
    edit(&place.home, NOW - 1_000, id, new_text.clone()).unwrap();
    let view = shown(&place, id);
    assert_eq!(view.content.title.as_deref(), Some("Title"));
    assert_eq!(view.content.content_text, "two #come");
    assert_eq!(view.content.tags, ["kept", "come"]);
    // Later than what it replaces, whatever the clock says.
    assert_eq!(
        view.content.edited,
        Some("2025-11-24T16:00:00.001Z".to_owned())
    );
    let again = edit(&place.home, NOW + 9, id, new_text).unwrap();
    assert!(!again.published.changed);
    let clear = Edit {
        title: Some(String::new()),
        tags: Some(Vec::new()),
        ..Edit::default()
    };
    edit(&place.home, NOW + 10, id, clear).unwrap();
    let view = shown(&place, id);
    assert_eq!(
        (view.content.title, view.content.tags),
        (None, vec!["come".to_owned()])
    );
    let empty = Edit {
        text: Some(String::new()),
        ..Edit::default()
    };
    assert!(refused(&place, |p| edit(&p.home, NOW + 11, id, empty)).contains("nothing in it"));
    let alt = Edit {
        alts: vec![(1, "x".to_owned())],
        ..Edit::default()
    };
    assert!(refused(&place, |p| edit(&p.home, NOW + 11, id, alt)).contains("no attachment"));
}

#[test]
fn what_is_deleted_stays_deleted() {
    let place = Place::new();
    let (one, two) = (
        write(&place, NOW, text("one")),
        write(&place, NOW, text("two")),
    );
    let error = refused(&place, |p| {
        delete(&p.home, NOW + 1, &[one, ItemId([3; 10])])
    });
    assert!(error.contains("there is no"), "{error}");
    delete(&place.home, NOW + 1, &[one, two, one]).unwrap();
    assert_eq!(read::timeline(&place.home, None, None, 9).unwrap(), []);
    let error = refused(&place, |p| edit(&p.home, NOW + 2, one, Edit::default()));
    assert!(error.contains("was deleted on 2025-11-24"), "{error}");
    assert!(matches!(
        which::own_item(&place.home, &one.to_string()),
        Err(WhichError::Deleted { .. })
    ));
    assert_eq!(
        status::status(&place.home, NOW)
            .unwrap()
            .holdings
            .tombstones,
        2
    );
}

#[test]
fn items_are_found_by_what_people_type() {
    let place = Place::new();
    let id = write(&place, NOW, text("find me"));
    let full = id.to_string();
    let account = place.account();
    for name in [
        full.clone(),
        full.to_uppercase(),
        full[..4].to_owned(),
        full[..15].to_owned(),
        format!("ourspace:{account}/{full}"),
        format!("ourspace:{}/{full}", account.to_string().to_lowercase()),
        format!("http://127.0.0.1:8080/posts/{full}/"),
        format!("posts/{full}/index.html"),
    ] {
        assert_eq!(which::own_item(&place.home, &name).unwrap(), id, "{name}");
        let target = which::target(&place.home, &name).unwrap();
        assert_eq!(target, Target::Item(account, id), "{name}");
    }
    for name in ["", "abc", "0189abcdefgh", "posts/x/", "\u{1b}[31m"] {
        let error = which::own_item(&place.home, name).unwrap_err();
        assert!(matches!(error, WhichError::Form(_)), "{name}: {error}");
        assert!(!error.to_string().contains('\u{1b}'));
    }
    let foreign = format!("ourspace:{}/{full}", Account([1; 20]));
    assert!(matches!(
        which::own_item(&place.home, &foreign),
        Err(WhichError::NotOwn(_))
    ));
    let elsewhere = "https://example.org/posts/abcdefgh23456722/ü";
    assert_eq!(
        which::target(&place.home, elsewhere).unwrap().to_string(),
        "https://example.org/posts/abcdefgh23456722/%C3%BC"
    );
    // Enough posts that two ids begin alike in one character at least.
    let many: Vec<ItemId> = (0..40)
        .map(|n| write(&place, NOW + n, text("more")))
        .collect();
    let (first, last) = (ItemId([0; 10]), ItemId([255; 10]));
    let reader = place.home.store().read().unwrap();
    assert_eq!(reader.ids(account, (first, last), 100).unwrap().len(), 41);
    assert_eq!(
        reader.ids(account, (many[3], many[3]), 9).unwrap(),
        [many[3]]
    );
}

#[test]
fn a_profile_changes_where_it_is_different() {
    let place = Place::new();
    let change = ProfileEdit {
        display_name: Some("Ada".to_owned()),
        bio: Some("I write.\r\n".to_owned()),
        links: Some(vec![Link {
            label: "Site".to_owned(),
            url: "https://example.org/".to_owned(),
        }]),
        email: Some("ada@proton.me".to_owned()),
        language: Some("de".to_owned()),
        names: Some(vec!["Ada.ETH".to_owned()]),
        ..ProfileEdit::default()
    };
    assert!(
        edit_words(&place.home, NOW, change.clone())
            .unwrap()
            .changed
    );
    assert!(!edit_words(&place.home, NOW + 1, change).unwrap().changed);
    let id = write(&place, NOW + 2, text("Hallo"));
    assert_eq!(shown(&place, id).content.language.as_deref(), Some("de"));
    let clear = ProfileEdit {
        email: Some(String::new()),
        ..ProfileEdit::default()
    };
    edit_words(&place.home, NOW + 3, clear).unwrap();
    let view = read::profile(&place.home).unwrap();
    assert_eq!(
        (view.display_name.as_str(), view.bio.as_str()),
        ("Ada", "I write.")
    );
    assert_eq!(
        (view.contact.email, view.contact.names),
        (None, vec!["ada.eth".to_owned()])
    );
    for wrong in [
        ProfileEdit {
            email: Some("nobody".to_owned()),
            ..ProfileEdit::default()
        },
        ProfileEdit {
            tox: Some("00".to_owned()),
            ..ProfileEdit::default()
        },
        ProfileEdit {
            bio: Some("x".repeat(limits::BIO_BYTES + 1)),
            ..ProfileEdit::default()
        },
    ] {
        refused(&place, |p| edit_words(&p.home, NOW + 4, wrong));
    }
}

#[test]
fn follows_begin_and_end() {
    let place = Place::new();
    let who = Followee::Account(Account([5; 20]));
    follow(&place.home, NOW, &who, Some("Eve")).unwrap();
    assert!(!follow(&place.home, NOW + 1, &who, None).unwrap().changed);
    let follows = read::profile(&place.home).unwrap().follows;
    assert_eq!(
        (follows.len(), follows[0].title.as_deref()),
        (1, Some("Eve"))
    );
    unfollow(&place.home, NOW + 2, &who).unwrap();
    assert_eq!(read::profile(&place.home).unwrap().follows, []);
    let error = refused(&place, |p| unfollow(&p.home, NOW + 3, &who));
    assert!(error.contains("do not follow"), "{error}");
    let own = Followee::Account(place.account());
    let error = refused(&place, |p| follow(&p.home, NOW + 3, &own, None));
    assert!(error.contains("your own"), "{error}");
}
