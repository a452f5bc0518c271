//! Files that come later than the posts that name them.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

mod place;

use std::{fs, path::Path};

use ourspace_node::{
    import::{Options, Report, Source, import},
    publish::publish,
};
use ourspace_protocol::{
    feed::{
        model::{Item, ItemId},
        set::Changes,
        state::FeedState as _,
    },
    time::Millis,
};
use ourspace_testkit::signing::NOW;
use serde_json::{Value, json};
use tempfile::TempDir;

use self::place::{Place, picture};

const ME: &str = "https://social.example/users/me";

fn run(place: &Place, now: Millis, path: &Path, dry_run: bool) -> Report {
    let options = Options {
        dry_run,
        ..Options::default()
    };
    import(&place.home, now, Source::Path(path), options, &mut |_| {}).unwrap()
}

fn counts(report: &Report) -> [u64; 5] {
    [
        report.found,
        report.added,
        report.updated,
        report.skipped,
        report.media,
    ]
}

fn note(number: u32, files: &[&str]) -> Value {
    let id = format!("{ME}/statuses/{number}");
    let files: Vec<Value> = files
        .iter()
        .map(|name| json!({"type": "Document", "mediaType": "image/png", "url": format!("/media_attachments/{name}"), "name": name}))
        .collect();
    json!({
        "id": format!("{id}/activity"), "type": "Create", "actor": ME,
        "to": ["https://www.w3.org/ns/activitystreams#Public"],
        "object": {
            "id": id, "type": "Note", "published": format!("2024-01-{number:02}T10:00:00Z"),
            "content": format!("<p>note {number}</p>"), "attachment": files,
        },
    })
}

fn outbox(folder: &Path) {
    let all = json!({"type": "OrderedCollection", "orderedItems": [
        note(1, &["a.png", "b.png"]), note(2, &["c.png", "broken.png"]), note(3, &["d.png"]),
        note(4, &[]), note(5, &["e.png"])]});
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("outbox.json"), all.to_string()).unwrap();
}

/// A folder with only the outbox, and one with the files as well.
fn archives() -> (TempDir, [std::path::PathBuf; 2]) {
    let folder = TempDir::new().unwrap();
    let paths = ["bare", "full"].map(|name| folder.path().join(name));
    paths.iter().for_each(|path| outbox(path));
    let media = paths[1].join("media_attachments");
    fs::create_dir_all(&media).unwrap();
    for (seed, name) in (0..).zip(["a.png", "b.png", "c.png", "d.png", "e.png"]) {
        fs::write(media.join(name), picture(seed)).unwrap();
    }
    fs::write(media.join("broken.png"), "no picture").unwrap();
    (folder, paths)
}

fn versions(place: &Place, number: u32) -> Vec<Item> {
    let reader = place.home.store().read().unwrap();
    let feed = reader.feed(place.account()).unwrap();
    let id = ItemId::of_import(&format!("{ME}/statuses/{number}"));
    feed.versions(id).unwrap()
}

fn alts(item: &Item) -> Vec<&str> {
    item.attachments
        .iter()
        .map(|file| file.alt.as_str())
        .collect()
}

/// A person changes the newest version of a post here.
fn edit(place: &Place, now: Millis, number: u32, change: impl FnOnce(&mut Item)) {
    let mut item = versions(place, number).remove(0);
    change(&mut item);
    item.written = Some(now);
    item.edits += 1;
    let changes = Changes {
        items: vec![item],
        ..Changes::default()
    };
    publish(&place.home, now, |_| Ok(changes)).unwrap();
}

#[test]
fn files_that_were_missing_come_with_a_later_import() {
    let (place, (_folder, [bare, full])) = (Place::new(), archives());
    let first = run(&place, NOW, &bare, false);
    assert_eq!(counts(&first), [5, 5, 0, 0, 0]);
    edit(&place, NOW + 10, 3, |item| {
        item.text = "my own words".to_owned();
    });

    let dry = run(&place, NOW + 20, &full, true);
    let second = run(&place, NOW + 20, &full, false);
    assert_eq!(counts(&second), [5, 0, 4, 1, 5], "{:?}", second.warnings);
    assert_eq!(counts(&dry)[..4], counts(&second)[..4]);
    let newest = |number| versions(&place, number).remove(0);
    assert_eq!(alts(&newest(1)), ["a.png", "b.png"]);
    assert_eq!(alts(&newest(2)), ["c.png"]);
    assert_eq!(alts(&newest(3)), ["d.png"]);
    assert_eq!(newest(3).text, "my own words");
    assert_eq!(versions(&place, 4).len(), 1);
    let path = &newest(1).attachments[0].file.path;
    let cid = ourspace_protocol::feed::check::forms::media_cid(path).unwrap();
    let reader = place.home.store().read().unwrap();
    assert!(reader.has_file(cid.parse().unwrap()).unwrap());
    drop(reader);

    // Nothing is left to come, and what the person removes stays removed.
    edit(&place, NOW + 30, 5, |item| item.attachments.clear());
    edit(&place, NOW + 31, 3, |item| item.attachments.clear());
    let root = place.state().0;
    for source in [&full, &bare, &full] {
        let third = run(&place, NOW + 40, source, false);
        assert_eq!(counts(&third), [5, 0, 0, 5, 0], "{:?}", third.warnings);
    }
    assert_eq!(place.state().0, root);
}

#[test]
fn an_import_without_the_files_takes_none_away() {
    let (place, (_folder, [bare, full])) = (Place::new(), archives());
    let first = run(&place, NOW, &full, false);
    assert_eq!(counts(&first), [5, 5, 0, 0, 5]);
    let second = run(&place, NOW + 10, &bare, false);
    assert_eq!(counts(&second), [5, 0, 0, 5, 0], "{:?}", second.warnings);
}
