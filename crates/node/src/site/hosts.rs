//! Files that a web host may want beside a feed and that are no part of it.
//!
//! A site is the feed and nothing besides, so that nobody puts an unsigned page among the
//! signed ones; but a host needs some files for itself (`spec/07-static-site.md`, 7.1).

/// Names at the top of a site that mean something to a web host, a crawler or a browser.
/// Names that begin with a dot are the host's as well.
const NAMES: [&str; 12] = [
    "404.html",
    "CNAME",
    "_headers",
    "_redirects",
    "ads.txt",
    "apple-touch-icon.png",
    "favicon.ico",
    "humans.txt",
    "netlify.toml",
    "robots.txt",
    "sitemap.xml",
    "vercel.json",
];

/// Whether something at the top of a site may be the host's own.
pub(crate) fn is_of_host(name: &str) -> bool {
    // Our own folder beside the tree is looked at for itself.
    (name.starts_with('.') && name != ".well-known") || NAMES.contains(&name)
}
