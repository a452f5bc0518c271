//! Pictures that exiftool filled with places, makers and serial numbers: nothing of it is
//! in a variant or in the original, and another decoder sees the same pixels.

#![expect(clippy::unwrap_used, reason = "tests fail by panics")]

#[path = "support/pictures.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod made;
mod support;

use std::path::Path;

use image::{DynamicImage, ImageFormat};
use made::{file, jpeg, quarters};
use ourspace_media::picture;
use support::{exiftool, run, told};

const WRITTEN: [&str; 14] = [
    "-overwrite_original",
    "-GPSLatitude=48.2082",
    "-GPSLatitudeRef=N",
    "-GPSLongitude=16.3738",
    "-GPSLongitudeRef=E",
    "-Make=SecretMaker",
    "-Model=SecretModel",
    "-SerialNumber=Secret123",
    "-CreateDate=2024:05:01 10:00:00",
    "-XMP:Creator=Secret Person",
    "-XMP:City=Secret City",
    "-IPTC:Keywords=Secret word",
    "-Comment=Secret comment",
    "-Orientation#=6",
];

/// A hash of the pixels as ffmpeg decodes them, unturned.
fn pixels(path: &Path) -> String {
    let path = path.to_str().unwrap();
    run(&["-noautorotate", "-i", path, "-f", "framemd5", "-"])
}

#[test]
fn nothing_that_exiftool_writes_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let image = quarters(640, 320);
    let dynamic = DynamicImage::ImageRgb8(image.clone());
    let files = [
        ("photo.jpg", jpeg(&image)),
        ("picture.png", file(&dynamic, ImageFormat::Png)),
        ("picture.webp", file(&dynamic, ImageFormat::WebP)),
    ];
    for (name, bytes) in files {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        exiftool(&[WRITTEN.as_slice(), &["-m", "-q"]].concat(), &path);
        assert!(told(&path).contains("SecretMaker"), "{name} is no test");
        let made = picture(&std::fs::read(&path).unwrap(), true).unwrap();
        assert_eq!(
            (made.wide.width, made.wide.height),
            (320, 640),
            "{name} is not upright"
        );
        let original = made.original.unwrap();
        assert_eq!((original.width, original.height), (320, 640));
        let small = made.small.unwrap();
        for (part, bytes) in [
            ("original", &original.bytes),
            ("wide", &made.wide.bytes),
            ("small", &small.bytes),
        ] {
            let to = folder.path().join(format!("{part}-{name}"));
            std::fs::write(&to, bytes).unwrap();
            let told = told(&to);
            for word in [
                "Secret",
                "GPS",
                "Make",
                "Model",
                "Serial",
                "CreateDate",
                "XMP",
                "IPTC",
                "Comment",
            ] {
                assert!(!told.contains(word), "{part} {name} tells {word}:\n{told}");
            }
            let turned = told
                .lines()
                .any(|line| line.contains("Orientation") && line.contains("90 CW"));
            assert_eq!(turned, part == "original", "{part} {name}:\n{told}");
            if part == "original" {
                assert_eq!(pixels(&to), pixels(&path), "{name}");
            }
        }
    }
}

/// What cameras of seven makers wrote, with their own notes (the pixels are few: somebody
/// made them small and left the rest as it was).
#[test]
fn nothing_that_real_cameras_wrote_is_left() {
    let peers = std::env::var_os("OURSPACE_PEERS").unwrap();
    let photos = Path::new(&peers).join("photos/piexif/tests/images");
    let folder = tempfile::tempdir().unwrap();
    let mut makers = std::collections::BTreeSet::new();
    let mut serials = 0;
    for entry in std::fs::read_dir(photos).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let real = name.starts_with("r_") || name.starts_with('L') || name == "large.jpg";
        if !real {
            continue;
        }
        let before = told(&path);
        let value = |tag: &str| {
            let lines = before.lines().filter(|line| line.contains(tag));
            let values = lines.filter_map(|line| line.split_once(": "));
            values.map(|(_, value)| value.trim().to_owned()).next()
        };
        makers.insert(value("Make ").unwrap());
        let serial = value("SerialNumber").filter(|serial| serial.len() > 6);
        serials += u32::from(serial.is_some());
        let made = picture(&std::fs::read(&path).unwrap(), true).unwrap();
        let original = made.original.unwrap().bytes;
        for (part, bytes) in [("original", &original), ("wide", &made.wide.bytes)] {
            let to = folder.path().join(format!("{part}-{name}"));
            std::fs::write(&to, bytes).unwrap();
            let told = told(&to);
            for word in ["Make", "Model", "Serial", "DateTime", "Thumbnail", "Lens"] {
                assert!(!told.contains(word), "{part} {name} tells {word}:\n{told}");
            }
            if let Some(serial) = &serial {
                let has = bytes
                    .windows(serial.len())
                    .any(|part| part == serial.as_bytes());
                assert!(!has, "{part} {name} still holds {serial}");
            }
        }
        assert_eq!(
            pixels(&folder.path().join(format!("original-{name}"))),
            pixels(&path)
        );
    }
    assert!(
        makers.len() >= 8 && serials >= 4,
        "{makers:?}, {serials} serial numbers"
    );
}
