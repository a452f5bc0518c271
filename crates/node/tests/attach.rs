//! Pictures on their way into a feed: kept when the post is published, gone when it is
//! deleted, never there when it was refused.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod place;

use std::{
    fs,
    io::{Cursor, Read as _},
    path::Path,
    process::Command,
};

use image::{ImageFormat, Rgb, RgbImage};
use ourspace_node::{
    attach::{AttachError, Attacher, open},
    compose::{Draft, ProfileEdit, delete, edit_profile, post},
    read, status,
};
use ourspace_protocol::{
    feed::{check::forms::media_cid, model::Attachment},
    limits,
};
use ourspace_store::StoreError;
use ourspace_testkit::signing::{DAY, NOW};
use place::Place;

/// A picture with many colours.
fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let shade = |n: u32, of: u32| u8::try_from(n * 255 / of).unwrap();
    let image = RgbImage::from_fn(width, height, |x, y| {
        Rgb([shade(x, width), shade(y, height), shade((x ^ y) % 64, 64)])
    });
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn draft(attachments: Vec<Attachment>) -> Draft {
    Draft {
        attachments,
        ..Draft::default()
    }
}

/// The bytes of a file of the feed, as they are kept.
fn kept(place: &Place, path: &str) -> Option<Vec<u8>> {
    let cid = media_cid(path).unwrap().parse().unwrap();
    let file = place.home.store().read().unwrap().file(cid).unwrap();
    file.map(|mut file| {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

#[test]
fn a_picture_is_kept_with_its_post() {
    let place = Place::new();
    let date = NOW - 400 * DAY;
    let mut attacher = Attacher::new(&place.home, date).unwrap();
    let jpeg = picture(2_000, 1_000, ImageFormat::Jpeg);
    let attachment = attacher
        .add(Cursor::new(&jpeg), " Many\r\ncolours ", true)
        .unwrap();
    assert_eq!(attachment.alt, "Many\ncolours");
    let draft = Draft {
        date: Some(date),
        ..draft(vec![attachment.clone()])
    };
    let posted = post(&place.home, NOW, draft, Some(attacher.finish())).unwrap();
    let view = read::item(&place.home, posted.account, posted.id);
    let view = view.unwrap().unwrap().content.attachments.remove(0);
    assert_eq!(
        (view.file.width, view.file.height),
        (Some(1_600), Some(800))
    );
    assert_eq!(view.file.mime_type, "image/webp");
    assert_eq!(view.variants[0].width, Some(480));
    let original = view.original.unwrap();
    assert_eq!(
        (original.width, original.mime_type.as_str()),
        (Some(2_000), "image/jpeg")
    );
    for file in attachment.files() {
        assert!(file.path.starts_with("media/2024/10/"), "{}", file.path);
        let bytes = kept(&place, &file.path).unwrap();
        assert_eq!(bytes.len() as u64, file.size);
        let pixels = image::load_from_memory(&bytes).unwrap();
        assert_eq!(file.pixels, Some((pixels.width(), pixels.height())));
    }
    let holdings = status::status(&place.home, NOW).unwrap().holdings;
    let bytes: u64 = attachment.files().map(|file| file.size).sum();
    assert_eq!((holdings.media_files, holdings.media_bytes), (3, bytes));

    delete(&place.home, NOW + 1, &[posted.id]).unwrap();
    for file in attachment.files() {
        assert_eq!(kept(&place, &file.path), None);
    }
    assert_eq!(
        status::status(&place.home, NOW)
            .unwrap()
            .holdings
            .media_files,
        0
    );
}

#[test]
fn a_file_that_two_posts_name_stays_for_the_other() {
    let place = Place::new();
    let png = picture(300, 200, ImageFormat::Png);
    let mut ids = Vec::new();
    let mut path = String::new();
    for n in 0..2 {
        let mut attacher = Attacher::new(&place.home, NOW).unwrap();
        let attachment = attacher.add(Cursor::new(&png), "", false).unwrap();
        path.clone_from(&attachment.file.path);
        let draft = draft(vec![attachment]);
        let posted = post(&place.home, NOW + n, draft, Some(attacher.finish())).unwrap();
        ids.push(posted.id);
    }
    delete(&place.home, NOW + 5, &ids[..1]).unwrap();
    assert!(kept(&place, &path).is_some());
    delete(&place.home, NOW + 6, &ids[1..]).unwrap();
    assert!(kept(&place, &path).is_none());
}

#[test]
fn what_is_refused_leaves_no_file() {
    let place = Place::new();
    let home = || files(place.home.path());
    let before = (place.state(), home());
    let png = picture(300, 200, ImageFormat::Png);
    let mut attacher = Attacher::new(&place.home, NOW).unwrap();
    let attachment = attacher.add(Cursor::new(&png), "", false).unwrap();
    let many = vec![attachment; limits::ATTACHMENTS + 1];
    let error = post(&place.home, NOW, draft(many), Some(attacher.finish())).unwrap_err();
    assert!(error.to_string().contains("33 files"), "{error}");
    assert_eq!((place.state(), home()), before);

    let mut attacher = Attacher::new(&place.home, NOW).unwrap();
    let alt = "x".repeat(limits::ALT_BYTES + 1);
    let long = attacher.add(Cursor::new(&png), &alt, false);
    assert!(matches!(long, Err(AttachError::Alt(4097))));
    for (bytes, words) in [
        (
            &b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>"[..],
            "export it as PNG",
        ),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "JPEG"),
        (b"just text", "not taken"),
        (b"", "not taken"),
        (&png[..png.len() / 2], "PNG"),
    ] {
        let error = attacher.add(Cursor::new(bytes), "", false).unwrap_err();
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
    drop(attacher);
    assert_eq!((place.state(), home()), before);
}

#[test]
fn only_files_are_opened() {
    let place = Place::new();
    let folder = place.folder.path();
    assert!(matches!(
        open(&folder.join("none")),
        Err(AttachError::Absent(_))
    ));
    assert!(matches!(open(folder), Err(AttachError::NotAFile { .. })));
    let pipe = folder.join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let error = open(&pipe).unwrap_err();
    assert!(error.to_string().contains("a pipe"), "{error}");
    let reader = ourspace_node::Home::open_reader(place.home.path()).unwrap();
    let error = Attacher::new(&reader, NOW).unwrap_err();
    assert!(matches!(error, AttachError::Store(StoreError::ReadersOnly)));
}

#[test]
fn a_profile_has_pictures() {
    let place = Place::new();
    let png = picture(640, 480, ImageFormat::Png);
    let set = |now| {
        let mut attacher = Attacher::new(&place.home, now).unwrap();
        let change = ProfileEdit {
            avatar: Some(Some(attacher.add_avatar(Cursor::new(&png)).unwrap())),
            banner: Some(Some(attacher.add_banner(Cursor::new(&png)).unwrap())),
            ..ProfileEdit::default()
        };
        edit_profile(&place.home, now, change, Some(attacher.finish())).unwrap()
    };
    assert!(set(NOW).changed);
    let pictures = read::profile(&place.home).unwrap().pictures;
    let (avatar, banner) = (pictures.avatar.unwrap(), pictures.banner.unwrap());
    assert_eq!(avatar.file.width, avatar.file.height);
    assert_eq!(banner.file.width, Some(640));
    // The same pictures in another month are the same.
    assert!(!set(NOW + 60 * DAY).changed);
    let clear = ProfileEdit {
        avatar: Some(None),
        ..ProfileEdit::default()
    };
    edit_profile(&place.home, NOW + 61 * DAY, clear, None).unwrap();
    assert_eq!(kept(&place, &avatar.file.url), None);
    assert!(kept(&place, &banner.file.url).is_some());
}

/// Every file below a folder with its bytes, but for those that any writer may touch.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else if !path.to_string_lossy().contains("store.db") {
            all.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    all.sort();
    all
}
