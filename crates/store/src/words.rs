//! The words of a post and of a query.
//!
//! Words are what SQLite's tokenizer `unicode61` (Unicode 6.1, case and diacritics folded)
//! makes of a text. Text in scripts without spaces between words (Chinese, Japanese, Thai)
//! is found by the beginning of a run of characters only.

use std::fmt::Write;

use ourspace_protocol::{account::Account, feed::model::Item};
use rusqlite::{Connection, params};

use crate::error::StoreError;

/// Which text of a post is searched: to be raised with every change of [`indexed`], so
/// that older homes are indexed anew.
pub(crate) const VERSION: i64 = 1;

/// Private-use characters are letters to the tokenizer: with these, tags and mentions are
/// words that no text can contain.
const TAG: char = '\u{e000}';
const ESCAPE: char = '\u{e001}';
const MENTION: char = '\u{e002}';
const MARKS: [char; 3] = [TAG, ESCAPE, MENTION];

/// Shorter beginnings of words stand for too many words: they match as whole words only.
const PREFIX_CHARS: usize = 3;

/// Terms of a query; what comes after them is not read.
const TERMS: usize = 32;

/// What is searched of a post: everything that somebody wrote.
pub(crate) fn indexed(item: &Item) -> String {
    let mut text = String::with_capacity(item.text.len() + 16);
    let mut part = |part: &str| {
        text.extend(
            part.chars()
                .map(|c| if MARKS.contains(&c) { ' ' } else { c }),
        );
        text.push('\n');
    };
    item.title.iter().for_each(|title| part(title));
    part(&item.text);
    item.labels.warning.iter().for_each(|warning| part(warning));
    for attachment in &item.attachments {
        part(&attachment.alt);
        attachment.title.iter().for_each(|title| part(title));
    }
    item.labels.tags.iter().for_each(|tag| part(tag));
    for tag in &item.labels.tags {
        text.push_str(&tag_word(tag));
        text.push('\n');
    }
    for mention in &item.labels.mentions {
        text.push_str(&mention_word(*mention));
        text.push('\n');
    }
    text
}

/// The one word that stands for a tag.
fn tag_word(tag: &str) -> String {
    let mut word = String::from(TAG);
    for character in tag.chars().flat_map(char::to_lowercase) {
        if character.is_ascii_alphanumeric() {
            word.push(character);
        } else if write!(word, "{ESCAPE}{:x}{ESCAPE}", u32::from(character)).is_err() {
            word.push(ESCAPE);
        }
    }
    word
}

fn mention_word(account: Account) -> String {
    account
        .to_string()
        .to_ascii_lowercase()
        .replace("0x", &MENTION.to_string())
}

/// A query, read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    /// What the search index is asked for; empty when the query has no word.
    pub(crate) words: String,
    /// What each candidate is asked for besides: words that must follow each other.
    pub(crate) phrases: Vec<Phrase>,
}

/// Words that follow each other.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Phrase {
    words: Vec<String>,
    /// Whether the last word is only the beginning of one.
    prefix: bool,
}

impl Phrase {
    /// Whether a text of ASCII has it. There the tokenizer's rules are few, and SQLite
    /// need not be asked: words are letters and digits, in lower case.
    fn is_in_ascii(&self, text: &str) -> bool {
        let words: Vec<&str> = text
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        words.windows(self.words.len()).any(|run| self.is(run))
    }

    fn is(&self, run: &[&str]) -> bool {
        let last = self.words.len() - 1;
        run.iter()
            .zip(&self.words)
            .enumerate()
            .all(|(at, (found, word))| {
                let begins = found
                    .get(..word.len())
                    .is_some_and(|begin| begin.eq_ignore_ascii_case(word));
                begins && (found.len() == word.len() || self.prefix && at == last)
            })
    }
}

/// A part of a query.
#[derive(Debug, PartialEq, Eq)]
struct Term {
    text: String,
    prefix: bool,
}

/// Cuts a query into words, phrases in quotes, `#tags` and mentioned accounts. The last
/// one may be unfinished.
fn terms(query: &str) -> Vec<Term> {
    let mut terms = Vec::new();
    for (at, part) in query.split('"').enumerate() {
        if at % 2 == 1 {
            terms.push(Term {
                text: without_marks(part),
                prefix: false,
            });
            continue;
        }
        for word in part.split_whitespace() {
            let text = if let Some(tag) = word.strip_prefix('#') {
                tag_word(tag.trim_end_matches(|c: char| c.is_ascii_punctuation()))
            } else if let Ok(account) = word.trim_start_matches('@').parse() {
                mention_word(account)
            } else {
                without_marks(word)
            };
            terms.push(Term {
                text,
                prefix: false,
            });
        }
    }
    let unfinished = |last: char| last != '"' && !last.is_whitespace();
    if query.ends_with(unfinished)
        && let Some(last) = terms.last_mut()
    {
        last.prefix = true;
    }
    terms
}

/// A query's text without the marks, which it must not forge, and without NUL, which
/// would end it.
fn without_marks(text: &str) -> String {
    text.replace(['\0', TAG, ESCAPE, MENTION], " ")
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// SQLite's tokenizer, at work in a database of its own in memory.
#[derive(Debug)]
pub(crate) struct Words {
    conn: Connection,
}

impl Words {
    pub(crate) fn new() -> Result<Self, StoreError> {
        let conn = Connection::open_in_memory()?;
        conn.execute_batch(
            "PRAGMA cache_size = -256;
             CREATE VIRTUAL TABLE line USING fts5 (
               text, content = '', tokenize = 'unicode61 remove_diacritics 2');
             CREATE VIRTUAL TABLE word USING fts5vocab (line, instance);",
        )?;
        Ok(Self { conn })
    }

    /// The words of a text, in order.
    fn of(&self, text: &str) -> Result<Vec<String>, StoreError> {
        self.fill(&[(0, text)])?;
        let mut list = self
            .conn
            .prepare_cached("SELECT term FROM word ORDER BY \"offset\"")?;
        let words = list
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        Ok(words)
    }

    fn fill(&self, texts: &[(i64, &str)]) -> Result<(), StoreError> {
        let tx = self.conn.unchecked_transaction()?;
        tx.prepare_cached("INSERT INTO line (line) VALUES ('delete-all')")?
            .execute([])?;
        for (number, text) in texts {
            tx.prepare_cached("INSERT INTO line (rowid, text) VALUES (?, ?)")?
                .execute(params![number, text])?;
        }
        tx.commit()?;
        Ok(())
    }

    /// Reads a query; its last word counts as the beginning of one if it is `unfinished`.
    pub(crate) fn query(&self, query: &str, unfinished: bool) -> Result<Query, StoreError> {
        let mut read = Query::default();
        for term in terms(query).into_iter().take(TERMS) {
            let words = self.of(&term.text)?;
            let mut prefix = false;
            for (at, word) in words.iter().enumerate() {
                prefix = unfinished
                    && term.prefix
                    && at + 1 == words.len()
                    && word.chars().count() >= PREFIX_CHARS
                    && term.text.ends_with(char::is_alphanumeric);
                read.words.push_str(&quoted(word));
                read.words.push_str(if prefix { "* " } else { " " });
            }
            if words.len() > 1 {
                read.phrases.push(Phrase { words, prefix });
            }
        }
        Ok(read)
    }

    /// Which of the numbered texts have all the phrases.
    pub(crate) fn having(
        &self,
        phrases: &[Phrase],
        texts: &[(i64, &str)],
    ) -> Result<Vec<i64>, StoreError> {
        let (ascii, other): (Vec<_>, Vec<_>) =
            texts.iter().copied().partition(|(_, text)| text.is_ascii());
        let mut good: Vec<i64> = ascii
            .into_iter()
            .filter(|(_, text)| phrases.iter().all(|phrase| phrase.is_in_ascii(text)))
            .map(|(number, _)| number)
            .collect();
        if !other.is_empty() {
            good.append(&mut self.asked(phrases, &other)?);
        }
        Ok(good)
    }

    /// The same, as SQLite says it.
    fn asked(&self, phrases: &[Phrase], texts: &[(i64, &str)]) -> Result<Vec<i64>, StoreError> {
        self.fill(texts)?;
        let mut query = String::new();
        for Phrase { words, prefix } in phrases {
            query.push_str(&quoted(&words.join(" ")));
            query.push_str(if *prefix { "* " } else { " " });
        }
        let mut find = self
            .conn
            .prepare_cached("SELECT rowid FROM line WHERE line MATCH ?")?;
        let numbers = find
            .query_map([query], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        Ok(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_found_as_sqlite_finds_them() {
        let words = Words::new().unwrap();
        let texts = [
            "the quick brown fox",
            "The, QUICK-brown!",
            "the quickest brown",
            "brown the quick",
            "quick brown_fox",
            "quick  brown2",
            "",
            "a quick",
        ];
        let texts: Vec<(i64, &str)> = (0..).zip(texts).collect();
        for query in [
            "\"quick brown\"",
            "\"the quick\"",
            "quick-bro",
            "\"brown fox\"",
            "quick-brown2",
        ] {
            let phrases = words.query(query, true).unwrap().phrases;
            let ours = words.having(&phrases, &texts).unwrap();
            assert_eq!(ours, words.asked(&phrases, &texts).unwrap(), "{query}");
            assert!(!ours.is_empty(), "{query}");
        }
    }
}
