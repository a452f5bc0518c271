//! A site whose writing stops at any step is never wrong.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's helpers fail by panicking"
)]

mod filled;
mod place;

use std::{collections::BTreeMap, fs, ops::ControlFlow, path::Path};

use filled::{assert_complete, change, exported, files, filled, publish, verified};
use ourspace_node::{
    site::{BLOCKS, ExportError, RECORD, RECORD_JSON, Step, export},
    verify::State,
};
use ourspace_protocol::{
    dag::{
        BlockSource, Cid, Codec, Link, SourceError,
        entries::{Kind, kind, list},
        read::read_file,
    },
    record::SignedRecord,
};
use tempfile::TempDir;

/// Reads as a stranger would who has nothing but the files and goes by the record.
struct ByRecord<'f>(&'f Path);

impl BlockSource for ByRecord<'_> {
    fn get(&self, cid: &Cid) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(fs::read(self.0.join(BLOCKS).join(cid.to_string())).ok())
    }
}

impl ByRecord<'_> {
    /// Every file of the record's tree; panics where one cannot be had.
    fn read(&self) -> BTreeMap<String, usize> {
        let bytes = fs::read(self.0.join(RECORD)).unwrap();
        let record = SignedRecord::from_bytes(&bytes).unwrap();
        let mut found = BTreeMap::new();
        self.directory(record.record.root, "", &mut found);
        found
    }

    fn directory(&self, cid: Cid, path: &str, found: &mut BTreeMap<String, usize>) {
        list(self, cid, &mut |name, link| {
            let path = if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}/{name}")
            };
            if link.cid.codec() == Codec::DagPb && kind(self, link.cid).unwrap() == Kind::Directory
            {
                self.directory(link.cid, &path, found);
            } else {
                found.insert(path.clone(), self.file(&path, link));
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    }

    fn file(&self, path: &str, link: Link) -> usize {
        if let Ok(bytes) = fs::read(self.0.join(path))
            && ourspace_protocol::feed::tree::link_of(&bytes).cid == link.cid
        {
            return bytes.len();
        }
        let bytes = read_file(self, link.cid, 1 << 30);
        bytes
            .unwrap_or_else(|error| panic!("{path}: {error}"))
            .len()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}

#[test]
fn a_half_written_site_is_never_wrong() {
    let place = filled();
    let folder = TempDir::new().unwrap();
    let (old, site) = (folder.path().join("old"), folder.path().join("site"));
    exported(&place, &old);
    let before = ByRecord(&old).read();
    change(&place);
    let mut stop = 0;
    let mut seen = [0, 0];
    loop {
        // Every third export goes on where the one before it was stopped.
        if stop % 3 == 0 {
            fs::remove_dir_all(&site).ok();
            copy(&old, &site);
        }
        let mut steps = 0;
        let result = export(&place.home, &site, None, &mut |step| {
            if matches!(step, Step::Write(_) | Step::Remove(_)) {
                steps += 1;
            }
            if steps > stop {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        let found = ByRecord(&site).read();
        let report = verified(&site);
        if result.is_ok() {
            if stop % 3 == 0 {
                break;
            }
            assert!(report.valid, "{:?}", report.errors);
        } else {
            assert!(matches!(result, Err(ExportError::Stopped)));
            assert_eq!(
                report.state,
                State::Unfinished,
                "{stop}: {:?}",
                report.errors
            );
            assert!(!report.valid);
            let is_old = found == before;
            seen[usize::from(is_old)] += 1;
        }
        stop += 1;
    }
    assert!(seen[0] > 2 && seen[1] > 15, "{seen:?}");
    assert_complete(&site);
}

#[test]
fn the_first_export_may_be_interrupted_too() {
    let place = filled();
    let folder = TempDir::new().unwrap();
    for stop in [0, 1, 7, 100] {
        let mut steps = 0;
        let result = export(&place.home, folder.path(), None, &mut |step| {
            steps += usize::from(matches!(step, Step::Write(_)));
            if steps > stop {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        assert!(result.is_err());
        let report = verified(folder.path());
        assert!(report.errors[0].error.contains("interrupted"), "{report:?}");
    }
    exported(&place, folder.path());
    assert_complete(folder.path());
}

/// Copies a site as chapter 7.4 says: first all but the records, removing nothing.
fn copy_but_records(from: &Path, to: &Path) {
    for path in files(from).into_keys() {
        if path != RECORD && path != RECORD_JSON {
            let target = to.join(&path);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::copy(from.join(path), target).unwrap();
        }
    }
}

fn copy_records(from: &Path, to: &Path) {
    for path in [RECORD_JSON, RECORD] {
        fs::copy(from.join(path), to.join(path)).unwrap();
    }
}

/// And last: what is gone.
fn remove_others(from: &Path, at: &Path) -> usize {
    let there = files(from);
    let gone: Vec<String> = files(at)
        .into_keys()
        .filter(|path| !there.contains_key(path))
        .collect();
    for path in &gone {
        let path = at.join(path);
        fs::remove_file(&path).unwrap();
        // A folder that is empty then goes, too; another one stays.
        fs::remove_dir(path.parent().unwrap()).ok();
    }
    gone.len()
}

/// Either record alone, of those of a new version, is part of an upload.
fn one_record_comes_first(site: &Path, host: &Path) {
    for name in [RECORD_JSON, RECORD] {
        let old = fs::read(host.join(name)).unwrap();
        fs::copy(site.join(name), host.join(name)).unwrap();
        let report = verified(host);
        assert_eq!(
            report.state,
            State::Unfinished,
            "{name} {:?}",
            report.errors
        );
        fs::write(host.join(name), old).unwrap();
    }
}

/// An upload that removes nothing until the records are there: what the host holds after
/// each step is a version being written, never damage.
#[test]
fn an_upload_in_steps_is_unfinished_until_its_last() {
    let place = filled();
    let folder = TempDir::new().unwrap();
    let (site, host) = (folder.path().join("site"), folder.path().join("host"));
    exported(&place, &site);
    copy(&site, &host);
    assert_complete(&host);
    // A new post with a file, an edit, two deletions, a name; then a reply.
    change(&place);
    exported(&place, &site);
    let mut reply = filled::item(320);
    reply.kind = ourspace_protocol::feed::model::Kind::Reply;
    reply.about = filled::like(&place, 341).about;
    let changes = ourspace_protocol::feed::set::Changes {
        items: vec![reply],
        ..Default::default()
    };
    for second in [false, true] {
        if second {
            publish(
                &place,
                ourspace_testkit::signing::NOW + 30,
                changes.clone(),
                &[],
            );
            exported(&place, &site);
        }
        let before = ByRecord(&host).read();
        copy_but_records(&site, &host);
        let report = verified(&host);
        assert_eq!(report.state, State::Unfinished, "{:?}", report.errors);
        assert!(!report.valid && !report.errors.is_empty());
        assert_eq!(ByRecord(&host).read(), before);

        // A file that no version names is damage, and so is one that is changed.
        for (path, bytes) in [("posts/stray.html", &b"x"[..]), ("index.html", b"x")] {
            let path = host.join(path);
            let old = fs::read(&path).ok();
            fs::write(&path, bytes).unwrap();
            assert_eq!(verified(&host).state, State::Damaged, "{}", path.display());
            match old {
                Some(old) => fs::write(&path, old).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
        }
        // The same file by another name is nobody's.
        fs::copy(host.join("index.html"), host.join("index-old.html")).unwrap();
        assert_eq!(verified(&host).state, State::Damaged);
        fs::remove_file(host.join("index-old.html")).unwrap();

        one_record_comes_first(&site, &host);
        // Folders without files are nothing.
        fs::create_dir_all(host.join("posts/empty/too")).unwrap();

        copy_records(&site, &host);
        let report = verified(&host);
        // Only what was deleted is still there.
        let expected = if second {
            State::Complete
        } else {
            State::Unfinished
        };
        assert_eq!(report.state, expected, "{:?}", report.errors);
        assert!(remove_others(&site, &host) > 0);
        assert_complete(&host);
    }
}
