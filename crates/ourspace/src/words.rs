//! The words of a post: from the command line, from standard input, or from the person's
//! editor.

use std::{
    env, fs,
    io::{self, IsTerminal as _, Read},
    process::Command,
};

use ourspace_protocol::limits;
use tempfile::NamedTempFile;

use crate::{ask::without_mark, context::Context, failure::Failure};

/// From this line on an edited file is not a part of the text.
const MARK: &str = "<!-- ourspace: nothing from this line on is published.";
const HELP: &str = "\
     Write Markdown above. #words become tags, @0x... addresses become mentions.
     Save and close to publish; leave it empty to cancel. -->";

/// Words, and the file they were written in.
#[derive(Debug)]
pub(crate) struct Words {
    /// What was written.
    pub(crate) text: String,
    file: Option<NamedTempFile>,
}

impl Words {
    /// No words.
    pub(crate) fn none() -> Self {
        Self::of(String::new())
    }

    /// Words that are there already.
    pub(crate) fn of(text: String) -> Self {
        Self { text, file: None }
    }

    /// Whether they were written in an editor.
    pub(crate) fn is_edited(&self) -> bool {
        self.file.is_some()
    }

    /// Hands the words on; when that fails, what was typed in an editor is not lost.
    pub(crate) fn publish<T>(
        self,
        context: &Context,
        publish: impl FnOnce(String) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let result = publish(self.text);
        if let (Err(_), Some(file)) = (&result, self.file) {
            save(file, context);
        }
        result
    }
}

/// Leaves a file where it is, and says where.
fn save(file: NamedTempFile, context: &Context) {
    if let Ok((_, path)) = file.keep() {
        let text = format!("what you wrote is in {}", path.display());
        context.output.say(text);
    }
}

/// What is on the command line: `None` without any text, standard input for `-`.
pub(crate) fn given(arguments: &[String]) -> Result<Option<Words>, Failure> {
    match arguments {
        [] => Ok(None),
        [one] if one == "-" => piped().map(Some),
        words => Ok(Some(Words::of(words.join(" ")))),
    }
}

/// Whether text may come in by standard input.
pub(crate) fn is_piped() -> bool {
    !io::stdin().is_terminal()
}

/// All of standard input, which is no more than a post may hold.
pub(crate) fn piped() -> Result<Words, Failure> {
    bounded(io::stdin().lock(), "the standard input").map(Words::of)
}

/// Reads a text; one line end more than a post holds is no harm.
fn bounded(input: impl Read, what: &str) -> Result<String, Failure> {
    let longest = limits::TEXT_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    input.take(longest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > longest {
        return Err(Failure::refused(format!(
            "{what} has more than the {} bytes that a post holds: publish it in parts",
            limits::TEXT_BYTES
        )));
    }
    let text = String::from_utf8(bytes).map(|text| without_mark(&text).to_owned());
    text.map_err(|_| {
        Failure::refused(format!(
            "{what} is not text in UTF-8; pictures, sound and video are attached with --media FILE"
        ))
    })
}

/// Lets the person at the terminal write, beginning with `old`.
pub(crate) fn written(context: &Context, old: &str) -> Result<Words, Failure> {
    let Some(editor) = editor() else {
        context
            .output
            .say("Write, and end with Ctrl-D on a line of its own (or set EDITOR):");
        return piped();
    };
    let file = tempfile::Builder::new()
        .prefix("ourspace-")
        .suffix(".md")
        .tempfile()?;
    fs::write(file.path(), format!("{old}\n\n{MARK}\n{HELP}\n"))?;
    // As every program does: the variable may hold options, so a shell reads it.
    let status = Command::new("sh")
        .args(["-c", &format!("{editor} \"$1\""), "sh"])
        .arg(file.path())
        .status()
        .map_err(|error| Failure::refused(format!("the editor {editor} does not run: {error}")))?;
    if !status.success() {
        return Err(Failure::refused(format!(
            "the editor {editor} ended with an error ({status}); nothing was published"
        )));
    }
    match bounded(fs::File::open(file.path())?, "the file") {
        Ok(text) => Ok(Words {
            text: above_mark(&text).to_owned(),
            file: Some(file),
        }),
        Err(failure) => {
            save(file, context);
            Err(failure)
        }
    }
}

fn editor() -> Option<String> {
    ["VISUAL", "EDITOR"]
        .iter()
        .filter_map(|name| env::var(name).ok())
        .find(|editor| !editor.trim().is_empty())
}

fn above_mark(text: &str) -> &str {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with(MARK) {
            break;
        }
        start += line.len();
    }
    text[..start].trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_the_mark_is_not_published() {
        let text = format!("# A\n<!-- mine -->\n\n{MARK}\n{HELP}\n");
        assert_eq!(above_mark(&text), "# A\n<!-- mine -->");
        assert_eq!(above_mark("all of it\n"), "all of it");
        assert_eq!(above_mark(&format!("\n\n{MARK}")), "");
    }

    #[test]
    fn giant_and_binary_input_is_refused() {
        let full = "x".repeat(limits::TEXT_BYTES) + "\n";
        assert_eq!(bounded(full.as_bytes(), "it").unwrap(), full);
        let endless = bounded(io::repeat(b'x'), "it").unwrap_err();
        assert!(format!("{endless:?}").contains("in parts"));
        let marked = bounded(&b"\xef\xbb\xbfHello"[..], "it").unwrap();
        assert_eq!(marked, "Hello");
        let binary = bounded(&b"\xff\xd8"[..], "it").unwrap_err();
        assert!(format!("{binary:?}").contains("--media"));
    }
}
