//! `ourspace post`: publishes something new.

use std::process::ExitCode;

use clap::{ArgGroup, Args};
use ourspace_node::{
    Home,
    attach::Attacher,
    compose::{self, Draft, Relation},
    which,
};
use ourspace_protocol::{
    account::Account,
    feed::model::Labels,
    limits,
    time::{Millis, rfc3339},
};

use super::{Outcome, posted::Posted};
use crate::{
    context::Context,
    failure::Failure,
    media_args::{MediaArgs, Ready},
    parse,
    words::{self, Words},
};

const EXAMPLES: &str = "\
Examples:
  ourspace post Hello world
  ourspace post --title \"Three days in Ghent\" < ghent.md
  ourspace post \"At the sea\" --media sea.jpg --alt \"Waves under a grey sky\"
  ourspace post --reply-to k3qxw2pl \"I think so too\"
  ourspace post --repost ourspace:0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266/k3qxw2plmna4tz7c
  ourspace post --like k3qx 🎉
  ourspace post --date 2019-05-01 \"Found in an old notebook\"

The text is Markdown: from the command line, from standard input (also by -), or from
$VISUAL or $EDITOR. #words in it become tags and @0x... addresses mentions. An item is named by its
id, 4 or more characters of its beginning, ourspace:ADDRESS/ID or the address of its page.";

/// What it takes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
#[command(group = ArgGroup::new("relation").args(["reply_to", "quote", "repost", "like"]))]
pub(crate) struct Arguments {
    /// The text; - for standard input (with --like: an emoji)
    #[arg(value_name = "TEXT")]
    text: Vec<String>,
    #[command(flatten)]
    media: MediaArgs,
    /// Keep pictures as they were taken, too, without their metadata
    #[arg(long, requires = "media")]
    original: bool,
    /// A headline
    #[arg(long)]
    title: Option<String>,
    #[command(flatten)]
    relation: RelationArgs,
    #[command(flatten)]
    labels: LabelArgs,
    /// When it was published, if that is not now: 2026-11-24 or RFC 3339
    #[arg(long, value_parser = parse::date)]
    date: Option<Millis>,
}

#[derive(Debug, Args)]
struct RelationArgs {
    /// Answer an item or a web page
    #[arg(long, value_name = "ITEM|URL")]
    reply_to: Option<String>,
    /// Pass it on with your words
    #[arg(long, value_name = "ITEM|URL")]
    quote: Option<String>,
    /// Pass it on without a word
    #[arg(long, value_name = "ITEM|URL")]
    repost: Option<String>,
    /// Like it
    #[arg(long, value_name = "ITEM|URL")]
    like: Option<String>,
}

#[derive(Debug, Args)]
struct LabelArgs {
    /// A tag, with or without # (repeatable)
    #[arg(long = "tag", value_parser = parse::tag)]
    tags: Vec<String>,
    /// The language of the text, for example en or pt-BR [default: the profile's]
    #[arg(long, value_parser = parse::language)]
    lang: Option<String>,
    /// What to expect, shown before the text
    #[arg(long, value_name = "TEXT")]
    warning: Option<String>,
    /// An account that it speaks of or to (repeatable)
    #[arg(long = "mention", value_name = "ADDRESS", value_parser = parse::account)]
    mentions: Vec<Account>,
}

impl Arguments {
    /// Refuses what does not go together, before anything else.
    fn check(&self) -> Result<(), Failure> {
        self.media.check()?;
        parse::fits("title", self.title.as_ref(), limits::LINE_BYTES)?;
        let warning = self.labels.warning.as_ref();
        parse::fits("warning", warning, limits::LINE_BYTES)?;
        let (kind, instead) = match &self.relation {
            RelationArgs {
                repost: Some(_), ..
            } => ("repost", "--quote"),
            RelationArgs { like: Some(_), .. } => ("like", "--reply-to"),
            _ => return Ok(()),
        };
        let labels = &self.labels;
        let given = [
            (kind == "repost" && !self.text.is_empty(), "text"),
            (!self.media.is_empty(), "--media"),
            (self.title.is_some(), "--title"),
            (labels.warning.is_some(), "--warning"),
            (!labels.tags.is_empty(), "--tag"),
            (labels.lang.is_some(), "--lang"),
            (!labels.mentions.is_empty(), "--mention"),
        ];
        match given.iter().find(|(given, _)| *given) {
            Some((_, what)) => Err(Failure::usage(format!(
                "a {kind} has no {what}: with words and files of your own it is another kind of \
                 post, {instead}"
            ))),
            None => Ok(()),
        }
    }
}

/// Publishes it.
pub(crate) fn run(arguments: Arguments, context: &Context) -> Outcome {
    arguments.check()?;
    let now = context.now()?;
    if let Some(date) = arguments.date.filter(|date| *date > now) {
        return Err(Failure::usage(format!(
            "the date {} is in the future; a post can be dated back, but not ahead",
            rfc3339(date)
        )));
    }
    // What can be refused is refused before the person writes.
    drop(context.open_reader()?);
    let media = arguments.media.open(context)?;
    let words = text(&arguments, context)?;
    words.publish(context, |text| publish(arguments, (text, media), context))
}

/// The words: none are needed beside files, nor to pass on or like.
fn text(arguments: &Arguments, context: &Context) -> Result<Words, Failure> {
    if let Some(words) = words::given(&arguments.text)? {
        return Ok(words);
    }
    let relation = &arguments.relation;
    if relation.repost.is_some() || relation.like.is_some() {
        return Ok(Words::none());
    }
    if words::is_piped() {
        return words::piped();
    }
    if !arguments.media.is_empty() {
        return Ok(Words::none());
    }
    let words = words::written(context, "")?;
    if words.text.trim().is_empty() && arguments.title.is_none() {
        return Err(Failure::refused("the text is empty; nothing was published"));
    }
    Ok(words)
}

fn publish(
    arguments: Arguments,
    (text, media): (String, Vec<Ready>),
    context: &Context,
) -> Outcome {
    let empty = text.trim().is_empty() && media.is_empty() && arguments.title.is_none();
    let relation = &arguments.relation;
    if empty && relation.repost.is_none() && relation.like.is_none() {
        return Err(Failure::usage(
            "there is nothing to publish: give a text, --title or --media FILE",
        ));
    }
    let home = context.open()?;
    let now = context.signing_time()?;
    let there = match (&relation.like, &relation.repost) {
        (Some(_), _) => "you like it already:",
        (_, Some(_)) => "you have reposted it already:",
        _ => "it is there already:",
    };
    let (relation, text) = relate(&home, relation, text)?;
    let mut draft = Draft {
        relation,
        date: arguments.date,
        title: arguments.title,
        text,
        labels: Labels {
            language: arguments.labels.lang.filter(|lang| !lang.is_empty()),
            tags: arguments.labels.tags,
            warning: arguments.labels.warning,
            mentions: arguments.labels.mentions,
        },
        attachments: Vec::new(),
    };
    let mut stage = None;
    if !media.is_empty() {
        let mut attacher = Attacher::new(&home, arguments.date.unwrap_or(now))?;
        for ready in media {
            let attachment = ready.attach(&mut attacher, arguments.original, context)?;
            draft.attachments.push(attachment);
        }
        stage = Some(attacher.finish());
    }
    let posted = Posted::new(compose::post(&home, now, draft, stage)?);
    let text = match posted.changed {
        true => format!("published {}", posted.id),
        false => format!("{there} {}", posted.id),
    };
    context.output.done(&posted, &text)?;
    Ok(ExitCode::SUCCESS)
}

/// What it is about, and the text that is left: that of a like is its emoji.
fn relate(
    home: &Home,
    relation: &RelationArgs,
    text: String,
) -> Result<(Relation, String), Failure> {
    let target = |name: &str| which::target(home, name);
    let related = if let Some(name) = &relation.reply_to {
        Relation::Reply(target(name)?)
    } else if let Some(name) = &relation.quote {
        Relation::Quote(target(name)?)
    } else if let Some(name) = &relation.repost {
        Relation::Repost(target(name)?)
    } else if let Some(name) = &relation.like {
        return Ok((Relation::Like(target(name)?, emoji(&text)?), String::new()));
    } else {
        Relation::Post
    };
    Ok((related, text))
}

/// What a like says: nothing, or an emoji; words belong into a reply.
fn emoji(text: &str) -> Result<Option<String>, Failure> {
    let text = text.trim();
    // Emoji beyond the first plane are letters to Unicode, too: flags for example.
    let word = |c: char| c.is_whitespace() || (c.is_alphabetic() && c < '\u{1f000}');
    match text {
        "" => Ok(None),
        text if text.chars().any(word) => Err(Failure::usage(
            "a like takes an emoji, not words: answer with --reply-to",
        )),
        text => Ok(Some(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_like_takes_an_emoji() {
        assert_eq!(emoji("").unwrap(), None);
        for one in ["❤️", "🎉", "👩‍👩‍👧", "🇧🇪", "1️⃣"] {
            assert_eq!(emoji(one).unwrap().as_deref(), Some(one));
        }
        for words in ["lovely", "🎉 yes", "très"] {
            assert!(matches!(emoji(words), Err(Failure::Usage(_))), "{words}");
        }
    }
}
