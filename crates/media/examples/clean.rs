//! Cleans one video or sound: `clean IN OUT`.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "an example")]
use std::fs::File;
fn main() {
    let mut arguments = std::env::args_os().skip(1);
    let input = File::open(arguments.next().unwrap()).unwrap();
    let mut out = File::create(arguments.next().unwrap()).unwrap();
    match ourspace_media::clean(input, &mut out) {
        Ok(clean) => println!("{clean:?}"),
        Err(error) => println!("refused: {error}"),
    }
}
