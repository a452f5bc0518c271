//! What becomes of pictures: upright, small, in sRGB, without metadata; and what is refused.

#![expect(clippy::unwrap_used, reason = "tests fail by panics")]

#[path = "support/pictures.rs"]
mod made;

use image::{DynamicImage, ImageFormat, Luma, Rgb, RgbImage, Rgba, RgbaImage, load_from_memory};
use made::{exif, file, gif, jpeg, quarters, with_chunk, with_segment};
use moxcms::ColorProfile;
use ourspace_media::{MediaError, avatar, picture};

fn near(a: &[u8], b: &[u8], tolerance: u8) -> bool {
    a.iter().zip(b).all(|(a, b)| a.abs_diff(*b) <= tolerance)
}

fn holds(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

const RED: [u8; 3] = [220, 20, 20];
const GREEN: [u8; 3] = [20, 200, 20];
const BLUE: [u8; 3] = [20, 20, 220];
const WHITE: [u8; 3] = [240, 240, 240];

/// What the four quarters become: the picture as stored is red, green above blue, white.
const TURNS: [[[u8; 3]; 4]; 8] = [
    [RED, GREEN, BLUE, WHITE],
    [GREEN, RED, WHITE, BLUE],
    [WHITE, BLUE, GREEN, RED],
    [BLUE, WHITE, RED, GREEN],
    [RED, BLUE, GREEN, WHITE],
    [BLUE, RED, WHITE, GREEN],
    [WHITE, GREEN, BLUE, RED],
    [GREEN, WHITE, RED, BLUE],
];

fn corners(image: &RgbImage) -> [[u8; 3]; 4] {
    let (right, low) = (image.width() * 3 / 4, image.height() * 3 / 4);
    let (left, high) = (image.width() / 4, image.height() / 4);
    [(left, high), (right, high), (left, low), (right, low)].map(|(x, y)| image.get_pixel(x, y).0)
}

fn upright(bytes: &[u8], orientation: u8) {
    let picture = picture(bytes, true).unwrap();
    let shown = load_from_memory(&picture.wide.bytes).unwrap().to_rgb8();
    let size = if orientation >= 5 { (32, 64) } else { (64, 32) };
    assert_eq!(shown.dimensions(), size, "orientation {orientation}");
    assert_eq!((picture.wide.width, picture.wide.height), size);
    let expected = TURNS[usize::from(orientation) - 1];
    for (found, expected) in corners(&shown).iter().zip(&expected) {
        assert!(
            near(found, expected, 40),
            "orientation {orientation}: {found:?} for {expected:?}"
        );
    }
    let original = picture.original.unwrap();
    assert_eq!((original.width, original.height), size);
    assert!(!holds(&original.bytes, b"Secret"));
    let again = ourspace_media::picture(&original.bytes, true).unwrap();
    assert_eq!(
        again.wide, picture.wide,
        "the original shows otherwise than its variant"
    );
    assert_eq!(
        again.original.unwrap(),
        original,
        "stripping twice is not stripping once"
    );
}

#[test]
fn every_orientation_is_applied_and_survives_in_the_original() {
    let image = quarters(64, 32);
    for orientation in 1..=8 {
        let exif = exif(orientation);
        upright(&with_segment(&jpeg(&image), 0xE1, &exif), orientation);
        let png = file(&DynamicImage::ImageRgb8(image.clone()), ImageFormat::Png);
        upright(&with_chunk(&png, b"eXIf", &exif[6..]), orientation);
    }
}

#[test]
fn sizes_are_bounded_and_nothing_is_enlarged() {
    let large = picture(&jpeg(&quarters(2000, 1000)), false).unwrap();
    assert_eq!((large.wide.width, large.wide.height), (1600, 800));
    let small = large.small.unwrap();
    assert_eq!((small.width, small.height), (480, 240));
    assert!(large.original.is_none());
    assert!((10..40).contains(&large.thumbhash.len()));
    let little = picture(&jpeg(&quarters(300, 480)), false).unwrap();
    assert_eq!((little.wide.width, little.wide.height), (300, 480));
    assert!(little.small.is_none());
    let thin = picture(&jpeg(&quarters(5000, 1)), false).unwrap();
    assert_eq!((thin.wide.width, thin.wide.height), (1600, 1));
}

#[test]
fn an_avatar_is_the_centred_square() {
    let mut image = RgbImage::from_pixel(1000, 600, Rgb([255, 0, 0]));
    for (x, _, pixel) in image.enumerate_pixels_mut() {
        if (200..800).contains(&x) {
            *pixel = Rgb([0, 0, 255]);
        }
    }
    let made = avatar(&jpeg(&image)).unwrap();
    assert_eq!((made.wide.width, made.wide.height), (480, 480));
    let shown = load_from_memory(&made.wide.bytes).unwrap().to_rgb8();
    assert!(shown.pixels().all(|pixel| near(&pixel.0, &[0, 0, 255], 60)));
    let tiny = avatar(&jpeg(&quarters(50, 90))).unwrap();
    assert_eq!((tiny.wide.width, tiny.wide.height), (50, 50));
}

#[test]
fn alpha_is_kept() {
    let image = RgbaImage::from_fn(2000, 400, |x, _| {
        if x < 1000 {
            Rgba([255, 0, 0, 0])
        } else {
            Rgba([0, 160, 0, 255])
        }
    });
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        let made = picture(
            &file(&DynamicImage::ImageRgba8(image.clone()), format),
            false,
        )
        .unwrap();
        let shown = load_from_memory(&made.wide.bytes).unwrap().to_rgba8();
        assert_eq!(shown.get_pixel(100, 100).0[3], 0);
        assert!(near(&shown.get_pixel(1500, 100).0, &[0, 160, 0, 255], 8));
    }
}

#[test]
fn colours_are_converted_to_srgb() {
    let image = DynamicImage::ImageRgb8(RgbImage::from_pixel(64, 64, Rgb([100, 180, 60])));
    let icc = ColorProfile::new_display_p3().encode().unwrap();
    let plain = file(&image, ImageFormat::Png);
    let mut packed =
        flate2::write::ZlibEncoder::new(b"p3\0\0".to_vec(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &icc).unwrap();
    let tagged = with_chunk(&plain, b"iCCP", &packed.finish().unwrap());
    let pixel = |bytes: &[u8]| {
        load_from_memory(bytes)
            .unwrap()
            .to_rgb8()
            .get_pixel(30, 30)
            .0
    };
    let shown = pixel(&picture(&tagged, false).unwrap().wide.bytes);
    // By the matrices of both spaces: (100, 180, 60) in P3 is (65, 182, 27) in sRGB.
    assert!(near(&shown, &[65, 182, 27], 8), "{shown:?}");
    let untagged = pixel(&picture(&plain, false).unwrap().wide.bytes);
    assert!(near(&untagged, &[100, 180, 60], 6), "{untagged:?}");
    let segment = [b"ICC_PROFILE\0\x01\x01".as_slice(), &icc].concat();
    let photo = with_segment(&jpeg(&image.to_rgb8()), 0xE2, &segment);
    let made = picture(&photo, true).unwrap();
    assert!(near(&pixel(&made.wide.bytes), &[65, 182, 27], 10));
    assert!(holds(&made.original.unwrap().bytes, b"ICC_PROFILE"));
}

#[test]
fn grey_and_deep_pictures_are_taken() {
    let grey = DynamicImage::ImageLuma8(image::GrayImage::from_pixel(700, 20, Luma([90])));
    let deep = DynamicImage::ImageRgba16(DynamicImage::ImageRgb8(quarters(700, 70)).to_rgba16());
    for (image, colour) in [(grey, [90, 90, 90]), (deep, RED)] {
        let made = picture(&file(&image, ImageFormat::Png), false).unwrap();
        let shown = load_from_memory(&made.small.unwrap().bytes)
            .unwrap()
            .to_rgb8();
        assert!(
            near(&shown.get_pixel(5, 4).0, &colour, 12),
            "{:?}",
            shown.get_pixel(5, 4)
        );
    }
}

#[test]
fn animations_stay_animations_within_limits() {
    let bytes = gif(900, 300, 5);
    let made = picture(&bytes, true).unwrap();
    assert_eq!((made.wide.width, made.wide.height), (800, 267));
    let decoder =
        image::codecs::webp::WebPDecoder::new(std::io::Cursor::new(&made.wide.bytes)).unwrap();
    let frames = image::AnimationDecoder::into_frames(decoder)
        .collect_frames()
        .unwrap();
    assert_eq!(frames.len(), 5);
    assert!(
        frames
            .iter()
            .all(|frame| frame.delay().numer_denom_ms() == (60, 1))
    );
    assert!(near(
        &frames[2].buffer().get_pixel(9, 9).0,
        &[160, 100, 200, 255],
        12
    ));
    let small = load_from_memory(&made.small.unwrap().bytes).unwrap();
    assert_eq!((small.width(), small.height()), (480, 160));
    assert_eq!(made.original.unwrap().bytes, bytes);
    // The animated WebP is taken as well.
    let again = picture(&made.wide.bytes, true).unwrap();
    assert_eq!(again.original.unwrap().bytes, made.wide.bytes);
    assert!(holds(&again.wide.bytes, b"ANIM"));
    // Too many frames: the first is shown.
    let still = picture(&gif(8, 8, 255), false).unwrap();
    assert!(holds(&still.wide.bytes, b"ANIM"));
    let many = picture(&long_gif(400), false).unwrap();
    assert!(!holds(&many.wide.bytes, b"ANIM"));
}

/// A GIF whose frames are one frame again and again.
fn long_gif(frames: usize) -> Vec<u8> {
    let one = gif(4, 4, 1);
    let start = one
        .windows(2)
        .position(|window| window == [0x21, 0xF9])
        .unwrap();
    let frame = &one[start..one.len() - 1];
    [&one[..start], &frame.repeat(frames), &[0x3B]].concat()
}

#[test]
fn what_hangs_at_the_end_or_hides_inside_is_gone() {
    let image = DynamicImage::ImageRgb8(quarters(60, 60));
    let photo = with_segment(&jpeg(&quarters(60, 60)), 0xFE, b"Secret comment");
    let photo = with_segment(&photo, 0xE1, b"http://ns.adobe.com/xap/1.0/\0Secret");
    let photo = with_segment(&photo, 0xED, b"Photoshop 3.0\0Secret");
    let png = with_chunk(&file(&image, ImageFormat::Png), b"tEXt", b"Comment\0Secret");
    let png = with_chunk(&png, b"prVt", b"Secret");
    let png = with_chunk(&png, b"tIME", b"Secret!");
    let mut gif = gif(20, 20, 2);
    let comment = [
        b"\x21\xFE\x06Secret\0".as_slice(),
        b"\x21\xFF\x0BXMP DataXMP\x06Secret\0",
    ]
    .concat();
    let end = gif.len() - 1;
    gif.splice(end..end, comment);
    let mut webp = file(&image, ImageFormat::WebP);
    webp.extend_from_slice(b"XMP \x06\0\0\0Secret");
    let len = (webp.len() as u32 - 8).to_le_bytes();
    webp[4..8].copy_from_slice(&len);
    for bytes in [photo, png, gif, webp] {
        assert!(holds(&bytes, b"Secret"));
        let with_tail = [bytes.as_slice(), b"\0\0\0\x18ftypmp42 Secret film"].concat();
        let made = picture(&with_tail, true).unwrap();
        let original = made.original.unwrap();
        assert!(
            !holds(&original.bytes, b"Secret") && !holds(&original.bytes, b"ftyp"),
            "{}",
            original.mime
        );
        assert!(!holds(&made.wide.bytes, b"Secret"));
        let before = load_from_memory(&bytes).unwrap();
        assert_eq!(
            before,
            load_from_memory(&original.bytes).unwrap(),
            "{}",
            original.mime
        );
    }
}

#[test]
fn cut_pictures_are_refused_by_name() {
    let image = DynamicImage::ImageRgb8(quarters(200, 200));
    let files = [
        jpeg(&quarters(200, 200)),
        file(&image, ImageFormat::Png),
        gif(100, 100, 3),
        file(&image, ImageFormat::WebP),
    ];
    for bytes in files {
        for cut in [bytes.len() - 1, bytes.len() - 2, bytes.len() / 2, 40] {
            let error = picture(&bytes[..cut], false).unwrap_err();
            assert!(
                matches!(error, MediaError::CutOff { .. }),
                "cut at {cut} of {}: {error}",
                bytes.len()
            );
            assert!(error.to_string().contains("cut off"));
        }
    }
}

#[test]
fn damaged_pictures_never_panic() {
    let image = DynamicImage::ImageRgb8(quarters(64, 48));
    let alpha = DynamicImage::ImageRgba8(image.to_rgba8());
    let files = [
        with_segment(&jpeg(&quarters(64, 48)), 0xE1, &exif(6)),
        file(&image, ImageFormat::Png),
        gif(16, 16, 3),
        file(&alpha, ImageFormat::WebP),
        picture(&gif(16, 16, 3), false).unwrap().wide.bytes,
    ];
    let mut state = 0x0005_EED5_u64;
    let mut below = |end: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % end as u64) as usize
    };
    for bytes in files {
        for _ in 0..250 {
            let mut broken = bytes[..bytes.len() - below(bytes.len().min(40))].to_vec();
            for _ in 0..=below(4) {
                let at = below(broken.len());
                broken[at] = below(256) as u8;
            }
            // A size that was changed to a large one is decoded at length, or refused.
            drop(picture(&broken, true));
        }
    }
}
