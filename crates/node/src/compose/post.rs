//! New items.

use ourspace_protocol::{
    account::Account,
    feed::{
        model::{About, Item, ItemId, ItemKey, Kind, Labels, Target},
        pages::List,
        set::Changes,
        state::{FeedState, Span, StateError},
    },
    time::{MAX_MILLIS, Millis},
};
use ourspace_store::Stage;

use super::{
    draft::{Draft, Posted, Relation},
    fit::{self, wish},
    ids::fresh_id,
    inline,
};
use crate::{
    home::Home,
    identity::IdentityError,
    mailbox::Desk,
    publish::{PublishError, publish_with},
    read::ReadError,
};

/// After every item.
const LAST: ItemKey = ItemKey {
    date: MAX_MILLIS,
    id: ItemId([0xff; 10]),
};

/// Publishes a new item, and keeps the files of `stage` that it names. A repost, or a like
/// with the same emoji, that is in the feed already is not published again: its id is given.
///
/// # Errors
/// [`PublishError`]; nothing is changed then.
pub fn post(
    home: &Home,
    now: Millis,
    draft: Draft,
    stage: Option<Stage<'_>>,
) -> Result<Posted, PublishError> {
    let account = home.account().map_err(IdentityError::from)?;
    let thread = thread(home, account, &draft.relation)?;
    let mut item = compose(now, draft, thread)?;
    let mut id = item.id;
    let published = publish_with(home, now, stage, |feed| {
        if let Some(there) = already(feed, &item)? {
            id = there;
            return Ok(Changes::default());
        }
        item.id = fresh_id(feed)?;
        id = item.id;
        if matches!(item.kind, Kind::Post | Kind::Reply | Kind::Quote)
            && item.labels.language.is_none()
        {
            item.labels.language = feed.profile()?.language.value;
        }
        Ok(Changes {
            items: vec![item],
            ..Changes::default()
        })
    })?;
    Ok(Posted {
        account,
        id,
        published,
    })
}

/// The repost or like of the same item or page that is in the feed already.
fn already(feed: &impl FeedState, item: &Item) -> Result<Option<ItemId>, StateError> {
    let list = match item.kind {
        Kind::Repost => List::Posts,
        Kind::Like => List::Reactions,
        _ => return Ok(None),
    };
    let same = |old: &Item| {
        let about = |item: &Item| {
            let about = item.about.as_ref();
            about.map(|about| (about.target.clone(), about.value.clone()))
        };
        old.kind == item.kind && about(old) == about(item)
    };
    // From the newest on, a page of memory at a time.
    let mut span = Span {
        after: feed.end_before(list, LAST)?,
        until: None,
    };
    loop {
        if let Some(old) = feed.items(list, span)?.iter().rev().find(|old| same(old)) {
            return Ok(Some(old.id));
        }
        let Some(end) = span.after else {
            return Ok(None);
        };
        span = Span {
            after: feed.end_before(list, end)?,
            until: Some(end),
        };
    }
}

/// Everything of the item but its id.
fn compose(now: Millis, draft: Draft, thread: Option<Target>) -> Result<Item, PublishError> {
    let date = draft.date.map_or(Ok(now), |date| fit::date(date, now))?;
    let text = fit::text(&draft.text)?;
    let mut item = Item::new(ItemId([0; 10]), date, "");
    item.written = (date != now).then_some(now);
    item.title = match &draft.title {
        Some(title) => fit::line("title", title)?,
        None => None,
    };
    item.labels = labels(draft.labels, &text)?;
    item.text = text;
    item.attachments = draft.attachments;
    let (kind, value) = match &draft.relation {
        Relation::Post => (Kind::Post, None),
        Relation::Reply(_) => (Kind::Reply, None),
        Relation::Quote(_) => (Kind::Quote, None),
        Relation::Repost(_) => (Kind::Repost, None),
        Relation::Like(_, value) => (Kind::Like, value.clone()),
    };
    item.kind = kind;
    item.about = draft.relation.target().map(|target| About {
        target: target.clone(),
        thread: thread.filter(|thread| thread != target),
        value,
    });
    fit::content(&item)?;
    Ok(item)
}

fn labels(mut labels: Labels, text: &str) -> Result<Labels, PublishError> {
    let given = std::mem::take(&mut labels.tags);
    labels.tags = fit::tags(given.into_iter().chain(inline::tags(text)))?;
    for account in inline::mentions(text)? {
        if !labels.mentions.contains(&account) {
            labels.mentions.push(account);
        }
    }
    if let Some(warning) = labels.warning.take() {
        labels.warning = fit::line("content warning", &warning)?;
    }
    Ok(labels)
}

/// The first item of the thread that a reply belongs to, as far as it is known here.
fn thread(home: &Home, own: Account, relation: &Relation) -> Result<Option<Target>, PublishError> {
    let Some(Target::Item(account, id)) = relation.target() else {
        return Ok(None);
    };
    let reader = home.store().read()?;
    let here = Desk::new(&reader)
        .find(*account, *id)
        .map_err(|error| match error {
            ReadError::Home(error) => IdentityError::from(error).into(),
            ReadError::State(error) => PublishError::from(error),
        });
    let Some(parent) = here? else {
        if *account != own {
            return Ok(None);
        }
        return Err(wish(match reader.feed(own)?.tombstone(*id)? {
            Some(_) => format!("{id} was deleted"),
            None => format!("there is no {id} in your feed"),
        }));
    };
    if !matches!(relation, Relation::Reply(_)) || parent.kind != Kind::Reply {
        return Ok(None);
    }
    Ok(parent
        .about
        .map(|about| about.thread.unwrap_or(about.target)))
}
