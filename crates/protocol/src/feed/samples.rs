//! Values for tests: every kind of item, profile and follow, chosen by proptest, each one
//! allowed by [`check`](super::check).

use proptest::{collection::vec, option::of, prelude::*, sample::select};

use super::model::{
    About, Attachment, File, Follow, Followee, Follows, Item, ItemId, Kind, Labels, Link, Payment,
    Profile, Stamped, Target,
};
use crate::{account::Account, time::MAX_MILLIS};

pub(crate) const CID: &str = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";

/// A media path of its own for every number.
pub(crate) fn path(n: u8, extension: &str) -> String {
    let digit = char::from(b"abcdefghijklmnopqrstuvwxyz234567"[usize::from(n % 32)]);
    format!(
        "media/2026/{:02}/{}{digit}{}.{extension}",
        n % 12 + 1,
        &CID[..40],
        &CID[41..]
    )
}

/// The path of a file of more than one piece.
pub(crate) fn large(n: u8, extension: &str) -> String {
    path(n, extension).replace("bafkrei", "bafybei")
}

pub(crate) fn account() -> impl Strategy<Value = Account> {
    select(vec![1_u8, 2, 3]).prop_map(|n| Account([n; 20]))
}

/// Printable text of one line.
fn line() -> impl Strategy<Value = String> {
    "[!-~äé漢ש😀][ -~äé漢ש😀]{0,20}"
}

fn date() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..=MAX_MILLIS,
        1_700_000_000_000..1_800_000_000_000_u64,
        Just(MAX_MILLIS),
        Just(0)
    ]
}

fn url() -> impl Strategy<Value = String> {
    "https?://[a-z0-9.]{1,8}/[a-z0-9?&=%#'()-]{0,12}"
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[ -~\n\täé漢ש😀]{0,80}",
        vec(
            select(vec![
                "*a*",
                "**b**",
                "`c`",
                "\n\n",
                "- ",
                "> ",
                "# ",
                "<b>",
                "https://x.example/",
                "|a|b|\n|-|-|\n",
                "\"",
                "&amp;",
                "[l](https://y.example)"
            ]),
            0..12
        )
        .prop_map(|parts| parts.concat()),
    ]
}

fn file(mimes: &'static [(&'static str, &'static str)]) -> impl Strategy<Value = File> {
    (0..32_u8, select(mimes)).prop_map(|(n, (mime, extension))| File {
        // One path is always described in one way.
        path: if n == 0 {
            path(n, extension)
        } else {
            large(n, extension)
        },
        size: u64::from(n) << 32,
        mime: mime.to_owned(),
        pixels: (n % 2 == 0).then(|| (u32::from(n) + 1, u32::from(n) + 2)),
    })
}

const PICTURES: &[(&str, &str)] = &[("image/webp", "webp"), ("image/png", "png")];
const FILES: &[(&str, &str)] = &[
    ("image/webp", "webp"),
    ("video/mp4", "mp4"),
    ("audio/mpeg", "mp3"),
    ("application/pdf", "bin"),
];

prop_compose! {
    fn attachment(kinds: &'static [(&'static str, &'static str)])(
        shown in file(kinds),
        alt in text(),
        title in of(line()),
        duration in of(1..10_000_000_u64),
        thumbhash in of(Just("1QcSHQRnh493V4dIh4eXh1h4kJUI".to_owned())),
        variants in vec(file(PICTURES), 0..3),
        original in of(file(PICTURES)),
        poster in of(file(PICTURES)),
    ) -> Attachment {
        Attachment { file: shown, alt, title, duration, thumbhash, variants, original, poster }
    }
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        (account(), any::<[u8; 10]>()).prop_map(|(account, id)| Target::Item(account, ItemId(id))),
        url().prop_map(Target::Url),
    ]
}

prop_compose! {
    fn labels()(
        language in of(select(vec!["en", "ar", "pt-BR"]).prop_map(str::to_owned)),
        tags in vec("[a-zäש0-9]{1,6}", 0..4),
        warning in of(line()),
        mentions in proptest::collection::btree_set(account(), 0..3),
    ) -> Labels {
        let mut labels = Labels { language, tags, warning, mentions: mentions.into_iter().collect() };
        let mut seen = std::collections::BTreeSet::new();
        labels.tags.retain(|tag| seen.insert(tag.clone()));
        labels
    }
}

prop_compose! {
    /// Any item at all.
    pub(crate) fn item()(
        id in any::<[u8; 10]>(),
        kind in select(vec![Kind::Post, Kind::Post, Kind::Post, Kind::Reply, Kind::Repost, Kind::Quote, Kind::Like, Kind::Vote]),
        (date, written, edits) in (date(), of(date()), 0..3_u32),
        (title, text) in (of(line()), text()),
        labels in labels(),
        (target, thread, value) in (target(), of(target()), line()),
        attachments in vec(attachment(FILES), 0..5),
        origin in of(url()),
        more in proptest::collection::btree_map("[a-z0-9._-]{1,9}", "[ -~\n漢ש😀]{1,20}", 0..3),
    ) -> Item {
        let value = match kind {
            Kind::Vote => Some(value),
            Kind::Like => Some("❤".to_owned()).filter(|_| edits == 0),
            _ => None,
        };
        let about = (kind != Kind::Post).then(|| About {
            thread: thread.filter(|thread| *thread != target),
            target,
            value,
        });
        let words = matches!(kind, Kind::Post | Kind::Reply | Kind::Quote);
        Item {
            id: ItemId(id),
            kind,
            date,
            written: written.filter(|written| *written != date),
            edits,
            title: title.filter(|_| words),
            text: if words { text } else { String::new() },
            labels: if kind.is_post() { labels } else { Labels::default() },
            about,
            attachments: if words { attachments } else { Vec::new() },
            origin,
            renderer: 1,
            more,
        }
    }
}

fn stamped<T: std::fmt::Debug>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Stamped<T>> {
    (value, prop_oneof![Just(0), date()]).prop_map(|(value, written)| Stamped { value, written })
}

fn list<T: Ord + std::fmt::Debug>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Stamped<Vec<T>>> {
    stamped(proptest::collection::btree_set(value, 0..4).prop_map(|set| set.into_iter().collect()))
}

prop_compose! {
    /// Any profile at all.
    pub(crate) fn profile()(
        display_name in stamped(prop_oneof![Just(String::new()), line()]),
        bio in stamped(text()),
        avatar in stamped(of(attachment(PICTURES))),
        banner in stamped(of(attachment(PICTURES))),
        links in list((line(), url()).prop_map(|(label, url)| Link { label, url })),
        payments in list(("[a-z]{1,8}", "[!-~]{1,20}").prop_map(|(kind, address)| Payment { kind, address })),
        names in list("[a-zä0-9]{1,8}\\.(eth|example)"),
        tox in stamped(of(Just("56A1ADE4B65B86BCD51CC73E2CD4E542179F47959FE3E0E21B4B0ACDADE51855D34D34D37CB5".to_owned()))),
        email in stamped(of(Just("ada.l+x@proton.me".to_owned()))),
        language in stamped(of(Just("de".to_owned()))),
        more in proptest::collection::btree_map("[a-z0-9._-]{1,9}", stamped("[ -~\n漢ש😀]{0,20}"), 0..3),
    ) -> Profile {
        Profile { display_name, bio, avatar, banner, links, tox, email, payments, names, language, more }
    }
}

/// Any public follows.
pub(crate) fn follows() -> impl Strategy<Value = Follows> {
    let followee = prop_oneof![
        any::<[u8; 20]>().prop_map(|bytes| Followee::Account(Account(bytes))),
        url().prop_map(Followee::Feed),
    ];
    let follow =
        (any::<bool>(), of(line())).prop_map(|(following, title)| Follow { following, title });
    proptest::collection::btree_map(followee, stamped(follow), 0..8)
}
