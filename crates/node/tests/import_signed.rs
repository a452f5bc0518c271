//! Importing exported feeds: those with a record are checked by it.

mod filled;
mod place;

use std::{fs, path::Path};

use filled::{exported, filled};
use ourspace_node::{
    import::{ImportError, Options, Report, Source, import},
    site::RECORD,
};
use ourspace_testkit::signing::NOW;
use tempfile::TempDir;

use self::place::Place;

fn run(place: &Place, path: &Path) -> Result<Report, ImportError> {
    import(
        &place.home,
        NOW + 100,
        Source::Path(path),
        Options::default(),
        &mut |_| {},
    )
}

#[test]
fn an_export_that_is_not_as_signed_is_not_imported() {
    let (first, folder) = (filled(), TempDir::new().unwrap());
    exported(&first, folder.path());
    let second = Place::new();
    assert_eq!(second.account(), first.account());
    let before = second.state();

    let page = folder.path().join("feed.json");
    let whole = fs::read(&page).unwrap();
    let text = String::from_utf8(whole.clone()).unwrap();
    fs::write(&page, text.replace("Post *number* 79", "Never said that")).unwrap();
    let said = run(&second, folder.path()).unwrap_err().to_string();
    assert!(
        said.contains("(feed.json: it is not the file that was signed)"),
        "{said}"
    );
    assert!(said.contains("`ourspace verify`"), "{said}");
    assert_eq!(second.state(), before);
    fs::write(&page, &whole).unwrap();

    let record = folder.path().join(RECORD);
    let bytes = fs::read(&record).unwrap();
    fs::remove_file(&record).unwrap();
    let said = run(&second, folder.path()).unwrap_err().to_string();
    assert!(said.contains("record.cbor"), "{said}");
    fs::write(&record, bytes).unwrap();
    assert_eq!(second.state(), before);

    let report = run(&second, folder.path()).unwrap();
    assert_eq!((report.added, report.updated), (88, 0), "{report:?}");
    // The sample's sounds are none.
    assert_eq!(
        report.warnings,
        ["4 posts: each names a file that is not there or cannot be kept"]
    );
}

#[test]
fn an_export_without_a_record_is_said_to_be_unsigned() {
    let (first, folder) = (filled(), TempDir::new().unwrap());
    exported(&first, folder.path());
    fs::remove_dir_all(folder.path().join(".well-known")).unwrap();
    let report = run(&Place::new(), folder.path()).unwrap();
    let said = &report.warnings[0];
    assert!(
        said.starts_with("there is no record in this copy"),
        "{said}"
    );
}
