//! A feed as a folder: exported, changed, copied, tampered with.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail by panicking")]

mod filled;
mod place;

use std::{
    collections::BTreeMap,
    fs,
    io::Read as _,
    ops::ControlFlow,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use filled::{assert_complete, change, exported, files, filled, id, verified};
use ourspace_node::{
    site::{BLOCKS, BaseUrl, ExportError, RECORD, RECORD_JSON, export},
    verify::{self, State},
};
use ourspace_testkit::signing::NOW;
use tempfile::TempDir;

#[test]
fn what_is_exported_verifies_and_only_changes_are_written() {
    let place = filled();
    let folder = TempDir::new().unwrap();
    let site = folder.path().join("new/site");
    let home = place.state();
    let first = exported(&place, &site);
    assert_eq!(place.state(), home);
    assert_complete(&site);
    let report = verified(&site);
    assert_eq!(report.account, Some(place.account()));
    assert_eq!(report.root, Some(first.root));
    assert_eq!(report.timestamp, Some(first.timestamp));
    assert_ne!(report.signer, report.account);
    let before = files(&site);
    let tree = before
        .keys()
        .filter(|path| !path.starts_with(".well-known"));
    assert_eq!(first.files, tree.count() as u64);
    assert!(before.keys().any(|path| path.starts_with("archive/")));

    let again = exported(&place, &site);
    assert_eq!((again.written, again.removed), (0, 0));
    let lists = |path: &String| path.ends_with("ourspace/files");
    let mut after = files(&site);
    after.retain(|path, _| !lists(path));
    let mut same = before.clone();
    same.retain(|path, _| !lists(path));
    assert_eq!(after, same, "an unchanged file was touched");

    change(&place);
    let changed = exported(&place, &site);
    assert!(changed.removed > 2, "{changed:?}");
    assert!(changed.written < 120, "{changed:?}");
    assert_complete(&site);
    assert!(!site.join(format!("posts/{}", id(30))).exists());

    // The bytes that the changed files had before are dropped one export later. Then what
    // is there is what a fresh export makes.
    let again = exported(&place, &site);
    assert!(again.written == 0 && again.removed > 2, "{again:?}");
    let fresh = folder.path().join("fresh");
    exported(&place, &fresh);
    let names = |site: &Path| files(site).into_keys().collect::<Vec<_>>();
    assert_eq!(names(&site), names(&fresh));
    for name in names(&fresh).iter().filter(|name| !lists(name)) {
        assert_eq!(
            fs::read(site.join(name)).unwrap(),
            fs::read(fresh.join(name)).unwrap(),
            "{name}"
        );
    }
}

#[test]
fn folders_of_others_are_left_alone() {
    let place = filled();
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("thesis.txt"), "x").unwrap();
    let to = |folder: &Path| {
        export(
            &place.home,
            folder,
            None,
            &mut |_| ControlFlow::Continue(()),
        )
    };
    assert!(matches!(to(folder.path()), Err(ExportError::NotOurs(_))));
    assert_eq!(files(folder.path()).len(), 1);

    let site = TempDir::new().unwrap();
    exported(&place, site.path());
    fs::write(site.path().join("CNAME"), "example.org").unwrap();
    let list = site.path().join(".well-known/ourspace/files");
    let text = fs::read_to_string(&list).unwrap();
    let other = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf";
    fs::write(&list, text.replacen(&place.account().to_string(), other, 1)).unwrap();
    assert!(matches!(
        to(site.path()),
        Err(ExportError::OtherAccount { .. })
    ));
    // A list that names files of others, in or out of the folder, harms none of them.
    let outside = folder.path().join("thesis.txt");
    let hostile = format!(
        "{text}../{}\n/etc/hosts\n{}\n",
        outside.display(),
        outside.display()
    );
    fs::write(&list, hostile).unwrap();
    assert!(to(site.path()).is_err());
    assert!(outside.exists());
    fs::write(&list, text).unwrap();
    to(site.path()).unwrap();
    assert!(site.path().join("CNAME").exists());
    // What the host wants beside the feed is no fault, and is named.
    let report = verified(site.path());
    assert!(
        report.valid && report.notes[0].ends_with(": CNAME"),
        "{report:?}"
    );
}

#[test]
fn the_first_wrong_file_is_named() {
    let place = filled();
    let site = TempDir::new().unwrap();
    exported(&place, site.path());
    let names: Vec<String> = files(site.path()).into_keys().collect();
    let one = |prefix: &str, end: &str| {
        let found = names
            .iter()
            .find(|name| name.starts_with(prefix) && name.ends_with(end));
        found.unwrap_or_else(|| panic!("{prefix}…{end}")).clone()
    };
    let kinds = [
        one("archive/", ".json"),
        one("archive/", ".xml"),
        one("archive/", ".html"),
        one("posts/", "index.html"),
        one("posts/", "history.json"),
        one("media/", ".mp3"),
        one("reactions/", ".json"),
        one("tombstones/", ".json"),
        one(BLOCKS, ""),
        "feed.css".to_owned(),
        "feed.json".to_owned(),
        "feed.xml".to_owned(),
        "follows.opml".to_owned(),
        "index.html".to_owned(),
        "profile.json".to_owned(),
        RECORD_JSON.to_owned(),
        RECORD.to_owned(),
    ];
    for name in &kinds {
        let path = site.path().join(name);
        let bytes = fs::read(&path).unwrap();
        let mut wrong = bytes.clone();
        let at = wrong.len() / 2;
        wrong[at] ^= 1;
        fs::write(&path, &wrong).unwrap();
        let report = verified(site.path());
        assert!(!report.valid && report.state == State::Damaged, "{name}");
        assert_eq!(report.errors[0].path, *name, "changed: {:?}", report.errors);
        fs::remove_file(&path).unwrap();
        let report = verified(site.path());
        assert!(!report.valid, "{name}");
        assert_eq!(report.errors[0].path, *name, "missing: {:?}", report.errors);
        fs::write(&path, &bytes).unwrap();
    }
    extra_files_are_named(site.path());
}

fn extra_files_are_named(site: &Path) {
    for name in [
        "archive/zzz.json",
        "media/2027/01/x",
        "posts/evil/index.html",
        "zoo/a/b/c",
    ] {
        let path = site.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "x").unwrap();
        let report = verified(site);
        assert_eq!(report.errors[0].path, *name);
        fs::remove_file(&path).unwrap();
        let mut empty = path.parent().unwrap();
        while fs::remove_dir(empty).is_ok() {
            empty = empty.parent().unwrap();
        }
    }
    // Two at once: the first by path.
    for name in ["index.html", "archive/extra"] {
        fs::write(site.join(name), "x").unwrap();
    }
    let report = verified(site);
    let paths: Vec<&str> = report
        .errors
        .iter()
        .map(|fault| fault.path.as_str())
        .collect();
    assert_eq!(paths, ["archive/extra", "index.html"]);
}

#[test]
fn a_copy_without_blocks_is_checked_by_its_root() {
    let place = filled();
    let folder = TempDir::new().unwrap();
    let (site, beside) = (folder.path().join("site"), folder.path().join("my.record"));
    exported(&place, &site);
    fs::copy(site.join(RECORD), &beside).unwrap();
    fs::remove_dir_all(site.join(".well-known")).unwrap();
    let check = || verify::site(&site, Some(&beside), NOW + 100, &mut || {}).unwrap();
    let report = check();
    assert!(report.valid, "{report:?}");
    assert_eq!(report.notes.len(), 1);
    let page = site
        .join("posts")
        .join(id(8).to_string())
        .join("index.html");
    let text = fs::read_to_string(&page).unwrap();
    fs::write(&page, text.replace("number", "zumber")).unwrap();
    let report = check();
    assert!(!report.valid);
    let name = format!("posts/{}/index.html", id(8));
    assert!(
        report.errors.iter().any(|fault| fault.path == name),
        "{report:?}"
    );
}

#[test]
fn hostile_folders_are_survived() {
    let place = filled();
    let site = TempDir::new().unwrap();
    exported(&place, site.path());
    let at = |name: &str| site.path().join(name);
    // A link to the real file, a pipe in place of a page, a file too large to read.
    let original: PathBuf = at("profile.json");
    fs::rename(&original, at("zz")).unwrap();
    symlink(at("zz"), &original).unwrap();
    fs::remove_file(at("feed.js")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        at("feed.js"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    fs::File::create(at("index.html"))
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    fs::write(at("a\nb"), "").unwrap();
    let bad = std::ffi::OsStr::from_encoded(b"caf\xe9");
    fs::write(site.path().join(bad), "").unwrap();
    let report = verified(site.path());
    let said: BTreeMap<&str, &str> = report
        .errors
        .iter()
        .map(|fault| (fault.path.as_str(), fault.error.as_str()))
        .collect();
    assert_eq!(said["profile.json"], "it is a symbolic link");
    assert_eq!(said["feed.js"], "it is not a regular file");
    assert_eq!(said["index.html"], "it is not the file that was signed");
    assert!(said.contains_key("a\nb") && said.contains_key("caf\u{fffd}"));
    assert!(said.contains_key("zz"));
    // The next export puts it right, and does not write through the link.
    let mut kept = String::new();
    exported(&place, site.path());
    fs::File::open(at("zz"))
        .unwrap()
        .read_to_string(&mut kept)
        .unwrap();
    assert!(kept.contains("_ourspace"));
    assert!(!fs::symlink_metadata(&original).unwrap().is_symlink());
}

trait Encoded {
    fn from_encoded(bytes: &[u8]) -> &std::ffi::OsStr;
}

impl Encoded for std::ffi::OsStr {
    fn from_encoded(bytes: &[u8]) -> &std::ffi::OsStr {
        std::os::unix::ffi::OsStrExt::from_bytes(bytes)
    }
}

#[test]
fn pages_that_the_sources_do_not_make_are_found_though_signed() {
    // Another program's page, signed by its author: the tree is as the record says.
    let place = filled();
    let site = TempDir::new().unwrap();
    exported(&place, site.path());
    let base = BaseUrl::new("https://example.org/blog").unwrap();
    export(&place.home, site.path(), Some(&base), &mut |_| {
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_complete(site.path());
    let podcast = site.path().join("podcast.xml");
    let text = fs::read_to_string(&podcast).unwrap();
    assert!(text.contains("https://example.org/blog/posts/"));
    fs::write(&podcast, text.replace("example.org", "example.com")).unwrap();
    assert_complete(site.path());
    fs::write(&podcast, text.replace("number", "cucumber")).unwrap();
    let report = verified(site.path());
    assert_eq!(report.errors[0].path, "podcast.xml");
    exported(&place, site.path());
    assert!(!podcast.exists());
}

#[test]
fn a_base_is_the_address_of_a_folder_on_the_web() {
    for (wrong, says) in [
        ("example.org", "begin with https://"),
        ("ftp://x.example/", "begin with https://"),
        ("file:///var/www", "begin with https://"),
        ("https://x.example/?a=b", "a query or a fragment"),
        ("https://x.example/#a", "a query or a fragment"),
        (
            "https://ada:hunter2@x.example/",
            "names a user or a password",
        ),
        ("https://ada@x.example/", "names a user or a password"),
        ("https://bücher.example/", "xn--"),
        ("https://", "no address"),
        ("https://[::1/", "no address"),
        ("https://x .example/", "no address"),
    ] {
        let said = BaseUrl::new(wrong).unwrap_err().to_string();
        assert!(said.contains(says), "{wrong}: {said}");
        assert!(said.contains("https://example.org/blog/"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
    let right = BaseUrl::new("http://localhost:8080/~ada").unwrap();
    assert_eq!(right.as_str(), "http://localhost:8080/~ada/");
}
