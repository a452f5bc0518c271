//! Pictures made to fill a machine's memory, each decoded in a process of its own whose
//! peak is read from the system: never more than 400 MB.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests fail by panics and show what they measured"
)]
#![cfg(target_os = "linux")]

#[path = "support/pictures.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod made;

use std::{io::Write as _, path::Path, process::Command};

use flate2::{Compression, write::ZlibEncoder};
use made::{chunk, gif, jpeg, quarters};
use ourspace_media::picture;

const FILE: &str = "OURSPACE_TEST_BOMB";
/// The bound, in kB as the system counts them.
const PEAK: u64 = 400_000_000 / 1024;

/// Does the work when the tests below start it, and nothing otherwise.
#[test]
fn child() {
    let Some(path) = std::env::var_os(FILE) else {
        return;
    };
    let bytes = std::fs::read(path).unwrap();
    let verdict = match picture(&bytes, true) {
        Ok(made) => format!("taken {}x{}", made.wide.width, made.wide.height),
        Err(error) => format!("refused: {error}"),
    };
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    println!(
        "BOMB {verdict} BOMB {}",
        peak.trim().trim_end_matches(" kB")
    );
}

/// Runs one file through a child; gives its verdict.
fn verdict(name: &str, bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let output = run(&path);
    let mut parts = output.split("BOMB ").skip(1);
    let verdict = parts
        .next()
        .unwrap_or_else(|| panic!("{name}: {output}"))
        .trim()
        .to_owned();
    let peak: u64 = parts
        .next()
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap()
        .parse()
        .unwrap();
    println!("{name}: {} MB, {verdict}", peak * 1024 / 1_000_000);
    assert!(peak <= PEAK, "{name} took {peak} kB ({verdict})");
    verdict
}

fn run(path: &Path) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(FILE, path)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the child failed: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn png(width: u32, height: u32, depth: u8, colours: u8) -> Vec<u8> {
    let channels = match colours {
        0 => 1,
        2 => 3,
        4 => 2,
        _ => 4,
    };
    let row = vec![0; 1 + width as usize * channels * usize::from(depth) / 8];
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..height.min(16_000) {
        packed.write_all(&row).unwrap();
    }
    let header = [
        &width.to_be_bytes()[..],
        &height.to_be_bytes(),
        &[depth, colours, 0, 0, 0],
    ]
    .concat();
    let parts = [
        chunk(b"IHDR", &header),
        chunk(b"IDAT", &packed.finish().unwrap()),
        chunk(b"IEND", &[]),
    ];
    [b"\x89PNG\r\n\x1a\n".to_vec(), parts.concat()].concat()
}

/// A small JPEG whose header promises more; progressive ones hold all coefficients.
fn promising(side: u16, progressive: bool) -> Vec<u8> {
    let mut bytes = jpeg(&quarters(16, 16));
    let frame = bytes
        .windows(2)
        .position(|window| window == [0xFF, 0xC0])
        .unwrap();
    if progressive {
        bytes[frame + 1] = 0xC2;
    }
    bytes[frame + 5..frame + 7].copy_from_slice(&side.to_be_bytes());
    bytes[frame + 7..frame + 9].copy_from_slice(&side.to_be_bytes());
    bytes
}

#[test]
fn pictures_beyond_the_limits_are_refused_by_their_headers() {
    let cases = [
        ("60000x60000.png", png(60_000, 1, 1, 0)),
        ("15000x15000.png", png(15_000, 15_000, 8, 0)),
        ("65535.jpg", promising(65_535, false)),
    ];
    for (name, mut bytes) in cases {
        if name.starts_with("60000") {
            let header = [60_000_u32.to_be_bytes(), 60_000_u32.to_be_bytes()].concat();
            let whole = chunk(b"IHDR", &[&header[..], &[8, 0, 0, 0, 0]].concat());
            bytes.splice(8..33, whole);
        }
        let verdict = verdict(name, &bytes);
        assert!(
            verdict.contains("make it smaller first"),
            "{name}: {verdict}"
        );
    }
    let mut screen = gif(2, 2, 1);
    screen[6..10].fill(0xFF);
    let verdict = verdict("65535x65535.gif", &screen);
    assert!(verdict.contains("65535 x 65535"), "{verdict}");
}

#[test]
fn pngs_at_the_limit_stay_below_it() {
    for (name, bytes, taken) in [
        ("rgba.png", png(7_000, 7_100, 8, 6), true),
        ("wide-rgba.png", png(31_000, 1_600, 8, 6), true),
        ("deep-grey.png", png(7_000, 7_000, 16, 0), true),
        ("deep-rgba.png", png(5_600, 5_700, 16, 6), true),
        ("deeper-rgba.png", png(7_000, 7_000, 16, 6), false),
    ] {
        let verdict = verdict(name, &bytes);
        assert_eq!(verdict.starts_with("taken"), taken, "{name}: {verdict}");
    }
}

#[test]
fn jpegs_at_the_limit_stay_below_it() {
    for (name, bytes) in [
        ("baseline.jpg", promising(7_000, false)),
        ("progressive.jpg", promising(5_000, true)),
        ("progressive-large.jpg", promising(7_000, true)),
    ] {
        let verdict = verdict(name, &bytes);
        assert_eq!(
            verdict.contains("not progressive"),
            name.contains("large"),
            "{name}: {verdict}"
        );
    }
}

#[test]
fn gifs_at_the_limit_stay_below_it() {
    // A frame of four pixels on a screen of 41 million, and one of 41 million on one of four.
    let mut screen = gif(2, 2, 1);
    screen[6..10].copy_from_slice(&[0x00, 0x19, 0x00, 0x19]);
    assert!(verdict("screen.gif", &screen).starts_with("taken"));
    let mut frame = gif(2, 2, 1);
    let image = frame
        .windows(2)
        .position(|window| window == [0x2C, 0])
        .unwrap();
    frame[image + 5..image + 9].copy_from_slice(&[0xFF; 4]);
    let verdict_of_frame = verdict("frame.gif", &frame);
    assert!(
        verdict_of_frame.starts_with("refused"),
        "{verdict_of_frame}"
    );
    let one = gif(400, 400, 1);
    let start = one
        .windows(2)
        .position(|window| window == [0x21, 0xF9])
        .unwrap();
    let many = |frames| {
        [
            &one[..start],
            &one[start..one.len() - 1].repeat(frames),
            &[0x3B],
        ]
        .concat()
    };
    assert!(verdict("frames.gif", &many(40_000_000 / one.len())).starts_with("taken"));
    assert!(verdict("animated.gif", &many(290)).starts_with("taken"));
}

/// A WebP of one colour.
fn webp(width: u32, height: u32, alpha: u8, lossless: i32) -> Vec<u8> {
    let pixels = [120, 130, 140, alpha].repeat(width as usize * height as usize);
    let mut config = webp::WebPConfig::new().unwrap();
    config.lossless = lossless;
    config.method = 0;
    let encoder = webp::Encoder::from_rgba(&pixels, width, height);
    encoder.encode_advanced(&config).unwrap().to_vec()
}

#[test]
fn webps_at_the_limit_stay_below_it() {
    for (name, bytes, taken) in [
        ("lossless.webp", webp(10_000, 4_990, 120, 1), true),
        ("lossy.webp", webp(10_000, 4_990, 255, 0), true),
        ("lossy-alpha.webp", webp(10_000, 2_980, 120, 0), true),
        ("lossy-alpha-large.webp", webp(10_000, 4_990, 120, 0), false),
    ] {
        let verdict = verdict(name, &bytes);
        assert_eq!(verdict.starts_with("taken"), taken, "{name}: {verdict}");
    }
}
