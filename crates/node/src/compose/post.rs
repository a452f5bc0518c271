//! New items.

use ourspace_protocol::{
    account::Account,
    feed::{
        model::{About, Item, ItemId, Kind, Labels, Target},
        set::Changes,
        state::FeedState,
    },
    time::Millis,
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
    publish::{PublishError, publish_with},
};

/// Publishes a new item, and keeps the files of `stage` that it names.
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
    let Some(parent) = reader.item(*account, *id)? else {
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
