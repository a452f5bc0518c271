//! An export never takes away what this home does not know.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod filled;
mod place;

use std::{ops::ControlFlow, path::Path};

use filled::{files, id, item};
use ourspace_node::{
    import::{Options, Source, import},
    publish::publish,
    site::{ExportError, Exported, export},
};
use ourspace_protocol::{
    feed::{model::Tombstone, set::Changes},
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
        matches!(refused, ExportError::Unknown { posts: 1, .. }),
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
