//! What a web feed is called: by one address, and by an account that is made up of it.

use std::net::IpAddr;

use ourspace_protocol::{account::Account, hash::sha256, limits, seams};
use url::{Host, Url};

/// The address of a web feed in the one way in which it is written here: without a
/// fragment, the host in lower case, no default port; `feed:` means what it stands for.
/// None when it is no address that a feed can be fetched from, or has a password in it.
#[must_use]
pub fn canonical(text: &str) -> Option<String> {
    let text = text.trim();
    let whole = match text.strip_prefix("feed:") {
        Some(rest) if rest.starts_with("//") => format!("https:{rest}"),
        Some(rest) => rest.to_owned(),
        None => text.to_owned(),
    };
    let mut url = Url::parse(&whole).ok()?;
    let web = matches!(url.scheme(), "http" | "https") && url.has_host();
    let open = url.username().is_empty() && url.password().is_none();
    if !web || !open {
        return None;
    }
    url.set_fragment(None);
    (url.as_str().len() <= limits::URL_BYTES).then(|| url.into())
}

/// Whether an address says itself that it is on this machine or in a private network. Of a name
/// that only shows when it is looked up.
#[must_use]
pub(super) fn is_private(canonical: &str) -> bool {
    let url = Url::parse(canonical).ok();
    match url.as_ref().and_then(Url::host) {
        Some(Host::Ipv4(address)) => !seams::is_public(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => !seams::is_public(IpAddr::V6(address)),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// Whether two addresses name the same host.
#[must_use]
pub(super) fn of_one_host(one: &str, other: &str) -> bool {
    let host = |text: &str| Some(Url::parse(text).ok()?.host()?.to_owned());
    host(one).is_some_and(|one| host(other) == Some(one))
}

/// The account under which the posts of a web feed are here: the first 20 bytes of
/// `SHA-256("ourspace/webfeed/1" || address)`. Nobody has its key, so nothing can ever be
/// signed for it.
#[must_use]
pub fn account(canonical: &str) -> Account {
    let hash = sha256(format!("ourspace/webfeed/1{canonical}").as_bytes());
    let mut account = [0; 20];
    account.copy_from_slice(&hash[..20]);
    Account(account)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_feed_has_one_address() {
        for text in [
            "https://Blog.Example/feed?x=1",
            " https://blog.example:443/feed?x=1#top ",
            "feed://blog.example/feed?x=1",
            "feed:https://blog.example/feed?x=1",
        ] {
            let address = canonical(text);
            assert_eq!(
                address.as_deref(),
                Some("https://blog.example/feed?x=1"),
                "{text}"
            );
        }
        for text in [
            "",
            "blog.example",
            "ftp://blog.example/",
            "https://me:secret@blog.example/",
            "file:///etc/passwd",
            &format!("https://blog.example/{}", "x".repeat(limits::URL_BYTES)),
        ] {
            assert_eq!(canonical(text), None, "{text}");
        }
    }

    #[test]
    fn private_addresses_say_so() {
        for private in [
            "http://127.0.0.1/",
            "http://[::1]:8/",
            "http://192.168.1.2/f",
            "http://localhost/",
        ] {
            assert!(is_private(private), "{private}");
        }
        for public in ["https://blog.example/", "http://93.184.216.34/"] {
            assert!(!is_private(public), "{public}");
        }
    }

    #[test]
    fn accounts_follow_from_addresses() {
        // By Python's hashlib.
        let account = account("https://blog.example/feed");
        let hex: String = account.0.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "7f95921730d0d0caaff87bb4592a4bcea0cb170c");
    }
}
