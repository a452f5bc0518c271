//! How long a photograph takes on its way into a feed, and how large it becomes:
//! `picture_speed [FILE]`. Without a file, twelve megapixels of gradients, shapes and
//! noise, as grainy as a photograph by dim light, are made first.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "an example prints and may stop"
)]

use std::time::Instant;

use image::{Rgb, RgbImage, codecs::jpeg::JpegEncoder};

/// Gradients and waves with noise of a few steps on top.
fn photograph() -> Vec<u8> {
    let mut state = 0x9E37_79B9_u32;
    let image = RgbImage::from_fn(4000, 3000, |x, y| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let noise = (state >> 28) as f32 - 7.5;
        let (fx, fy) = (x as f32, y as f32);
        let wave = 40.0 * (fx / 37.0).sin() * (fy / 53.0).cos();
        let leaves = 25.0 * ((fx * fy) / 9000.0).sin();
        let base = [fx / 20.0, fy / 15.0, 200.0 - fx / 25.0];
        Rgb(base.map(|base| (base + wave + leaves + noise).clamp(0.0, 255.0) as u8))
    });
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 92)
        .encode_image(&image)
        .unwrap();
    bytes
}

fn main() {
    let bytes = match std::env::args_os().nth(1) {
        Some(path) => std::fs::read(path).unwrap(),
        None => photograph(),
    };
    for keep_original in [false, true] {
        let start = Instant::now();
        let made = ourspace_media::picture(&bytes, keep_original).unwrap();
        let milliseconds = start.elapsed().as_millis();
        println!(
            "{} bytes in, {milliseconds} ms: {} x {} in {} bytes, small {} bytes, original {} bytes",
            bytes.len(),
            made.wide.width,
            made.wide.height,
            made.wide.bytes.len(),
            made.small.map_or(0, |small| small.bytes.len()),
            made.original.map_or(0, |original| original.bytes.len()),
        );
    }
}
