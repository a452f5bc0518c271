//! Writes a sample feed into a folder, to look at the pages in a browser:
//! `cargo run -p ourspace-protocol --example sample_feed -- FOLDER [MEDIA FOLDER]`.
//!
//! The media folder may hold `picture-0.webp` to `picture-4.webp` with `small-0.webp` and
//! so on, `avatar.webp`, `video.mp4`, `poster.webp`, `sound.mp3`, `document.bin`; what is
//! missing is a stand-in that shows nothing. `FOLDER/empty` gets a feed without posts.
#![expect(clippy::print_stderr, reason = "an example speaks to a person")]

use std::{env, fs, path::PathBuf, process::ExitCode};

use ourspace_testkit::sample::{self, Media, MediaSet};

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let Some(folder) = arguments.next() else {
        eprintln!("give the folder to write to");
        return ExitCode::from(2);
    };
    let mut media = MediaSet::stand_in();
    if let Some(from) = arguments.next() {
        let load = |media: &mut Media, name: String| {
            if let Ok(bytes) = fs::read(from.join(name)) {
                media.bytes = bytes;
            }
        };
        for (n, (wide, small)) in media.pictures.iter_mut().enumerate() {
            load(wide, format!("picture-{n}.webp"));
            load(small, format!("small-{n}.webp"));
        }
        load(&mut media.avatar, "avatar.webp".to_owned());
        load(&mut media.video, "video.mp4".to_owned());
        load(&mut media.poster, "poster.webp".to_owned());
        load(&mut media.sound, "sound.mp3".to_owned());
        load(&mut media.document, "document.bin".to_owned());
    }
    let sample = sample::sample(&media);
    let empty = sample::Sample {
        profile: Default::default(),
        items: Vec::new(),
        ..sample.clone()
    };
    let written = sample::write_tree(&sample, &media, &folder)
        .and_then(|()| sample::write_tree(&empty, &media, &folder.join("empty")));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot write the sample: {error}");
            ExitCode::FAILURE
        }
    }
}
