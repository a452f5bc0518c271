//! What makes a post's name mean one post in the world.
//!
//! An address, a tag URI or a URN does by itself. A number or a word (`42`, `post-42`)
//! means a post of one feed only, so it counts together with what the feed is called. The
//! name of the file that the feed came in says nothing: files are renamed and moved.

use ourspace_protocol::{
    account::Account,
    feed::model::{ItemId, Target},
};
use url::Url;

/// What a feed says of itself.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// The feed's own address (`feed_url`, a link `self`).
    pub(super) address: Option<String>,
    /// The page that it is the feed of.
    pub(super) home: Option<String>,
    /// Its identity (Atom).
    pub(super) id: Option<String>,
    /// Its title.
    pub(super) title: Option<String>,
    /// For how many minutes it need not be read again (RSS `ttl`).
    pub(super) minutes: Option<u32>,
}

impl Scope {
    /// What the feed is called: the first that it has of its own address, its home page,
    /// its identity and its title, without what changes when a site moves to HTTPS.
    fn name(&self) -> String {
        let names = [&self.address, &self.home, &self.id, &self.title];
        let mut names = names.into_iter().flatten().map(|name| name.trim());
        let name = names.find(|name| !name.is_empty()).unwrap_or_default();
        let Some(url) = Url::parse(name).ok().filter(Url::has_host) else {
            return name.to_owned();
        };
        let mut name = url.host_str().unwrap_or_default().to_owned();
        if let Some(port) = url.port() {
            name.push_str(&format!(":{port}"));
        }
        name.push_str(url.path().trim_end_matches('/'));
        if let Some(query) = url.query() {
            name.push_str(&format!("?{query}"));
        }
        name
    }

    /// The id of what this feed calls `bare`.
    pub(super) fn id_of(&self, bare: &str) -> ItemId {
        ItemId::of_import(&format!("{}\n{bare}", self.name()))
    }
}

/// The id of what is called `identity` everywhere; `None` when only its feed calls it so.
pub(super) fn everywhere(account: Account, identity: &str) -> Option<ItemId> {
    if let Ok(Target::Item(owner, id)) = identity.parse()
        && owner == account
    {
        return Some(id);
    }
    let url = Url::parse(identity).ok()?;
    let unique = match url.scheme() {
        "http" | "https" | "at" => url.has_host(),
        "tag" | "urn" | "ourspace" => true,
        _ => false,
    };
    unique.then(|| ItemId::of_import(identity))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_and_uris_of_one_owner_mean_the_same_everywhere() {
        let account = Account([1; 20]);
        for name in [
            "https://a.example/1",
            "http://a.example/?p=1",
            "tag:a.example,2020:1",
            "urn:uuid:60a76c80-d399-11d9-b93c-0003939e0af6",
        ] {
            assert_eq!(
                everywhere(account, name),
                Some(ItemId::of_import(name)),
                "{name}"
            );
        }
        for name in ["1", "post-1", "post:1", "12:30", "https:", "/p/1", "a b"] {
            assert_eq!(everywhere(account, name), None, "{name}");
        }
    }

    #[test]
    fn the_first_name_of_a_feed_counts() {
        let text = |text: &str| Some(text.to_owned());
        let mut scope = Scope {
            title: text("T"),
            ..Scope::default()
        };
        assert_eq!(scope.name(), "T");
        scope.id = text("tag:a,1");
        assert_eq!(scope.name(), "tag:a,1");
        scope.home = text("https://A.example:8080/x/#y");
        assert_eq!(scope.name(), "a.example:8080/x");
        scope.address = text("http://a.example/feed/?tag=b");
        assert_eq!(scope.name(), "a.example/feed?tag=b");
        scope.address = text(" ");
        assert_eq!(scope.name(), "a.example:8080/x");
    }
}
