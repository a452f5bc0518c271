//! What an import did, in numbers and in sentences.

use serde::Serialize;

/// Warnings that name a single post or file, at most.
const NAMED: usize = 20;

/// What an import did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Posts in the source.
    pub found: u64,
    /// Posts that the feed did not have.
    pub added: u64,
    /// Posts that are different in the source now.
    pub updated: u64,
    /// All others: unchanged, deleted here, empty, not public, before `since`.
    pub skipped: u64,
    /// Files taken in.
    pub media: u64,
    /// Files that stay where they are, with a link to them.
    pub linked_media: u64,
    /// What a person should know, a sentence each.
    pub warnings: Vec<String>,
}

/// What is counted on the way.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) found: u64,
    pub(super) added: u64,
    pub(super) updated: u64,
    pub(super) media: u64,
    pub(super) linked_media: u64,
    pub(super) empty: u64,
    pub(super) undated: u64,
    pub(super) early: u64,
    pub(super) future: u64,
    pub(super) cut: u64,
    pub(super) cut_titles: u64,
    pub(super) cut_tags: u64,
    pub(super) before: u64,
    pub(super) deleted: u64,
    pub(super) twice: u64,
    pub(super) private: u64,
    pub(super) invalid: u64,
    pub(super) unknown_reply: u64,
    pub(super) lost_media: u64,
    /// Why an exported feed was not checked.
    pub(super) unsigned: Option<&'static str>,
    named: Vec<String>,
}

impl Tally {
    /// Says something about one post or file.
    pub(super) fn warn(&mut self, text: String) {
        if self.named.len() < NAMED {
            self.named.push(text);
        }
    }

    /// The report.
    pub(super) fn report(self) -> Report {
        let mut warnings: Vec<String> = self.unsigned.into_iter().map(str::to_owned).collect();
        for (count, what) in [
            (
                self.private,
                "is not public and was left out: to publish it would show it to everyone",
            ),
            (self.empty, "says nothing and was left out"),
            (
                self.cut,
                "is too long and was cut; it ends with a link to the whole text",
            ),
            (
                self.cut_titles,
                "has a title or a warning that is too long and was cut to 512 bytes",
            ),
            (
                self.cut_tags,
                "has more than 64 tags, or one of more than 128 bytes; those were left out",
            ),
            (
                self.undated,
                "has no date that can be read: it got the date of the import, or kept the one it has here",
            ),
            (
                self.early,
                "has a date before 1970, which no feed can hold: it is set to 1970-01-01",
            ),
            (
                self.future,
                "has a date that is yet to come: it got the date of the import, or kept the one it has here",
            ),
            (self.twice, "is in the source twice and was taken once"),
            (self.deleted, "was deleted here before and stays deleted"),
            (self.invalid, "cannot be kept in a feed and was left out"),
            (
                self.unknown_reply,
                "answers something that cannot be named; it became a post of its own",
            ),
            (
                self.lost_media,
                "names a file that is not there or cannot be kept",
            ),
        ] {
            match count {
                0 => {}
                1 => warnings.push(format!("1 post {what}")),
                count => warnings.push(format!("{count} posts: each {what}")),
            }
        }
        warnings.extend(only_linked(self.linked_media));
        warnings.extend(self.named);
        Report {
            found: self.found,
            added: self.added,
            updated: self.updated,
            skipped: self.found.saturating_sub(self.added + self.updated),
            media: self.media,
            linked_media: self.linked_media,
            warnings,
        }
    }
}

/// Says how many files stayed where they are.
fn only_linked(count: u64) -> Option<String> {
    match count {
        0 => None,
        1 => Some(
            "1 file is only linked in the source: the link was kept, nothing was fetched"
                .to_owned(),
        ),
        count => Some(format!(
            "{count} files are only linked in the source: the links were kept, nothing was fetched"
        )),
    }
}
