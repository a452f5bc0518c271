//! The public follows as OPML 2.0, for feed readers and podcast apps.

use super::{
    model::{Followee, Follows},
    text::push_escaped,
};
use crate::account::Account;

/// `follows.opml`: everybody who is followed now. Accounts have an `ourspace:` address
/// and their DID; web feeds have theirs.
#[must_use]
pub fn follows(account: &Account, follows: &Follows) -> Vec<u8> {
    let mut out = String::with_capacity(512 + 160 * follows.len());
    out.push_str(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <opml version=\"2.0\" xmlns:os=\"urn:ourspace:feed:1\">\n<head>\n<title>Followed by ",
    );
    push_escaped(&mut out, &account.short());
    out.push_str("</title>\n<ownerId>");
    push_escaped(&mut out, &account.did());
    out.push_str("</ownerId>\n</head>\n<body>\n");
    for (followee, follow) in follows.iter().filter(|(_, follow)| follow.value.following) {
        out.push_str("<outline type=\"rss\" text=\"");
        match (&follow.value.title, followee) {
            (Some(title), _) => push_escaped(&mut out, title),
            (None, Followee::Account(account)) => push_escaped(&mut out, &account.short()),
            (None, Followee::Feed(url)) => push_escaped(&mut out, url),
        }
        out.push_str("\" xmlUrl=\"");
        match followee {
            Followee::Account(account) => {
                let address = account.to_string();
                out.push_str("ourspace:");
                out.push_str(&address);
                out.push_str("\" os:did=\"did:pkh:eip155:1:");
                out.push_str(&address);
            }
            Followee::Feed(url) => push_escaped(&mut out, url),
        }
        out.push_str("\"/>\n");
    }
    out.push_str("</body>\n</opml>\n");
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::model::{Follow, Stamped};

    #[test]
    fn only_who_is_followed_now() {
        let row = |following, title: Option<&str>| Stamped {
            value: Follow {
                following,
                title: title.map(Into::into),
            },
            written: 1,
        };
        let rows = Follows::from([
            (Followee::Account(Account([7; 20])), row(true, None)),
            (
                Followee::Feed("https://a.example/?x&y".into()),
                row(true, Some("\"A\" & <B>")),
            ),
            (
                Followee::Feed("https://gone.example/".into()),
                row(false, None),
            ),
        ]);
        let text = String::from_utf8(follows(&Account([1; 20]), &rows)).unwrap();
        assert!(text.contains("text=\"0x0707…0707\" xmlUrl=\"ourspace:0x0707070707070707070707070707070707070707\" os:did=\"did:pkh:eip155:1:0x0707"));
        assert!(text.contains(
            "text=\"&quot;A&quot; &amp; &lt;B&gt;\" xmlUrl=\"https://a.example/?x&amp;y\"/>"
        ));
        assert!(!text.contains("gone"));
    }
}
