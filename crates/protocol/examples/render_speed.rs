//! How long rendering takes: `cargo run --release -p ourspace-protocol --example render_speed`.
//!
//! Prints microseconds per short post for every step of the render path, and the longest
//! time that hostile Markdown of the greatest size takes.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::{hint::black_box, time::Duration};

use ourspace_protocol::{
    account::Account,
    feed::{
        markdown::content_html,
        model::{Item, ItemId, Profile},
        page::{Archive, Entry, Head},
        render,
    },
    limits,
};

const POSTS: usize = 20_000;

/// The CPU time of this thread: other work on the machine does not count. Where Linux
/// does not tell, the wall time.
struct Cpu(Duration);

impl Cpu {
    fn now() -> Self {
        static BEGAN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
        let wall = BEGAN.get_or_init(std::time::Instant::now).elapsed();
        let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        let on_cpu = stat.split(' ').next().and_then(|ns| ns.parse().ok());
        Self(on_cpu.map_or(wall, Duration::from_nanos))
    }

    fn elapsed(&self) -> Duration {
        Self::now().0.saturating_sub(self.0)
    }
}

/// Short posts as people write them; every fifth has markup.
fn posts() -> Vec<Item> {
    let texts = [
        "The rain has stopped and the whole street smells of wet stone. Going out to look for snails.",
        "Has anybody read the new translation yet? I am on page 90 and cannot put it down.\n\nNo spoilers please!",
        "Coffee first, then the tests. https://example.org/notes/2026/11 has what I found yesterday.",
        "If you want your program to be fast, measure it. If you want it to be slow, guess.\n\t\t-- somebody at a whiteboard",
        "Three things about **bees**:\n\n- they *dance*\n- they can count to four\n- `honey` keeps for ever, [they say](https://example.org/honey)",
    ];
    (0..POSTS)
        .map(|n| {
            let mut id = [0; 10];
            id[..8].copy_from_slice(&(n as u64).to_be_bytes());
            Item::new(
                ItemId(id),
                1_700_000_000_000 + n as u64 * 60_000,
                texts[n % texts.len()],
            )
        })
        .collect()
}

fn per_post(name: &str, began: &Cpu, posts: usize) {
    let each = began.elapsed().as_secs_f64() * 1e6 / posts as f64;
    println!("{name:<28} {each:>8.2} us per post");
}

fn speed() {
    let account = Account([0x42; 20]);
    let posts = posts();
    let began = Cpu::now();
    let entries: Vec<Entry<'_>> = posts
        .iter()
        .filter_map(|item| render::entry(1, item).ok())
        .collect();
    per_post("Markdown", &began, POSTS);

    let began = Cpu::now();
    for entry in &entries {
        black_box(render::item_files(1, &account, entry, &[]).is_ok());
    }
    per_post("item page", &began, POSTS);

    let began = Cpu::now();
    for page in entries.chunks(64) {
        let Some(last) = page.last() else { continue };
        let archive = Archive {
            account,
            key: last.item.key(),
            previous: Some(last.item.key()),
            entries: page,
        };
        black_box(render::archive_files(1, &archive).is_ok());
    }
    per_post("archive pages", &began, POSTS);

    let began = Cpu::now();
    let profile = Profile::default();
    let head = Head {
        account,
        profile: &profile,
        previous: None,
        entries: &entries[..110],
    };
    const HEADS: u32 = 50;
    for _ in 0..HEADS {
        black_box(render::head_files(1, &head).is_ok());
    }
    println!(
        "{:<28} {:>8.2} us per head of 110 posts",
        "head",
        (began.elapsed() / HEADS).as_secs_f64() * 1e6
    );
}

/// What is hard on parsers when there is much of it.
const PIECES: &[&str] = &[
    "[",
    "]",
    "![",
    "![](",
    "[a](",
    "[a](b",
    "[](",
    "(",
    ")",
    "<",
    ">",
    "> ",
    ">\n",
    "*",
    "_",
    "~",
    "`",
    "``a",
    "*a ",
    "**a ",
    "*a **b ",
    "_a *",
    "a*b",
    "a**b",
    "*a_ ",
    "~~a ",
    "~a ",
    "a~",
    "\\",
    "&",
    "&#",
    "&amp",
    "<a ",
    "<a href=",
    "<a b='",
    "<!--",
    "<!-- a ",
    "<?",
    "<![CDATA[",
    "</",
    "<a@b",
    "<http:",
    "http://",
    "https://a",
    "www.",
    "www.a",
    "a@",
    "a@b.",
    "a@b.c ",
    "@",
    "://",
    "- ",
    "-\n",
    "1. ",
    "1)",
    "+ a\n",
    "* a\n  ",
    "- - ",
    "> - ",
    ">- ",
    "#",
    "# ",
    "#\n",
    "a\n=\n",
    "=\n",
    "---\n",
    "***",
    "```\n",
    "~~~",
    "    a\n",
    "|",
    "||",
    "|a",
    "|-",
    "|-|\n",
    "a|b\n-|-\n",
    "[x]: /y\n",
    "[a]: b\n[a]\n",
    "[a][",
    "[a][b]",
    "[[a]]",
    "- [ ] ",
    "- [x]\n",
    "[ ]",
    "!",
    "\n",
    " \n",
    "\t",
    "a  \n",
    "\"",
    "'",
    "ä",
    "ä*",
    "*ä_",
    "\u{200b}*",
    "a`b``c```",
    "<b>",
    "<b\n",
    "<script>",
    "</p>\n",
    "[a](<b",
    "[a](b \"c",
    "[a](b 'c",
    "![a][",
    "*[a",
    "[*a",
    "`[",
    "a\\\n",
];

/// Markdown that is known to be hard on parsers, repeated to the greatest size.
fn hostile() -> Vec<(&'static str, String)> {
    let full = limits::TEXT_BYTES;
    let mut cases: Vec<(&str, String)> = PIECES
        .iter()
        .map(|piece| (*piece, piece.repeat(full / piece.len())))
        .collect();
    cases.extend(shaped(full));
    for (_, text) in &mut cases {
        let end = text.floor_char_boundary(full);
        text.truncate(end);
    }
    cases
}

/// Hard text of a certain shape.
fn shaped(full: usize) -> Vec<(&'static str, String)> {
    let mut cases = Vec::new();
    let columns = full / 8;
    cases.push((
        "wide table",
        format!(
            "{}|\n{}|\n{}",
            "|a".repeat(columns),
            "|-".repeat(columns),
            "|\n".repeat(full / 4)
        ),
    ));
    cases.push((
        "narrow table",
        format!("|a|b\n|-|-\n{}", "|\n".repeat(full / 2 - 8)),
    ));
    cases.push(("many tables", "|a|b\n|-|-\n|c|d\n\n".repeat(full / 16)));
    cases.push((
        "64 columns",
        format!(
            "{}|\n{}|\n{}",
            "|a".repeat(64),
            "|-".repeat(64),
            "|\n".repeat(full / 2 - 256)
        ),
    ));
    cases.push((
        "deep list",
        (0..360)
            .map(|n| format!("{}- a\n", " ".repeat(2 * n)))
            .collect(),
    ));
    cases.push((
        "deep quotes",
        (0..500).map(|n| format!("{}a\n", ">".repeat(n))).collect(),
    ));
    cases.push((
        "quotes then lines",
        format!("{}\n{}", ">".repeat(60), "a\n".repeat(full / 2 - 64)),
    ));
    cases.push((
        "quoted lines",
        format!("{} a\n", ">".repeat(62)).repeat(full / 65),
    ));
    cases.push((
        "definitions used",
        format!("[a]: {}\n{}", "b".repeat(full / 2), "[a]".repeat(full / 6)),
    ));
    cases.extend(runs(full));
    cases
}

/// Long runs and pairs that are far apart.
fn runs(full: usize) -> Vec<(&'static str, String)> {
    let mut cases = Vec::new();
    cases.push((
        "backtick runs",
        (1..500).map(|n| format!("{}a", "`".repeat(n))).collect(),
    ));
    cases.push((
        "star runs",
        (1..500).map(|n| format!("{}a ", "*".repeat(n))).collect(),
    ));
    cases.push(("long fence info", format!("```{}\n", "a".repeat(full - 8))));
    cases.push((
        "brackets nested",
        format!("{}{}", "[".repeat(full / 2), "]".repeat(full / 2)),
    ));
    cases.push((
        "links nested",
        format!("{}a{}", "[".repeat(full / 8), "](b)".repeat(full / 8)),
    ));
    cases.push((
        "parens nested",
        format!("[a]({}{}", "(".repeat(full / 2), ")".repeat(full / 2 - 8)),
    ));
    cases.push((
        "emphasis nested",
        format!("{}a{}", "*a ".repeat(full / 6), " a*".repeat(full / 6)),
    ));
    cases.push(("open and close", "*_ ".repeat(full / 3)));
    cases.push((
        "entities",
        "&CounterClockwiseContourIntegral;".repeat(full / 34),
    ));
    cases.push(("one word", "a".repeat(full)));
    cases.push((
        "dots and at",
        format!("{}@{}", "a.".repeat(full / 4), "b.".repeat(full / 4)),
    ));
    cases
}

fn hardness() {
    let mut worst = (Duration::ZERO, "", 0);
    for (name, text) in hostile() {
        let mut item = Item::new(ItemId([0; 10]), 0, text);
        let began = Cpu::now();
        let html = content_html(&item);
        let took = began.elapsed();
        if took > Duration::from_millis(20) || html.len() > 1_000_000 {
            println!(
                "{name:?}: {took:?}, {} bytes, as typed: {}",
                html.len(),
                html.starts_with("<pre class")
            );
        }
        if took > worst.0 {
            worst = (took, name, html.len());
        }
        item.text.clear();
    }
    println!(
        "hostile: worst {:?} for {:?} ({} bytes of HTML)",
        worst.0, worst.1, worst.2
    );
}

fn main() {
    speed();
    hardness();
}
