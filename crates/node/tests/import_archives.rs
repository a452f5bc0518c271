//! Importing archives and folders: what Mastodon gives its people, what this program
//! exports, and what somebody made to do harm.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's helpers fail by panicking"
)]

mod place;

use std::{
    fs,
    io::{Cursor, Write as _},
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use ourspace_node::{
    import::{ImportError, Options, Report, Source, import},
    publish::publish,
};
use ourspace_protocol::feed::{
    model::{Item, ItemId, Kind, Target, Tombstone},
    pages::List,
    read::rendered,
    set::Changes,
    state::{FeedState as _, Span},
};
use ourspace_testkit::{
    sample::{self, sample},
    signing::NOW,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use zip::{ZipWriter, write::SimpleFileOptions};

use self::place::{Place, picture};

const PUBLIC: &str = "https://www.w3.org/ns/activitystreams#Public";
const ME: &str = "https://social.example/users/me";

fn run(place: &Place, path: &Path, options: Options) -> Result<Report, ImportError> {
    import(&place.home, NOW, Source::Path(path), options, &mut |_| {})
}

fn note(number: u32, more: &Value) -> Value {
    let id = format!("{ME}/statuses/{number}");
    let mut object = json!({
        "id": id, "type": "Note", "summary": null, "inReplyTo": null,
        "published": format!("2024-01-{number:02}T10:00:00Z"),
        "url": format!("https://social.example/@me/{number}"), "attributedTo": ME,
        "to": [PUBLIC], "cc": [format!("{ME}/followers")], "sensitive": false,
        "content": format!("<p>note {number}</p>"),
        "contentMap": {"en": format!("<p>note {number}</p>")},
        "attachment": [], "tag": [],
    });
    let (Value::Object(object), Value::Object(more)) = (&mut object, more) else {
        panic!("not objects")
    };
    object.extend(more.clone());
    json!({
        "id": format!("{id}/activity"), "type": "Create", "actor": ME,
        "published": object["published"], "to": object["to"], "cc": object["cc"],
        "object": object,
    })
}

fn outbox() -> Vec<u8> {
    let followers = format!("{ME}/followers");
    let file = |name: &str, alt: &str| json!({"type": "Document", "mediaType": "image/png", "url": format!("/media_attachments/files/1/original/{name}"), "name": alt, "blurhash": "x", "width": 64, "height": 48});
    let items = json!([
        note(1, &json!({"attachment": [file("a.png", "A hill"), file("gone.png", "")],
            "tag": [{"type": "Hashtag", "href": "https://social.example/tags/hills", "name": "#hills"},
                    {"type": "Mention", "href": "https://o.example/users/b", "name": "@b@o.example"}]})),
        note(2, &json!({"inReplyTo": format!("{ME}/statuses/1"), "content": "<p>second<br />line</p>"})),
        note(3, &json!({"inReplyTo": format!("{ME}/statuses/2"), "updated": "2024-02-01T00:00:00Z"})),
        note(4, &json!({"inReplyTo": "https://other.example/users/you/statuses/9"})),
        note(5, &json!({"to": [followers.clone()], "cc": []})),
        note(6, &json!({"to": ["https://o.example/users/b"], "cc": []})),
        note(7, &json!({"to": [followers], "cc": [PUBLIC], "summary": "spiders", "sensitive": true})),
        note(8, &json!({"type": "Question", "oneOf": [
            {"type": "Note", "name": "tea & <cake>", "replies": {"type": "Collection", "totalItems": 3}},
            {"type": "Note", "name": "none", "replies": {"type": "Collection", "totalItems": 0}}]})),
        {"id": format!("{ME}/statuses/10/activity"), "type": "Announce", "actor": ME,
         "published": "2024-01-10T10:00:00Z", "to": [PUBLIC], "cc": [],
         "object": "https://other.example/users/you/statuses/12"},
        {"id": format!("{ME}/statuses/11/activity"), "type": "Announce", "actor": ME,
         "published": "2024-01-11T10:00:00Z", "to": [format!("{ME}/followers")], "cc": [],
         "object": "https://other.example/users/you/statuses/13"},
        {"type": "Like", "object": "https://other.example/users/you/statuses/14"},
    ]);
    let all = json!({
        "@context": "https://www.w3.org/ns/activitystreams", "id": "outbox.json",
        "type": "OrderedCollection", "totalItems": 11, "orderedItems": items,
    });
    serde_json::to_vec(&all).unwrap()
}

fn actor() -> Vec<u8> {
    let actor = json!({
        "id": ME, "type": "Person", "preferredUsername": "me", "name": "Me Myself",
        "summary": "<p>About <b>me</b></p>", "icon": {"type": "Image", "url": "avatar.png"},
        "image": {"type": "Image", "url": "header.png"},
        "attachment": [{"type": "PropertyValue", "name": "Blog", "value": "<a href=\"https://b.example/?a=1&amp;b=2\" rel=\"me\">b</a>"}],
    });
    serde_json::to_vec(&actor).unwrap()
}

fn archive_files() -> Vec<(String, Vec<u8>)> {
    vec![
        ("actor.json".into(), actor()),
        ("outbox.json".into(), outbox()),
        ("avatar.png".into(), picture(1)),
        ("header.png".into(), picture(2)),
        (
            "media_attachments/files/1/original/a.png".into(),
            picture(3),
        ),
    ]
}

fn zipped(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(name.as_str(), SimpleFileOptions::default())
            .unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn tarred(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        // Written raw: the library itself refuses names that lead out.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        tar.append(&header, bytes.as_slice()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

fn write(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

fn item(place: &Place, name: &str) -> Item {
    let reader = place.home.store().read().unwrap();
    let feed = reader.feed(place.account()).unwrap();
    feed.versions(ItemId::of_import(name)).unwrap().remove(0)
}

fn status(place: &Place, number: u32) -> Item {
    item(place, &format!("{ME}/statuses/{number}"))
}

fn check_posts(place: &Place) {
    let own = |number: u32| {
        Target::Item(
            place.account(),
            ItemId::of_import(&format!("{ME}/statuses/{number}")),
        )
    };
    let first = status(place, 1);
    assert_eq!(first.text, "note 1");
    assert_eq!(first.labels.tags, ["hills"]);
    assert_eq!(first.labels.language.as_deref(), Some("en"));
    assert_eq!(
        first.origin.as_deref(),
        Some("https://social.example/@me/1")
    );
    let [attachment] = &first.attachments[..] else {
        panic!("{first:?}")
    };
    assert_eq!(
        (attachment.alt.as_str(), attachment.file.mime.as_str()),
        ("A hill", "image/webp")
    );
    assert!(
        attachment.file.path.starts_with("media/2024/01/"),
        "{attachment:?}"
    );
    let third = status(place, 3);
    assert_eq!(third.kind, Kind::Reply);
    let about = third.about.unwrap();
    assert_eq!((about.target, about.thread), (own(2), Some(own(1))));
    assert_eq!(third.written, Some(1_706_745_600_000));
    assert_eq!(status(place, 2).text, "second\nline");
    let other = Target::Url("https://other.example/users/you/statuses/9".into());
    assert_eq!(status(place, 4).about.unwrap().target, other);
    assert_eq!(status(place, 7).labels.warning.as_deref(), Some("spiders"));
    assert_eq!(
        status(place, 8).text,
        "note 8\n\n- tea & \\<cake> (3)\n- none (0)"
    );
    let boost = item(place, &format!("{ME}/statuses/10/activity"));
    assert_eq!(boost.kind, Kind::Repost);
}

fn check_profile(place: &Place) {
    let reader = place.home.store().read().unwrap();
    let profile = reader.feed(place.account()).unwrap().profile().unwrap();
    assert_eq!(profile.display_name.value, "Me Myself");
    assert_eq!(profile.bio.value, "About **me**");
    assert_eq!(profile.links.value[0].url, "https://b.example/?a=1&b=2");
    assert!(profile.avatar.value.is_some() && profile.banner.value.is_some());
}

fn check_mastodon(place: &Place, path: &Path) {
    let options = Options {
        profile: true,
        ..Options::default()
    };
    let report = run(place, path, options).unwrap();
    assert_eq!(
        [report.found, report.added, report.updated, report.skipped],
        [10, 7, 0, 3],
        "{report:?}"
    );
    assert_eq!((report.media, report.linked_media), (1, 0), "{report:?}");
    assert!(
        report
            .warnings
            .iter()
            .any(|w| w.starts_with("3 posts: each is not public")),
        "{report:?}"
    );
    check_posts(place);
    check_profile(place);
    let state = place.state();
    let again = run(place, path, options).unwrap();
    assert_eq!(
        (again.added, again.updated, again.media),
        (0, 0, 0),
        "{again:?}"
    );
    assert_eq!(place.state(), state);
}

#[test]
fn a_mastodon_archive_in_every_wrapping() {
    let folder = TempDir::new().unwrap();
    let zip = write(&folder, "a.zip", &zipped(&archive_files()));
    check_mastodon(&Place::new(), &zip);
    let tar = write(&folder, "a.tar.gz", &tarred(&archive_files()));
    check_mastodon(&Place::new(), &tar);
    let within = |(name, bytes): (String, Vec<u8>)| (format!("archive-20241124/{name}"), bytes);
    let files: Vec<_> = archive_files().into_iter().map(within).collect();
    check_mastodon(&Place::new(), &write(&folder, "b", &zipped(&files)));
    for (name, bytes) in archive_files() {
        write(&folder, &format!("plain/{name}"), &bytes);
    }
    check_mastodon(&Place::new(), &folder.path().join("plain"));
    check_mastodon(&Place::new(), &folder.path().join("plain/outbox.json"));
}

fn refused(place: &Place, bytes: &[u8]) -> String {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, "archive", bytes);
    let (before, files) = (place.state(), names(place.home.path()));
    let said = run(place, &path, Options::default())
        .unwrap_err()
        .to_string();
    assert_eq!(place.state(), before);
    assert_eq!(names(place.home.path()), files);
    assert!(said.contains("nothing was imported"), "{said}");
    said
}

fn names(folder: &Path) -> Vec<PathBuf> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    names.sort();
    names
}

#[test]
fn hostile_archives() {
    let place = Place::new();
    for name in [
        "../x",
        "a/../../x",
        "/etc/x",
        "a\\..\\x",
        "C:/x",
        "..",
        "a/../outbox.json",
    ] {
        let mut files = archive_files();
        files.push((name.to_owned(), b"x".to_vec()));
        let said = refused(&place, &tarred(&files));
        assert!(said.contains("leads out of it"), "{name}: {said}");
        // A zip library may have cleaned or refused such a name before us.
        if !name.starts_with('/') {
            refused(&place, &zipped(&files));
        }
    }
    let mut twice = archive_files();
    twice.push(("outbox.json".to_owned(), outbox()));
    assert!(refused(&place, &tarred(&twice)).contains("same name"));
    assert!(refused(&place, &tarred(&[("x".into(), vec![])])).contains("there is no feed in it"));
    let whole = tarred(&archive_files());
    refused(&place, &whole[..whole.len() / 2]);
    let whole = zipped(&archive_files());
    refused(&place, &whole[..whole.len() / 2]);
    refused(&place, b"PK\x03\x04 and nothing more");
    refused(&place, b"\x1f\x8b and nothing more");
}

#[test]
fn links_and_devices_in_archives() {
    let place = Place::new();
    for kind in [
        tar::EntryType::Symlink,
        tar::EntryType::Link,
        tar::EntryType::Char,
        tar::EntryType::Fifo,
    ] {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(0);
        tar.append_link(&mut header, "outbox.json", "/etc/passwd")
            .unwrap();
        let said = refused(&place, &tar.into_inner().unwrap());
        assert!(said.contains("links or devices"), "{said}");
    }
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_symlink("outbox.json", "/etc/passwd", SimpleFileOptions::default())
        .unwrap();
    let said = refused(&place, &zip.finish().unwrap().into_inner());
    assert!(said.contains("holds links"), "{said}");
}

#[test]
fn bombs() {
    let place = Place::new();
    // 150 MB of one letter: 150 kB packed. Its text never comes into memory.
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let blank = vec![b'x'; 1 << 20];
    (0..150).for_each(|_| gzip.write_all(&blank).unwrap());
    let said = refused(&place, &gzip.finish().unwrap());
    assert!(
        said.contains("a hundred times") || said.contains("damaged"),
        "{said}"
    );
    let big = ("outbox.json".to_owned(), vec![b' '; 150 << 20]);
    assert!(refused(&place, &zipped(&[big])).contains("a hundred times"));
    // Archives in archives are only files that nobody opens.
    let mut inner = zipped(&[("0".into(), vec![0; 1 << 20])]);
    for _ in 0..5 {
        let copies: Vec<_> = (0..16)
            .map(|n| (format!("{n}.zip"), inner.clone()))
            .collect();
        inner = zipped(&copies);
    }
    assert!(refused(&place, &inner).contains("there is no feed in it"));
}

#[test]
fn a_folder_gives_only_what_lies_in_it() {
    let (place, folder) = (Place::new(), TempDir::new().unwrap());
    let secret = write(&folder, "secret.png", &picture(9));
    for (name, bytes) in archive_files() {
        write(&folder, &format!("plain/{name}"), &bytes);
    }
    let inside = folder
        .path()
        .join("plain/media_attachments/files/1/original/gone.png");
    std::os::unix::fs::symlink(&secret, &inside).unwrap();
    let report = run(&place, &folder.path().join("plain"), Options::default()).unwrap();
    assert_eq!(report.media, 1, "{report:?}");
}

/// Writes what an export has of the items.
fn export(place: &Place, folder: &Path) {
    let account = place.account();
    let reader = place.home.store().read().unwrap();
    let feed = reader.feed(account).unwrap();
    let all = Span {
        after: None,
        until: None,
    };
    let mut paths = vec!["feed.json".to_owned(), "profile.json".to_owned()];
    for (list, name) in [
        (List::Posts, "archive"),
        (List::Tombstones, "tombstones"),
        (List::Reactions, "reactions"),
    ] {
        for page in feed.pages(list, all).unwrap() {
            paths.push(format!("{name}/{page}.json"));
        }
    }
    for item in feed.items(List::Posts, all).unwrap() {
        paths.push(format!("posts/{}/history.json", item.id));
    }
    for path in paths {
        if let Some(bytes) = rendered(&feed, account, &path).unwrap() {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
}

#[test]
fn the_own_export_comes_back_as_it_was() {
    let (first, folder) = (Place::new(), TempDir::new().unwrap());
    let id = |n: u64| ItemId::of_import(&format!("own {n}"));
    publish(&first.home, NOW - 9, |_| {
        let items =
            (0..300).map(|n| Item::new(id(n), NOW - 1_000_000 + n * 1000, format!("post {n}")));
        Ok(Changes {
            items: items.collect(),
            ..Changes::default()
        })
    })
    .unwrap();
    publish(&first.home, NOW - 8, |feed| {
        let mut edited = feed.versions(id(7)).unwrap().remove(0);
        edited.text = "edited".to_owned();
        edited.edits = 1;
        edited.written = Some(NOW - 8);
        let dead = Tombstone {
            date: NOW - 8,
            id: id(8),
        };
        Ok(Changes {
            items: vec![edited],
            tombstones: vec![dead],
            ..Changes::default()
        })
    })
    .unwrap();
    export(&first, folder.path());
    let second = Place::new();
    let report = run(&second, folder.path(), Options::default()).unwrap();
    assert_eq!((report.found, report.added), (299, 299), "{report:?}");
    assert_eq!(second.state().0, first.state().0);
    let again = run(&second, folder.path(), Options::default()).unwrap();
    assert_eq!(
        (again.added, again.updated, again.skipped),
        (0, 0, 299),
        "{again:?}"
    );
}

#[test]
fn the_export_of_somebody_else_becomes_posts() {
    let (place, folder) = (Place::new(), TempDir::new().unwrap());
    let media = sample::MediaSet::stand_in();
    let theirs = sample(&media);
    sample::write_tree(&theirs, &media, folder.path()).unwrap();
    let report = run(&place, folder.path(), Options::default()).unwrap();
    assert!(report.added > 5 && report.updated == 0, "{report:?}");
    let again = run(&place, folder.path(), Options::default()).unwrap();
    assert_eq!((again.added, again.updated), (0, 0), "{again:?}");
}
