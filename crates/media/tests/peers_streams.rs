//! Video and sound that ffmpeg made, with every metadata it can write: the streams stay
//! what they are, the rest is gone, and what comes out still plays.

#![expect(clippy::unwrap_used, reason = "tests fail by panics")]

mod support;

use std::{
    fs::File,
    io::Cursor,
    path::{Path, PathBuf},
};

use ourspace_media::{Clean, Kind, clean};
use support::{run, told};

const PICTURES: &str = "testsrc2=size=320x180:rate=25:duration=2";
const SOUND: &str = "sine=frequency=440:duration=2:sample_rate=48000";
const H264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac";
/// Name, inputs (v, a), codecs and options.
const SAMPLES: [(&str, &str, &str); 25] = [
    ("usual.mp4", "va", H264),
    (
        "keys.mp4",
        "va",
        "-c:v libx264 -preset ultrafast -c:a aac -movflags use_metadata_tags",
    ),
    (
        "three.mp4",
        "vaa",
        "-map 0 -map 1 -map 2 -c:v libx264 -preset ultrafast -bf 2 -c:a aac",
    ),
    ("silent.m4v", "v", "-f mp4 -c:v libx264 -preset ultrafast"),
    ("av1.mp4", "v", "-c:v libaom-av1 -cpu-used 8 -t 0.4"),
    (
        "hevc.mp4",
        "v",
        "-c:v libx265 -preset ultrafast -x265-params log-level=error -tag:v hvc1",
    ),
    ("usual.mov", "va", H264),
    (
        "raw.mov",
        "va",
        "-c:v libx264 -preset ultrafast -c:a pcm_s16le -timecode 01:00:00:00",
    ),
    ("sound.m4a", "a", "-c:a aac"),
    ("lossless.m4a", "a", "-c:a alac"),
    ("sound.aac", "a", "-c:a aac -write_id3v2 1"),
    (
        "vp8.webm",
        "va",
        "-c:v libvpx -deadline realtime -c:a libvorbis",
    ),
    (
        "vp9.webm",
        "va",
        "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus",
    ),
    (
        "live.webm",
        "va",
        "-c:v libvpx -deadline realtime -c:a libopus -live 1",
    ),
    (
        "sound.mp3",
        "a",
        "-c:a libmp3lame -b:a 128k -write_id3v1 1 -id3v2_version 4",
    ),
    ("sound.ogg", "a", "-c:a libvorbis"),
    ("sound.opus", "a", "-c:a libopus"),
    ("flac.oga", "a", "-f ogg -c:a flac"),
    ("sound.flac", "a", "-c:a flac"),
    ("sound.wav", "a", "-c:a pcm_s16le -write_bext 1"),
    (
        "parts.mp4",
        "va",
        "-c:v libx264 -preset ultrafast -g 10 -bf 2 -c:a aac -movflags frag_keyframe+empty_moov",
    ),
    (
        "dash.mp4",
        "va",
        "-c:v libx264 -preset ultrafast -g 10 -bf 2 -c:a aac -movflags dash+cmaf+delay_moov+negative_cts_offsets -write_prft wallclock",
    ),
    (
        "old-parts.mp4",
        "vaa",
        "-map 0 -map 1 -map 2 -c:v libx264 -preset ultrafast -c:a aac -movflags frag_every_frame+empty_moov+omit_tfhd_offset",
    ),
    (
        "parts.mov",
        "va",
        "-c:v libx264 -preset ultrafast -g 10 -c:a pcm_s16le -movflags frag_keyframe+empty_moov",
    ),
    (
        "parts.m4a",
        "a",
        "-c:a aac -movflags empty_moov -frag_duration 300000",
    ),
];
/// Strings that stand in every sample's metadata.
const SECRETS: [&str; 7] = [
    "title=Secret Holiday",
    "artist=Secret Person",
    "comment=Secret comment",
    "location=+48.2082+016.3738/",
    "make=SecretMaker",
    "model=SecretModel 15",
    "creation_time=2024-05-01T10:00:00Z",
];

fn make(folder: &Path, name: &str, inputs: &str, options: &str) -> PathBuf {
    let path = folder.join(name);
    let mut arguments: Vec<&str> = Vec::new();
    for input in inputs.chars() {
        arguments.extend([
            "-f",
            "lavfi",
            "-i",
            if input == 'v' { PICTURES } else { SOUND },
        ]);
    }
    for secret in SECRETS {
        arguments.extend(["-metadata", secret]);
    }
    for stream in ["-metadata:s:0", "-metadata:s:1"].iter().take(inputs.len()) {
        arguments.extend([stream, "handler_name=Secret Handler"]);
    }
    arguments.extend(options.split(' '));
    arguments.push(path.to_str().unwrap());
    run(&arguments);
    path
}

/// A hash of every stream's coded packets; `map` says which streams.
fn packets(path: &Path) -> String {
    let path = path.to_str().unwrap();
    run(&[
        "-i",
        path,
        "-map",
        "0:v?",
        "-map",
        "0:a?",
        "-c",
        "copy",
        "-bitexact",
        "-f",
        "streamhash",
        "-",
    ])
}

fn cleaned(path: &Path) -> (PathBuf, Clean) {
    let to = path.with_file_name(format!(
        "clean-{}",
        path.file_name().unwrap().to_str().unwrap()
    ));
    let mut out = File::create(&to).unwrap();
    let clean = clean(File::open(path).unwrap(), &mut out).unwrap();
    assert_eq!(clean.size, to.metadata().unwrap().len());
    (to, clean)
}

fn contains(bytes: &[u8], word: &str) -> bool {
    bytes
        .windows(word.len())
        .any(|window| window == word.as_bytes())
}

#[test]
fn streams_stay_and_secrets_go() {
    let folder = tempfile::tempdir().unwrap();
    for (name, inputs, options) in SAMPLES {
        let from = make(folder.path(), name, inputs, options);
        let (to, clean) = cleaned(&from);
        assert_eq!(packets(&from), packets(&to), "{name}");
        let bytes = std::fs::read(&to).unwrap();
        for secret in ["Secret", "48.2082", "2024-05-01"] {
            assert!(!contains(&bytes, secret), "{name} still tells {secret}");
        }
        // exiftool does not know bare AAC; there is nothing but frames in it.
        if name != "sound.aac" {
            nothing_told(name, &told(&to));
        }
        let path = to.to_str().unwrap();
        run(&[
            "-xerror",
            "-err_detect",
            "explode",
            "-i",
            path,
            "-f",
            "null",
            "-",
        ]);
        described(name, inputs, &clean);
        // Cleaning what is clean changes nothing.
        let mut again = Vec::new();
        ourspace_media::clean(Cursor::new(&bytes), &mut again).unwrap();
        assert!(again == bytes, "{name} is not the same when cleaned twice");
    }
}

/// What exiftool calls by these names must be absent, or zero.
fn nothing_told(name: &str, told: &str) {
    for line in told.lines() {
        let (tag, value) = line.split_once(": ").unwrap_or((line, ""));
        let forbidden = [
            "GPS",
            "Make",
            "Model",
            "Serial",
            "Location",
            "Artist",
            "Title",
            "Comment",
            "Software",
            "Date",
            "Creat",
            "Modif",
            "HandlerDescription",
            "HandlerVendor",
            "CompressorName",
            "VendorID",
            "Originator",
        ];
        let zero = value.trim_matches([' ', '0', ':', '-']).is_empty();
        let found = forbidden.iter().any(|word| tag.contains(word)) && !zero;
        assert!(!found, "{name}: {line}");
    }
}

fn described(name: &str, inputs: &str, clean: &Clean) {
    let kind = if inputs.contains('v') {
        Kind::Video
    } else {
        Kind::Audio
    };
    assert_eq!(clean.media.kind, kind, "{name}");
    let pixels = inputs.contains('v').then_some((320, 180));
    assert_eq!(clean.pixels, pixels, "{name}");
    let expected = if name == "av1.mp4" { 400 } else { 2000 };
    let duration = clean.duration.unwrap();
    assert!(duration.abs_diff(expected) < 100, "{name}: {duration} ms");
    // AAC has no title of its own but for an ID3 tag, which ffmpeg leaves out of `aac`.
    if !matches!(name, "keys.mp4") {
        assert_eq!(clean.title.as_deref(), Some("Secret Holiday"), "{name}");
    }
}

/// When each packet is decoded and shown, for how long, its size and its hash. What comes
/// behind these columns is what ffmpeg concludes from an ordinary index only: how much of
/// the last sound it need not play, which the packet's length says already.
fn times(path: &Path) -> Vec<Vec<String>> {
    let path = path.to_str().unwrap();
    let map = ["-map", "0:v?", "-map", "0:a?"];
    let how = ["-c", "copy", "-bitexact", "-f", "framehash", "-"];
    let all = run(&[&["-i", path][..], &map, &how].concat());
    let columns = |line: &str| line.split(',').take(6).map(str::to_owned).collect();
    all.lines().map(columns).collect()
}

#[test]
fn what_was_in_fragments_keeps_its_times() {
    let folder = tempfile::tempdir().unwrap();
    let parts = SAMPLES
        .iter()
        .filter(|(_, _, options)| options.contains("empty_moov") || options.contains("dash"));
    assert_eq!(parts.clone().count(), 5);
    for (name, inputs, options) in parts {
        let from = make(folder.path(), name, inputs, options);
        let has = |path: &Path, word| contains(&std::fs::read(path).unwrap(), word);
        assert!(has(&from, "moof"), "{name}");
        let (to, clean) = cleaned(&from);
        for word in ["moof", "mvex", "sidx", "emsg", "prft", "mfra"] {
            assert!(!has(&to, word), "{name}: {word}");
        }
        let (mut before, mut after) = (times(&from), times(&to));
        if *name == "old-parts.mp4" {
            // A fragment a sample: what lasts until the next one says so only in that one.
            for columns in before.iter_mut().chain(&mut after) {
                if let Some(duration) = columns.get_mut(3) {
                    duration.clear();
                }
            }
        }
        let other = before.iter().zip(&after).find(|(a, b)| a != b);
        assert_eq!(other, None, "{name}");
        assert_eq!(before.len(), after.len(), "{name}");
        let length = clean.duration.unwrap();
        assert!((1_900..2_150).contains(&length), "{name}: {length}");
    }
}

#[test]
fn the_index_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    for (name, inputs, options) in [SAMPLES[0], SAMPLES[6], SAMPLES[8]] {
        let from = make(folder.path(), name, inputs, options);
        let place =
            |bytes: &[u8], word| bytes.windows(4).position(|window| window == word).unwrap();
        let before = std::fs::read(&from).unwrap();
        assert!(
            place(&before, b"moov") > place(&before, b"mdat"),
            "{name} is no test"
        );
        let after = std::fs::read(cleaned(&from).0).unwrap();
        assert!(place(&after, b"moov") < place(&after, b"mdat"), "{name}");
        assert_eq!(&after[4..8], b"ftyp");
    }
}

#[test]
fn turned_video_keeps_its_turn() {
    let folder = tempfile::tempdir().unwrap();
    let from = make(folder.path(), "usual.mp4", "va", H264);
    let turned = folder.path().join("turned.mp4");
    run(&[
        "-display_rotation",
        "90",
        "-i",
        from.to_str().unwrap(),
        "-c",
        "copy",
        turned.to_str().unwrap(),
    ]);
    let (to, clean) = cleaned(&turned);
    assert_eq!(clean.pixels, Some((180, 320)));
    assert!(
        told(&to)
            .lines()
            .any(|line| line.contains("Rotation") && line.ends_with("270")),
        "{}",
        told(&to)
    );
}

#[test]
fn what_is_not_taken_is_refused_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |name: &str, inputs: &str, options: &str| {
        let path = make(folder.path(), name, inputs, options);
        clean(File::open(path).unwrap(), &mut Vec::new()).unwrap_err()
    };
    let mkv = refused("film.mkv", "va", H264);
    assert!(mkv.to_string().contains("MKV"), "{mkv}");
    let avi = refused("film.avi", "va", "-c:v mpeg4 -c:a libmp3lame");
    assert!(avi.to_string().contains("AVI"), "{avi}");
    let locked = refused(
        "locked.mp4",
        "va",
        &format!(
            "{H264} -encryption_scheme cenc-aes-ctr -encryption_key 76a6c65c5ea762046bd749a2e632ccbb -encryption_kid a7e61c373e219033c21091fa607bf3b8"
        ),
    );
    assert!(locked.to_string().contains("encrypted"), "{locked}");
}

/// A small generator of numbers (xorshift), so that a failure can be repeated.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

#[test]
fn damaged_files_never_panic_and_cut_ones_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut numbers = Numbers(0x5EED);
    for (name, inputs, options) in SAMPLES {
        if matches!(name, "hevc.mp4" | "av1.mp4") {
            continue; // nothing here looks into the codec
        }
        let bytes = std::fs::read(make(folder.path(), name, inputs, options)).unwrap();
        // Neither MP3 without a count nor AAC can be told from a shorter file.
        let endless = name.ends_with(".aac");
        for _ in 0..40 {
            let cut = bytes.len() / 3 + numbers.below(bytes.len() / 3);
            let result = clean(Cursor::new(&bytes[..cut]), &mut Vec::new());
            assert!(
                endless || result.is_err() || whole_pages(name),
                "{name} cut at {cut}: {result:?}"
            );
        }
        for _ in 0..150 {
            let mut broken = bytes.clone();
            let head = broken.len().min(3000);
            for _ in 0..=numbers.below(4) {
                let at = if numbers.below(2) == 0 {
                    numbers.below(head)
                } else {
                    numbers.below(bytes.len())
                };
                broken[at] = numbers.below(256) as u8;
            }
            let mut out = Vec::new();
            if let Ok(done) = clean(Cursor::new(&broken), &mut out) {
                assert_eq!(done.size, out.len() as u64);
                assert!(out.len() <= bytes.len() + 4096, "{name} grew");
            }
        }
    }
}

/// OGG and live WebM files may end after any page or cluster, MP4 after any fragment.
fn whole_pages(name: &str) -> bool {
    matches!(name, "live.webm")
}
