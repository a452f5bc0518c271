//! Full-text search over posts: newest first, page by page.
//!
//! The index knows which words a post has, not where in it: that halves its size. Words
//! that must follow each other are checked in the candidates themselves.

use std::cmp::Reverse;

use ourspace_protocol::{account::Account, feed::model::Item};
use rusqlite::{Connection, params};

use crate::{
    error::StoreError,
    rows::key_and_source,
    view::View,
    words::{Phrase, Words, indexed},
};

/// Candidates that one call looks at, at most, when words alone do not decide.
const LOOKED_AT: usize = 1024;
/// Candidates that are looked at together.
const BATCH: usize = 64;

/// Where a search goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchCursor(pub i64);

/// A post that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// In whose feed.
    pub account: Account,
    /// The post.
    pub item: Item,
}

/// A page of what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Newest first (where more than one post falls into a quarter of a second, these
    /// may stand in any order across pages).
    pub hits: Vec<Hit>,
    /// Where to go on; `None` when there is no more. A phrase of frequent words may need
    /// further calls to find anything.
    pub next: Option<SearchCursor>,
}

/// What is searched for.
#[derive(Clone, Copy, Debug)]
pub struct Search<'q> {
    /// Words that must all be there; "phrases in quotes"; `#tags`; accounts that are
    /// mentioned. Where no post has all of the words, the last one counts as the
    /// beginning of a word, if it has three letters.
    pub query: &'q str,
    /// Only posts of this account.
    pub account: Option<Account>,
    /// Where to go on, as the page before it said.
    pub from: Option<SearchCursor>,
    /// Posts on a page.
    pub limit: usize,
}

/// Adds a post to the index.
pub(crate) fn add(conn: &Connection, label: i64, item: &Item) -> Result<(), StoreError> {
    let mut add = conn.prepare_cached("INSERT INTO search (rowid, text) VALUES (?, ?)")?;
    add.execute(params![label, indexed(item)])?;
    Ok(())
}

/// Removes a post, which must be the one that was added.
pub(crate) fn remove(conn: &Connection, label: i64, item: &Item) -> Result<(), StoreError> {
    let mut remove =
        conn.prepare_cached("INSERT INTO search (search, rowid, text) VALUES ('delete', ?, ?)")?;
    remove.execute(params![label, indexed(item)])?;
    Ok(())
}

/// Makes the index anew from the posts.
pub(crate) fn rebuild(view: View<'_>) -> Result<(), StoreError> {
    view.conn
        .execute("INSERT INTO search (search) VALUES ('delete-all')", [])?;
    let mut posts = view
        .conn
        .prepare("SELECT date, id, source, label FROM post ORDER BY label")?;
    let mut rows = posts.query([])?;
    while let Some(row) = rows.next()? {
        let (key, source) = key_and_source(row)?;
        let item = view.codec.decode(view.conn, key, source)?;
        add(view.conn, row.get(3)?, &item)?;
    }
    Ok(())
}

/// A candidate and where it lies.
struct Candidate {
    label: i64,
    hit: Hit,
}

/// Finds posts.
pub(crate) fn find(
    view: View<'_>,
    words: &Words,
    search: &Search<'_>,
) -> Result<Found, StoreError> {
    // A word that some post has is taken as finished: the posts of all words that begin
    // with "the" are half of a large store, and would be merged before the first is shown.
    let mut query = words.query(search.query, false)?;
    if !query.words.is_empty() && candidates(view, &query.words, (i64::MAX, 1))?.is_empty() {
        query = words.query(search.query, true)?;
    }
    let mut found = Found::default();
    if query.words.is_empty() || search.limit == 0 {
        return Ok(found);
    }
    let exact = query.phrases.is_empty() && search.account.is_none();
    let batch = if exact { search.limit } else { BATCH };
    let mut before = search.from.map_or(i64::MAX, |from| from.0);
    let mut looked_at = 0;
    while found.hits.len() < search.limit && looked_at < LOOKED_AT.max(search.limit) {
        let mut some = candidates(view, &query.words, (before, batch))?;
        let Some(last) = some.last() else {
            return Ok(ordered(found));
        };
        let more = some.len() == batch;
        before = last.label;
        looked_at += some.len();
        if let Some(account) = search.account {
            some.retain(|candidate| candidate.hit.account == account);
        }
        if !query.phrases.is_empty() {
            keep_phrases(words, &query.phrases, &mut some)?;
        }
        let room = search.limit - found.hits.len();
        let rest = some
            .get(room.saturating_sub(1)..)
            .filter(|rest| rest.len() > 1);
        if let Some([last, ..]) = rest {
            found.next = Some(SearchCursor(last.label));
        } else {
            found.next = more.then_some(SearchCursor(before));
        }
        found
            .hits
            .extend(some.into_iter().take(room).map(|candidate| candidate.hit));
        if !more {
            break;
        }
    }
    Ok(ordered(found))
}

fn ordered(mut found: Found) -> Found {
    found
        .hits
        .sort_by_key(|hit| Reverse((hit.item.key(), hit.account)));
    found
}

fn keep_phrases(
    words: &Words,
    phrases: &[Phrase],
    some: &mut Vec<Candidate>,
) -> Result<(), StoreError> {
    let texts: Vec<String> = some
        .iter()
        .map(|candidate| indexed(&candidate.hit.item))
        .collect();
    let texts: Vec<(i64, &str)> = some
        .iter()
        .map(|candidate| candidate.label)
        .zip(texts.iter().map(String::as_str))
        .collect();
    let good = words.having(phrases, &texts)?;
    some.retain(|candidate| good.contains(&candidate.label));
    Ok(())
}

/// The newest posts with all of the words, before a label.
fn candidates(
    view: View<'_>,
    words: &str,
    (before, limit): (i64, usize),
) -> Result<Vec<Candidate>, StoreError> {
    // Sorted inside of the index: to sort after the join would look up every match.
    let mut find = view.conn.prepare_cached(
        "SELECT post.date, post.id, post.source, post.label, account.address
         FROM (SELECT rowid FROM search WHERE search MATCH ?1 AND rowid < ?2
               ORDER BY rowid DESC LIMIT ?3) AS hit
         CROSS JOIN post ON post.label = hit.rowid
         CROSS JOIN account ON account.number = post.account
         ORDER BY hit.rowid DESC",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = find.query(params![words, before, limit])?;
    let mut some = Vec::new();
    while let Some(row) = rows.next()? {
        let (key, source) = key_and_source(row)?;
        let item = view.codec.decode(view.conn, key, source)?;
        let account = Account(row.get(4)?);
        some.push(Candidate {
            label: row.get(3)?,
            hit: Hit { account, item },
        });
    }
    Ok(some)
}
