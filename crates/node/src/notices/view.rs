//! What a person sees of notices: notifications, and threads put together from them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ourspace_protocol::{
    account::Account,
    feed::{
        model::{About, Item, ItemId, Kind, Target},
        state::FeedState as _,
    },
    machine::mailbox::Key as Named,
    time::{Millis, rfc3339},
};
use ourspace_store::{KeptNotice, Reader};
use serde::Serialize;

use crate::{home::Home, mailbox::Desk, read::ReadError, view::ItemView};

/// The setting that says up to when notifications were read.
const READ: &str = "notices.read";
/// Items of a thread that are shown.
const THREAD: usize = 1_000;

/// Something that concerns the own account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotificationView {
    /// `reply`, `quote`, `repost`, `like`, `vote`, `thread` (an answer deeper in a thread of
    /// yours), `mention`, `follow`.
    pub reason: &'static str,
    /// Who.
    pub account: Account,
    /// What they call themselves, where their feed is here; may be empty.
    pub display_name: String,
    /// Whether they are within two hops of your public follows.
    pub near: bool,
    /// When it was signed (RFC 3339).
    pub date: String,
    /// Whether it came after the last time that notifications were marked as read.
    pub unread: bool,
    /// Your item that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<Target>,
    /// Their item; a follow has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemView>,
}

/// A thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ThreadView {
    /// Its first item.
    pub root: Target,
    /// That item, where it is here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemView>,
    /// Answers, each below what it answers: people near its author first, then by date.
    pub replies: Vec<ThreadEntry>,
}

/// An answer in a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ThreadEntry {
    /// How deep it stands: 1 for what answers the first item.
    pub depth: usize,
    /// Whether its author is within two hops of the public follows of the thread's author.
    pub near: bool,
    /// The answer.
    pub item: ItemView,
}

/// Why there is no thread to show.
#[derive(Debug, thiserror::Error)]
pub enum ThreadError {
    /// See [`ReadError`].
    #[error(transparent)]
    Read(ReadError),
    /// Nothing is known of the item.
    #[error(
        "there is no item {1} of {0} here, and no answer to it; `ourspace follow {0}` brings both"
    )]
    Unknown(Account, ItemId),
}

impl<E: Into<ReadError>> From<E> for ThreadError {
    fn from(error: E) -> Self {
        Self::Read(error.into())
    }
}

/// What concerns the own account, the newest first, at most `limit`.
///
/// # Errors
/// [`ReadError`].
pub fn notifications(home: &Home, limit: usize) -> Result<Vec<NotificationView>, ReadError> {
    let reader = home.store().read()?;
    let read: Millis = reader.setting(READ)?.unwrap_or(0);
    let all = reader.notices(home.account()?, limit)?;
    views(home, &reader, all, read)
}

/// Those that were not read, in the order in which they came, at most `limit`; and what to
/// [mark](mark_read) when these were read.
///
/// # Errors
/// [`ReadError`].
pub fn unread(home: &Home, limit: usize) -> Result<(Vec<NotificationView>, Millis), ReadError> {
    let reader = home.store().read()?;
    let read: Millis = reader.setting(READ)?.unwrap_or(0);
    let all = reader.notices_since(home.account()?, read, limit)?;
    let last = all.last().map_or(read, |kept| kept.came);
    Ok((views(home, &reader, all, read)?, last))
}

fn views(
    home: &Home,
    reader: &Reader<'_>,
    all: Vec<KeptNotice>,
    read: Millis,
) -> Result<Vec<NotificationView>, ReadError> {
    let own = home.account()?;
    let mut desk = Desk::new(reader);
    let mut views = Vec::new();
    for kept in all {
        let Some((reason, about)) = kept.reason else {
            continue;
        };
        let Some(item) = desk.item(&kept)? else {
            continue;
        };
        let (account, _) = kept.key;
        views.push(NotificationView {
            reason: reason.name(),
            account,
            display_name: reader.feed(account)?.profile()?.display_name.value,
            near: reader.is_near(own, account)?,
            date: rfc3339(kept.entry.date),
            unread: kept.came > read,
            about: about.map(|id| Target::Item(own, id)),
            item: item.map(|item| ItemView::new(account, &item)),
        });
    }
    Ok(views)
}

/// Marks notifications as read: those that came up to `until`, or all that are here.
///
/// # Errors
/// [`ReadError`]; nothing is changed then.
pub fn mark_read(home: &Home, until: Option<Millis>) -> Result<(), ReadError> {
    // By when they came here, whatever another program's clock says.
    let last = home.store().read()?.last_notice(home.account()?)?;
    let until = until.or(last).unwrap_or(0);
    let marked = home
        .store()
        .write(|writer| writer.put_setting(READ, &until));
    Ok(marked?)
}

/// The thread in which an item stands, as far as it is known here.
///
/// # Errors
/// [`ThreadError`].
pub fn thread(home: &Home, account: Account, id: ItemId) -> Result<ThreadView, ThreadError> {
    let reader = home.store().read()?;
    let mut desk = Desk::new(&reader);
    let root = match desk.find(account, id)?.and_then(|item| item.about) {
        Some(about) => first(&about).unwrap_or((account, id)),
        None => (account, id),
    };
    let found = answers(&reader, &mut desk, root)?;
    let item = desk.find(root.0, root.1)?;
    if item.is_none() && found.is_empty() {
        return Err(ThreadError::Unknown(root.0, root.1));
    }
    Ok(ThreadView {
        root: Target::Item(root.0, root.1),
        item: item.map(|item| ItemView::new(root.0, &item)),
        replies: in_order(root, found),
    })
}

/// The first item of the thread that an answer stands in.
fn first(about: &About) -> Option<Named> {
    match about.thread.as_ref().unwrap_or(&about.target) {
        Target::Item(account, id) => Some((*account, *id)),
        Target::Url(_) => None,
    }
}

struct Answer {
    parent: Named,
    near: bool,
    account: Account,
    item: Item,
}

/// All answers below an item: those that wait for its author, and those that wait for
/// the authors of answers.
fn answers(
    reader: &Reader<'_>,
    desk: &mut Desk<'_, '_>,
    root: Named,
) -> Result<Vec<Answer>, ReadError> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::from([root]);
    let mut next = VecDeque::from([root]);
    while let Some((account, id)) = next.pop_front() {
        for (key, item) in desk.about(account, id, THREAD)? {
            if found.len() >= THREAD {
                return Ok(found);
            }
            let parent = item.about.as_ref().map(|about| &about.target);
            let (Kind::Reply, Some(Target::Item(whose, what))) = (item.kind, parent) else {
                continue;
            };
            if !seen.insert(key) {
                continue;
            }
            next.push_back(key);
            found.push(Answer {
                parent: (*whose, *what),
                near: key.0 == root.0 || reader.is_near(root.0, key.0)?,
                account: key.0,
                item,
            });
        }
    }
    Ok(found)
}

/// Each answer below what it answers; what answers something that is not here stands below
/// the first item.
fn in_order(root: Named, found: Vec<Answer>) -> Vec<ThreadEntry> {
    let here: BTreeSet<Named> = found.iter().map(|one| (one.account, one.item.id)).collect();
    let mut below: BTreeMap<Named, Vec<Answer>> = BTreeMap::new();
    for answer in found {
        let parent = match here.contains(&answer.parent) {
            true => answer.parent,
            false => root,
        };
        below.entry(parent).or_default().push(answer);
    }
    for answers in below.values_mut() {
        // The last one is taken first.
        answers.sort_by_key(|one| std::cmp::Reverse((!one.near, one.item.date, one.item.id)));
    }
    let mut out = Vec::new();
    let mut path = vec![root];
    while let Some(parent) = path.last() {
        let Some(answer) = below.get_mut(parent).and_then(Vec::pop) else {
            path.pop();
            continue;
        };
        out.push(ThreadEntry {
            depth: path.len(),
            near: answer.near,
            item: ItemView::new(answer.account, &answer.item),
        });
        path.push((answer.account, answer.item.id));
    }
    out
}
