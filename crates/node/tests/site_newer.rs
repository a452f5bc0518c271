//! An export never takes away what this home does not know.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod filled;
mod place;

use std::{ops::ControlFlow, path::Path};

use filled::{files, id, item};
use ourspace_node::{
    import::{ImportError, Options, Source, import},
    publish::publish,
    site::{ExportError, Exported, export},
};
use ourspace_protocol::{
    feed::{
        model::{Follow, Followee, Item, Profile, Stamped, Tombstone},
        set::Changes,
    },
    time::Millis,
};
use ourspace_testkit::signing::NOW;
use place::Place;
use tempfile::TempDir;

fn post(place: &Place, now: Millis, n: u32) {
    let changes = Changes {
        items: vec![item(n)],
        ..Changes::default()
    };
    publish(&place.home, now, |_| Ok(changes)).unwrap();
}

fn to(place: &Place, site: &Path) -> Result<Exported, ExportError> {
    export(&place.home, site, None, &mut |_| ControlFlow::Continue(()))
}

#[test]
fn a_site_of_another_device_is_not_wiped() {
    let folder = TempDir::new().unwrap();
    let site = folder.path().join("site");
    let (phone, laptop) = (Place::new(), Place::new());
    post(&laptop, NOW + 1, 1);
    post(&phone, NOW + 2, 2);
    to(&phone, &site).unwrap();
    let before = files(&site);

    // Signed before what is there.
    let refused = to(&laptop, &site).unwrap_err();
    assert!(
        matches!(refused, ExportError::Newer { there, own, .. } if (there, own) == (NOW + 2, NOW + 1)),
        "{refused}"
    );
    // Signed after it, by somebody who never saw it.
    post(&laptop, NOW + 3, 3);
    let refused = to(&laptop, &site).unwrap_err();
    assert!(
        matches!(refused, ExportError::Unknown { what, .. } if what.items == 1),
        "{refused}"
    );
    assert!(refused.to_string().contains("ourspace import"), "{refused}");
    assert!(files(&site) == before, "the site was touched");

    // What was brought in is known, and so is what was deleted.
    let source = Source::Path(&site);
    let options = Options::default();
    import(&laptop.home, NOW + 4, source, options, &mut |_| {}).unwrap();
    to(&laptop, &site).unwrap();
    assert!(site.join(format!("posts/{}", id(2))).exists());
    for n in [2, 3] {
        let changes = Changes {
            tombstones: vec![Tombstone {
                date: NOW + 5,
                id: id(n),
            }],
            ..Changes::default()
        };
        publish(&laptop.home, NOW + 5 + u64::from(n), |_| Ok(changes)).unwrap();
    }
    assert!(to(&laptop, &site).unwrap().removed > 0);
    assert!(!site.join(format!("posts/{}", id(2))).exists());
}

fn bring(place: &Place, now: Millis, site: &Path) {
    let source = Source::Path(site);
    import(&place.home, now, source, Options::default(), &mut |_| {}).unwrap();
}

fn change(place: &Place, now: Millis, changes: Changes) {
    publish(&place.home, now, |_| Ok(changes)).unwrap();
}

/// An edit, a deletion, a profile and a follow.
fn everything(now: Millis) -> Changes {
    let edited = Item {
        text: "other words".to_owned(),
        written: Some(now),
        edits: 1,
        ..item(1)
    };
    let name = Stamped {
        value: "Eve".to_owned(),
        written: now,
    };
    let follow = Stamped {
        value: Follow {
            following: true,
            title: None,
        },
        written: now,
    };
    Changes {
        items: vec![edited],
        tombstones: vec![Tombstone {
            date: now,
            id: id(2),
        }],
        profile: Some(Profile {
            display_name: name,
            ..Profile::default()
        }),
        follows: [(
            Followee::Feed("https://a.example/feed.xml".to_owned()),
            follow,
        )]
        .into(),
    }
}

#[test]
fn edits_deletions_profile_and_follows_are_not_lost_either() {
    let folder = TempDir::new().unwrap();
    let site = folder.path().join("site");
    let (phone, laptop) = (Place::new(), Place::new());
    for n in [1, 2] {
        post(&phone, NOW + u64::from(n), n);
    }
    to(&phone, &site).unwrap();
    bring(&laptop, NOW + 3, &site);
    // The laptop has the same now, and its record is the later one.
    to(&laptop, &site).unwrap();
    change(&phone, NOW + 10, everything(NOW + 10));
    // The phone comes to know the laptop's record, which brings nothing new.
    bring(&phone, NOW + 11, &site);
    to(&phone, &site).unwrap();

    post(&laptop, NOW + 20, 3);
    let refused = to(&laptop, &site).unwrap_err();
    let ExportError::Unknown { what, .. } = &refused else {
        panic!("{refused}");
    };
    assert_eq!((what.items, what.edits, what.deletions), (0, 1, 1));
    assert!(what.profile && what.follows);
    assert!(
        refused.to_string().contains("1 edit, 1 deletion"),
        "{refused}"
    );

    bring(&laptop, NOW + 21, &site);
    to(&laptop, &site).unwrap();
    // And back: nothing is new to the phone but the last post, and no end is dead.
    bring(&phone, NOW + 22, &site);
    to(&phone, &site).unwrap();
    bring(&laptop, NOW + 23, &site);
    to(&laptop, &site).unwrap();
    let roots = [&phone, &laptop].map(|place| place.state().0);
    assert_eq!(roots[0], roots[1]);
    let profile = std::fs::read_to_string(site.join("profile.json")).unwrap();
    assert!(profile.contains("Eve"));
    let follows = std::fs::read_to_string(site.join("follows.json")).unwrap();
    assert!(follows.contains("https://a.example/feed.xml"));
}

#[test]
fn one_file_of_the_own_site_is_not_taken_for_somebody_elses_feed() {
    let folder = TempDir::new().unwrap();
    let site = folder.path().join("site");
    let place = Place::new();
    post(&place, NOW + 1, 1);
    to(&place, &site).unwrap();
    let before = place.state();
    for name in ["feed.json", "feed.xml"] {
        let path = site.join(name);
        let source = Source::Path(&path);
        let options = Options::default();
        let refused = import(&place.home, NOW + 2, source, options, &mut |_| {}).unwrap_err();
        assert!(matches!(refused, ImportError::OwnPart), "{name}: {refused}");
    }
    assert_eq!(place.state(), before);
}
