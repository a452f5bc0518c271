//! Taking in what a feed says.

use std::time::Duration;

use ourspace_protocol::{
    feed::{
        check, clean,
        model::{Item, Profile, Stamped},
        set::Changes,
        state::FeedState as _,
        tree::gather,
    },
    limits,
    time::Millis,
};
use ourspace_store::{WebFeed, Writer};

use super::error::WebFeedError;
use crate::{
    home::Home,
    import::{
        ImportError,
        web::{self, Episode, WebPosts},
    },
};

/// What was taken of a feed.
pub(super) struct Taken {
    /// Posts that are new or different.
    pub(super) posts: u64,
    /// Sounds and films that posts link to, the newest post first.
    pub(super) episodes: Vec<Episode>,
    /// For how long it need not be read again.
    pub(super) ttl: Option<Duration>,
}

/// Takes in what is new; or says why the bytes are no feed.
pub(super) fn take(
    home: &Home,
    (feed, now): (&WebFeed, Millis),
    bytes: &[u8],
) -> Result<Result<Taken, ImportError>, WebFeedError> {
    let read = {
        let reader = home.store().read()?;
        let known = reader.feed(feed.account)?;
        web::read(bytes, &known, (feed.account, now))
    };
    let posts = match read {
        Ok(posts) => posts,
        Err(error) => return Ok(Err(error)),
    };
    let WebPosts {
        items,
        episodes,
        title,
        minutes,
        ..
    } = posts;
    let items: Vec<Item> = items
        .into_iter()
        .filter(|item| check::item(item).is_ok())
        .collect();
    let ttl = minutes.map(|minutes| Duration::from_secs(u64::from(minutes) * 60));
    let taken = Taken {
        posts: items.len() as u64,
        episodes,
        ttl,
    };
    let title = title.and_then(|title| clean::line(&title, limits::LINE_BYTES));
    home.store().write(|writer| {
        if !writer.is_web_feed(feed.account)? {
            return Ok::<_, WebFeedError>(());
        }
        let old = writer.feed(feed.account)?.profile()?;
        let changes = Changes {
            items,
            profile: title.and_then(|title| renamed(old, title, now)),
            ..Changes::default()
        };
        put(writer, feed, &changes)
    })?;
    Ok(Ok(taken))
}

/// Puts changes into what is here of a feed.
pub(super) fn put(
    writer: &Writer<'_>,
    feed: &WebFeed,
    changes: &Changes,
) -> Result<(), WebFeedError> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut state = writer.feed(feed.account)?;
    let paths = gather(&mut state, feed.account, changes)?;
    for (path, link) in &paths {
        if let (None, Some(cid)) = (link, check::forms::media_cid(path))
            && let Ok(cid) = cid.parse()
        {
            writer.release(cid)?;
        }
    }
    Ok(())
}

/// The profile with another name; none when it has that one.
fn renamed(old: Profile, title: String, now: Millis) -> Option<Profile> {
    if old.display_name.value == title {
        return None;
    }
    let written = now.max(old.display_name.written + 1);
    Some(Profile {
        display_name: Stamped {
            value: title,
            written,
        },
        ..old
    })
}
