//! `--media FILE --alt TEXT`, as often as one likes: each description belongs to the file
//! before it, so that a file without one does not shift the others.

use std::{fs::File, path::PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};
use ourspace_node::attach::{self, Attacher};
use ourspace_protocol::feed::model::Attachment;

use crate::{ask, context::Context, failure::Failure};

/// The files of a post.
#[derive(Debug, Clone, Default)]
pub(crate) struct MediaArgs {
    files: Vec<Wanted>,
    /// Why they are not what was meant. Said by the command, not by clap, which would add the
    /// usage of the whole program.
    wrong: Option<String>,
}

#[derive(Debug, Clone)]
struct Wanted {
    path: PathBuf,
    alt: Option<String>,
}

/// A file that is open and has its description.
#[derive(Debug)]
pub(crate) struct Ready {
    path: PathBuf,
    file: File,
    alt: String,
}

impl MediaArgs {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Refuses what cannot be meant, before anything else.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.wrong
            .as_ref()
            .map_or(Ok(()), |wrong| Err(Failure::usage(wrong)))
    }

    /// Opens the files and asks for what descriptions are missing, before any other work.
    pub(crate) fn open(&self, context: &Context) -> Result<Vec<Ready>, Failure> {
        let mut ready = Vec::with_capacity(self.files.len());
        for Wanted { path, alt } in &self.files {
            let file = attach::open(path)?;
            ready.push((path, file, alt));
        }
        ready
            .into_iter()
            .map(|(path, file, alt)| {
                let alt = match alt {
                    Some(alt) => alt.clone(),
                    None if context.can_ask() => describe(path)?,
                    None => String::new(),
                };
                let path = path.clone();
                Ok(Ready { path, file, alt })
            })
            .collect()
    }
}

fn describe(path: &std::path::Path) -> Result<String, Failure> {
    let question = format!(
        "Describe {} for those who cannot see or hear it (Enter for nothing): ",
        path.display()
    );
    Ok(ask::line(&question)?.to_string())
}

impl Ready {
    /// Takes the file into the home.
    pub(crate) fn attach(
        self,
        attacher: &mut Attacher<'_>,
        original: bool,
        context: &Context,
    ) -> Result<Attachment, Failure> {
        let length = self.file.metadata()?.len();
        let bar = context.output.progress(length, "reading");
        let added = attacher.add(bar.wrap_read(self.file), &self.alt, original);
        bar.finish_and_clear();
        added.map_err(|error| named(&self.path, error))
    }
}

/// An error with the file that it is about.
pub(crate) fn named(path: &std::path::Path, error: attach::AttachError) -> Failure {
    match error {
        attach::AttachError::Media(_) | attach::AttachError::Alt(_) => {
            Failure::refused(format!("{}: {error}", path.display()))
        }
        error => error.into(),
    }
}

impl Args for MediaArgs {
    fn augment_args(command: Command) -> Command {
        let media = Arg::new("media")
            .long("media")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .action(ArgAction::Append)
            .help("Attach a picture, sound or video (repeatable)");
        let alt = Arg::new("alt")
            .long("alt")
            .value_name("TEXT")
            .action(ArgAction::Append)
            .help("Describe the --media before it for those who cannot see or hear it");
        command.arg(media).arg(alt)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for MediaArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let placed = |name: &str| matches.indices_of(name).into_iter().flatten();
        let files = matches.get_many::<PathBuf>("media").into_iter().flatten();
        let mut files: Vec<(usize, Wanted)> = placed("media")
            .zip(files)
            .map(|(at, path)| {
                let wanted = Wanted {
                    path: path.clone(),
                    alt: None,
                };
                (at, wanted)
            })
            .collect();
        let mut wrong = None;
        let alts = matches.get_many::<String>("alt").into_iter().flatten();
        for (at, alt) in placed("alt").zip(alts) {
            let before = files.iter_mut().rev().find(|(place, _)| *place < at);
            match before {
                Some((_, wanted)) if wanted.alt.is_none() => wanted.alt = Some(alt.clone()),
                Some((_, wanted)) => {
                    wrong = Some(format!(
                        "{} has two descriptions; give one --alt after each --media",
                        wanted.path.display()
                    ));
                }
                None => {
                    let text =
                        "--alt describes the --media before it: write --media FILE --alt TEXT";
                    wrong = Some(text.to_owned());
                }
            }
        }
        let files = files.into_iter().map(|(_, wanted)| wanted).collect();
        Ok(Self { files, wrong })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Vec<(String, Option<String>)>, String> {
        let command = MediaArgs::augment_args(Command::new("post"));
        let matches = command.try_get_matches_from([&["post"], arguments].concat());
        let parsed = MediaArgs::from_arg_matches(&matches.unwrap()).unwrap();
        if let Some(wrong) = parsed.wrong {
            return Err(wrong);
        }
        let pair = |wanted: Wanted| (wanted.path.display().to_string(), wanted.alt);
        Ok(parsed.files.into_iter().map(pair).collect())
    }

    #[test]
    fn a_missing_description_shifts_none() {
        let parsed = parse(&["--media", "a", "--media", "b", "--alt", "B", "--media", "c"]);
        let some = |name: &str, alt: Option<&str>| (name.to_owned(), alt.map(str::to_owned));
        let wanted = [some("a", None), some("b", Some("B")), some("c", None)];
        assert_eq!(parsed.unwrap(), wanted);
        assert_eq!(parse(&[]).unwrap(), []);
        assert!(parse(&["--alt", "x", "--media", "a"]).is_err());
        assert!(parse(&["--media", "a", "--alt", "x", "--alt", "y"]).is_err());
        assert!(parse(&["--alt", "x"]).is_err());
    }
}
