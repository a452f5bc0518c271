//! A post with a photo of 12 megapixels, from the bytes of its JPEG to the durable record:
//! `photo [FILE]`. Without a file the photo is made: gradients, waves and noise, as grainy
//! as one taken by dim light. Beside it, in the same run, what only decoding it takes.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::{
    env, fs,
    hint::black_box,
    io::{Cursor, Seek as _},
};

use anyhow::{Context as _, Result};
use image::{Rgb, RgbImage, codecs::jpeg::JpegEncoder};
use ourspace_bench::{
    Cost, Goal, TABLE, line, median, memory,
    place::{NOW, make},
};
use ourspace_node::{
    attach::Attacher,
    compose::{self, Draft},
};

const ROUNDS: u64 = 5;

/// Gradients and waves with noise of a few steps on top.
fn photograph() -> Result<Vec<u8>> {
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
    JpegEncoder::new_with_quality(&mut bytes, 92).encode_image(&image)?;
    Ok(bytes)
}

fn main() -> Result<()> {
    let bytes = match env::args_os().nth(1) {
        Some(path) => fs::read(path)?,
        None => photograph()?,
    };
    let folder = tempfile::tempdir()?;
    let (home, _) = make(&folder.path().join("home"))?;
    let mut input = Cursor::new(&bytes);
    let (mut walls, mut cpus, mut decoded, mut size) = (vec![], vec![], vec![], 0);
    for round in 0..ROUNDS {
        let (_, cost) = Cost::of(|| image::load_from_memory(&bytes).map(black_box))?;
        decoded.push(cost.cpu.as_secs_f64());
        input.rewind()?;
        let ((), cost) = Cost::of(|| {
            let mut attacher = Attacher::new(&home, NOW)?;
            let attachment = attacher.add(&mut input, "a photo", false)?;
            size = attachment.file.size;
            let draft = Draft {
                attachments: vec![attachment],
                ..Draft::default()
            };
            let stage = attacher.finish();
            compose::post(&home, NOW + round, draft, Some(stage))?;
            anyhow::Ok(())
        })?;
        walls.push(cost.wall.as_secs_f64());
        cpus.push(cost.cpu.as_secs_f64());
    }
    let (wall, cpu, decode) = (median(walls), median(cpus), median(decoded));
    println!("a JPEG of {} kB", bytes.len() / 1000);
    println!("{TABLE}");
    let most = |most| Some(Goal::AtMost(most));
    line("a post with the photo", wall, "s wall", most(1.5));
    line("a post with the photo", cpu, "s CPU", None);
    line("only decoding it", decode, "s CPU", None);
    line("the post, decoding = 1", cpu / decode, "times", None);
    let kilobytes = u32::try_from(size).context("a large picture")?;
    let kilobytes = f64::from(kilobytes) / 1000.0;
    line("its picture of 1600 px", kilobytes, "kB", most(350.0));
    let (_, peak) = memory();
    line("peak memory", peak as f64 / 1e6, "MB", most(400.0));
    Ok(())
}
