//! Exports to where none may be, and sites that are wrong in ways of their own.

mod filled;
mod place;

use std::{fs, ops::ControlFlow, os::unix::fs::symlink, path::Path};

use filled::{exported, files, filled, verified};
use ourspace_node::{
    site::{BLOCKS, ExportError, Exported, RECORD, RECORD_JSON, export},
    verify,
};
use ourspace_protocol::{dag::Cid, record::Record};
use ourspace_testkit::signing::{NOW, TestKey, sign_record};
use place::Place;
use tempfile::TempDir;

fn to(place: &Place, folder: &Path) -> Result<Exported, ExportError> {
    let mut watch = |_: ourspace_node::site::Step<'_>| ControlFlow::Continue(());
    export(&place.home, folder, None, &mut watch)
}

fn errors(site: &Path) -> Vec<(String, String)> {
    let found = verified(site).errors.into_iter();
    found.map(|fault| (fault.path, fault.error)).collect()
}

#[test]
fn an_export_does_not_go_into_the_home_or_over_a_file() {
    let place = filled();
    let folder = TempDir::new().unwrap();
    let home = place.home.path();
    symlink(home, folder.path().join("way")).unwrap();
    let before = files(home);
    for inside in [
        home.to_owned(),
        home.join("site"),
        home.join("a/b/../c"),
        folder.path().join("way/site"),
        folder.path().join("new/../way/site"),
    ] {
        let said = to(&place, &inside).unwrap_err().to_string();
        assert!(said.contains("holds your keys"), "{inside:?}: {said}");
    }
    assert_eq!(files(home), before);
    let file = folder.path().join("notes.txt");
    fs::write(&file, "mine").unwrap();
    let said = to(&place, &file).unwrap_err().to_string();
    assert!(said.contains("notes.txt: it is a file"), "{said}");
    assert_eq!(fs::read(&file).unwrap(), b"mine");
}

#[test]
fn an_export_names_the_link_that_it_does_not_follow() {
    let place = filled();
    let (folder, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    for name in ["posts", ".well-known", ".well-known/ourspace", "media/2026"] {
        let site = folder.path().join(name.replace('/', "-"));
        exported(&place, &site);
        let links = site.join(name);
        fs::remove_dir_all(&links).unwrap();
        symlink(elsewhere.path(), &links).unwrap();
        let said = to(&place, &site).unwrap_err().to_string();
        // Without the list of an earlier export the folder is nobody's.
        let known = !name.starts_with(".well-known");
        let names = said.contains(&format!("{name}: it is a symbolic link"));
        assert!(names || !known && said.contains("is not empty"), "{said}");
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0, "{name}");
    }
    // A link to a file is replaced, and what it leads to is left alone.
    let site = folder.path().join("file");
    exported(&place, &site);
    let outside = elsewhere.path().join("mine");
    fs::write(&outside, "mine").unwrap();
    fs::remove_file(site.join("index.html")).unwrap();
    symlink(&outside, site.join("index.html")).unwrap();
    to(&place, &site).unwrap();
    assert!(verified(&site).valid);
    assert_eq!(fs::read(&outside).unwrap(), b"mine");
}

#[test]
fn what_a_host_needs_for_itself_is_noted() {
    let place = filled();
    let site = TempDir::new().unwrap();
    exported(&place, site.path());
    fs::create_dir_all(site.path().join(".git/objects")).unwrap();
    for name in [
        ".htaccess",
        ".nojekyll",
        "CNAME",
        "robots.txt",
        "favicon.ico",
        ".DS_Store",
    ] {
        fs::write(site.path().join(name), "x").unwrap();
    }
    fs::create_dir_all(site.path().join(".well-known/acme-challenge")).unwrap();
    fs::write(site.path().join(".well-known/acme-challenge/x"), "x").unwrap();
    let report = verified(site.path());
    assert!(report.valid, "{report:?}");
    assert_eq!(
        report.notes,
        [
            "not a part of the signed feed, but perhaps of the web host: \
             .DS_Store, .git, .htaccess, .nojekyll, CNAME, favicon.ico, robots.txt"
        ]
    );
    // Only at the top, and no pages.
    for name in [
        "posts/CNAME",
        "posts/.htaccess",
        "media/index.html",
        "about.html",
    ] {
        fs::write(site.path().join(name), "x").unwrap();
        let wrong = "it is not a part of the signed feed";
        assert_eq!(errors(site.path()), [(name.to_owned(), wrong.to_owned())]);
        fs::remove_file(site.path().join(name)).unwrap();
    }
    // A copy without blocks as well.
    let beside = TempDir::new().unwrap();
    let record = beside.path().join("record");
    fs::copy(site.path().join(RECORD), &record).unwrap();
    fs::remove_dir_all(site.path().join(".well-known")).unwrap();
    let report = verify::site(site.path(), Some(&record), NOW + 100, &mut || {}).unwrap();
    assert!(report.valid && report.notes.len() == 2, "{report:?}");
}

#[test]
fn a_record_for_ethereum_must_be_there_and_say_the_same() {
    let place = filled();
    let site = TempDir::new().unwrap();
    exported(&place, site.path());
    let path = site.path().join(RECORD_JSON);
    let text = fs::read_to_string(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let missing = errors(site.path());
    assert_eq!((missing.len(), missing[0].0.as_str()), (1, RECORD_JSON));
    assert!(missing[0].1.starts_with("it is missing"), "{missing:?}");
    for wrong in ["", "{}", "null", &text.replacen("0x", "0x0", 1)] {
        fs::write(&path, wrong).unwrap();
        let says = "it does not say what record.cbor says".to_owned();
        assert_eq!(errors(site.path()), [(RECORD_JSON.to_owned(), says)]);
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(errors(site.path())[0].0, RECORD_JSON);
}

#[test]
fn an_altered_block_is_not_called_missing() {
    let place = filled();
    let site = TempDir::new().unwrap();
    exported(&place, site.path());
    let names: Vec<String> = files(site.path()).into_keys().collect();
    let blocks = names.iter().filter(|name| name.starts_with(BLOCKS));
    for name in blocks.step_by(7) {
        let path = site.path().join(name);
        let bytes = fs::read(&path).unwrap();
        let longer = [&bytes[..], b"x"].concat();
        for wrong in [&bytes[1..], &longer, &vec![7; 3 << 20], b""] {
            fs::write(&path, wrong).unwrap();
            let found = errors(site.path());
            let of_it = found.iter().find(|(path, _)| path == name).unwrap();
            assert!(of_it.1.starts_with("the block is altered"), "{found:?}");
        }
        fs::remove_file(&path).unwrap();
        assert!(errors(site.path()).contains(&(name.clone(), "the block is missing".to_owned())));
        fs::write(&path, &bytes).unwrap();
    }
}

#[test]
fn what_is_dated_after_its_record_is_named() {
    let place = filled();
    let site = TempDir::new().unwrap();
    let root: Cid = exported(&place, site.path()).root;
    let wallet = TestKey::named("compose");
    // Before the edit of a post, and before the newest post.
    for timestamp in [NOW + 5, filled::date(79) - 1] {
        let record = Record {
            timestamp,
            root,
            ..ourspace_testkit::signing::record(&wallet)
        };
        let signed = sign_record(record, None, &wallet);
        fs::write(site.path().join(RECORD), signed.to_bytes()).unwrap();
        let verified = ourspace_protocol::verify::verify(
            &signed.to_bytes(),
            ourspace_protocol::verify::Context {
                now: NOW + 100,
                highest_epoch: 0,
            },
            &mut ourspace_protocol::verify::KnownGrants::new(),
        )
        .unwrap();
        let json = ourspace_node::site::record::record_json(&verified);
        fs::write(site.path().join(RECORD_JSON), json).unwrap();
        let found = errors(site.path());
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, "feed.json", "{found:?}");
        assert!(found[0].1.contains("is after the record"), "{found:?}");
    }
}

#[test]
fn what_is_no_site_is_called_what_it_is() {
    let place = filled();
    let folder = TempDir::new().unwrap();
    let found = errors(folder.path());
    assert!(
        found[0].0 == "." && found[0].1.contains("the folder is empty"),
        "{found:?}"
    );
    let found = errors(place.home.path());
    assert!(
        found[0].0 == "." && found[0].1.contains("this is a home"),
        "{found:?}"
    );
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let found = errors(folder.path());
    assert!(
        found[0].0 == RECORD && found[0].1.contains("--record FILE"),
        "{found:?}"
    );
    for (path, says) in [
        (file, "it is a file, not a folder"),
        (folder.path().join("nowhere"), "there is no such folder"),
    ] {
        let said = verify::site(&path, None, NOW, &mut || {}).unwrap_err();
        assert!(said.to_string().contains(says), "{said}");
    }
}

#[test]
fn a_record_that_is_too_large_and_a_post_that_is_gone_are_named() {
    let place = filled();
    let site = TempDir::new().unwrap();
    exported(&place, site.path());
    let post = format!("posts/{}", filled::id(7));
    fs::remove_dir_all(site.path().join(&post)).unwrap();
    let found = errors(site.path());
    assert_eq!(
        found,
        [(format!("{post}/index.html"), "it is missing".to_owned())]
    );

    let large = fs::OpenOptions::new()
        .write(true)
        .open(site.path().join(RECORD))
        .unwrap();
    large.set_len(5 << 30).unwrap();
    let found = errors(site.path());
    assert!(
        found[0].0 == RECORD && found[0].1.contains("too large to be a record"),
        "{found:?}"
    );
    let record = site.path().join(RECORD);
    let report = verify::site(site.path(), Some(&record), NOW + 100, &mut || {}).unwrap();
    assert!(
        report.errors[0].error.contains("too large to be a record"),
        "{report:?}"
    );
}
