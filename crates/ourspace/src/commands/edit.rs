//! `ourspace edit`: publishes a new version of an item.

use std::process::ExitCode;

use clap::Args;
use ourspace_node::{compose, read, which};

use super::{Outcome, posted::Posted};
use crate::{
    context::Context,
    failure::Failure,
    parse,
    words::{self, Words},
};

/// What it takes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ourspace edit k3qx
  ourspace edit k3qx The whole new text
  ourspace edit k3qx --title \"A better title\" --alt 1=\"A grey cat on a wall\"
  ourspace edit k3qx --tag \"\" --warning \"\"

What is not named stays. Without a text or an option it opens $VISUAL or $EDITOR. Older
versions stay readable beside the item.")]
pub(crate) struct Arguments {
    /// The item: its id or 4 characters of its beginning
    item: String,
    /// The whole new text; - for standard input
    #[arg(value_name = "TEXT")]
    text: Vec<String>,
    /// The headline; empty for none
    #[arg(long)]
    title: Option<String>,
    /// The tags beside those in the text (repeatable); empty for none
    #[arg(long = "tag", value_parser = parse::tag_or_none)]
    tags: Option<Vec<String>>,
    /// The language of the text; empty for none
    #[arg(long, value_parser = parse::language)]
    lang: Option<String>,
    /// The content warning; empty for none
    #[arg(long, value_name = "TEXT")]
    warning: Option<String>,
    /// The description of an attachment, by its number (repeatable)
    #[arg(long = "alt", value_name = "N=TEXT", value_parser = parse::described)]
    alts: Vec<(usize, String)>,
}

impl Arguments {
    fn names_something(&self) -> bool {
        self.title.is_some()
            || self.tags.is_some()
            || self.lang.is_some()
            || self.warning.is_some()
            || !self.alts.is_empty()
    }
}

/// Publishes it.
pub(crate) fn run(arguments: Arguments, context: &Context) -> Outcome {
    let reader = context.open_reader()?;
    let id = which::own_item(&reader, &arguments.item)?;
    let words = match words::given(&arguments.text)? {
        Some(words) => Some(words),
        None if arguments.names_something() => None,
        None if words::is_piped() => Some(words::piped()?),
        None => {
            let old = read::item(&reader, reader.account()?, id)?;
            let old = old
                .map(|item| item.content.content_text)
                .unwrap_or_default();
            Some(words::written(context, &old)?)
        }
    };
    if words
        .as_ref()
        .is_some_and(|words| words.text.trim().is_empty())
        && !arguments.names_something()
    {
        let text = "the new text is empty; nothing was changed (`ourspace delete` deletes an item)";
        // An emptied file in the editor is how one says no.
        return Err(match words.is_some_and(|words| words.is_edited()) {
            true => Failure::refused(text),
            false => Failure::usage(text),
        });
    }
    drop(reader);
    let has_text = words.is_some();
    words.unwrap_or_else(Words::none).publish(context, |text| {
        let edit = compose::Edit {
            text: has_text.then_some(text),
            title: arguments.title,
            tags: arguments
                .tags
                .map(|tags| tags.into_iter().filter(|tag| !tag.is_empty()).collect()),
            language: arguments.lang,
            warning: arguments.warning,
            alts: arguments.alts,
        };
        let home = context.open()?;
        let now = context.signing_time()?;
        let posted = Posted::new(compose::edit(&home, now, id, edit)?);
        let text = match posted.changed {
            true => format!("edited {id}"),
            false => format!("{id} is like that already"),
        };
        context.output.done(&posted, &text)?;
        Ok(ExitCode::SUCCESS)
    })
}
