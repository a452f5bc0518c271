//! Pictures made of an address: a face and a banner for those who have none, the code to
//! scan. All of them are SVG in the page itself, plain attributes only.

use qrcodegen::{QrCode, QrCodeEcc};

use crate::{
    account::Account,
    feed::text::{push_number, put},
    hash::sha256,
};

/// Shapes in a square of 20 by 20, to be turned by quarters.
const SHAPES: [&str; 8] = [
    "M0 0h20a20 20 0 0 1-20 20z",
    "M0 10a10 10 0 0 1 20 0z",
    "M10 2a8 8 0 1 1 0 16a8 8 0 1 1 0-16z",
    "M0 0h20L0 20z",
    "M0 0h20a20 20 0 0 1-20 20v-9a11 11 0 0 0 11-11H0z",
    "M0 20V10A10 10 0 0 1 10 0h10v10a10 10 0 0 1-10 10z",
    "M0 0h20v5H0zM0 10h20v5H0z",
    "M0 0h10v20H0z",
];

/// The colours of an account: a light ground and three that stand on it.
struct Colours([String; 4]);

impl Colours {
    fn of(hash: &[u8; 32]) -> Self {
        let hue = u32::from(hash[0]) * 360 / 256;
        let hsl = |turn: u32, saturation: u32, lightness: u32| {
            format!("hsl({},{saturation}%,{lightness}%)", (hue + turn) % 360)
        };
        Self([
            hsl(20, 36, 84),
            hsl(0, 42, 34),
            hsl(160, 34, 48),
            hsl(40, 62, 62),
        ])
    }

    fn get(&self, nth: u8) -> &str {
        &self.0[usize::from(nth % 4)]
    }
}

/// The face of an account: four shapes in its colours.
pub(super) fn push_face(out: &mut String, account: &Account) {
    let hash = sha256(&account.0);
    let colours = Colours::of(&hash);
    out.push_str("<svg class=\"u-photo face\" viewBox=\"0 0 40 40\" aria-hidden=\"true\">");
    for (nth, byte) in hash.iter().skip(1).take(4).enumerate() {
        push_tile(out, &colours, *byte, (nth % 2, nth / 2));
    }
    out.push_str("</svg>");
}

/// The banner of an account: the same shapes, wide.
pub(super) fn push_banner(out: &mut String, account: &Account) {
    let hash = sha256(&account.0);
    let colours = Colours::of(&hash);
    out.push_str(
        "<svg class=\"banner\" viewBox=\"0 0 240 60\" preserveAspectRatio=\"xMidYMid slice\" aria-hidden=\"true\">",
    );
    // 36 tiles out of 27 bytes: the eye does not find the repetition across rows.
    for nth in 0..36 {
        let byte = hash[5 + nth % 27].rotate_left((nth / 27) as u32);
        push_tile(out, &colours, byte, (nth % 12, nth / 12));
    }
    out.push_str("</svg>\n");
}

fn push_tile(out: &mut String, colours: &Colours, byte: u8, (column, row): (usize, usize)) {
    let (x, y) = (20 * column as u64, 20 * row as u64);
    let (shape, turn, colour) = (byte & 7, byte >> 3 & 3, byte >> 5 & 3);
    out.push_str("<g transform=\"translate(");
    push_number(out, x);
    out.push(' ');
    push_number(out, y);
    // Ground and shape are never of one colour.
    let ground = if byte >> 7 == 1 { colour + 1 } else { 0 };
    let front = if ground == colour { colour + 1 } else { colour };
    put(
        out,
        &[
            ")\"><path fill=\"",
            colours.get(ground),
            "\" d=\"M0 0h20v20H0z\"/><path fill=\"",
            colours.get(front),
        ],
    );
    if turn > 0 {
        out.push_str("\" transform=\"rotate(");
        push_number(out, u64::from(turn) * 90);
        out.push_str(" 10 10)");
    }
    put(out, &["\" d=\"", SHAPES[usize::from(shape)], "\"/></g>"]);
}

/// The code that a phone scans to follow the account.
pub(super) fn push_qr(out: &mut String, address: &str) {
    // An address always fits; if it did not, the page would say it in words only.
    let Ok(code) = QrCode::encode_text(&format!("ourspace:{address}"), QrCodeEcc::Medium) else {
        return;
    };
    let size = code.size();
    let number = |n: i32| u64::try_from(n).unwrap_or(0);
    out.push_str(
        "<svg class=\"qr\" role=\"img\" aria-label=\"QR code of the address\" viewBox=\"-4 -4 ",
    );
    push_number(out, number(size + 8));
    out.push(' ');
    push_number(out, number(size + 8));
    out.push_str("\"><path fill=\"#fff\" d=\"M-4-4h99v99h-99z\"/><path fill=\"#000\" d=\"");
    for y in 0..size {
        let mut x = 0;
        while x < size {
            let run = (x..size).take_while(|x| code.get_module(*x, y)).count() as i32;
            if run > 0 {
                out.push('M');
                push_number(out, number(x));
                out.push(' ');
                push_number(out, number(y));
                out.push('h');
                push_number(out, number(run));
                out.push_str("v1h-");
                push_number(out, number(run));
                out.push('z');
            }
            x += run + 1;
        }
    }
    out.push_str("\"/></svg>\n");
}
