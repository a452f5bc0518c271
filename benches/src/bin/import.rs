//! What importing 100,000 posts of real text costs, and what they take on the disk.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::{fmt::Write as _, fs, path::Path, time::Instant};

use anyhow::{Context as _, Result, ensure};
use ourspace_bench::{
    Cost, Goal, TABLE, line,
    place::{NOW, make},
};
use ourspace_node::{
    Home,
    import::{Options, Source, import},
};
use ourspace_store::Search;

const POSTS: usize = 100_000;

/// Short pieces of real text: Debian's sayings, and paragraphs of its documentation.
fn pieces() -> Result<Vec<String>> {
    let mut pieces = Vec::new();
    let sayings = "/usr/share/games/fortunes";
    read(Path::new(sayings), "\n%\n", &mut pieces)
        .with_context(|| format!("no texts in {sayings}: install the Debian package `fortunes`"))?;
    ensure!(pieces.len() > 1_000, "too few texts in {sayings}");
    read(Path::new("/usr/share/doc"), "\n\n", &mut pieces)?;
    Ok(pieces)
}

fn read(folder: &Path, between: &str, pieces: &mut Vec<String>) -> Result<()> {
    let mut entries: Vec<_> = fs::read_dir(folder)?.flatten().collect();
    entries.sort_by_key(fs::DirEntry::path);
    for entry in entries {
        if pieces.len() >= POSTS {
            break;
        }
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            read(&path, between, pieces)?;
        } else if path
            .extension()
            .is_none_or(|end| end == "txt" || end == "md")
        {
            let text = fs::read_to_string(&path).unwrap_or_default();
            let short = |piece: &&str| (40..300).contains(&piece.len());
            let some = text.split(between).map(str::trim).filter(short).take(2_000);
            pieces.extend(some.map(str::to_owned));
        }
    }
    Ok(())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A text as blogs write it: one in four with markup, one in six with a link, one in ten
/// with a mention.
fn html(n: usize, text: &str) -> String {
    let text = escaped(text);
    let link = match n % 6 {
        0 => format!(" <a href=\"https://blog.example/notes/{n}?from=feed&amp;x=1\">more</a>"),
        _ => String::new(),
    };
    let mention = match n % 10 {
        0 => format!(
            " <a href=\"https://social.example/@friend{}\">@friend{0}</a>",
            n % 97
        ),
        _ => String::new(),
    };
    if n.is_multiple_of(4) {
        let (first, rest) = text.split_once(' ').unwrap_or((&text, ""));
        return format!(
            "<p><strong>{first}</strong> <em>{rest}</em></p><ul><li>one{link}</li><li>two{mention}</li></ul>"
        );
    }
    match link.is_empty() && mention.is_empty() {
        true => text,
        false => format!("<p>{text}{link}{mention}</p>"),
    }
}

fn write_feed(path: &Path) -> Result<u64> {
    let pieces = pieces()?;
    let mut feed = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\"><channel><title>A life</title><link>https://blog.example/</link>\n".to_owned();
    for n in (0..POSTS).rev() {
        let text = html(n, &pieces[n % pieces.len()]);
        let date = 1_200_000_000_000 + n as u64 * 4_800_000;
        writeln!(
            feed,
            "<item><guid isPermaLink=\"true\">https://blog.example/p/{n}</guid><link>https://blog.example/p/{n}</link><description>{}</description><pubDate>{}</pubDate></item>",
            escaped(&text),
            ourspace_protocol::time::rfc822(date),
        )?;
    }
    feed.push_str("</channel></rss>\n");
    fs::write(path, &feed)?;
    Ok(feed.len() as u64)
}

fn size(folder: &Path) -> Result<u64> {
    let mut size = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        size += if metadata.is_dir() {
            size_of(&entry)?
        } else {
            metadata.len()
        };
    }
    Ok(size)
}

fn size_of(entry: &fs::DirEntry) -> Result<u64> {
    size(&entry.path())
}

fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let feed = folder.path().join("feed.xml");
    let bytes = write_feed(&feed)?;
    let path = folder.path().join("home");
    let (home, account) = make(&path)?;
    println!("{POSTS} posts in {} MB of RSS", bytes / 1_000_000);
    println!("{TABLE}");
    let run = |home: &Home| {
        let source = Source::Path(&feed);
        Cost::of(|| import(home, NOW, source, Options::default(), &mut |_| {}))
    };
    let (report, cost) = run(&home)?;
    ensure!(report.added == POSTS as u64, "{report:?}");
    let goal = Some(Goal::AtLeast(10_000.0));
    line(
        "import",
        cost.per_cpu_second(POSTS as u64),
        "posts per CPU-second",
        goal,
    );
    line("import", cost.wall.as_secs_f64(), "s wall", None);
    let (report, cost) = run(&home)?;
    ensure!(report.added + report.updated == 0, "{report:?}");
    line(
        "import again",
        cost.per_cpu_second(POSTS as u64),
        "posts per CPU-second",
        None,
    );
    drop(home);
    let began = Instant::now();
    let home = Home::open(&path)?;
    let reader = home.store().read()?;
    line("open", began.elapsed().as_secs_f64() * 1e3, "ms", None);
    let began = Instant::now();
    let found = reader.search(&Search {
        query: "computer",
        account: Some(account),
        from: None,
        limit: 20,
    })?;
    ensure!(found.hits.len() == 20, "{} hits", found.hits.len());
    line("search", began.elapsed().as_secs_f64() * 1e3, "ms", None);
    drop(reader);
    drop(home);
    let each = size(&path)? as f64 / POSTS as f64;
    line(
        "on the disk, with index",
        each,
        "bytes a post",
        Some(Goal::AtMost(400.0)),
    );
    Ok(())
}
