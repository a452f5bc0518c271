//! Pictures, video, sound and other files under the text of an item.

use data_encoding::BASE64;

use super::Place;
use crate::feed::{
    body::{file_label, push_path, push_pixels},
    clean::push_size,
    model::{Attachment, File},
    page::Entry,
    parts::{Shown, below, shown},
    text::{push_escaped, push_number, put},
};

/// Everything attached that the text does not show itself: pictures side by side first,
/// then the rest in its order.
pub(super) fn push_media(out: &mut String, place: &Place<'_>, entry: &Entry<'_>) {
    if entry.item.attachments.is_empty() {
        return;
    }
    let (pictures, rest): (Vec<_>, Vec<_>) = below(entry).partition(|a| shown(a) == Shown::Picture);
    if !pictures.is_empty() {
        let class = ["n1", "n2", "n3", "n4"]
            .get(pictures.len() - 1)
            .unwrap_or(&"many");
        put(out, &["<div class=\"pictures ", class, "\">\n"]);
        for picture in &pictures {
            push_picture(out, place.prefix, picture, pictures.len() == 1);
        }
        out.push_str("</div>\n");
    }
    for attachment in rest {
        match shown(attachment) {
            Shown::Video => push_video(out, place.prefix, attachment),
            Shown::Sound => push_sound(out, place.prefix, attachment),
            Shown::Picture | Shown::File => push_file(out, place.prefix, attachment),
        }
    }
}

fn push_picture(out: &mut String, prefix: &str, picture: &Attachment, alone: bool) {
    out.push_str("<a class=\"picture\" href=\"");
    push_path(
        out,
        prefix,
        &picture.original.as_ref().unwrap_or(&picture.file).path,
    );
    out.push_str("\">");
    push_placeholder(out, picture);
    out.push_str("<img class=\"u-photo\" loading=\"lazy\" decoding=\"async\" src=\"");
    push_path(out, prefix, &picture.file.path);
    push_sources(out, prefix, picture, alone);
    out.push_str("\" alt=\"");
    // The picture is the text of its link, so it must have one.
    let alt = picture
        .title
        .as_deref()
        .filter(|_| picture.alt.is_empty())
        .unwrap_or(&picture.alt);
    push_escaped(
        out,
        if alt.is_empty() {
            "Picture without a description"
        } else {
            alt
        },
    );
    push_pixels(out, picture.file.pixels);
    out.push_str("\"></a>\n");
}

/// `srcset` and `sizes`, when there are smaller sizes.
fn push_sources(out: &mut String, prefix: &str, picture: &Attachment, alone: bool) {
    let all = picture
        .variants
        .iter()
        .chain(std::iter::once(&picture.file));
    let sized = all.filter_map(|file| Some((file, file.pixels?)));
    let sized: Vec<(&File, (u32, u32))> = sized.collect();
    if sized.len() < 2 {
        return;
    }
    out.push_str("\" srcset=\"");
    for (nth, (file, (width, _))) in sized.iter().enumerate() {
        out.push_str(if nth == 0 { "" } else { ", " });
        push_path(out, prefix, &file.path);
        out.push(' ');
        push_number(out, u64::from(*width));
        out.push('w');
    }
    out.push_str("\" sizes=\"(max-width: 44rem) ");
    out.push_str(if alone { "94vw, 39rem" } else { "47vw, 20rem" });
}

/// The average colour of the picture behind it until it is there.
fn push_placeholder(out: &mut String, picture: &Attachment) {
    if let Some(colour) = picture.thumbhash.as_deref().and_then(average_colour) {
        put(
            out,
            &[
                "<svg aria-hidden=\"true\"><rect width=\"100%\" height=\"100%\" fill=\"",
                &colour,
                "\"/></svg>",
            ],
        );
    }
}

/// The average colour in a thumbhash as `#rrggbb`. Its first 18 bits are lightness and
/// two colour axes, 6 bits each; whole numbers, so that every machine rounds alike.
fn average_colour(thumbhash: &str) -> Option<String> {
    let bytes = BASE64.decode(thumbhash.as_bytes()).ok()?;
    let [a, b, c, ..] = bytes.as_slice() else {
        return None;
    };
    let bits = i32::from(*a) | i32::from(*b) << 8 | i32::from(*c) << 16;
    // In 378ths: lightness l, yellow-blue p, red-green q.
    let (l, p, q) = (
        bits & 63,
        2 * (bits >> 6 & 63) - 63,
        2 * (bits >> 12 & 63) - 63,
    );
    let blue = 6 * l - 4 * p;
    let red = 9 * l - blue / 2 + 3 * q;
    let green = red - 6 * q;
    let byte = |value: i32| (value * 255 / 378).clamp(0, 255);
    Some(format!(
        "#{:02x}{:02x}{:02x}",
        byte(red),
        byte(green),
        byte(blue)
    ))
}

fn push_video(out: &mut String, prefix: &str, video: &Attachment) {
    out.push_str(
        "<figure class=\"video\">\n<video class=\"u-video\" controls preload=\"none\" src=\"",
    );
    push_path(out, prefix, &video.file.path);
    if let Some(poster) = &video.poster {
        out.push_str("\" poster=\"");
        push_path(out, prefix, &poster.path);
    }
    push_pixels(out, video.file.pixels);
    push_label(out, video);
    out.push_str("\"></video>\n");
    push_caption(out, video);
    out.push_str("</figure>\n");
}

fn push_sound(out: &mut String, prefix: &str, sound: &Attachment) {
    out.push_str("<figure class=\"sound\">\n");
    push_caption(out, sound);
    out.push_str("<audio class=\"u-audio\" controls preload=\"none\" src=\"");
    push_path(out, prefix, &sound.file.path);
    push_label(out, sound);
    out.push_str("\"></audio>\n</figure>\n");
}

fn push_label(out: &mut String, attachment: &Attachment) {
    let label = if attachment.alt.is_empty() {
        attachment.title.as_deref()
    } else {
        Some(attachment.alt.as_str())
    };
    if let Some(label) = label {
        out.push_str("\" aria-label=\"");
        push_escaped(out, label);
    }
}

fn push_caption(out: &mut String, attachment: &Attachment) {
    let caption = attachment.title.as_deref().unwrap_or(&attachment.alt);
    if caption.is_empty() && attachment.duration.is_none() {
        return;
    }
    out.push_str("<figcaption dir=\"auto\">");
    push_escaped(out, caption);
    if let Some(duration) = attachment.duration {
        out.push_str(" <span class=\"length\">");
        push_duration(out, duration);
        out.push_str("</span>");
    }
    out.push_str("</figcaption>\n");
}

/// A length as a person writes it: `3:07`, `1:02:09`.
fn push_duration(out: &mut String, ms: u64) {
    use crate::feed::{parts::seconds, text::push_padded};
    let all = seconds(ms);
    let (hours, minutes, seconds) = (all / 3_600, all / 60 % 60, all % 60);
    if hours > 0 {
        push_number(out, hours);
        out.push(':');
        push_padded(out, minutes, 2);
    } else {
        push_number(out, minutes);
    }
    out.push(':');
    push_padded(out, seconds, 2);
}

fn push_file(out: &mut String, prefix: &str, attachment: &Attachment) {
    out.push_str("<p class=\"file\"><a href=\"");
    push_path(out, prefix, &attachment.file.path);
    out.push_str("\" download dir=\"auto\">");
    push_escaped(out, file_label(attachment));
    out.push_str("</a> <span class=\"length\">");
    push_size(out, attachment.file.size);
    out.push_str("</span></p>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_of_thumbhashes() {
        // By the formula of the thumbhash reference: (85, 81, 87).
        let average = average_colour("1QcSHQRnh493V4dIh4eXh1h4kJUI");
        assert_eq!(average.as_deref(), Some("#555157"));
        assert_eq!(average_colour("AA=="), None);
        assert_eq!(average_colour("?"), None);
    }

    #[test]
    fn lengths() {
        for (ms, shown) in [(1, "0:01"), (187_000, "3:07"), (3_729_400, "1:02:09")] {
            let mut out = String::new();
            push_duration(&mut out, ms);
            assert_eq!(out, shown);
        }
    }
}
