//! Which addresses are asked, and of whom.

use url::{Position, Url};

use crate::error::HttpError;

/// Bytes of an address that is asked.
const URL_BYTES: usize = 4096;

/// Ports where other things than web servers listen, which a link must not make us talk to
/// (WHATWG Fetch, "bad port").
const BAD_PORTS: [u16; 81] = [
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101,
    102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427,
    465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990,
    993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667,
    6668, 6669, 6697,
];

/// Whom a connection is to. Connections into private networks are kept apart, so that no
/// stranger's link uses one that a person allowed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    pub(super) secure: bool,
    /// As it stands in addresses: IPv6 in brackets.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) private: bool,
}

impl Origin {
    /// Of an address that can be asked.
    pub(super) fn of(url: &Url, private: bool) -> Result<Self, HttpError> {
        let refused = |why| HttpError::Url {
            url: url.as_str().chars().take(200).collect(),
            why,
        };
        let secure = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return Err(refused("only http and https are")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("it has a user name or a password"));
        }
        if url.as_str().len() > URL_BYTES {
            return Err(refused("it is too long"));
        }
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(refused("it names no host"));
        };
        if BAD_PORTS.contains(&port) {
            return Err(refused("no web server listens at that port"));
        }
        Ok(Self {
            secure,
            host: host.to_owned(),
            port,
            private,
        })
    }

    /// The host as a dialer and a certificate know it.
    pub(super) fn bare_host(&self) -> &str {
        let host = self.host.strip_prefix('[');
        host.and_then(|host| host.strip_suffix(']'))
            .unwrap_or(&self.host)
    }

    /// What is sent as `Host`.
    pub(super) fn authority(&self) -> String {
        match (self.secure, self.port) {
            (true, 443) | (false, 80) => self.host.clone(),
            _ => format!("{}:{}", self.host, self.port),
        }
    }
}

/// What is asked for at the host.
pub(super) fn target(url: &Url) -> &str {
    &url[Position::BeforePath..Position::AfterQuery]
}

/// Where a redirect leads: resolved, and not from https to http, where anybody on the way
/// could read and change what was safe before.
pub(super) fn redirected(from: &Url, to: Option<&str>) -> Result<Url, &'static str> {
    let to = to.ok_or("it does not say where")?;
    let mut url = from.join(to).map_err(|_| "that is no address")?;
    url.set_fragment(None);
    if from.scheme() == "https" && url.scheme() != "https" {
        return Err("from a safe connection to an open one");
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn only_web_servers_are_asked() {
        for text in [
            "ftp://a.example/",
            "file:///etc/passwd",
            "data:text/plain,x",
            "http://me@a.example/",
            "http://:secret@a.example/",
            "http://a.example:25/",
            "https://a.example:6667/",
            &format!("http://a.example/{}", "x".repeat(URL_BYTES)),
        ] {
            assert!(Origin::of(&url(text), true).is_err(), "{text}");
        }
        let origin = Origin::of(&url("https://[2001:db8::1]:8443/x?y#z"), false).unwrap();
        assert_eq!(origin.bare_host(), "2001:db8::1");
        assert_eq!(origin.authority(), "[2001:db8::1]:8443");
        let origin = Origin::of(&url("HTTP://BÜCHER.example:80"), false).unwrap();
        assert_eq!(origin.authority(), "xn--bcher-kva.example");
        assert_eq!(target(&url("http://a.example/x?y#z")), "/x?y");
        assert_eq!(target(&url("http://a.example")), "/");
    }

    #[test]
    fn redirects_stay_as_safe_as_they_were() {
        let to = |from: &str, to| redirected(&url(from), to).map(String::from);
        assert_eq!(
            to("http://a.example/x/", Some("../y#z")).as_deref(),
            Ok("http://a.example/y")
        );
        assert_eq!(
            to("http://a.example/", Some("//b.example")).as_deref(),
            Ok("http://b.example/")
        );
        assert!(to("http://a.example/", Some("https://a.example/")).is_ok());
        assert!(to("https://a.example/", Some("http://a.example/")).is_err());
        assert!(to("http://a.example/", None).is_err());
        assert!(to("http://a.example/", Some("http://[")).is_err());
    }
}
