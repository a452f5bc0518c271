//! From what a source says to an item that a feed may hold.
//!
//! What can be mended is mended, what cannot be kept is left out and counted: a post of
//! somebody's life is not lost because its language tag is wrong.

use std::fmt::Write as _;

use ourspace_protocol::{
    account::Account,
    feed::{
        check::forms,
        clean,
        model::{About, Item, ItemId, Kind, Labels, Target},
    },
    hash::sha256,
    limits,
    time::Millis,
};

use super::{
    draft::{Draft, Media, Reference, Text},
    markup::Converter,
    plain,
    report::Tally,
    scope::everywhere,
};

/// A post that is ready but for its files and the post that it answers.
#[derive(Debug)]
pub(super) struct Ready {
    /// The item. Without a date its `date` is [`UNDATED`].
    pub(super) item: Item,
    /// What only its own feed calls it: its id follows when all of the feed is known.
    pub(super) bare: Option<Box<str>>,
    /// What it is about, by what its source calls it.
    pub(super) about: Option<Box<Reference>>,
    /// Files of the source that it names and that are not yet a part of it.
    pub(super) media: Vec<Media>,
    /// Whether it names others, which the source does not hold.
    pub(super) missing: bool,
    /// Those of them to which its text links now, where they are asked for.
    pub(super) linked: Option<Box<[Media]>>,
}

impl Ready {
    /// An item with nothing left to do.
    pub(super) fn whole(item: Item) -> Self {
        Self {
            item,
            bare: None,
            about: None,
            media: Vec::new(),
            missing: false,
            linked: None,
        }
    }
}

/// The date of an item that its source gives none.
pub(super) const UNDATED: Millis = Millis::MAX;

/// What drafts are converted with.
pub(super) struct Workshop {
    account: Account,
    now: Millis,
    converter: Converter,
}

impl Workshop {
    pub(super) fn new(account: Account, now: Millis) -> Self {
        Self {
            account,
            now,
            converter: Converter::new(),
        }
    }

    /// A person's words about themselves, out of HTML.
    pub(super) fn note(&self, html: &str) -> String {
        let mut text = clean::text(&self.converter.convert(html, None).text);
        clean::shorten(&mut text, limits::BIO_BYTES);
        text
    }

    /// Makes an item; `None` when the draft says nothing.
    pub(super) fn item(&self, draft: Draft, tally: &mut Tally) -> Option<Ready> {
        let url = draft.url.as_deref().and_then(clean::url);
        let base = draft.base.as_deref().or(url.as_deref());
        let body = self.body(draft.body.as_ref(), base);
        let title = draft.title.as_ref();
        let title = title.and_then(|title| line(title, limits::LINE_BYTES));
        let kind = draft.kind.unwrap_or(match draft.about {
            Some(_) => Kind::Reply,
            None => Kind::Post,
        });
        let says = title.is_some() || !body.text.trim().is_empty() || !draft.media.is_empty();
        if !says && kind != Kind::Repost {
            tally.empty += 1;
            return None;
        }
        let date = self.date(draft.published.or(draft.updated), tally);
        tally.early += u64::from(date == 0 && draft.early);
        let (id, bare) = match self.name(&draft, title.as_deref(), &body.text) {
            Name::Everywhere(id) => (id, None),
            Name::Here(bare) => (ItemId([0; 10]), Some(bare.into_boxed_str())),
        };
        let mut item = Item::new(id, date, clean::text(body.text.trim()));
        item.kind = kind;
        item.title = title.filter(|title| !repeats(title, &item.text));
        item.origin = url;
        item.labels = labels(&draft);
        item.written = draft
            .updated
            .filter(|at| date != UNDATED && *at > date && *at <= self.now);
        if kind == Kind::Repost {
            item.title = None;
            item.text.clear();
            item.labels = Labels::default();
        }
        count_cuts(&draft, &item, tally);
        let mut media = draft.media;
        media.retain(|media| !body.media.contains(&media.url) && !item.text.contains(&media.url));
        tally.linked_media += body.media.len() as u64;
        cut(&mut item, tally);
        Some(Ready {
            item,
            bare,
            about: draft.about.map(Box::new),
            media,
            missing: false,
            linked: None,
        })
    }

    fn body(&self, body: Option<&Text>, base: Option<&str>) -> super::markup::Markdown {
        match body {
            Some(Text::Html(html)) => self.converter.convert(html, base),
            Some(Text::Plain(text)) => super::markup::Markdown {
                text: plain::markdown(text),
                media: Vec::new(),
            },
            Some(Text::Markdown(text)) => super::markup::Markdown {
                text: text.clone(),
                media: Vec::new(),
            },
            None => super::markup::Markdown::default(),
        }
    }

    /// A date after now is a mistake that would keep the post on top for ever.
    fn date(&self, date: Option<Millis>, tally: &mut Tally) -> Millis {
        match date {
            Some(date) if date <= self.now => date,
            Some(_) => {
                tally.future += 1;
                UNDATED
            }
            None => {
                tally.undated += 1;
                UNDATED
            }
        }
    }

    /// The same at every import: by what the source calls the post, else by its address,
    /// else by what it says.
    fn name(&self, draft: &Draft, title: Option<&str>, text: &str) -> Name {
        let identity = draft.identity.as_deref().map(str::trim);
        let identity = identity.filter(|identity| !identity.is_empty());
        if let Some(name) = identity.or(draft.url.as_deref()) {
            return match everywhere(self.account, name) {
                Some(id) => Name::Everywhere(id),
                None => Name::Here(name.to_owned()),
            };
        }
        let said = format!(
            "{}\n{}\n{text}",
            title.unwrap_or_default(),
            draft.published.unwrap_or(0)
        );
        let hash = sha256(said.as_bytes());
        Name::Here(hash.iter().fold(String::new(), |mut digits, byte| {
            write!(digits, "{byte:02x}").ok();
            digits
        }))
    }
}

/// What a post is called.
enum Name {
    /// Everywhere.
    Everywhere(ItemId),
    /// By its own feed.
    Here(String),
}

/// What a post is about, when what it names is known to be an item of the own feed.
pub(super) fn about_own(account: Account, id: ItemId) -> About {
    about(Target::Item(account, id))
}

/// What a post is about, by an address.
pub(super) fn about_url(reference: &Reference) -> Option<About> {
    let url = reference.url.as_deref().or(reference.identity.as_deref())?;
    if let Ok(Target::Item(owner, id)) = url.parse() {
        return Some(about(Target::Item(owner, id)));
    }
    clean::url(url).map(|url| about(Target::Url(url)))
}

fn about(target: Target) -> About {
    About {
        target,
        thread: None,
        value: None,
    }
}

/// A headline as one line without markup.
fn line(title: &Text, limit: usize) -> Option<String> {
    let text = title.source();
    match title {
        Text::Html(html) if plain::has_markup(html) => clean::line(&plain::words(html), limit),
        _ => clean::line(text, limit),
    }
}

/// Whether a headline is only the beginning of the text, as services without headlines
/// make one up.
fn repeats(title: &str, text: &str) -> bool {
    let start = title
        .strip_suffix('…')
        .or_else(|| title.strip_suffix("..."));
    let bare = |text: &str| -> String {
        let seen = text.chars().filter(|c| !c.is_whitespace() && *c != '\\');
        seen.take(2 * limits::LINE_BYTES).collect()
    };
    match start {
        Some(start) => start.len() >= 8 && bare(text).starts_with(&bare(start)),
        None => bare(text) == bare(title),
    }
}

fn labels(draft: &Draft) -> Labels {
    let language = draft
        .language
        .as_deref()
        .map(|l| l.trim().replace('_', "-"));
    let mut tags: Vec<String> = Vec::new();
    for tag in draft.tags.iter().filter_map(|tag| clean::tag(tag)) {
        if !tags.contains(&tag) && tags.len() < limits::TAGS {
            tags.push(tag);
        }
    }
    Labels {
        language: language.filter(|language| forms::language(language).is_ok()),
        tags,
        warning: draft
            .warning
            .as_deref()
            .and_then(|warning| clean::line(warning, limits::LINE_BYTES)),
        mentions: Vec::new(),
    }
}

/// Counts what an item has less of than its source: lines are cut, tags left out.
fn count_cuts(draft: &Draft, item: &Item, tally: &mut Tally) {
    let long = |whole: Option<String>| whole.is_some_and(|whole| whole.len() > limits::LINE_BYTES);
    let title = draft.title.as_ref().filter(|_| item.title.is_some());
    let warning = draft.warning.as_deref();
    let warning = warning.filter(|_| item.labels.warning.is_some());
    let is_cut = long(title.and_then(|title| line(title, usize::MAX)))
        || long(warning.and_then(|warning| clean::line(warning, usize::MAX)));
    tally.cut_titles += u64::from(is_cut);
    let kept = &item.labels.tags;
    let left_out = draft.tags.iter().any(|tag| match clean::tag(tag) {
        Some(tag) => kept.len() == limits::TAGS && !kept.contains(&tag),
        None => tag.len() > limits::TAG_BYTES,
    });
    tally.cut_tags += u64::from(left_out);
}

/// Cuts a text that is too long, with a link to where the rest is.
fn cut(item: &mut Item, tally: &mut Tally) {
    if item.text.len() <= limits::TEXT_BYTES {
        return;
    }
    tally.cut += 1;
    let rest = match &item.origin {
        Some(origin) => format!("\n\n[…]({origin})"),
        None => "\n\n…".to_owned(),
    };
    clean::shorten(&mut item.text, limits::TEXT_BYTES - rest.len());
    item.text.push_str(&rest);
}

/// Puts a file that stays where it is into the text, as a link.
pub(super) fn link(item: &mut Item, media: &Media) -> bool {
    let Some(url) = clean::url(&media.url) else {
        return false;
    };
    let name = media.title.as_deref().filter(|t| !t.trim().is_empty());
    let name = name.unwrap_or(&media.alt);
    let name = clean::line(name, limits::LINE_BYTES)
        .or_else(|| clean::line(url.rsplit('/').next().unwrap_or(&url), limits::LINE_BYTES));
    let name = plain::markdown(&name.unwrap_or_default()).replace(']', "\\]");
    let mut text = String::new();
    let mark = if media
        .mime
        .as_deref()
        .is_some_and(|m| m.starts_with("image/"))
    {
        "!"
    } else {
        ""
    };
    write!(
        text,
        "{mark}[{name}]({})",
        url.replace('(', "%28").replace(')', "%29")
    )
    .ok();
    if let Some(duration) = media.duration {
        let seconds = duration / 1000;
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        let time = match hours {
            0 => format!(" ({minutes}:{:02})", seconds % 60),
            _ => format!(" ({hours}:{minutes:02}:{:02})", seconds % 60),
        };
        text.push_str(&time);
    }
    let gap = if item.text.is_empty() { "" } else { "\n\n" };
    if item.text.len() + gap.len() + text.len() > limits::TEXT_BYTES {
        return false;
    }
    item.text.push_str(gap);
    item.text.push_str(&text);
    true
}
