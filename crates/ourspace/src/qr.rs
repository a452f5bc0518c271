//! QR codes: in the terminal, as SVG and as PNG.

use std::{fmt::Write as _, io::Cursor, path::Path};

use image::{GrayImage, ImageFormat, Luma};
use qrcodegen::{QrCode, QrCodeEcc};

use crate::{failure::Failure, file};

/// Light modules around the code that readers need (ISO/IEC 18004).
const QUIET: i32 = 4;
/// Pixels of a module's side in a PNG.
const PIXELS: u32 = 8;
/// Black on white in 256 colours, whatever the terminal's own colours are.
const COLOURS: &str = "\x1b[38;5;16;48;5;231m";
const PLAIN: &str = "\x1b[0m";

/// A code with its quiet zone.
pub(crate) struct Qr(QrCode);

impl Qr {
    /// The code of a text of at most some 2,300 bytes.
    pub(crate) fn of(text: &str) -> Result<Self, Failure> {
        QrCode::encode_text(text, QrCodeEcc::Medium)
            .map(Self)
            .map_err(|_| Failure::refused("this is too long for a QR code"))
    }

    /// Modules of a side.
    fn side(&self) -> i32 {
        self.0.size() + 2 * QUIET
    }

    fn dark(&self, x: i32, y: i32) -> bool {
        self.0.get_module(x - QUIET, y - QUIET)
    }

    /// Lines of half blocks, black on white.
    pub(crate) fn terminal(&self) -> String {
        let mut text = String::new();
        for row in self.half_blocks() {
            text.push_str(COLOURS);
            text.push_str(&row);
            text.push_str(PLAIN);
            text.push('\n');
        }
        text
    }

    /// Each line two rows of modules.
    fn half_blocks(&self) -> Vec<String> {
        let block = |x, y| match (self.dark(x, y), self.dark(x, y + 1)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        };
        let rows = (0..self.side()).step_by(2);
        rows.map(|y| (0..self.side()).map(|x| block(x, y)).collect())
            .collect()
    }

    /// An SVG picture, as large as one likes.
    pub(crate) fn svg(&self) -> String {
        let side = self.side();
        let mut path = String::new();
        for y in 0..side {
            let mut x = 0;
            while x < side {
                let run = (x..side).take_while(|x| self.dark(*x, y)).count();
                let run = i32::try_from(run).unwrap_or(0);
                if run > 0 {
                    // Writing to a `String` cannot fail.
                    write!(path, "M{x},{y}h{run}v1h-{run}z").unwrap_or(());
                }
                x += run.max(1);
            }
        }
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" \
             shape-rendering=\"crispEdges\"><rect width=\"{side}\" height=\"{side}\" \
             fill=\"#fff\"/><path d=\"{path}\" fill=\"#000\"/></svg>\n"
        )
    }

    /// A PNG picture, eight pixels a module.
    pub(crate) fn png(&self) -> Result<Vec<u8>, Failure> {
        let side = self.side().unsigned_abs() * PIXELS;
        let at = |pixel: u32| i32::try_from(pixel / PIXELS).unwrap_or(0);
        let picture = GrayImage::from_fn(side, side, |x, y| {
            Luma([if self.dark(at(x), at(y)) { 0 } else { 255 }])
        });
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, ImageFormat::Png)?;
        Ok(bytes.into_inner())
    }

    /// Writes a picture; the end of the file's name says which kind.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let bytes = match Kind::of(path)? {
            Kind::Svg => self.svg().into_bytes(),
            Kind::Png => self.png()?,
        };
        file::write(path, &bytes)
    }

    /// Whether a picture can have this name, before anything else is done.
    pub(crate) fn check(path: &Path) -> Result<(), Failure> {
        Kind::of(path).map(drop)
    }
}

/// The kinds of pictures.
#[derive(Clone, Copy)]
enum Kind {
    Svg,
    Png,
}

impl Kind {
    fn of(path: &Path) -> Result<Self, Failure> {
        let kind = path.extension().map(|kind| kind.to_ascii_lowercase());
        match kind.as_ref().and_then(|kind| kind.to_str()) {
            Some("svg") => Ok(Self::Svg),
            Some("png") => Ok(Self::Png),
            _ => Err(Failure::usage(format!(
                "{}: a QR code is written as .svg or .png",
                path.display()
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "ethereum:0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266@1";

    /// What another program reads in a picture.
    fn read(picture: &GrayImage) -> String {
        // A module of one pixel is too little for a camera's program.
        let (width, height) = (picture.width() * 4, picture.height() * 4);
        let larger = GrayImage::from_fn(width, height, |x, y| *picture.get_pixel(x / 4, y / 4));
        let mut picture = rqrr::PreparedImage::prepare(larger);
        let grids = picture.detect_grids();
        assert_eq!(grids.len(), 1);
        grids[0].decode().unwrap().1
    }

    #[test]
    fn the_terminals_blocks_can_be_read() {
        let rows = Qr::of(TEXT).unwrap().half_blocks();
        let width = rows[0].chars().count() as u32;
        let rows: Vec<Vec<char>> = rows.iter().map(|row| row.chars().collect()).collect();
        let picture = GrayImage::from_fn(width, rows.len() as u32 * 2, |x, y| {
            let block = rows[y as usize / 2][x as usize];
            let dark = block == '█' || block == if y % 2 == 0 { '▀' } else { '▄' };
            Luma([if dark { 0 } else { 255 }])
        });
        assert_eq!(read(&picture), TEXT);
    }

    #[test]
    fn the_png_can_be_read_and_has_its_quiet_zone() {
        let picture = image::load_from_memory(&Qr::of(TEXT).unwrap().png().unwrap()).unwrap();
        let picture = picture.to_luma8();
        let quiet = QUIET as u32 * PIXELS;
        let edge = picture
            .enumerate_pixels()
            .filter(|(x, y, _)| x.min(y) < &quiet);
        assert!(edge.into_iter().all(|(_, _, pixel)| pixel.0 == [255]));
        assert_eq!(picture.get_pixel(quiet, quiet).0, [0]);
        assert_eq!(read(&picture), TEXT);
    }

    #[test]
    fn the_svg_can_be_read() {
        let svg = Qr::of(TEXT).unwrap().svg();
        let (_, path) = svg.split_once("path d=\"").unwrap();
        let (path, _) = path.split_once('"').unwrap();
        let side = Qr::of(TEXT).unwrap().side() as u32;
        let mut picture = GrayImage::from_pixel(side, side, Luma([255]));
        for run in path.split('M').skip(1) {
            let numbers: Vec<u32> = run
                .split(|c: char| !c.is_ascii_digit())
                .filter_map(|number| number.parse().ok())
                .collect();
            for x in numbers[0]..numbers[0] + numbers[2] {
                picture.put_pixel(x, numbers[1], Luma([0]));
            }
        }
        assert_eq!(read(&picture), TEXT);
    }
}
