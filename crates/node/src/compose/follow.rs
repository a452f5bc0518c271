//! Public follows: a list that everybody may read.

use ourspace_protocol::{
    feed::{
        model::{Follow, Followee, Follows, Stamped},
        set::Changes,
        state::FeedState,
    },
    time::Millis,
};

use super::fit::{self, wish};
use crate::{
    home::Home,
    identity::IdentityError,
    publish::{PublishError, Published, publish},
};

/// Follows an account or a web feed publicly; `title` is what the follower calls it (kept
/// as it was when `None`, removed when empty).
///
/// # Errors
/// [`PublishError`]; nothing is changed then.
pub fn follow(
    home: &Home,
    now: Millis,
    who: &Followee,
    title: Option<&str>,
) -> Result<Published, PublishError> {
    let own = home.account().map_err(IdentityError::from)?;
    if *who == Followee::Account(own) {
        return Err(wish("that is your own account"));
    }
    publish(home, now, |feed| {
        let follows = feed.follows()?;
        let old = follows.get(who);
        let title = match title {
            Some(title) => fit::line("title", title)?,
            None => old.and_then(|row| row.value.title.clone()),
        };
        Ok(row(
            who,
            old,
            Follow {
                following: true,
                title,
            },
            now,
        ))
    })
}

/// Ends a public follow.
///
/// # Errors
/// [`PublishError`]; nothing is changed then.
pub fn unfollow(home: &Home, now: Millis, who: &Followee) -> Result<Published, PublishError> {
    publish(home, now, |feed| {
        let follows = feed.follows()?;
        let old = follows.get(who).filter(|row| row.value.following);
        if old.is_none() {
            return Err(wish(format!("you do not follow {who} publicly")));
        }
        let ended = Follow {
            following: false,
            title: None,
        };
        Ok(row(who, old, ended, now))
    })
}

fn row(who: &Followee, old: Option<&Stamped<Follow>>, value: Follow, now: Millis) -> Changes {
    let mut follows = Follows::new();
    if old.is_none_or(|old| old.value != value) {
        let written = fit::after(old.map_or(0, |old| old.written), now);
        follows.insert(who.clone(), Stamped { value, written });
    }
    Changes {
        follows,
        ..Changes::default()
    }
}
